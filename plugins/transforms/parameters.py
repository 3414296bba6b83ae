"""Set or limit parameters of requests, by group and model, to what an upstream insists on."""

from typing import Annotated, Any

from msgspec import Meta, field

from relay import (
    ChannelRequest,
    Exact,
    Exchange,
    GroupName,
    ModelName,
    Plugin,
    PluginConfig,
    cap_numbers,
    check_caps,
    hookimpl,
)

OWNED_FIELDS = frozenset({"model", "stream", "stream_options", "n"})
"""Fields on which the price of a request and the reading of its answer rest: no rule may change them."""


WITHOUT_PARAMETERS = frozenset({"count_tokens", "compact", "kept_answer"})
"""Operations without an answer by the model, whose endpoints refuse the parameters of one.

Source: openai-python 3.54.0 types/responses response_compact_params.py and input_token_count_params.py, read
2026-11-29.
"""


class ParameterRule(PluginConfig, frozen=True, kw_only=True):
    """A change to the requests of some groups and models."""

    groups: Annotated[tuple[GroupName, ...], Meta(description="Groups to which the rule applies; empty: all.")] = ()
    models: Annotated[
        tuple[ModelName, ...],
        Meta(description="Models to which it applies, by the names customers ask for; empty: all."),
    ] = ()
    set: Annotated[
        dict[str, Any], Meta(description="Fields and the value each gets, whether or not the customer sent one.")
    ] = field(default_factory=dict)
    at_most: Annotated[
        dict[str, Exact],
        Meta(description="Fields and the largest number each may have; larger ones are lowered to it."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if owned := sorted(OWNED_FIELDS & (self.set.keys() | self.at_most.keys())):
            raise ValueError(f"a rule cannot change '{owned[0]}': the price or the reading of the answer depends on it")
        check_caps(self.at_most)


class ParametersConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``transforms.parameters``."""

    rules: Annotated[tuple[ParameterRule, ...], Meta(description="Rules, applied in this order.")]


class Parameters(Plugin[ParametersConfig]):
    """Edits single fields of a request; every other byte stays as it came."""

    config_type = ParametersConfig

    @hookimpl
    async def transform_request(self, exchange: Exchange, request: ChannelRequest) -> None:
        """Apply the rules for the exchange's group and model, if the request asks for an answer."""
        if request.operation in WITHOUT_PARAMETERS:
            return
        group = exchange.principal.group if exchange.principal is not None else ""
        for rule in self.config.rules:
            if (not rule.groups or group in rule.groups) and (not rule.models or exchange.model in rule.models):
                apply(rule, request)


def apply(rule: ParameterRule, request: ChannelRequest) -> None:
    """Apply one rule to *request*."""
    for name, value in rule.set.items():
        request.set(name, value)
    cap_numbers(request, rule.at_most)
