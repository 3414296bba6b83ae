"""An upstream that has an agent run one command in its shell, in any of four dialects, and then tells the result."""

import json
from typing import Any

from tests.upstreams import Received, Step, stream

COMMANDS = {"exec_command": "cmd", "Bash": "command", "run_shell_command": "command"}
"""The shell tools of Codex, Claude Code and Gemini CLI, each with the argument that takes the command."""
COMMAND = "echo relay-and-back"


def script(request: Received) -> list[Step]:
    """Call the agent's shell tool, or tell what came of it."""
    asked: dict[str, Any] = json.loads(request.body)
    answer = next(answer for word, answer in ANSWERS.items() if word in request.path)
    return stream(answer(asked), seed=1)


def _call(names: list[str]) -> tuple[str, str] | None:
    """Return the shell tool among *names* and the arguments to call it with."""
    name = next((name for name in names if name in COMMANDS), None)
    return None if name is None else (name, json.dumps({COMMANDS[name]: COMMAND, "description": "say it"}))


def _message(asked: dict[str, Any]) -> str:
    contents = [turn["content"] for turn in asked["messages"] if isinstance(turn["content"], list)]
    results = [block for content in contents for block in content if block["type"] == "tool_result"]
    call = None if results else _call([tool.get("name", "") for tool in asked.get("tools", [])])
    usage = {"input_tokens": 100, "output_tokens": 1}
    if call is not None:
        block: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": call[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": call[1]}
    else:
        block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": f"RESULT {json.dumps(results)}"}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "claude", "content": [], "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use" if call is not None else "end_turn"},
            "usage": {"output_tokens": 40},
        },
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def _completion(asked: dict[str, Any]) -> str:
    results = [message for message in asked["messages"] if message["role"] == "tool"]
    call = None if results else _call([tool["function"]["name"] for tool in asked.get("tools", [])])
    if call is not None:
        function = {"name": call[0], "arguments": call[1]}
        delta: dict[str, Any] = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
    else:
        delta = {"content": f"RESULT {json.dumps(results)}"}
    said = [({"role": "assistant"}, None), (delta, None), ({}, "stop" if call is None else "tool_calls")]
    chunks: list[dict[str, Any]] = [
        {"id": "c", "model": "gpt", "choices": [{"index": 0, "delta": piece, "finish_reason": reason}]}
        for piece, reason in said
    ]
    chunks.append({"id": "c", "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 40}})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _response(asked: dict[str, Any]) -> str:
    results = [item for item in asked["input"] if item.get("type") == "function_call_output"]
    call = None if results else _call([tool.get("name", "") for tool in asked.get("tools", [])])
    if call is not None:
        item: dict[str, Any] = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": call[0],
            "arguments": call[1],
        }
    else:
        text = {"type": "output_text", "text": f"RESULT {json.dumps(results)}", "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}
    item["status"] = "completed"
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt", "output": []}
    usage = {"input_tokens": 100, "output_tokens": 40, "total_tokens": 140}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**response, "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [item], "usage": usage},
        },
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def _content(asked: dict[str, Any]) -> str:
    parts = [part for turn in asked["contents"] for part in turn["parts"]]
    results = [part for part in parts if "functionResponse" in part]
    declared = [each["name"] for tool in asked.get("tools", []) for each in tool.get("functionDeclarations", [])]
    call = None if results else _call(declared)
    if call is not None:
        part: dict[str, Any] = {"functionCall": {"name": call[0], "args": json.loads(call[1])}}
    else:
        part = {"text": f"RESULT {json.dumps(results)}"}
    said = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 40, "totalTokenCount": 140}
    return f"data: {json.dumps({'candidates': [said], 'usageMetadata': usage, 'modelVersion': 'gemini'})}\r\n\r\n"


ANSWERS = {
    "/chat/completions": _completion,
    "/messages": _message,
    "/responses": _response,
    ":streamGenerateContent": _content,
}
"""How each endpoint answers, by what stands in its path."""
