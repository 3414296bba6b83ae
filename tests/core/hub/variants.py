"""Answers as vendors write them beyond the recordings: each by the vendor's documentation, with what it says.

Sources, read 2026-11-29: openai/openai-python types, anthropics/anthropic-sdk-python types,
googleapis/python-genai types.py, docs.mistral.ai, openrouter.ai, platform.moonshot.ai,
alibabacloud.com model-studio, groq/groq-python types.
"""

from typing import Any

import msgspec

from relay.core.exchange import Dialect, Outcome
from relay.core.hub.answer import Stop
from relay.core.hub.conversation import (
    Audio,
    Citation,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Seal,
    Text,
    Thinking,
    ToolCall,
)
from relay.core.usage import Usage

FIVE_AND_THREE = Usage(input_tokens=5, output_tokens=3)
ONE_SEARCH = Usage(input_tokens=5, output_tokens=3, web_search_count=1)
PICTURE = Inline("image/png", "aGk=")


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: whole if ``body`` is there, else as a stream; ``calls`` without ids of the vendor's have none here."""

    name: str
    dialect: Dialect
    body: dict[str, Any] | None = None
    events: tuple[dict[str, Any], ...] = ()
    has_end_mark: bool = False
    parts: tuple[Part, ...]
    stop: Stop | None = "end"
    outcome: Outcome = "complete"
    usage: Usage = FIVE_AND_THREE
    is_told_to_all: bool = True
    """False where only its own dialect has a word for what matters in it: others get an answer of another outcome."""

    @property
    def raw(self) -> bytes:
        """The answer as it is sent."""
        if self.body is not None:
            return msgspec.json.encode(self.body)
        stream = b"".join(map(self._event, self.events))
        return stream + (b"data: [DONE]\n\n" if self.has_end_mark else b"")

    def _event(self, event: dict[str, Any]) -> bytes:
        name = f"event: {event['type']}\n" if self.dialect == "anthropic_messages" else ""
        return name.encode() + b"data: " + msgspec.json.encode(event) + b"\n\n"


def native(dialect: Dialect, kind: str, document: dict[str, Any], **members: Any) -> Native:
    """Return *document* as a part that stands as it stood."""
    return Native(dialect=dialect, kind=kind, document=msgspec.Raw(msgspec.json.encode(document)), **members)


CHAT_USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


def completion(message: dict[str, Any], reason: str = "stop", **members: Any) -> dict[str, Any]:
    """Return a whole answer of chat's."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": CHAT_USAGE, **members}


def chunk(delta: dict[str, Any], reason: str | None = None, **members: Any) -> dict[str, Any]:
    """Return a piece of a stream of chat's."""
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **members}


