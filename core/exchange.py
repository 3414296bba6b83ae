"""The words of the engine: an exchange, who asked, which channel, what it cost, how it ended."""

from collections.abc import Mapping
from copy import copy
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
"""A wire format that a customer or an upstream speaks (DESIGN 4)."""

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
"""What is asked for; a dialect has one or several. ``translation`` is that of speech, ``billing`` a key's balance."""

Outcome = Literal["complete", "empty", "truncated", "refused", "customer_gone", "upstream_error"]
"""How an exchange ended (DESIGN 3). ``rejected`` leaves no row, so it is not among them."""

HangUpPolicy = Literal["delivered", "drain", "input_only"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as the authenticating plugin found it.

    ``key_version`` is checked again by the ledger when it reserves, so a key that was revoked,
    or whose group was switched, a moment ago is never served on what was remembered of it.
    ``models`` is None where the key may ask for any.
    """

    account_id: str
    key_id: str
    key_version: int
    group: str
    membership: str
    models: frozenset[str] | None = None
    is_remembered: bool = False


class Continued(msgspec.Struct, frozen=True):
    """An answer that the upstream keeps, by its own ``id``, and the field ``param`` that names it."""

    param: str
    id: str


class Exchange:
    """One customer request and its answer, on its way through the hooks.

    ``fields`` is the top level of the JSON body, each value its own bytes (`msgspec.Raw`); the
    request is encoded anew from it, so duplicate and oddly spelt keys can't price one model and
    send another. ``headers`` has lower-case names; ``query`` no longer holds the key.
    """

    __slots__ = (
        "api_key",
        "choice_count",
        "client_ip",
        "continued",
        "dialect",
        "fields",
        "form",
        "further_models",
        "has_unseen_input",
        "headers",
        "id",
        "idempotency_digest",
        "is_fresh_authentication",
        "locale",
        "model",
        "operation",
        "output_tokens_asked",
        "output_tokens_likely",
        "principal",
        "quality",
        "query",
        "received_at",
        "size",
        "started_s",
        "stream",
        "unit_bound",
        "unit_estimate",
    )

    def __init__(
        self,
        *,
        id: str,
        dialect: Dialect,
        operation: Operation,
        headers: Mapping[str, str],
        received_at: datetime,
        started_s: float,
        api_key: str | None = None,
        client_ip: str = "",
        locale: str = "en",
        query: str = "",
    ) -> None:
        self.id = id
        self.dialect: Dialect = dialect
        self.operation: Operation = operation
        self.headers = headers
        self.received_at = received_at
        self.started_s = started_s
        self.api_key = api_key
        self.client_ip = client_ip
        self.locale = locale
        self.query = query
        self.fields: dict[str, msgspec.Raw] = {}
        self.model = ""
        self.further_models: tuple[tuple[str, str], ...] = ()
        """Other models that may have a part in the answer, each behind the field that names it."""
        self.stream = False
        self.output_tokens_asked: int | None = None
        """The most output the customer asked for, in tokens; None where the request is silent."""
        self.output_tokens_likely = 0
        """What the answer will hardly exceed, in tokens, where its length is known beforehand: speech, pictures."""
        self.continued: Continued | None = None
        """The kept answer that this request goes on from, where it names one."""
        self.has_unseen_input = False
        """The request refers to input that the upstream keeps, which no count of its own text covers."""
        self.choice_count = 1
        """How many answers the customer asked for (``n``)."""
        self.form: Form | None = None
        """The body, where it is a form with files; ``fields`` are its plain fields then, as texts."""
        self.size: str | None = None
        self.quality: str | None = None
        """Size and quality of pictures, as the customer spelt them; None where left open."""
        self.unit_bound = 1
        """The most the answer counts of what may be sold apiece: pictures, seconds, characters."""
        self.unit_estimate = 0
        """What the request itself brings of it, answered or not: characters to speak, seconds to hear."""
        self.idempotency_digest: bytes | None = None
        """SHA-256 of the key by which the client names this request, where it does: it is paid for once."""
        self.principal: Principal | None = None
        self.is_fresh_authentication = False
        """Set for the second authentication of an exchange: look up, remember nothing."""

    def as_asked_in(self, dialect: Dialect) -> "Exchange":
        """Return the same exchange as a customer of *dialect* would have asked it; fields are still to be filled."""
        asked = copy(self)
        asked.dialect = dialect
        asked.fields = {}
        return asked


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

    ``dialect`` is what the channel is asked in. Where the customer speaks another, the hub
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


class ChannelRequest:
    """What is about to be sent, in the channel's dialect; `transform_request` plugins edit it.

    Its text may be read and changed, never kept. ``headers`` are those that travel upstream;
    ``model``, the upstream's name of it, and ``query`` are for channels whose address carries them.
    ``method`` and ``subpath``, what follows the endpoint's address, differ for kept answers alone.
    ``form`` is what a form with files came as; its plain fields are edited like those of JSON.
    """

    __slots__ = ("dialect", "fields", "form", "headers", "method", "model", "operation", "query", "stream", "subpath")

    def __init__(
        self,
        *,
        dialect: Dialect,
        operation: Operation,
        model: str,
        fields: dict[str, msgspec.Raw],
        headers: dict[str, str],
        stream: bool,
        query: str = "",
        method: str = "POST",
        subpath: str = "",
        form: Form | None = None,
    ) -> None:
        self.dialect: Dialect = dialect
        self.operation: Operation = operation
        self.model = model
        self.query = query
        self.method = method
        self.subpath = subpath
        self.form = form
        self.fields = fields
        self.headers = headers
        self.stream = stream

    @property
    def content_type(self) -> str:
        """What the body is sent as."""
        return "application/json" if self.form is None else self.form.content_type

    def set(self, name: str, value: object) -> None:
        """Replace or add one top-level field of the body."""
        self.fields[name] = msgspec.Raw(msgspec.json.encode(value))

    def body(self) -> bytes:
        """Encode the body anew, each field byte for byte as it came or was set; a kept answer is asked for without one."""
        if self.operation == "kept_answer":
            return b""
        if self.form is not None:
            return self.form.body(self.fields)
        # Joined at once: an encoder would copy a long prompt several times over as it grows.
        pieces: list[bytes | msgspec.Raw] = []
        for name, value in self.fields.items():
            pieces += (b",", msgspec.json.encode(name), b":", value)
        return b"".join((b"{", *pieces[1:], b"}"))


class PriceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a price may depend on besides usage. Stored with the reservation.

    The price follows ``model``, the name the customer asked for. ``size`` and ``quality`` are
    those of pictures as asked for; what came is in the usage.
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
    """How the answer was built, without a word of it: what outcomes and claims rest on.

    Attributes:
        stop_reason: The upstream's own, as it spelt it where that can be a name; None if none came.
        has_text: Visible text came (for embeddings: a vector).
        has_tool_call: A tool call was begun.
        has_refusal: The model or its vendor refused.
        has_thinking: Thinking came.
        is_thinking_finished: No chain of thought was left open or unanswered.
        is_end_seen: The end mark came.
        thinking_asked: Thinking was on in this request.
        error_type: Machine type of an error event inside the stream.
        is_unpaid: The answer was ended here because the customer could pay for no more of it.
        hang_up_policy: Which policy priced a customer's hang-up; None if nobody hung up.
        output_bytes: Bytes of output text handed to the customer.
        picture_count: Whole pictures that came in a talk.
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
    """What is kept of an exchange, and all that `post_check` gets: no text, only facts.

    ``answer_id`` is the upstream's id of an answer that it keeps to be continued; None elsewhere.
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
        """Return what the books can't keep of the claim on *charge_nano*; None of a right one."""
        if not (is_text(self.rule) and is_text(self.kind)):
            return "expected texts for rule and kind"
        if type(self.share) not in NUMBERS:
            return f"expected an exact number for the share, found {type(self.share).__name__}"
        if self.share < 0 or is_too_long(self.share) or self.share * charge_nano > AMOUNT_NANO_MAX:
            return "expected a share from 0 to what the ledger holds"
        return None
