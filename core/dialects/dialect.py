"""What core asks of a dialect: read a request, read along an answer, write an error.

A dialect holds no state and does no I/O. What one answer needs to remember lives in its
`StreamReader`.
"""

from typing import Protocol

import msgspec

from ..errors import RelayError, UpstreamStatusError
from ..exchange import ChannelRequest, Dialect, Evidence, Exchange, Operation
from ..usage import Usage


class BodyReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole answer says. ``usage`` is None where the upstream gave no figures."""

    usage: Usage | None
    evidence: Evidence
    model_returned: str | None
    output_bound_tokens: int
    """Never below the truth where the visible output is all there was."""
    output_counted_tokens: int
    """Estimate of the visible output: what is billed where usage is missing."""
    answer_id: str | None = None
    """The upstream's id of the answer, where it keeps it to be continued."""
    answer: bytes | None = None
    """What the customer gets, where that is not the body as it came."""
    content_type: str = "application/json"


def is_of_type(content_type: str, stream_type: str) -> bool:
    """Say whether a stream that calls itself *content_type* is one; sound may come as bytes of no kind named."""
    told = content_type.lower()
    return told.startswith(stream_type) or (stream_type == "audio/" and told.startswith("application/octet-stream"))


class ChannelSide(Protocol):
    """What an attempt needs of the dialect its channel is asked in: native rules, or a translation."""

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for the channel: the smallest edits, headers to forward."""
        ...

    def stream_type(self, exchange: Exchange) -> str:
        """Return the content type of a stream, without parameters; ``audio/`` stands for all kinds of sound."""
        ...

    def stream_reader(self, exchange: Exchange, *, is_reasoning_beside_output: bool = False) -> "StreamReader":
        """Return a reader for one attempt's stream.

        *is_reasoning_beside_output* is the channel's: its ``completion_tokens`` leave reasoning
        out, as xAI's chat and Gemini's OpenAI form do (wire/DIALECTS.md 3.2).
        """
        ...

    def read_body(self, exchange: Exchange, body: bytes, *, is_reasoning_beside_output: bool = False) -> BodyReading:
        """Read a whole answer of status 200; *is_reasoning_beside_output* as for `stream_reader`.

        Raises:
            UpstreamStatusError: An error dressed as success.
            UpstreamBrokenError: Not a document of this dialect.
        """
        ...


class StreamReader(Protocol):
    """Reads along one upstream stream: what may pass, what it used, how it ended."""

    @property
    def is_output_seen(self) -> bool:
        """The first output event (text, thinking, tool call, refusal) has been returned by `feed`."""
        ...

    @property
    def is_ended(self) -> bool:
        """The end mark was seen: the stream is whole."""
        ...

    @property
    def end(self) -> bytes:
        """The end of the answer, held back until the post has committed; empty until it is seen."""
        ...

    @property
    def error(self) -> UpstreamStatusError | None:
        """An error event came; it was not passed on, and nothing after it will be."""
        ...

    @property
    def model_returned(self) -> str | None:
        """The model that the upstream names."""
        ...

    @property
    def answer_id(self) -> str | None:
        """The upstream's id of the answer, where it keeps it to be continued."""
        ...

    @property
    def output_bound_tokens(self) -> int:
        """Running count, never below the truth for what passed by: for holds."""
        ...

    @property
    def output_counted_tokens(self) -> int:
        """Running estimate of what `feed` returned: for marks and what is priced as delivered."""
        ...

    @property
    def output_audio_tokens(self) -> int:
        """Of those, the ones of sound."""
        ...

    @property
    def output_image_tokens(self) -> int:
        """Of those, the ones of pictures."""
        ...

    @property
    def search_count(self) -> int:
        """Searches of the web that were seen."""
        ...

    @property
    def tool_counts(self) -> dict[str, int]:
        """What other tools were seen to run, as in `Usage`."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes as they came; return those that go to the customer now.

        Whole events only, in order and byte for byte, without those the customer did not ask
        for, and without the end of the answer.

        Raises:
            UpstreamBrokenError: An event is larger than any honest one.
        """
        ...

    def finish(self) -> bytes:
        """Take the end of the body; return what may still go to the customer.

        Sets `is_ended` where the dialect's end needs no mark of its own, and `end` accordingly.
        """
        ...

    def usage(self) -> Usage | None:
        """Return the upstream's own figures so far, or None where it gave none."""
        ...

    def evidence(self) -> Evidence:
        """Return how the answer was built so far."""
        ...


class DialectRules(ChannelSide, Protocol):
    """One endpoint of a wire format, as the customer speaks it and as a channel of the same dialect does."""

    name: Dialect
    operation: Operation
    path: str
    """Where the endpoint stands, with its version; ``{model}`` where a model stands in it."""
    keep_alive: bytes
    """What may be written while nothing comes, harmless to every client of the dialect; empty if nothing is."""

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body* as far as relay reads it, into ``exchange``.

        Fills fields, model (unless the path has), stream, output_tokens_asked, choice_count,
        continued and has_unseen_input.

        Raises:
            BadRequestError: Not JSON, not UTF-8, too deep, or a field that can't be; names it.
        """
        ...

    def input_bound(self, exchange: Exchange) -> int:
        """Return input tokens, never below the truth: for the hold."""
        ...

    def input_estimate(self, exchange: Exchange) -> int:
        """Return input tokens, as near the truth as can be had: where usage is missing."""
        ...

    def render_error(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the body of an error answer; *text* is the sentence in the customer's language."""
        ...

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the event that ends a stream already begun; empty where only a broken connection can."""
        ...
