"""The words of the engine: an exchange, who asked, which channel, what it cost, how it ended."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from .charge import NUMBERS, Charge, is_text, is_too_long
from .errors import FailureClass
from .form import Form
from .money import AMOUNT_NANO_MAX
from .usage import Usage

Dialect = Literal[
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "gemini_generate",
    "gemini_interactions",
    "openai_completions",
    "embeddings",
    "images",
    "audio",
    "moderations",
    "rerank",
    "realtime",
]
"""A wire format that a customer or an upstream speaks."""

Operation = Literal[
    "chat",
    "completion",
    "count_tokens",
    "compact",
    "kept_answer",
    "embeddings",
    "image_generation",
    "image_edit",
    "speech",
    "transcription",
    "translation",
    "moderation",
    "rerank",
    "realtime",
    "models",
    "billing",
]
"""What a request asks for; a dialect has one or several.

``translation`` is of speech, ``billing`` asks for a key's balance.
"""

Outcome = Literal["complete", "empty", "truncated", "refused", "customer_gone", "upstream_error"]
"""How an exchange ended (docs/architecture.md). ``rejected`` leaves no row, so it is not among them."""

HangUpPolicy = Literal["delivered", "drain", "input_only"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as the authenticating plugin found it.

    The ledger checks ``key_version`` again when it reserves, so a key that was revoked or switched to
    another group a moment ago is never served by what was remembered of it. ``models`` is None if the
    key may use any.
    """

    account_id: str
    key_id: str
    key_version: int
    group: str
    membership: str
    models: frozenset[str] | None = None
    is_remembered: bool = False


class Continued(msgspec.Struct, frozen=True):
    """The upstream's ``id`` of an answer that it keeps, and the request's field ``param`` that names it."""

    param: str
    id: str


