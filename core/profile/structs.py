"""The sections of a profile. These Structs are the schema, the validation and the reference page.

`Meta` describes each field, with its unit; ``relay profile schema`` and the profile reference are
generated from it.
"""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, field

from ..exchange import Dialect
from ..money import Exact
from ..transport import Deadlines

NonNegative = Annotated[Exact, Meta(extra={"exact_min": 0})]
"""An exact number of 0 or more."""
GroupName = Annotated[str, Meta(extra={"names": "groups"})]
"""Text that must name a group of the profile."""
MembershipName = Annotated[str, Meta(extra={"names": "memberships"})]
"""Text that must name a membership of the profile; ``default`` always exists."""
ModelName = Annotated[str, Meta(extra={"names": "models"})]
"""Text that must name a model, as customers ask for it, that some channel sells."""
PresetName = Annotated[str, Meta(extra={"names": "presets"})]
"""Text that must name a preset of ``profiles/presets``."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every section: strict and immutable."""


class Text(Section, frozen=True, kw_only=True):
    """A text that customers see, in both languages."""

    en: Annotated[str, Meta(description="English text.")]
    zh: Annotated[str, Meta(description="Chinese text.")]


class Unit(Section, frozen=True, kw_only=True):
    """The shop's credit."""

    symbol: Annotated[str, Meta(description="Written before an amount, such as $.")] = "$"
    name: Annotated[str, Meta(description="What the shop calls its credit.")] = "credit"


class ShopSection(Section, frozen=True, kw_only=True):
    """Who the shop is."""

    name: Annotated[Text, Meta(description="The shop's name.")]
    unit: Annotated[Unit, Meta(description="What balances are counted in.")] = field(default_factory=Unit)
    timezone: Annotated[str, Meta(description="IANA name of the zone in which the shop's days begin.")] = "UTC"
    locales: Annotated[
        tuple[Literal["en", "zh"], ...],
        Meta(description="Languages to answer customers in; the first if a request asks for none.", min_length=1),
    ] = ("en", "zh")
    hosts: Annotated[
        tuple[str, ...], Meta(description="Host names under which the shop is reached; not used yet.")
    ] = ()


class BaseUrl(Section, frozen=True, kw_only=True):
    """A base URL for the customers of a group."""

    label: Annotated[Text, Meta(description="Which programs the URL is for.")]
    url: Annotated[str, Meta(description="The URL itself.", min_length=1)]


class Group(Section, frozen=True, kw_only=True):
    """A class of prices and channels, and the card that is to show it to customers; no page shows it yet."""

    ratio: Annotated[NonNegative, Meta(description="Multiplier on every model's price in this group.")]
    label: Annotated[Text | None, Meta(description="Name on the card.")] = None
    icon: Annotated[str | None, Meta(description="Emoji on the card.")] = None
    kind: Annotated[Literal["direct", "mixed"] | None, Meta(description="Direct (正向) or mixed (混合) supply.")] = None
    badge: Annotated[Text | None, Meta(description="Badge on the card, such as full power (满血无甲).")] = None
    source: Annotated[Text | None, Meta(description="Where the group's channels come from.")] = None
    note: Annotated[Text | None, Meta(description="What a customer should know before choosing the group.")] = None
    price_hint: Annotated[Text | None, Meta(description="Rough price in words.")] = None
    stars: Annotated[Exact | None, Meta(description="Stability, 0 to 5 in halves.")] = None
    reference_date: Annotated[
        Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None,
        Meta(description="Day of the price hint, as YYYY-MM-DD."),
    ] = None
    base_urls: Annotated[tuple[BaseUrl, ...], Meta(description="Base URLs on the card, if the group has its own.")] = ()
    memberships: Annotated[
        tuple[MembershipName, ...], Meta(description="Memberships that may use the group; empty: all.")
    ] = ()


class Membership(Section, frozen=True, kw_only=True):
    """A class of customers."""

    ratio: Annotated[
        NonNegative,
        Meta(description="Multiplier on the charges of members; it is checked, but not applied yet."),
    ] = Exact(1)
    label: Annotated[Text | None, Meta(description="Name that customers see.")] = None


class UnitPrice(Section, frozen=True, kw_only=True):
    """The price of one picture of a certain size or quality; if one of the two is left out, any fits."""

    size: Annotated[str | None, Meta(description="Size as the API writes it, such as 1024x1536.")] = None
    quality: Annotated[str | None, Meta(description="Quality as the API writes it, such as high or hd.")] = None
    price: Annotated[NonNegative, Meta(description="Credits for one picture, before the group's ratio.")]


