"""What a dialect does for core: read a request, read along an answer, write an error.

A dialect holds no state and does no I/O. What must be remembered of one answer is in its
`StreamReader`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, Self, TypedDict

import msgspec

from ..errors import RelayError, UpstreamStatusError
from ..estimate import input_bound
from ..exchange import ChannelRequest, Dialect, Evidence, Exchange, Operation
from ..usage import Usage
from .figures import UntrueFigureError
from .tally import Tally


class BodyReading(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from a whole answer. ``usage`` is None if the upstream gave no figures."""

    usage: Usage | None
    evidence: Evidence
    model_returned: str | None = None
    tally: Tally = msgspec.field(default_factory=Tally)
    """What the answer was seen to hold, which is billed if there is no usage."""
    answer_id: str | None = None
    """The upstream's id of the answer, if it keeps the answer to be continued."""
    answer: bytes | None = None
    """What the customer gets, if that is not the body as it came."""
    content_type: str = "application/json"


def tallied_reading(
    exchange: Exchange,
    tally: Tally,
    read_usage: Callable[[], Usage | None],
    *,
    model_returned: str | None,
    thinking_asked: bool,
    answer_id: str | None = None,
) -> BodyReading:
    """Return the reading of a whole answer that *tally* has counted.

    If the upstream's figures can't be true, as *read_usage* says by `UntrueFigureError`, local bounds replace them.
    """
    try:
        usage = read_usage()
    except UntrueFigureError:
        bound = input_bound(exchange.fields)
        usage = Usage(input_tokens=bound, output_tokens=tally.output_bound_tokens, source="disputed")
    return BodyReading(
        usage=usage,
        evidence=tally.make_evidence(
            is_end_seen=True,
            thinking_asked=thinking_asked,
            reasoning_tokens=usage.reasoning_tokens if usage is not None else 0,
        ),
        model_returned=model_returned,
        tally=tally,
        answer_id=answer_id,
    )


class Asked(TypedDict):
    """What a request asks for that an answer does not show: thinking, and that the upstream keeps it."""

    thinking_asked: bool
    is_kept: bool


def is_of_type(content_type: str, stream_type: str) -> bool:
    """Say whether *content_type* is that of a stream of *stream_type*.

    Sound may also come as ``application/octet-stream``.
    """
    kind = content_type.lower()
    return kind.startswith(stream_type) or (stream_type == "audio/" and kind.startswith("application/octet-stream"))


class ChannelSide(Protocol):
    """What an attempt needs to speak with its channel: the customer's own rules, or a translation."""

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for the channel, with as few edits as possible and the headers to forward."""
        ...

    def stream_type(self, exchange: Exchange) -> str:
        """Return the content type of a stream, without parameters; ``audio/`` stands for all kinds of sound."""
        ...

    def stream_reader(self, exchange: Exchange) -> "StreamReader":
        """Return a reader for one attempt's stream."""
        ...

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        """Read a whole answer of status 200.

        Raises:
            UpstreamStatusError: An error dressed as success.
            UpstreamBrokenError: It is no document of this dialect.
        """
        ...


class StreamReader(Protocol):
    """Reads one upstream stream for the customer: decides what goes out, and holds the end back."""

    @property
    def native(self) -> "NativeReader":
        """The reader of the channel's own dialect, which knows what the stream is worth: itself, unless it translates."""
        ...

    @property
    def end(self) -> bytes:
        """The end of the answer, held back until the post has committed; empty until it is seen."""
        ...

    @property
    def answer_id(self) -> str | None:
        """The upstream's id of the answer, if it keeps the answer for the customer to continue."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes as they arrived; return those that go to the customer now.

        These are whole events, in order, without those that the customer did not ask for, and without the
        end of the answer. A native reader returns them byte for byte.

        Raises:
            UpstreamBrokenError: An event is too large, or can't be translated.
        """
        ...

    def finish(self) -> bytes:
        """Take the end of the body; return what may still go to the customer.

        Sets `end`, and `is_ended` of the native reader, if the dialect needs no end mark.
        """
        ...


class NativeReader(Tally, ABC):
    """Reads along one upstream stream in its own dialect: learns what it used and how it ended; see `StreamReader`."""

    __slots__ = ("answer_id", "end", "error", "is_ended", "model_returned")

    def __init__(self) -> None:
        super().__init__()
        self.is_ended = False
        """The end mark was seen: the stream is whole."""
        self.end = b""
        self.error: UpstreamStatusError | None = None
        """The error of an error event, if one came; neither it nor anything after it is passed on."""
        self.model_returned: str | None = None
        """The model that the upstream names."""
        self.answer_id: str | None = None

    @property
    def native(self) -> Self:
        return self

    @abstractmethod
    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return those that go to the customer now."""

    @abstractmethod
    def finish(self) -> bytes:
        """Take the end of the body; return what may still go to the customer."""

    @abstractmethod
    def usage(self) -> Usage | None:
        """Return the upstream's own figures so far, or None if it gave none."""

    @abstractmethod
    def evidence(self) -> Evidence:
        """Return the structure of the answer so far."""


BLANK_LINES = b"\n\n"
"""A keep-alive for OpenAI's clients: no reader of server-sent events takes it for one, by lines or by events.

A comment is no event either, but gpt_academic and VPet take its line for one, and fail because it is no JSON. Two
lines, because a reader that splits at blank lines would find a single one in front of the next event. Read with the SDKs of OpenAI for
Python and JavaScript, Codex, LangChain, litellm, Vercel's ``ai``, httpx-sse, sseclient-py, aiohttp-sse-client and
eventsource-parser, 2026-11-30.
"""
COMMENT_LINE = b":\n"
"""A keep-alive among events with ids, where no blank line may follow it: it becomes part of the next event."""
_ID_LINE = re.compile(rb"(?:^|[\r\n])id:")


def keep_alive_behind(events: bytes, keep_alive: bytes) -> bytes:
    """Return what may be written during silence behind *events*: no blank lines once one of them had an id.

    To OpenAI's SDK for Python (3.54.0), a blank line is then an event without data, at which it fails. A client that
    would fail at a comment, as an event that is no JSON, has failed at the line of the id before.
    """
    return COMMENT_LINE if keep_alive == BLANK_LINES and _ID_LINE.search(events) else keep_alive


class DialectRules(ChannelSide, Protocol):
    """One endpoint of a wire format, as the customer speaks it and as a channel of the same dialect does."""

    name: Dialect
    operation: Operation
    path: str
    """The endpoint's path, with its version; ``{model}`` stands for a model in it."""
    keep_alive: bytes
    """What may be written during silence without harm to any client of the dialect; empty if there is nothing."""

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body* as far as relay reads it, into ``exchange``.

        Sets fields, model (unless it is in the path), stream, output_tokens_asked, choice_count,
        continued and has_unseen_input.

        Raises:
            BadRequestError: Not JSON, not UTF-8 or too deep; or a field is malformed, which is named.
        """
        ...

    def stream_reader(self, exchange: Exchange) -> NativeReader:
        """Return a reader for one attempt's stream."""
        ...

    def input_bound(self, exchange: Exchange) -> int:
        """Return an upper bound of the input tokens, for the hold."""
        ...

    def input_estimate(self, exchange: Exchange) -> int:
        """Return the best estimate of the input tokens, for answers without usage."""
        ...

    def render_error(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the body of an error answer; *text* is the sentence in the customer's language."""
        ...

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the error event that ends a stream that has begun; empty if the dialect has none."""
        ...
