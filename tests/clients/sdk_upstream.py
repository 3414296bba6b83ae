"""An upstream for SDKs, in chat and in messages: says pong, calls a tool, tells its result, thinks, keeps to a schema."""

import json
from dataclasses import dataclass
from typing import Any

from tests.upstreams import Received, Step, document, stream

PLACE = '{"city":"Lisbon"}'


@dataclass(frozen=True)
class Answer:
    """What is said, before it is written in a dialect; ``tool`` is the one to call."""

    text: str = ""
    tool: str = ""
    thinking: str = ""


def script(request: Received) -> list[Step]:
    """Answer what was asked in the path's dialect; "fail" is refused as one request too many."""
    asked: dict[str, Any] = json.loads(request.body)
    if '"fail"' in json.dumps(asked["messages"]):
        return document({"error": {"type": "rate_limit_error", "message": "slow down"}}, 429, ["retry-after: 1"])
    if request.path.startswith("/v1/messages"):
        answer = _answer(asked, [tool.get("name", "") for tool in asked.get("tools", [])])
        return stream(_events(answer), seed=1) if asked.get("stream") else document(_message(answer))
    answer = _answer(asked, [tool["function"]["name"] for tool in asked.get("tools", [])])
    return stream(_chunks(answer), seed=1) if asked.get("stream") else document(_completion(answer))


def _answer(asked: dict[str, Any], tools: list[str]) -> Answer:
    if "sunny in Lisbon" in json.dumps(asked["messages"]):
        return Answer("It is sunny")
    if tools:
        return Answer(tool=tools[0])
    if "response_format" in asked or "format" in asked.get("output_config", {}):
        return Answer(PLACE)
    is_thinking = "reasoning_effort" in asked or asked.get("thinking", {}).get("type") == "enabled"
    return Answer("pong", thinking="hm" if is_thinking else "")


def _chat_message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    if answer.tool:
        function = {"name": answer.tool, "arguments": PLACE}
        message["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    return message


def _completion(answer: Answer) -> dict[str, Any]:
    reason = "tool_calls" if answer.tool else "stop"
    choice = {"index": 0, "message": _chat_message(answer), "logprobs": None, "finish_reason": reason}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    envelope = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt"}
    return {**envelope, "choices": [choice], "usage": usage}


def _chunks(answer: Answer) -> str:
    envelope = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}
    reason = "tool_calls" if answer.tool else "stop"
    choices = [
        {"index": 0, "delta": _chat_message(answer), "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": reason},
    ]
    chunks: list[dict[str, Any]] = [{**envelope, "choices": [choice]} for choice in choices]
    chunks.append({**envelope, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.thinking:
        blocks.append({"type": "thinking", "thinking": answer.thinking, "signature": "c2VhbA=="})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    if answer.tool:
        blocks.append({"type": "tool_use", "id": "toolu_1", "name": answer.tool, "input": json.loads(PLACE)})
    return blocks


def _message(answer: Answer) -> dict[str, Any]:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": _blocks(answer),
        "stop_reason": "tool_use" if answer.tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }


def _events(answer: Answer) -> str:
    whole = _message(answer)
    empty = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 5, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": empty}]
    for index, block in enumerate(whole["content"]):
        events += _block_events(index, block)
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": end, "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def _block_events(index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    deltas: dict[str, list[dict[str, Any]]] = {
        "text": [{"type": "text_delta", "text": block.get("text")}],
        "tool_use": [{"type": "input_json_delta", "partial_json": piece} for piece in (PLACE[:5], PLACE[5:])],
        "thinking": [
            {"type": "thinking_delta", "thinking": block.get("thinking")},
            {"type": "signature_delta", "signature": block.get("signature")},
        ],
    }
    begun: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "tool_use": {"input": {}},
        "thinking": {"thinking": "", "signature": ""},
    }
    kind = block["type"]
    return [
        {"type": "content_block_start", "index": index, "content_block": {**block, **begun[kind]}},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas[kind]),
        {"type": "content_block_stop", "index": index},
    ]
