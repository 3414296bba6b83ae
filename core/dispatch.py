"""Calls the hooks' plugins: fixed at start, in profile order, each under the failure policy of its contract.

The plugin manager would take a coroutine for an answer, so a plugin that declines would win; and a call
through it costs ten times as much. So it plays no part once exchanges run.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutinefunction
from operator import itemgetter
from types import NoneType
from typing import Any, TypeVar

import msgspec

from .charge import Charge
from .deadline import DeadlineExpiredError, within
from .errors import AuthenticationError, NoPriceError, PluginError, RejectedError, RelayError, is_plugin_failure
from .exchange import Attempt, Candidate, Channel, ChannelRequest, Claim, Exchange, PriceFacts, Principal, RequestRecord
from .finder import FoundPlugin
from .hooks import Meter
from .observe import emit, emit_exception
from .plugin_meter import PluginMeter
from .registry import Implementation
from .usage import Usage

DEADLINE_S = 10.0
"""How long each plugin of an asynchronous hook may take."""

Answer = TypeVar("Answer")
FindImplementations = Callable[[str], Sequence[Implementation]]
"""Returns the implementations of a hook, in profile order; see `Registry.implementations`."""
SEQUENCE: type[Sequence[Any]] = Sequence  # type: ignore[type-abstract] # an abstract type serves isinstance


class Step(msgspec.Struct, frozen=True):
    """One plugin in a hook's chain; ``call`` takes all arguments of the hook, in the hook's order."""

    plugin: FoundPlugin
    call: Callable[..., Any]


class Dispatch:
    """The six hooks of one shop, ready to be called.

    A `RejectedError` that a plugin raises passes unchanged: it refuses on purpose. Any other exception becomes a
    `PluginError` that names the plugin and its file, but never repeats the message, which may quote a request.
    """

    def __init__(self, find: FindImplementations, *, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._authenticate = _chain(find, "authenticate", "exchange")
        self._select_channel = _chain(find, "select_channel", "exchange", "candidates", "attempts")
        self._transform_request = _chain(find, "transform_request", "exchange", "channel", "request")
        self._meter_stream = _chain(find, "meter_stream", "exchange", "channel")
        self._settle = _chain(find, "settle", "facts", "usage", "charge")
        self._post_check = _chain(find, "post_check", "record")
        self.failure_counts: Counter[str] = Counter()
        """How often each plugin failed and was passed over, by its id."""

    async def authenticate(self, exchange: Exchange) -> Principal:
        """Return who is asking, from the first plugin that knows.

        Raises:
            AuthenticationError: No plugin knows the key.
            RelayError: A plugin refused, or failed.
        """
        for step in self._authenticate:
            principal = await self._ask(step, "authenticate", Principal, exchange)
            if principal is not None:
                return principal
        raise AuthenticationError("api_key_missing" if exchange.api_key is None else None)

    def mistaken_identity(self) -> PluginError:
        """Return the error for a principal whose key the ledger does not know as the account's.

        Names all plugins that may have given it.
        """
        use = ", ".join(step.plugin.use for step in self._authenticate)
        files = ", ".join(str(step.plugin.file) for step in self._authenticate)
        return PluginError.of(use, files, "in authenticate: expected a key that the ledger knows, with its account")

    async def select_channel(
        self, exchange: Exchange, candidates: Sequence[Candidate], attempts: Sequence[Attempt]
    ) -> Sequence[Candidate]:
        """Return what is left of *candidates*, best first, after every plugin has looked.

        Raises:
            RelayError: A plugin refused, or failed.
        """
        candidates, attempts = tuple(candidates), tuple(attempts)  # core's own lists are no plugin's to change
        for step in self._select_channel:
            chosen = await self._ask_for_several(step, "select_channel", Candidate, exchange, candidates, attempts)
            if chosen is not None:
                given = {id(candidate) for candidate in candidates}
                if any(id(one) not in given and one not in candidates for one in chosen):
                    raise _failure(step, "select_channel", "expected some of its candidates, found another among them")
                if candidates and not chosen and not attempts:  # after an attempt, its failure is told instead
                    emit(
                        "channels.withheld", plugin=step.plugin.use, file=str(step.plugin.file), request_id=exchange.id
                    )
                candidates = chosen
        return candidates

    async def transform_request(self, exchange: Exchange, channel: Channel, request: ChannelRequest) -> None:
        """Let every plugin change *request* in place.

        Raises:
            RelayError: A plugin refused, or failed; the attempt ends.
        """
        for step in self._transform_request:
            await self._ask(step, "transform_request", NoneType, exchange, channel, request)
            if (flaw := _flaw_of_request(request)) is not None:
                raise _failure(step, "transform_request", flaw)

    def meter_stream(self, exchange: Exchange, channel: Channel) -> PluginMeter | None:
        """Return the first meter a plugin offers, or None: core counts itself.

        A plugin that fails is passed over, logged and counted.
        """
        for step in self._meter_stream:
            try:
                meter: Meter | None = step.call(exchange, channel)
                if meter is not None and (flaw := _flaw_of_meter(meter)) is not None:
                    raise _failure(step, "meter_stream", flaw)
            except BaseException as exc:
                if not is_plugin_failure(exc):
                    raise
                self._pass_over(step, "meter_stream", exc, exchange.id)
                continue
            if meter is not None:
                return PluginMeter(meter, step.plugin, exchange.id)
        return None

    def settle(self, facts: PriceFacts, usage: Usage) -> Charge:
        """Return what *usage* costs, after every billing plugin in turn.

        Raises:
            NoPriceError: No plugin priced it.
            RelayError: A plugin refused, failed, or made a charge that is negative or that the books can't keep.
        """
        charge: Charge | None = None
        for step in self._settle:
            charge = self._settle_step(step, facts, usage, charge)
        if charge is None:
            raise NoPriceError(param="model", model=facts.model, group=facts.group)
        return charge

    def settle_what_was_sent(self, facts: PriceFacts, usage: Usage, quoted: Charge, request_id: str) -> Charge:
        """Return what *usage* costs, for a post: the answer is out, so there must be a price.

        A plugin that fails is passed over, logged and counted; if none of them gives a price, the
        charge that was *quoted* for the hold is made.
        """
        charge: Charge | None = None
        for step in self._settle:
            try:
                charge = self._settle_step(step, facts, usage, charge)
            except RelayError as exc:
                self._pass_over(step, "settle", exc, request_id)
        return quoted if charge is None else charge

    def _settle_step(self, step: Step, facts: PriceFacts, usage: Usage, charge: Charge | None) -> Charge | None:
        try:
            answer = step.call(facts, usage, charge)
        except RejectedError:
            raise
        except BaseException as exc:
            if not is_plugin_failure(exc):
                raise
            raise _failure(step, "settle", f"raised {type(exc).__name__}") from exc
        return charge if answer is None or answer is charge else _checked_charge(step, answer)

    async def post_check(self, record: RequestRecord) -> list[Claim]:
        """Return every plugin's claims.

        A plugin that fails is passed over, logged and counted, and so is a claim that the books can't keep.
        """
        claims: list[Claim] = []
        for step in self._post_check:
            try:
                found = await self._ask_for_several(step, "post_check", Claim, record)
            except RelayError as exc:
                self._pass_over(step, "post_check", exc, record.request_id)
            else:
                for claim in found or ():
                    if (flaw := claim.flaw(record.charge.nano)) is None:
                        claims.append(claim)
                    else:
                        self._pass_over(step, "post_check", _failure(step, "post_check", flaw), record.request_id)
        return claims

    async def _ask(self, step: Step, hook: str, kind: type[Answer], *arguments: object) -> Answer | None:
        """Await one plugin's answer, None or of *kind*, under the deadline."""
        try:
            answer: object = await within(self._deadline_s, step.call(*arguments))
        except RejectedError:
            raise
        except DeadlineExpiredError as exc:
            raise _failure(step, hook, f"gave no answer in {self._deadline_s:g} s") from exc
        except BaseException as exc:
            if not is_plugin_failure(exc):
                raise
            raise _failure(step, hook, f"raised {type(exc).__name__}") from exc
        if answer is None or isinstance(answer, kind):
            return answer
        expected = "None" if kind is NoneType else f"{kind.__name__} or None"
        raise _failure(step, hook, f"expected {expected}, found {type(answer).__name__}")

    async def _ask_for_several(
        self, step: Step, hook: str, kind: type[Answer], *arguments: object
    ) -> Sequence[Answer] | None:
        """Await one plugin's answer, None or a list of *kind*, under the deadline."""
        asked = await self._ask(step, hook, SEQUENCE, *arguments)
        try:
            answer = None if asked is None else tuple(asked)  # read once: iterating may run the plugin's code
            strangers = [type(item).__name__ for item in answer or () if not isinstance(item, kind)]
        except BaseException as exc:
            if not is_plugin_failure(exc):
                raise
            raise _failure(step, hook, f"raised {type(exc).__name__}") from exc
        if strangers:
            raise _failure(step, hook, f"expected {kind.__name__}s, found {strangers[0]} among them")
        return answer

    def _pass_over(self, step: Step, hook: str, exc: BaseException, request_id: str) -> None:
        self.failure_counts[step.plugin.use] += 1
        plugin = step.plugin
        emit_exception("plugin.failed", exc, plugin=plugin.use, file=str(plugin.file), hook=hook, request_id=request_id)