def call(call_id: str, name: str, arguments: str, **members: Any) -> dict[str, Any]:
    """Return a call of chat's."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **members}


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
SOURCE = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": None}}
FOUND_PAGE = {"url": "https://a.example", "title": "A", "snippet": "q", "date": "2026-06-08", "source": "web"}
FOUND_SOURCE = Citation(url="https://a.example", title="A", quote="q")
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
LAST = {"id": "c", "model": "m", "choices": [], "usage": CHAT_USAGE}
TOLD = [
    {"type": "reasoning.text", "text": "Hm", "index": 0, "format": "anthropic-claude-v1"},
    {"type": "reasoning.text", "signature": "SIG", "index": 0},
    {"type": "reasoning.encrypted", "data": "ENC", "id": "rs_1", "index": 1, "format": "openai-responses-v1"},
]
SEALED = (
    Thinking(text="Hm", seal=Seal("openai_chat", "SIG", "anthropic-claude-v1|")),
    Thinking(text="", seal=Seal("openai_chat", "ENC", "openai-responses-v1|rs_1"), is_redacted=True),
)
F, G = ToolCall(id="a", name="f", arguments='{"x":1}'), ToolCall(id="b", name="g", arguments='{"y":2}')
HI = (Text(text="Hi"),)

CHAT = (
    Variant(
        name="mistral-thinking",
        dialect="openai_chat",
        body=completion({"content": [THOUGHT, {"type": "text", "text": "Hi"}]}),
        parts=(Thinking(text="Hm"), Text(text="Hi")),
    ),
    Variant(
        name="mistral-thinking-cut",
        dialect="openai_chat",
        body=completion({"content": [THOUGHT]}, "length"),
        parts=(Thinking(text="Hm"),),
        stop="limit",
        outcome="empty",
    ),
    Variant(
        name="mistral-context-full",
        dialect="openai_chat",
        body=completion({"content": "Hi"}, "model_length"),
        parts=HI,
        stop="context_full",
    ),
    Variant(
        name="openrouter-picture",
        dialect="openai_chat",
        body=completion({"content": "", "images": [SHOWN]}),
        parts=(Image(source=PICTURE),),
    ),
    Variant(
        name="openrouter-seals",
        dialect="openai_chat",
        body=completion({"content": "Hi", "reasoning": "Hm", "reasoning_details": TOLD}),
        parts=(*SEALED, *HI),
    ),
    Variant(
        name="openrouter-seal-alone",
        dialect="openai_chat",
        body=completion({"content": "Hi", "reasoning": "Hm", "reasoning_details": TOLD[2:]}),
        parts=(Thinking(text="Hm"), SEALED[1], *HI),
    ),
    Variant(
        name="source-without-title",
        dialect="openai_chat",
        body=completion({"content": "Hi", "annotations": [SOURCE]}),
        parts=(Text(text="Hi", citations=(Citation(url="https://a.example"),)),),
        usage=ONE_SEARCH,
    ),
    Variant(
        name="perplexity-search",
        dialect="openai_chat",
        body=completion({"content": "Hi"}, search_results=[FOUND_PAGE], citations=["https://a.example"]),
        parts=(Text(text="Hi", citations=(FOUND_SOURCE,)),),
        usage=ONE_SEARCH,
    ),
    Variant(
        name="perplexity-addresses-alone",
        dialect="openai_chat",
        body=completion({"content": "Hi"}, search_results=None, citations=["https://a.example"]),
        parts=(Text(text="Hi", citations=(Citation(url="https://a.example"),)),),
    ),
    Variant(
        name="zhipu-search",
        dialect="openai_chat",
        body=completion({"content": "Hi"}, web_search=[{"link": "https://a.example", "title": "A", "content": "q"}]),
        parts=(Text(text="Hi", citations=(FOUND_SOURCE,)),),
        usage=ONE_SEARCH,
    ),
    Variant(
        name="call-with-nulls",
        dialect="openai_chat",
        body=completion({"content": None, "tool_calls": [{**call("a", "f", '{"x":1}'), "type": None, "index": None}]}),
        parts=(F,),
        stop="tool_use",
    ),
    Variant(
        name="time-as-text",
        dialect="openai_chat",
        body=completion({"content": "Hi"}, created="1700000000"),
        parts=HI,
    ),
    Variant(
        name="qwen-cache-write",
        dialect="openai_chat",
        body=completion(
            {"content": "Hi"},
            usage={
                "prompt_tokens": 2000,
                "completion_tokens": 3,
                "total_tokens": 2003,
                "prompt_tokens_details": {"cached_tokens": 100, "cache_creation_input_tokens": 1500},
            },
        ),
        parts=HI,
        usage=Usage(input_tokens=400, cache_read_tokens=100, cache_write_5m_tokens=1500, output_tokens=3),
    ),
)
CHAT_STREAMS = (
    Variant(
        name="google-calls-without-index",
        dialect="openai_chat",
        events=(
            chunk({"tool_calls": [call("a", "f", '{"x":1}')]}),
            chunk({"tool_calls": [call("b", "g", '{"y":2}')]}, "tool_calls"),
            LAST,
        ),
        has_end_mark=True,
        parts=(F, G),
        stop="tool_use",
    ),
    Variant(
        name="google-calls-of-one-index",
        dialect="openai_chat",
        events=(
            chunk({"tool_calls": [call("a", "f", '{"x":1}', index=0), call("b", "g", '{"y":2}', index=0)]}),
            chunk({}, "stop"),
            LAST,
        ),
        has_end_mark=True,
        parts=(F, G),
        stop="tool_use",
    ),
    Variant(
        name="name-and-id-in-every-piece",
        dialect="openai_chat",
        events=(
            chunk({"tool_calls": [call("a", "f", '{"x"', index=0)]}),
            chunk({"tool_calls": [call("a", "f", ":1}", index=0)]}),
            chunk({}, "tool_calls"),
            LAST,
        ),
        has_end_mark=True,
        parts=(F,),
        stop="tool_use",
    ),
    Variant(
        name="call-with-null-index",
        dialect="openai_chat",
        events=(chunk({"tool_calls": [call("a", "f", '{"x":1}', index=None)]}), chunk({}, "tool_calls"), LAST),
        has_end_mark=True,
        parts=(F,),
        stop="tool_use",
    ),
    Variant(
        name="empty-reasons",
        dialect="openai_chat",
        events=(chunk({"content": "H"}, ""), chunk({"content": "i"}, ""), chunk({}, "stop"), LAST),
        has_end_mark=True,
        parts=HI,
    ),
    Variant(
        name="moonshot-usage-in-the-choice",
        dialect="openai_chat",
        events=(
            chunk({"content": "Hi"}),
            {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": CHAT_USAGE}]},
        ),
        has_end_mark=True,
        parts=HI,
    ),
    Variant(
        name="choice-with-null-index",
        dialect="openai_chat",
        events=({"id": "c", "choices": [{"index": None, "delta": {"content": "Hi"}}]}, chunk({}, "stop"), LAST),
        has_end_mark=True,
        parts=HI,
    ),
    Variant(
        name="mistral-thinking-in-pieces",
        dialect="openai_chat",
        events=(chunk({"content": [THOUGHT]}), chunk({"content": "Hi"}), chunk({}, "stop", usage=CHAT_USAGE)),
        has_end_mark=True,
        parts=(Thinking(text="Hm"), Text(text="Hi")),
    ),
    Variant(
        name="openrouter-picture-in-a-stream",
        dialect="openai_chat",
        events=(chunk({"content": "", "images": [SHOWN]}), chunk({}, "stop"), LAST),
        has_end_mark=True,
        parts=(Image(source=PICTURE),),
    ),
    Variant(
        name="openrouter-seals-in-a-stream",
        dialect="openai_chat",
        events=(
            chunk({"reasoning": "Hm", "reasoning_details": TOLD[:1]}),
            chunk({"reasoning": None, "reasoning_details": [{**TOLD[1], "format": "anthropic-claude-v1"}]}),
            chunk({"reasoning_details": TOLD[2:]}),
            chunk({"content": "Hi"}),
            chunk({}, "stop"),
            LAST,
        ),
        has_end_mark=True,
        parts=(*SEALED, *HI),
    ),
    Variant(
        name="zhipu-search-in-a-stream",
        dialect="openai_chat",
        events=(
            chunk({"content": "Hi"}, web_search=[{"link": "https://a.example", "title": "A", "content": "q"}]),
            chunk({}, "stop"),
            LAST,
        ),
        has_end_mark=True,
        parts=(Text(text="Hi", citations=(FOUND_SOURCE,)),),
        usage=ONE_SEARCH,
    ),
    Variant(
        name="source-without-title-in-a-stream",
        dialect="openai_chat",
        events=(chunk({"content": "Hi"}), chunk({"annotations": [SOURCE]}), chunk({}, "stop"), LAST),
        has_end_mark=True,
        parts=(Text(text="Hi", citations=(Citation(url="https://a.example"),)),),
        usage=ONE_SEARCH,
    ),
)


def message(*content: dict[str, Any], reason: str = "end_turn") -> dict[str, Any]:
    """Return a whole message."""
    usage = {"input_tokens": 5, "output_tokens": 3}
    return {"id": "m", "type": "message", "model": "m", "content": content, "stop_reason": reason, "usage": usage}


def blocks(*parts: tuple[dict[str, Any], list[dict[str, Any]]], reason: str = "end_turn") -> tuple[dict[str, Any], ...]:
    """Return the events of a message of *parts*: each block as it begins, and its pieces."""
    began = {"id": "m", "type": "message", "model": "m", "content": [], "usage": {"input_tokens": 5}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": began}]
    for index, (block, deltas) in enumerate(parts):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}})
    return (*events, {"type": "message_stop"})


SAID = {"type": "text", "text": "Hi"}
SAYING = ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Hi"}])
RUN = {"type": "server_tool_use", "id": "srv_1", "name": "bash_code_execution", "input": {"command": "ls"}}
RAN = {"type": "bash_code_execution_tool_result", "tool_use_id": "srv_1", "content": {"type": "x", "stdout": "a"}}
ASKED = {"type": "mcp_tool_use", "id": "mcp_1", "name": "echo", "server_name": "s", "input": {"a": 1}}
ANSWERED = {"type": "mcp_tool_result", "tool_use_id": "mcp_1", "is_error": False, "content": [SAID]}
FOUND = {"type": "search_result", "source": "https://a.example", "title": "A", "content": [SAID]}
FUTURE = {"type": "future", "text": {"a": 1}}
PLACE = {
    "type": "char_location",
    "cited_text": "green",
    "document_index": 0,
    "document_title": "T",
    "start_char_index": 0,
    "end_char_index": 5,
}
SEARCHED = {"type": "search_result_location", "source": "https://a.example", "title": "A", "cited_text": "q"}
M: Dialect = "anthropic_messages"

MESSAGES = (
    Variant(
        name="code-execution",
        dialect=M,
        body=message(RUN, RAN, SAID),
        parts=(native(M, "server_tool_use", RUN), native(M, "bash_code_execution_tool_result", RAN), *HI),
        usage=msgspec.structs.replace(FIVE_AND_THREE, tool_counts={"code_execution": 1}),
    ),
    Variant(
        name="mcp",
        dialect=M,
        body=message(ASKED, ANSWERED, SAID),
        parts=(native(M, "mcp_tool_use", ASKED), native(M, "mcp_tool_result", ANSWERED), *HI),
    ),
    Variant(
        name="source-that-is-text",
        dialect=M,
        body=message(FOUND, SAID),
        parts=(native(M, "search_result", FOUND), *HI),
    ),
    Variant(
        name="block-of-unknown-form", dialect=M, body=message(FUTURE, SAID), parts=(native(M, "future", FUTURE), *HI)
    ),
    Variant(
        name="places-in-a-document",
        dialect=M,
        body=message({**SAID, "citations": [PLACE, SEARCHED]}, {**SAID, "citations": None}),
        parts=(
            Text(
                text="Hi",
                citations=(
                    Citation(url="", title="T", quote="green", native=native(M, "char_location", PLACE)),
                    Citation(
                        url="https://a.example",
                        title="A",
                        quote="q",
                        native=native(M, "search_result_location", SEARCHED),
                    ),
                ),
            ),
            *HI,
        ),
    ),
    Variant(
        name="call-without-input",
        dialect=M,
        body=message({"type": "tool_use", "id": "a", "name": "f", "input": None}, reason="tool_use"),
        parts=(ToolCall(id="a", name="f", arguments="{}"),),
        stop="tool_use",
    ),
)
SUMMARY = {"type": "compaction_delta", "content": "so far"}
MESSAGES_STREAMS = (
    Variant(
        name="compaction",
        dialect=M,
        events=blocks(({"type": "compaction", "content": None}, [SUMMARY]), SAYING),
        parts=(
            Native(
                dialect=M,
                kind="compaction",
                document=msgspec.Raw(b'{"type":"compaction","content":null}' + msgspec.json.encode(SUMMARY)),
            ),
            *HI,
        ),
    ),
    Variant(
        name="place-in-a-document",
        dialect=M,
        events=blocks((SAYING[0], [*SAYING[1], {"type": "citations_delta", "citation": PLACE}])),
        parts=(
            Text(
                text="Hi",
                citations=(Citation(url="", title="T", quote="green", native=native(M, "char_location", PLACE)),),
            ),
        ),
    ),
    Variant(
        name="input-told-at-once",
        dialect=M,
        events=blocks(({"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}, []), reason="tool_use"),
        parts=(ToolCall(id="a", name="f", arguments='{"x":1}'),),
        stop="tool_use",
    ),
)


def response(*output: dict[str, Any]) -> dict[str, Any]:
    """Return a whole response."""
    usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
    return {"id": "r", "object": "response", "status": "completed", "model": "m", "output": output, "usage": usage}


def done(*items: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the events of a response that tells its items only whole, and nothing of its beginning."""
    ended = [
        {"type": "response.output_item.done", "output_index": index, "item": item} for index, item in enumerate(items)
    ]
    return (*ended, {"type": "response.completed", "response": response(*items)})


