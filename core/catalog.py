"""What the shop sells: which channels may serve a model to a group, and the refusal if none may."""

from collections.abc import Iterator, Mapping, Sequence

from .dialects import RULES
from .dialects.dearer import refuse_gateways_own
from .errors import BadRequestError, NoChannelError, NotAllowedError
from .exchange import Candidate, Channel, Dialect, Exchange, Operation, Principal
from .hint import nearest_name
from .hub.codecs import CODECS
from .hub.model_names import is_vendors_name
from .hub.openai_models import lacks_tools_in_chat


class Catalog:
    """The combinations of groups, models and channels, resolved once per profile."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = tuple(channels)
        self._candidates: Mapping[tuple[str, str, Dialect], tuple[Candidate, ...]] = self._resolve()
        self._groups_by_model: dict[str, list[str]] = {}
        for channel in self._channels:
            for model in channel.models:
                groups = self._groups_by_model.setdefault(model, [])
                groups.extend(group for group in sorted(channel.groups) if group not in groups)

    def _resolve(self) -> dict[tuple[str, str, Dialect], tuple[Candidate, ...]]:
        """Return the candidates by group, model and customer's dialect; those that need no translation come first."""
        resolved: dict[tuple[str, str, Dialect], tuple[Candidate, ...]] = {}
        offers = [(channel, *names) for channel in self._channels for names in channel.models.items()]
        spoken = [(offer, (dialect, dialect)) for offer in offers for dialect in offer[0].dialects]
        others = [(offer, way) for offer in offers for way in translated(offer[0].dialects, *offer[1:])]
        for (channel, model, model_sent), (dialect, channel_dialect) in (*spoken, *others):
            candidates = tuple(
                Candidate(channel=channel, key_id=key_id, model_sent=model_sent, dialect=channel_dialect)
                for key_id in channel.key_ids
            )
            for group in channel.groups:
                place = (group, model, dialect)
                resolved[place] = resolved.get(place, ()) + candidates
        return resolved

    def candidates(
        self, principal: Principal, model: str, dialect: Dialect, operation: Operation
    ) -> tuple[Candidate, ...]:
        """Return every candidate that may serve *model* to *principal* in *dialect*.

        Channels that speak it come first; for chats, which the hub can translate, others follow.

        Raises:
            NotAllowedError: The model is not on the key's own list.
            NoChannelError: The key's group has no channel for it; names the endpoints at which it has
                one, or the groups that have one, or the nearest name that the key may ask for.
        """
        if principal.models is not None and model not in principal.models:
            raise NotAllowedError("model_not_allowed", param="model", model=model)
        found = self.ways(principal.group, model, dialect)
        if operation != "chat":
            found = tuple(one for one in found if one.dialect == dialect)
        if found:
            return found
        raise NoChannelError(param="model", group=principal.group, model=model, **self._hint(principal, model))

    def check_further(self, principal: Principal, exchange: Exchange) -> None:
        """Refuse further models that take part in the answer but are not sold to *principal* under that name.

        Their names go upstream unchanged, and their output is priced by those names.

        Raises:
            NotAllowedError, NoChannelError: As `candidates`.
            BadRequestError: The upstream knows the model by another name, or `refuse_gateways_own`.
        """
        refuse_gateways_own(exchange.fields, exchange.dialect)
        for param, model in exchange.further_models:
            found = self.candidates(principal, model, exchange.dialect, exchange.operation)
            if all(candidate.model_sent != model for candidate in found):
                raise BadRequestError("not_offered", param=param)

    def ways(self, group: str, model: str, dialect: Dialect) -> tuple[Candidate, ...]:
        """Return every candidate by which *group* can ask for *model* in *dialect*; those that speak it come first."""
        return self._candidates.get((group, model, dialect), ())

    def channel(self, name: str) -> Channel | None:
        """Return the channel of that name, whichever groups it serves."""
        return next((channel for channel in self._channels if channel.name == name), None)

    def _hint(self, principal: Principal, model: str) -> dict[str, str]:
        """Return what to suggest to *principal*, whose group can't serve *model* in the dialect of the request."""
        endpoints = [rules.path for name, rules in RULES.items() if (principal.group, model, name) in self._candidates]
        if endpoints:
            return {"endpoints": ", ".join(endpoints)}
        groups = self._groups_by_model.get(model)
        return {"groups": ", ".join(groups)} if groups else {"nearest": self._nearest(principal, model)}

    def _nearest(self, principal: Principal, model: str) -> str:
        """Return the name nearest to *model* that *principal* may ask for; letter case is the usual cause."""
        return nearest_name(model, self.models(principal))

    def models(self, principal: Principal) -> list[str]:
        """Return the models that *principal* may ask for, in the profile's order."""
        names = {
            model: None for channel in self._channels if principal.group in channel.groups for model in channel.models
        }
        return [name for name in names if principal.models is None or name in principal.models]


def translated(dialects: Sequence[Dialect], model: str, model_sent: str) -> Iterator[tuple[Dialect, Dialect]]:
    """Yield the customers' dialects that a channel of *dialects* does not speak, each with the one to translate into.

    That is the channel's first dialect with a translation, or Responses where the model needs it. Whether it
    does follows from *model_sent*; or from *model*, where the upstream's account chose the former itself.
    """
    ways = [dialect for dialect in dialects if dialect in CODECS]
    if "openai_responses" in ways and lacks_tools_in_chat(model_sent if is_vendors_name(model_sent) else model):
        ways = ["openai_responses"]
    for dialect in CODECS:
        if ways and dialect not in dialects:
            yield dialect, ways[0]