class Exchange(msgspec.Struct, kw_only=True, eq=False):
    """One customer request and its answer, on its way through the hooks.

    ``fields`` is the top level of the JSON body, each value in its original bytes (`msgspec.Raw`). The
    request is encoded from it again, so duplicate or oddly spelt keys can't price one model and send
    another. ``headers`` has lower-case names; the key has been removed from ``query``.
    """

    id: str
    dialect: Dialect
    operation: Operation
    headers: Mapping[str, str]
    received_at: datetime
    started_s: float
    api_key: str | None = None
    client_ip: str = ""
    locale: str = "en"
    query: str = ""
    fields: dict[str, msgspec.Raw] = {}
    model: str = ""
    further_models: tuple[tuple[str, str], ...] = ()
    """Other models that may take part in the answer, as pairs of the field that names it and the name."""
    stream: bool = False
    output_tokens_asked: int | None = None
    """The customer's limit of output, in tokens; None if the request has none."""
    output_tokens_likely: int = 0
    """Tokens that the answer will hardly exceed, where its length can be foreseen (speech, pictures); else 0."""
    continued: Continued | None = None
    """The kept answer that this request continues, if it names one."""
    has_unseen_input: bool = False
    """The request refers to input that the upstream keeps, which can't be counted here."""
    choice_count: int = 1
    """How many answers the customer asked for (``n``)."""
    form: Form | None = None
    """The body if it is a form with files; ``fields`` are then its plain fields, as JSON strings."""
    size: str | None = None
    quality: str | None = None
    """Size and quality of pictures, as the customer wrote them; None if left open."""
    unit_bound: int = 1
    """The most that the answer can count of what is sold by the piece: pictures, seconds, characters."""
    unit_estimate: int = 0
    """The pieces that the request itself contains: characters to speak, seconds to hear."""
    audio_tokens_bound: int = 0
    image_tokens_bound: int = 0
    """The most input tokens of sound to transcribe and of pictures to edit, which may cost more than text."""
    idempotency_digest: bytes | None = None
    """SHA-256 of the request's idempotency key, or None: requests with the same key are paid for once."""
    principal: Principal | None = None
    is_fresh_authentication: bool = False
    """Set for the second authentication of an exchange: the key is looked up, not taken from memory."""

    __repr__ = object.__repr__  # no text of a request may get into a log

    def as_asked_in(self, dialect: Dialect) -> "Exchange":
        """Return a copy in which the customer speaks *dialect*, without fields, which the caller fills in."""
        return msgspec.structs.replace(self, dialect=dialect, fields={})


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream account and address we sell from, as plugins see it.

    ``models`` maps the name customers ask for to the upstream's own.
    """

    name: str
    use: str
    dialects: tuple[Dialect, ...]
    models: Mapping[str, str]
    groups: frozenset[str]
    priority: int = 0
    weight: int = 1
    key_ids: tuple[str, ...] = ()


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A channel, one of its keys, and the upstream's name of the model: what an attempt tries.

    ``dialect`` is the one in which the request is sent. If the customer speaks another, the hub
    translates.
    """

    channel: Channel
    key_id: str
    model_sent: str
    dialect: Dialect


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one candidate. ``failure`` is None for the attempt that answered."""

    candidate: Candidate
    started_at: datetime
    duration_ms: int
    status: int | None = None
    failure: FailureClass | None = None


class ChannelRequest(msgspec.Struct, kw_only=True, eq=False):
    """What is about to be sent, in the channel's dialect; `transform_request` plugins edit it.

    Its text may be read and changed, but never kept. ``headers`` are those to send upstream. ``model``,
    the upstream's name of it, and ``query`` are for channels that put them into the URL. ``method`` and
    ``subpath``, which follows the endpoint's URL, vary only for kept answers. ``form`` is the original
    form if the request is one with files; its plain fields are edited in ``fields``, like those of JSON.
    """

    dialect: Dialect
    operation: Operation
    model: str
    fields: dict[str, msgspec.Raw]
    headers: dict[str, str]
    stream: bool
    query: str = ""
    method: str = "POST"
    subpath: str = ""
    form: Form | None = None

    __repr__ = object.__repr__  # as `Exchange`

    @property
    def content_type(self) -> str:
        """The content type of the body."""
        return "application/json" if self.form is None else self.form.content_type

    def set(self, name: str, value: object) -> None:
        """Replace or add one top-level field of the body."""
        self.fields[name] = msgspec.Raw(msgspec.json.encode(value))

    def body(self) -> bytes:
        """Return the body, each field byte for byte as it came or was set; empty for requests about a kept answer."""
        if self.operation == "kept_answer":
            return b""
        if self.form is not None:
            return self.form.body(self.fields)
        # Joined in one step: a growing buffer would copy a long prompt several times.
        pieces: list[bytes | msgspec.Raw] = []
        for name, value in self.fields.items():
            pieces += (b",", msgspec.json.encode(name), b":", value)
        return b"".join((b"{", *pieces[1:], b"}"))


class PriceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a price may depend on besides usage. Stored with the reservation.

    The price follows ``model``, the name that the customer asked for. ``size`` and ``quality`` are
    those of pictures in the request; those of the answer are in its usage.
    """

    account_id: str
    key_id: str
    group: str
    membership: str
    dialect: Dialect
    operation: Operation
    channel: str
    model: str
    model_sent: str
    model_returned: str | None = None
    at: datetime
    stream: bool
    choice_count: int = 1
    size: str | None = None
    quality: str | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The structure of an answer, without its text: the basis of outcomes and claims.

    Attributes:
        stop_reason: As the upstream spelt it, if that looks like a name; None if there was none.
        has_text: There was visible text (for embeddings: a vector).
        has_tool_call: A tool call began.
        has_refusal: The model or its vendor refused.
        has_thinking: There was thinking.
        is_thinking_finished: No thinking was left open, or without an answer after it.
        is_end_seen: The end mark was seen.
        thinking_asked: The request turned thinking on.
        error_type: Machine type of an error event inside the stream.
        is_unpaid: Relay ended the answer because the customer could not pay for more.
        hang_up_policy: The policy by which the customer's hang-up was priced; None if nobody hung up.
        output_bytes: Bytes of output text handed to the customer.
        picture_count: Whole pictures in the answer to a chat.
    """

    stop_reason: str | None = None
    has_text: bool = False
    has_tool_call: bool = False
    has_refusal: bool = False
    has_thinking: bool = False
    is_thinking_finished: bool = True
    is_end_seen: bool = False
    thinking_asked: bool = False
    error_type: str | None = None
    is_unpaid: bool = False
    hang_up_policy: HangUpPolicy | None = None
    output_bytes: int = 0
    picture_count: int = 0


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an exchange, and all that `post_check` gets: only facts, no text.

    ``answer_id`` is the upstream's id if it keeps the answer to be continued, else None.
    """

    request_id: str
    facts: PriceFacts
    usage: Usage
    outcome: Outcome
    evidence: Evidence
    charge: Charge
    attempts: tuple[Attempt, ...]
    duration_ms: int
    first_output_ms: int | None = None
    answer_id: str | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's claim for compensation.

    Attributes:
        rule: Id of the plugin that found it; one claim per request and rule.
        kind: ``empty_reply`` or ``truncated_reply``.
        share: Part of the charge to give back, 0 to 1 (more for a multiple).
    """

    rule: str
    kind: str
    share: Fraction

    def flaw(self, charge_nano: int) -> str | None:
        """Return what is wrong with the claim on *charge_nano*; None if the books can keep it."""
        if not (is_text(self.rule) and is_text(self.kind)):
            return "expected texts for rule and kind"
        if type(self.share) not in NUMBERS:
            return f"expected an exact number for the share, found {type(self.share).__name__}"
        if self.share < 0 or is_too_long(self.share) or self.share * charge_nano > AMOUNT_NANO_MAX:
            return "expected a share from 0 to what the ledger holds"
        return None
