"""The endpoints that take a body, each with the smallest request it accepts, to be spoilt by tests."""

from dataclasses import dataclass

HI = b'[{"role":"user","content":"hi"}]'


@dataclass(frozen=True)
class Form:
    """One endpoint, streaming or not."""

    name: str
    path: str
    fields: dict[str, bytes]
    headers: dict[str, str]

    def body(self, **raw: bytes | None) -> bytes:
        """Return the request with the *raw* JSON values given; None leaves a field out."""
        return write({name: value for name, value in (self.fields | raw).items() if value is not None})

    @property
    def is_anthropic(self) -> bool:
        return self.name.startswith("messages")


def write(fields: dict[str, bytes]) -> bytes:
    """Return a JSON object of raw values."""
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in fields.items()) + b"}"


CHAT = {"model": b'"gpt-4o-mini"', "messages": HI}
MESSAGES = {"model": b'"claude-sonnet-4-5"', "max_tokens": b"100", "messages": HI}
EMBEDDINGS = {"model": b'"text-embedding-3-small"', "input": b'"hi"'}
STREAM = {"stream": b"true"}
VERSION = {"anthropic-version": "2023-06-01"}

FORMS = {
    form.name: form
    for form in (
        Form("chat", "/v1/chat/completions", CHAT, {}),
        Form("chat-stream", "/v1/chat/completions", CHAT | STREAM, {}),
        Form("messages", "/v1/messages", MESSAGES, VERSION),
        Form("messages-stream", "/v1/messages", MESSAGES | STREAM, VERSION),
        Form("embeddings", "/v1/embeddings", EMBEDDINGS, {}),
    )
}
