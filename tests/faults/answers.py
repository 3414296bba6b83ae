"""One honest answer in both chat dialects, in the parts that faults are made of.

1 000 tokens in and 500 out; what a customer sees is ``Hello there``.
"""

from dataclasses import dataclass

from tests.upstreams import Step, document, stream

_CHUNK = (
    'data: {"object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'
)
_USAGE = 'data: {"object":"chat.completion.chunk","model":"m","choices":[],"usage":%s}\n\n'
_DELTA = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}\n\n'
_START = (
    'event: message_start\ndata: {"type":"message_start","message":{"type":"message","role":"assistant","model":"m",'
    '"content":[],"usage":%s}}\n\n'
)
_BLOCK = 'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
_BLOCK_END = 'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
_STOP = 'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":%s}\n\n'


@dataclass(frozen=True)
class Wire:
    """One dialect, streaming or not, as an upstream writes it."""

    is_anthropic: bool
    is_stream: bool
    first: str = "Hello"
    second: str = " there"
    complaint: str = "it failed"
    """What its errors say."""

    @property
    def begin(self) -> str:
        """What comes before any output."""
        if self.is_anthropic:
            return _START % '{"input_tokens":1000,"output_tokens":1}' + _BLOCK
        return _CHUNK % ('{"role":"assistant","content":""}', "null")

    @property
    def output(self) -> str:
        if self.is_anthropic:
            return _DELTA % self.first + _DELTA % self.second
        return "".join(_CHUNK % (f'{{"content":"{word}"}}', "null") for word in (self.first, self.second))

    def stop(self, output_tokens: str | None = "500") -> str:
        """Return the stop and the usage; None leaves the usage out."""
        if self.is_anthropic:
            return _BLOCK_END + _STOP % ("null" if output_tokens is None else f'{{"output_tokens":{output_tokens}}}')
        usage = f'{{"prompt_tokens":1000,"completion_tokens":{output_tokens},"total_tokens":1500}}'
        return _CHUNK % ("{}", '"stop"') + ("" if output_tokens is None else _USAGE % usage)

    @property
    def end(self) -> str:
        return 'event: message_stop\ndata: {"type":"message_stop"}\n\n' if self.is_anthropic else "data: [DONE]\n\n"

    @property
    def events(self) -> str:
        """A whole stream."""
        return self.begin + self.output + self.stop() + self.end

    def body(self, text: str | None = None, output_tokens: str | None = "500", model: str = "m") -> bytes:
        """Return a whole document; None leaves the usage out."""
        text = self.first + self.second if text is None else text
        if self.is_anthropic:
            content = f'{{"type":"text","text":"{text}"}}' if text else ""
            usage = "null" if output_tokens is None else f'{{"input_tokens":1000,"output_tokens":{output_tokens}}}'
            shape = (
                '{"type":"message","role":"assistant","model":"%s","content":[%s],"stop_reason":"end_turn","usage":%s}'
            )
            return (shape % (model, content, usage)).encode()
        usage = f'{{"prompt_tokens":1000,"completion_tokens":{output_tokens},"total_tokens":1500}}'
        shape = '{"object":"chat.completion","model":"%s","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"usage":%s}'
        return (shape % (model, text, "null" if output_tokens is None else usage)).encode()

    @property
    def raw(self) -> bytes:
        """The bytes of a whole answer, of either kind."""
        return self.events.encode() if self.is_stream else self.body()

    @property
    def content_type(self) -> str:
        return "text/event-stream" if self.is_stream else "application/json"

    def honest(self) -> list[Step]:
        """Answer as an upstream should."""
        return stream(self.events) if self.is_stream else document(self.body())

    def streamed(self, text: str | bytes) -> list[Step]:
        """Answer with other events than the honest ones, well framed."""
        return stream(text)

    def sized(self, body: bytes, *headers: str, length: int | None = None) -> list[Step]:
        """Answer with *body* under a Content-Length, true unless *length* says another."""
        size = f"content-length: {len(body) if length is None else length}"
        lines = ["HTTP/1.1 200 OK", f"content-type: {self.content_type}", size, *headers, "", ""]
        return ["\r\n".join(lines).encode() + body]

    def begun(self, *then: Step) -> list[Step]:
        """Answer up to the last word, or half a document, and go on with *then*."""
        if self.is_stream:
            return [*stream(self.begin + self.output)[:-1], *then]
        return [*self.sized(self.body()[:50], length=200), *then]

    def error(self, kind: str, status: int = 200, *headers: str) -> list[Step]:
        """Answer with an error document of *status*."""
        return document(self.error_body(kind), status, headers)

    def error_body(self, kind: str) -> bytes:
        message = self.complaint
        if self.is_anthropic:
            return b'{"type":"error","error":{"type":"%s","message":"%s"}}' % (kind.encode(), message.encode())
        return b'{"error":{"message":"%s","type":"%s","param":null,"code":"%s"}}' % (
            message.encode(),
            kind.encode(),
            kind.encode(),
        )

    def error_event(self, kind: str) -> bytes:
        """Return an error event."""
        return (b"event: error\n" if self.is_anthropic else b"") + b"data: " + self.error_body(kind) + b"\n\n"
