"""Requests, answers and streams that come close to being right in every dialect at once."""

import json
from collections.abc import Iterator
from functools import cache

from tests.rubbish import Rubbish, Tokens, members_of, recorded_answers, recorded_events, recorded_requests, tokens_of

TURN = {
    "role": "user",
    "content": [
        {"type": "text", "text": "Hi"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ],
}
SAID: tuple[dict[str, object], ...] = (
    {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, "stream": True, "n": 2},
    {"messages": [TURN, {"role": "assistant", "content": "Oi"}], "stream_options": {"include_usage": True}},
    {
        "prompt": "Hi",
        "input": "Hi",
        "documents": ["a", "b"],
        "contents": [{"parts": [{"text": "Hi"}]}],
        "content": {"parts": [{"text": "Hi"}]},
    },
    {
        "prompt": ["a", "b"],
        "best_of": 2,
        "input": [[1, 2], [3]],
        "dimensions": 3,
        "images": ["data:image/png;base64,AAAA"],
    },
    {
        "prompt": [[1, 2]],
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "documents": [{"text": "a"}],
    },
    {
        "requests": [
            {
                "model": "models/m",
                "content": {"parts": [{"text": "Hi"}]},
                "taskType": "RETRIEVAL_QUERY",
                "embedContentConfig": {"title": "a"},
            }
        ]
    },
    {"embedContentConfig": {"taskType": "RETRIEVAL_QUERY"}, "title": "a", "temperature": 2, "top_p": 1e-1, "seed": 1},
    {
        "messages": [
            {"role": "developer", "content": "Hi"},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        ]
    },
    {"generateContentRequest": {"model": "models/m", "contents": [{"parts": [{"text": "Hi"}]}]}, "voice": "alloy"},
    {"generation_config": {"max_output_tokens": 9}, "generationConfig": {"maxOutputTokens": 9, "candidateCount": 1}},
    {
        "stream_format": "sse",
        "thread": {"previous_message_id": "msg_1"},
        "previous_interaction_id": "i",
        "size": "1024x1024",
    },
)
"""What endpoints must have, and what else they read."""
NEEDED = ("model", "messages", "max_tokens", "input", "documents", "contents", "content", "requests")
FOR_SOME = ("prompt", "images")
OPTIONAL = (
    "stream", "stream_options", "n", "generateContentRequest", "generation_config", "generationConfig", "thread",
    "previous_response_id", "stream_format", "size", "reasoning", "thinking", "tools", "dimensions", "best_of",
    "embedContentConfig", "title", "temperature", "top_p",
)  # fmt: skip
ANSWERED: tuple[dict[str, object], ...] = (
    {
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.1},
    },
    {
        "data": [{"embedding": [0.1]}],
        "usage": {"input_tokens": 3, "output_tokens": 2, "seconds": 3, "output_tokens_details": {"image_tokens": 1}},
    },
    {
        "results": [{"index": 0}],
        "meta": {"billed_units": {"search_units": 1}},
        "text": "Hi",
        "duration": 3.1,
        "status": "completed",
    },
    {
        "output": [
            {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
            {"type": "compaction", "encrypted_content": "AAAA"},
        ]
    },
    {
        "content": [{"type": "text", "text": "Hi"}],
        "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
    },
    {
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": "Hi"}]}],
        "embedding": {"values": [0.1]},
        "embeddings": [{"values": [0.1]}],
    },
    {
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
        "error": None,
        "size": "1024x1024",
        "quality": "low",
        "base_resp": {"status_code": 1},
    },
    {
        "error": {"message": "no", "type": "server_error", "code": "429"},
        "errors": [{"message": "no"}],
        "x_groq": {"error": "no"},
        "type": "error",
    },
)
ANSWER_NAMES = (
    "id", "model", "choices", "data", "results", "text", "output", "content", "candidates", "steps", "embedding", "embeddings",
    "status", "usage", "usageMetadata", "meta", "duration", "size",
)  # fmt: skip
TOLD: dict[str, tuple[dict[str, object], ...]] = {
    "responses": (
        {"type": "response.output_text.delta", "delta": "Hi", "sequence_number": 3},
        {
            "type": "response.completed",
            "response": {"id": "r", "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 2}},
        },
        {"type": "error", "code": "server_error", "message": "no"},
    ),
    "messages": (
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ),
    "streamGenerateContent": (
        {
            "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": 1}],
            "usageMetadata": {"promptTokenCount": 3},
        },
    ),
    "completions": (
        {"choices": [{"index": 0, "text": "Hi", "finish_reason": None}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.1}},
    ),
    "images": (
        {"type": "image_generation.partial_image", "b64_json": "AAAA"},
        {
            "type": "image_generation.completed",
            "b64_json": "AAAA",
            "size": "1024x1024",
            "usage": {"input_tokens": 3, "output_tokens": 9, "input_tokens_details": {"image_tokens": 1}},
        },
    ),
    "transcriptions": (
        {"type": "transcript.text.delta", "delta": "Hi"},
        {"type": "transcript.text.segment", "text": "Hi"},
        {"type": "transcript.text.done", "text": "Hi", "usage": {"type": "duration", "seconds": 3}},
    ),
    "speech": (
        {"type": "speech.audio.delta", "audio": "AAAA"},
        {"type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 9}},
    ),
    "interactions": (
        {"event_type": "interaction.completed", "interaction": {"status": "failed", "errors": [{"message": "no"}]}},
    ),
    "error": ({"type": "error", "error": {"message": "no", "type": "overloaded_error"}}, {"error": {"code": 429}}),
}
"""Events of streams of which few or none were recorded, and errors of any."""
KINDS = ("completions", "responses", "messages", "error")
"""Whose events stand in others' streams."""


@cache
def requests_pool() -> dict[str, list[Tokens]]:
    return members_of((*recorded_requests(), *SAID))


@cache
def answers_pool() -> dict[str, list[Tokens]]:
    return members_of((*recorded_answers(), *ANSWERED))


@cache
def events_pool(kind: str) -> list[tuple[bytes, Tokens]]:
    told = [(b"", tokens_of(json.dumps(event).encode())) for event in TOLD.get(kind, ())]
    return [*recorded_events().get(kind, []), *told]


def documents(rubbish: Rubbish, kind: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and documents of a few events, most of them of *kind*."""
    held = events_pool(kind)
    for _ in range(int(rubbish.chance() * rubbish.chance() * 6)):
        name, tokens = rubbish.pick(held if held and rubbish.chance() < 0.9 else events_pool(rubbish.pick(KINDS)))
        yield name, rubbish.damaged(tokens) if rubbish.chance() < 0.5 else b"".join(tokens)


def request_of(rubbish: Rubbish) -> bytes:
    """Return a request that has what every endpoint needs, or nearly."""
    names = [name for name in OPTIONAL if rubbish.chance() < 0.1]
    names += FOR_SOME if rubbish.chance() < 0.5 else ()
    return rubbish.object((*NEEDED, *names), requests_pool())


def answer_of(rubbish: Rubbish) -> bytes:
    """Return an answer that has what answers of every endpoint have, or nearly."""
    return rubbish.object([name for name in ANSWER_NAMES if rubbish.chance() < 0.8], answers_pool())


def stream_of(rubbish: Rubbish, kind: str) -> bytes:
    """Return a stream, mostly of events of *kind*."""
    if kind == "array":
        return rubbish.sometimes_spoilt(
            b"[" + b",\r\n".join(data for _, data in documents(rubbish, "streamGenerateContent")) + b"]"
        )
    events = [
        b"event: %b\ndata: %b\n\n" % told if told[0] else b"data: %b\n\n" % told[1] for told in documents(rubbish, kind)
    ]
    events += rubbish.pick(((), (), (b"data: [DONE]\n\n",), (b"data:[DONE]\n\n", b"data: [DONE]\n\n") * 9))
    data = b"".join(events)
    return rubbish.sometimes_spoilt(data.replace(b"\n", b"\r\n") if rubbish.chance() < 0.1 else data)
