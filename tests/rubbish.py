"""What comes close to being right: what was recorded and what dialects say, put together and damaged at random.

Everything follows from a seed, so that an example is repeated from the few bytes that hypothesis prints, and one of
its examples stands for many documents: drawing each would take it a thousand times as long. Without recordings there
is less to damage, and all else is the same.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.wire import FOLDER

SEEDS = st.binary(min_size=8, max_size=8)
"""All equally likely, where integers would mostly be small, and the same in every run."""

FUZZ_EXAMPLES = 1_000_000
RUN_EXAMPLES = 1_000
"""Few enough for memory: hypothesis keeps every example of a run."""
DOCUMENTS = 500
"""What one example makes of its seed, each for every decoder: enough that the examples themselves cost little."""
WORDS = [
    "allowed_tools", "anthropic_messages", "any", "args", "arguments", "assistant", "auto", "base64", "blockReason",
    "budget_tokens", "cache_control", "call_id", "candidates", "choices", "citations", "code", "content",
    "content_block", "content_block_delta", "content_block_start", "content_block_stop", "content_index", "contents",
    "custom", "data", "delta", "disabled", "document", "effort", "enabled", "encrypted_content", "end_turn", "error",
    "file", "file_data", "finishReason", "finish_reason", "format", "function", "functionCall", "functionDeclarations",
    "functionResponse", "function_call", "function_call_output", "generationConfig", "high", "id", "image", "image_url",
    "include_usage", "index", "inlineData", "input", "input_audio", "input_image", "input_json_delta", "input_schema",
    "input_text", "instructions", "is_error", "item", "json_schema", "max_tokens", "media_type", "message",
    "message_delta", "message_start", "message_stop", "messages", "mimeType", "model", "n", "name", "none", "object",
    "output", "output_config", "output_index", "output_text", "parameters", "part", "partial_json", "parts",
    "promptFeedback", "reasoning", "reasoning_content", "redacted_thinking", "refusal", "response",
    "response.completed", "response.created", "response.failed", "response.function_call_arguments.delta",
    "response.output_item.added", "response.output_item.done", "response.output_text.delta", "response_format",
    "responseSchema", "role", "schema", "signature", "source", "status", "stop", "stop_reason", "stream", "strict",
    "summary", "system", "text", "text_delta", "thinking", "thinkingConfig", "thinking_delta", "thought",
    "thoughtSignature", "tool", "tool_calls", "tool_choice", "tool_result", "tool_use", "tool_use_id", "tools", "type",
    "url", "usage", "usageMetadata", "user",
]  # fmt: skip
"""Names and values that mean something in one dialect or another."""
Check = Callable[[bytes, int], None]
"""Makes a number of documents of a seed, and sees what becomes of each."""
Test = Callable[..., None]


def a_few(*checks: Check) -> Callable[[Test], Test]:
    """Let a test run each of *checks* on a few seeds; the first of them reads the recordings."""
    return lambda test: _each(checks)(settings(deadline=None)(given(seed=SEEDS)(test)))


def a_million(*checks: Check) -> Callable[[Test], Test]:
    """Let a test run each of *checks*, in several runs, on so many seeds that a million documents come to each."""
    runs = pytest.mark.parametrize("run", range(FUZZ_EXAMPLES // (RUN_EXAMPLES * DOCUMENTS)))
    chosen = settings(
        max_examples=RUN_EXAMPLES, deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
    )
    return lambda test: pytest.mark.fuzz(_each(checks)(runs(chosen(given(seed=SEEDS)(test)))))


def _each(checks: Sequence[Check]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", checks, ids=lambda check: check.__name__)


T = TypeVar("T")
Tokens = tuple[bytes, ...]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_TOKENS_MAX = 80
_VALUE_BYTES_MAX = 120
_NUMBERS = (
    b"0", b"1", b"2", b"3", b"17", b"-1", b"-0", b"0.5", b"1e2", b"429", b"1099511627777", b"9007199254740993",
    b"18446744073709551616", b"1e400", b"-1e400", b"1e99999999999999999999", b"1E-99999999999999999999",
    b"9" * 30,
)  # fmt: skip
_TEXTS = (
    b'""', b'" "', b'"null"', b'"NULL"', b'"true"', b'"false"', b'"0"', b'"1"', b'"-1"', b'"1e400"', b'"nan"', b'"inf"',
    b'"\\u0000"', b'"\\ud83d\\ude00"', b'"\\n"', b'"\xc3\xa9\xe4\xb8\xad"', b'"[DONE]"',
    b'"\xd9\xa3"', b'"{\\"a\\":1}"', b'"data:image/png;base64,AAAA"', b'"AAAA"', b'"m"',
    b'"00:00:01,000 --> 99:59:59,999"', b'"Please try again in 6m0s"',
)  # fmt: skip
_NO_VALUES = (
    b"01", b"NaN", b"-", b"tru", b"'a'", b'"a', b'"\\x"', b'"\\ud800"', b'"\n"', b'"\xff"', b"", b"1 2", b"{", b"]",
)  # fmt: skip
_LONG = (
    b"9" * 5000,
    b'"' + b"7" * 5000 + b'"',
    b'"Please try again in ' + b"9" * 400 + b's"',
    b'"' + b"\\n" * 2000 + b'"',
)
_WORDS = tuple(json.dumps(word).encode() for word in WORDS)
_LEAVES = (*_WORDS, *_WORDS, *(b"null", b"null", b"true", b"false") * 12, *_NUMBERS * 3, *_TEXTS * 2)
_NAMES = (
    *_WORDS, b'""', b'"cost"', b'"cost_details"', b'"is_byok"', b'"input_tokens"', b'"output_tokens"', b'"details"',
)  # fmt: skip
_JUNK = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\x00",
    b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"data:", b"data: ", b"event: ", b"event: error\n", b": ",
    b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"--b", b"\r\n--b\r\n", b"--", b"=", b";",
)  # fmt: skip


class Rubbish:
    """A well of rubbish that follows from its *seed*."""

    def __init__(self, seed: bytes) -> None:
        self.dice = random.Random(seed)
        self.chance = self.dice.random

    def pick(self, things: Sequence[T]) -> T:
        """Return one of *things*."""
        return things[int(self.chance() * len(things))]

    def value(self, depth: int = 3) -> bytes:
        """Return a JSON value, nearly always."""
        kind = self.chance()
        if kind < 0.002:
            return self._deep() if kind < 0.001 else self.pick(_LONG)
        if kind < 0.004:
            return self.pick(_NO_VALUES)
        if not depth or kind < 0.55:
            return self.pick(_LEAVES)
        count = range(int(self.chance() * 4))
        if kind < 0.7:
            return b"[" + b",".join([self.value(depth - 1) for _ in count]) + b"]"
        return b"{" + b",".join([self.pick(_NAMES) + b":" + self.value(depth - 1) for _ in count]) + b"}"

    def _deep(self) -> bytes:
        """Return what is nested about as deep as this process can follow it."""
        depth = 700 + int(self.chance() * 400)
        opening, closing = self.pick(((b"[", b"]"), (b'{"content":', b"}"), (b'[{"text":', b"}]")))
        return opening * depth + b"1" + closing * depth

    def object(self, names: Iterable[str], pool: Mapping[str, Sequence[Tokens]]) -> bytes:
        """Return an object with most of *names*, each as it was recorded or not quite, and some more."""
        members = []
        for name in names:
            kind = self.chance()
            if kind < 0.96 and name in pool:
                held = self.pick(pool[name])
                members.append(b'"%b":%b' % (name.encode(), b"".join(held) if kind < 0.86 else self.damaged(held)))
            elif kind < 0.98:
                members.append(b'"%b":%b' % (name.encode(), self.value()))
        if self.chance() < 0.4:
            members += [self.pick(_NAMES) + b":" + self.value() for _ in range(int(self.chance() * 4))]
            self.dice.shuffle(members)
        return self.sometimes_spoilt(b"{" + b",".join(members) + b"}")

    def damaged(self, tokens: Tokens) -> bytes:
        """Return a document with a few of its values exchanged, seldom with a bracket lost or doubled."""
        made = list(tokens)
        for _ in range(1 + int(self.chance() * 3)):
            at, kind = int(self.chance() * len(made)), self.chance()
            if made[at] not in b"{}[]:,":
                made[at] = self.value(2)
            elif kind < 0.03:
                made[at] *= 2 if kind < 0.01 else 0
        return b"".join(made)

    def sometimes_spoilt(self, data: bytes) -> bytes:
        """Return *data*, one time in ten not as it was."""
        return data if self.chance() > 0.1 else self.spoilt(data)

    def spoilt(self, data: bytes) -> bytes:
        """Return *data* with bytes lost, doubled, exchanged or put between."""
        start = int(self.chance() * (len(data) + 1))
        end = start + int(self.chance() * 9)
        kind = self.chance()
        if kind < 0.2:
            return data[:start]
        if kind < 0.4:
            return data[:start] + data[end:]
        if kind < 0.5:
            return data[:end] + data[start:]
        if kind < 0.9:
            return data[:start] + self.pick(_JUNK) + data[start:]
        return data[:start] + self.dice.randbytes(end - start) + data[end:]

    def cut(self, data: bytes) -> list[bytes]:
        """Return *data* in pieces: a few, many, or byte by byte."""
        kind = self.chance()
        if kind < 0.1:
            size = 1 if kind < 0.01 else 16
            return [data[at : at + size] for at in range(0, len(data), size)]
        places = sorted(int(self.chance() * (len(data) + 1)) for _ in range(int(self.chance() * 5)))
        return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def tokens_of(document: bytes) -> Tokens:
    """Return the tokens of a JSON document, which joined are the document without blanks."""
    return tuple(_TOKEN.findall(document))


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """Return every recorded exchange; none where there are no recordings."""
    documents = (json.loads(path.read_text()) for path in sorted(FOLDER.rglob("*.json")))
    return tuple(document for document in documents if "response" in document)


def recorded_requests() -> list[Any]:
    """Return the bodies of all recorded requests."""
    return [each["request"].get("body") for each in recorded()]


def recorded_answers() -> list[Any]:
    """Return the documents of all recorded answers."""
    return [_answer(each["response"]) for each in recorded()]


@cache
def recorded_events() -> dict[str, list[tuple[bytes, Tokens]]]:
    """Return the name and the document of each kind of event recorded, by the last part of the path asked."""
    events: dict[str, list[tuple[bytes, Tokens]]] = {}
    for each in recorded():
        asked = re.split("[/:]", each["request"]["path"].partition("?")[0])[-1]
        for name, data in _events(each["response"].get("sse") or ""):
            events.setdefault(asked, []).append((name, tokens_of(data)))
    return {asked: _of_each_kind(held) for asked, held in events.items()}


def members_of(documents: Iterable[Any]) -> dict[str, list[Tokens]]:
    """Return the values of the members of all *documents* that are objects, by name; long ones are left out."""
    members: dict[str, list[Tokens]] = {}
    for document in documents:
        for name, value in document.items() if isinstance(document, dict) else ():
            data = json.dumps(value, ensure_ascii=False).encode()
            held = members.setdefault(name, [])
            if len(data) <= _VALUE_BYTES_MAX and (tokens := tokens_of(data)) not in held:
                held.append(tokens)
    return {name: held for name, held in members.items() if held}


def _answer(response: dict[str, Any]) -> Any:
    try:
        return response.get("body") or json.loads(response.get("body_text") or "null")
    except ValueError:
        return None


def _events(stream: str) -> Iterator[tuple[bytes, bytes]]:
    for event in re.split("\r?\n\r?\n", stream):
        found = re.fullmatch(r"(?:event: ?(\S+)\r?\n)?data: ?(.+)", event.strip())
        if found is not None:
            yield (found[1] or "").encode(), found[2].encode()


def _of_each_kind(events: list[tuple[bytes, Tokens]]) -> list[tuple[bytes, Tokens]]:
    """Return one of each form of event: most differ in their text alone."""
    kinds = {
        (name, *(token for token in tokens if token in _WORDS or token in b"{}[]")): (name, tokens)
        for name, tokens in events
    }
    return [(name, tokens) for name, tokens in kinds.values() if len(tokens) <= _TOKENS_MAX]