def _chain(find: FindImplementations, hook: str, *arguments: str) -> tuple[Step, ...]:
    return tuple(Step(each.plugin, _taking(each, arguments)) for each in find(hook))


def _taking(implementation: Implementation, arguments: tuple[str, ...]) -> Callable[..., Any]:
    """Return a callable that takes all *arguments* and passes on those that the plugin uses."""
    function = implementation.function
    places = [arguments.index(name) for name in implementation.arguments]
    if places == list(range(len(arguments))):
        return function
    if not places:
        return lambda *_: function()
    if len(places) == 1:
        place = places[0]
        return lambda *given: function(given[place])
    pick = itemgetter(*places)
    return lambda *given: function(*pick(given))


def _checked_charge(step: Step, answer: object) -> Charge:
    if type(answer) is not Charge:
        raise _failure(step, "settle", f"expected Charge or None, found {type(answer).__name__}")
    if (flaw := answer.flaw()) is not None:
        raise _failure(step, "settle", flaw)
    try:
        nano = answer.nano
    except OverflowError as exc:
        raise _failure(step, "settle", "made the charge larger than the ledger holds") from exc
    if nano < 0:
        raise _failure(step, "settle", "made the charge negative")
    return answer


def _flaw_of_meter(meter: object) -> str | None:
    methods = [getattr(meter, name, None) for name in ("feed", "usage")]
    if isinstance(meter, type) or not all(map(callable, methods)):
        return f"expected Meter or None, found {type(meter).__name__}"
    if any(map(iscoroutinefunction, methods)):
        return "expected a Meter with feed and usage declared with 'def'"
    return None


def _flaw_of_request(request: ChannelRequest) -> str | None:
    """Return what a plugin made of *request* that can't be sent; without it the channel would be blamed."""
    fields: object = request.fields
    headers: object = request.headers
    if not (isinstance(fields, Mapping) and isinstance(headers, Mapping)):
        return f"expected mappings as fields and headers, found {type(fields).__name__} and {type(headers).__name__}"
    if strangers := [type(field).__name__ for field in fields.values() if not isinstance(field, msgspec.Raw)]:
        return f"expected fields set by request.set, found {strangers[0]} among them"
    texts = (request.model, request.query, *fields, *headers, *headers.values())
    if strangers := [type(text).__name__ for text in texts if not isinstance(text, str)]:
        return f"expected text for model, query, names and headers, found {strangers[0]}"
    return None


def _failure(step: Step, hook: str, what: str) -> PluginError:
    return step.plugin.failure(f"in {hook}: {what}")