R: Dialect = "openai_responses"
PIECE = {"type": "output_text", "text": "Hi", "annotations": []}
ITEM = {"type": "message", "role": "assistant", "content": [PIECE]}
LOOKED = {"type": "tool_search_call", "id": "ts_1", "arguments": {"q": "x"}, "execution": "client"}
UNKNOWN = {"type": "future_call", "arguments": {"a": 1}, "content": "x", "summary": 3}
HEARD = {"type": "output_audio", "data": "aGk=", "transcript": "Hi"}
PASSAGE = {"type": "file_citation", "index": 2, "file_id": "file_1", "filename": "a.pdf"}
DRAWN = {
    "type": "image_generation_call",
    "id": "ig_1",
    "status": "completed",
    "result": "aGk=",
    "output_format": "webp",
}
CITING = {**ITEM, "content": [{**PIECE, "annotations": [PASSAGE]}]}
CITED = Text(text="Hi", citations=(Citation(url="", title="a.pdf", native=native(R, "file_citation", PASSAGE)),))

RESPONSES = (
    Variant(
        name="tool-search", dialect=R, body=response(LOOKED, ITEM), parts=(native(R, "tool_search_call", LOOKED), *HI)
    ),
    Variant(
        name="unknown-item", dialect=R, body=response(UNKNOWN, ITEM), parts=(native(R, "future_call", UNKNOWN), *HI)
    ),
    Variant(
        name="unknown-piece",
        dialect=R,
        body=response({**ITEM, "content": [HEARD, PIECE]}),
        parts=(native(R, "output_audio", HEARD, is_piece=True), *HI),
    ),
    Variant(name="passage-of-a-file", dialect=R, body=response(CITING), parts=(CITED,)),
    Variant(name="picture", dialect=R, body=response(DRAWN), parts=(Image(source=Inline("image/webp", "aGk=")),)),
)
RESPONSES_STREAMS = (
    Variant(
        name="never-begun", dialect=R, events=done(LOOKED, CITING), parts=(native(R, "tool_search_call", LOOKED), CITED)
    ),
    Variant(name="drawn", dialect=R, events=done(DRAWN), parts=(Image(source=Inline("image/webp", "aGk=")),)),
)


