"""An upstream that has an agent run one command in its shell, in chat or in messages, and then tells the result."""

import json
from typing import Any

from tests.upstreams import Received, Step, stream

COMMANDS = {"exec_command": "cmd", "Bash": "command", "run_shell_command": "command"}
"""The shell tools of Codex, Claude Code and Gemini CLI, each with the argument that takes the command."""
COMMAND = "echo relay-and-back"


def script(request: Received) -> list[Step]:
    """Call the agent's shell tool, or tell what came of it."""
    asked: dict[str, Any] = json.loads(request.body)
    return stream(_message(asked) if request.path.startswith("/v1/messages") else _completion(asked), seed=1)


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