class ToolPrices(Section, frozen=True, kw_only=True):
    """Prices of tools that an upstream runs itself and bills in addition to tokens. One without a price is refused."""

    code_execution: Annotated[
        NonNegative | None, Meta(description="Credits for an answer in which Claude ran code, however long it ran.")
    ] = None
    code_interpreter: Annotated[
        NonNegative | None, Meta(description="Credits for each container of 1 GB in which an answer ran code.")
    ] = None
    file_search: Annotated[NonNegative | None, Meta(description="Credits for each search of vector stores.")] = None
    google_maps: Annotated[
        NonNegative | None,
        Meta(
            description="Credits for an answer that uses Google Maps; in Interactions, for each query to it, from "
            "Gemini 3 on."
        ),
    ] = None


class ModelPrice(Section, frozen=True, kw_only=True):
    """The prices of one model, which billing plugins read."""

    model_ratio: Annotated[
        NonNegative | None,
        Meta(description="Price of input; 1 is 0.002 credits per 1000 tokens unless the plugin is set otherwise."),
    ] = None
    completion_ratio: Annotated[NonNegative, Meta(description="Output price as a multiple of input.")] = Exact(1)
    cache_read_ratio: Annotated[NonNegative, Meta(description="Cached input as a multiple of input.")] = Exact(1)
    cache_write_ratio: Annotated[
        NonNegative, Meta(description="Input written to a 5-minute cache as a multiple of input.")
    ] = Exact(5, 4)
    cache_write_1h_ratio: Annotated[
        NonNegative | None,
        Meta(description="Input written to a 1-hour cache as a multiple of input; if absent, 1.6 x cache_write_ratio."),
    ] = None
    audio_ratio: Annotated[
        NonNegative | None, Meta(description="Audio input as a multiple of input; if absent, it costs what text does.")
    ] = None
    audio_completion_ratio: Annotated[
        NonNegative | None, Meta(description="Audio output as a multiple of audio input; if absent, like text.")
    ] = None
    image_ratio: Annotated[
        NonNegative | None,
        Meta(description="Picture input as a multiple of input; if absent, it costs what text does."),
    ] = None
    image_completion_ratio: Annotated[
        NonNegative | None, Meta(description="Picture output as a multiple of picture input; if absent, like text.")
    ] = None
    web_search_price: Annotated[
        NonNegative | None, Meta(description="Credits for one web search, before the group's ratio.")
    ] = None
    tool_prices: Annotated[
        ToolPrices, Meta(description="Prices of other tools that the upstream runs, before the group's ratio.")
    ] = field(default_factory=ToolPrices)
    unit_price: Annotated[
        NonNegative | None,
        Meta(
            description="Credits for one picture, search unit or request, one second of audio input or one character "
            "of speech, before the group's ratio (billing.per_call)."
        ),
    ] = None
    unit_prices: Annotated[
        tuple[UnitPrice, ...],
        Meta(
            description="Other prices for certain sizes or qualities of pictures. The first that fits counts, by what "
            "the answer says, or else the request; if none fits, unit_price."
        ),
    ] = ()
    output_tokens_max: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="The most output tokens that the model can be asked for; limits holds."),
    ] = None


class ChannelModel(Section, frozen=True, kw_only=True):
    """A model whose upstream name differs from the name that customers ask for."""

    name: Annotated[str, Meta(description="Name that customers ask for.", min_length=1)]
    upstream: Annotated[str, Meta(description="Name that the upstream knows.", min_length=1)]