def answer(*parts: dict[str, Any], reason: str | int | None = "STOP", **members: Any) -> dict[str, Any]:
    """Return an answer of Gemini's, or a piece of one."""
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": reason, "index": 0, **members}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}


E: Dialect = "gemini_generate"
BLOB = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
DRAFT = {"thought": True, **BLOB}
SPOKEN = {"inlineData": {"mimeType": "audio/L16", "data": "aGk="}}
KEPT = {"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}}
HALF = {"functionCall": {"name": "f", "willContinue": True, "partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}]}}
MAP = {"maps": {"uri": "https://a.example", "title": "A", "placeId": "p"}}
WEB = {"web": {"uri": "https://b.example", "title": None}}
CHUNKS: dict[str, Any] = {"groundingMetadata": {"groundingChunks": [MAP, WEB]}}
PLACES = (
    Citation(url="https://a.example", title="A", native=native(E, "groundingChunks", MAP)),
    Citation(url="https://b.example", native=native(E, "groundingChunks", WEB)),
)
SEAL = Seal(E, "U0lH")

GEMINI = (
    Variant(
        name="signed-picture",
        dialect=E,
        body=answer({**BLOB, "thoughtSignature": "U0lH"}),
        parts=(Image(source=PICTURE, seal=SEAL),),
    ),
    Variant(
        name="draft-and-picture",
        dialect=E,
        body=answer(DRAFT, BLOB),
        parts=(native(E, "thought", DRAFT), Image(source=PICTURE)),
    ),
    Variant(
        name="sound",
        dialect=E,
        body=answer(SPOKEN),
        parts=(Audio(source=Inline("audio/L16", "aGk=")),),
        is_told_to_all=False,
    ),
    Variant(
        name="picture-by-address",
        dialect=E,
        body=answer(KEPT),
        parts=(Image(source=Link("gs://a/b", "image/png")),),
        is_told_to_all=False,
    ),
    Variant(
        name="call-without-arguments",
        dialect=E,
        body=answer({"functionCall": {"id": "a", "name": "f", "args": None}}),
        parts=(ToolCall(id="a", name="f", arguments="{}"),),
        stop="tool_use",
    ),
    Variant(
        name="half-a-call",
        dialect=E,
        body=answer(HALF, {"text": "Hi"}),
        parts=(native(E, "functionCall", HALF), *HI),
    ),
    Variant(
        name="places",
        dialect=E,
        body=answer({"text": "Hi"}, **CHUNKS),
        parts=(Text(text="Hi", citations=PLACES),),
        usage=msgspec.structs.replace(FIVE_AND_THREE, tool_counts={"google_maps": 1}),
    ),
    Variant(name="thought-of-null", dialect=E, body=answer({"text": "Hi", "thought": None}), parts=HI),
    Variant(name="numbers", dialect=E, body=answer({"text": "Hi"}, reason=2), parts=HI, stop="limit"),
    Variant(
        name="numbers-that-refuse",
        dialect=E,
        body=answer({"text": "Hi"}, reason=3),
        parts=HI,
        stop="filtered",
        outcome="refused",
    ),
    Variant(
        name="other-reason",
        dialect=E,
        body=answer({"text": "Hi"}, reason="OTHER"),
        parts=HI,
        stop="filtered",
        outcome="refused",
    ),
    Variant(
        name="nothing-but-usage",
        dialect=E,
        body={"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": "m"},
        parts=(),
        stop=None,
        outcome="empty",
        usage=Usage(input_tokens=5),
    ),
)
GEMINI_STREAMS = (
    Variant(
        name="signed-picture-in-a-stream",
        dialect=E,
        events=(answer({**BLOB, "thoughtSignature": "U0lH"}),),
        parts=(Image(source=PICTURE, seal=SEAL),),
    ),
    Variant(
        name="places-after-a-call",
        dialect=E,
        events=(
            answer({"functionCall": {"id": "a", "name": "f", "args": {}}}, reason=None),
            answer(**CHUNKS),
        ),
        parts=(ToolCall(id="a", name="f", arguments="{}"), Text(text="", citations=PLACES)),
        stop="tool_use",
        usage=msgspec.structs.replace(FIVE_AND_THREE, tool_counts={"google_maps": 1}),
    ),
    Variant(
        name="sound-in-a-stream",
        dialect=E,
        events=(answer(SPOKEN, reason=None), answer()),
        parts=(Audio(source=Inline("audio/L16", "aGk=")),),
        is_told_to_all=False,
    ),
)

BODIES = (*CHAT, *MESSAGES, *RESPONSES, *GEMINI)
STREAMS = (*CHAT_STREAMS, *MESSAGES_STREAMS, *RESPONSES_STREAMS, *GEMINI_STREAMS)