class ChannelSection(Section, frozen=True, kw_only=True):
    """One upstream account and address."""

    name: Annotated[str, Meta(description="Name in logs and bills; unique.", min_length=1)]
    use: Annotated[str, Meta(description="Id of the channel plugin, such as channels.openai.", min_length=1)]
    preset: Annotated[
        PresetName | None,
        Meta(description="Vendor whose address, dialects, settings and model names fill in what is left out here."),
    ] = None
    base_url: Annotated[str | None, Meta(description="Address of the upstream, without /v1.")] = None
    keys: Annotated[
        tuple[str, ...],
        Meta(description="References to the upstream's keys, env:NAME or file:PATH; several form one pool."),
    ] = ()
    dialects: Annotated[
        tuple[Dialect, ...],
        Meta(
            description="Those of the plugin's dialects that the upstream speaks; if left out, the plugin's usual ones."
        ),
    ] = ()
    models: Annotated[tuple[str | ChannelModel, ...], Meta(description="Models sold from here.", min_length=1)]
    groups: Annotated[tuple[GroupName, ...], Meta(description="Groups that may use the channel.", min_length=1)]
    priority: Annotated[int, Meta(description="Higher is tried first.")] = 0
    weight: Annotated[
        int, Meta(description="Share of requests among channels of equal priority.", ge=1, le=1_000_000)
    ] = 1
    deadlines: Annotated[Deadlines, Meta(description="How long to wait.")] = field(default_factory=Deadlines)
    settings: Annotated[dict[str, Any], Meta(description="Settings of the channel plugin itself.")] = field(
        default_factory=dict
    )

    @property
    def upstream_names(self) -> dict[str, str]:
        """The upstream's name of each model, by the name that customers ask for."""
        return dict((one, one) if isinstance(one, str) else (one.name, one.upstream) for one in self.models)


class Keys(Section, frozen=True, kw_only=True):
    """The form of the shop's own api keys, and the group of a new one."""

    prefix: Annotated[str, Meta(description="Prefix of new keys.", pattern="^[A-Za-z0-9_]{1,12}-?$")] = "sk-"
    accepted_prefixes: Annotated[tuple[str, ...], Meta(description="Further prefixes that customers may use.")] = ()
    group: Annotated[
        GroupName | None, Meta(description="Group of a key made without one; if absent, the first group.")
    ] = None


class Limits(Section, frozen=True, kw_only=True):
    """Bounds that protect the relay."""

    body_bytes_max: Annotated[int, Meta(description="Largest request body, in bytes.", ge=1024)] = 32 * 1024 * 1024
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Networks of proxies whose X-Forwarded-For is trusted, such as 127.0.0.0/8."),
    ] = ()
    hold_output_tokens_stream: Annotated[
        int, Meta(description="Output that a stream's hold covers at first, in tokens.", ge=1)
    ] = 1024
    hold_output_tokens: Annotated[
        int, Meta(description="Output that the hold of a whole answer covers, in tokens.", ge=1)
    ] = 4096
    overrun_per_day: Annotated[
        NonNegative,
        Meta(
            description="Overrun per account and day, in credits; beyond it, holds cover the longest possible answer."
        ),
    ] = Exact(1)
    exchanges_max: Annotated[int, Meta(description="Requests served at once; more are refused with 503.", ge=1)] = 4096
    attempts_max: Annotated[int, Meta(description="Most attempts per request, the first included.", ge=1, le=10)] = 3
    hang_up: Annotated[
        Literal["delivered", "drain", "input_only"],
        Meta(description="What a customer who hangs up pays for: what was delivered, the whole answer, or the input."),
    ] = "delivered"
    drain_s: Annotated[float, Meta(description="With hang_up drain: how long to read on, in seconds.", gt=0)] = 60.0
    realtime_idle_s: Annotated[
        float, Meta(description="Longest silence of a realtime session, both sides together, in seconds.", gt=0)
    ] = 900.0
    realtime_total_s: Annotated[float, Meta(description="Longest realtime session, in seconds.", gt=0)] = 3600.0


class Profile(Section, frozen=True, kw_only=True):
    """A whole shop."""

    shop: Annotated[ShopSection, Meta(description="Who the shop is.")]
    plugins: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Plugins in the order in which they are called, each with use: and its settings."),
    ]
    groups: Annotated[dict[str, Group], Meta(description="Classes of prices and channels.", min_length=1)]
    memberships: Annotated[dict[str, Membership], Meta(description="Classes of customers; default always exists.")] = (
        field(default_factory=dict)
    )
    prices: Annotated[dict[str, ModelPrice], Meta(description="Prices, by the model names that customers ask for.")]
    channels: Annotated[tuple[ChannelSection, ...], Meta(description="Upstreams.", min_length=1)]
    endpoints: Annotated[
        tuple[Literal[Dialect, "models", "billing"], ...],
        Meta(description="Dialects and endpoints that the shop serves.", min_length=1),
    ] = (*get_args(Dialect), "models", "billing")
    keys: Annotated[Keys, Meta(description="The shop's own api keys.")] = field(default_factory=Keys)
    limits: Annotated[Limits, Meta(description="Bounds.")] = field(default_factory=Limits)

    @property
    def default_group(self) -> str:
        """The group of a key that is made without one."""
        return self.keys.group or next(iter(self.groups))
