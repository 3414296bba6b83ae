"""What the suite's customers send, each in their own dialect; only things that every dialect can express."""

from typing import Any, assert_never

import msgspec

from relay.core.exchange import Dialect
from relay.testing.scenes import ARGUMENTS, PICTURE, PROMPT, RESULT, SCHEMA, TOOL, Scene

OUTPUT_TOKENS_MAX = 4000
THINKING_TOKENS = 1024


class CustomerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes to the relay; the key is in ``headers``."""

    path: str
    headers: dict[str, str]
    body: bytes


def request(scene: Scene, model: str, api_key: str) -> CustomerRequest:
    """Return the request of *scene* for *model*."""
    headers = {"content-type": "application/json", **_key_header(scene.dialect, api_key)}
    path, fields = _path_and_fields(scene, model)
    return CustomerRequest(path=path, headers=headers, body=msgspec.json.encode(fields))


def _key_header(dialect: Dialect, api_key: str) -> dict[str, str]:
    match dialect:
        case "anthropic_messages":
            return {"x-api-key": api_key, "anthropic-version": "2023-06-01"}
        case "gemini_generate":
            return {"x-goog-api-key": api_key}
        case _:
            return {"authorization": f"Bearer {api_key}"}


def _path_and_fields(scene: Scene, model: str) -> tuple[str, dict[str, Any]]:
    match scene.dialect:
        case "openai_chat":
            return "/v1/chat/completions", {"model": model, "stream": scene.stream, **_chat(scene)}
        case "openai_responses":
            return "/v1/responses", {"model": model, "stream": scene.stream, **_responses(scene)}
        case "anthropic_messages":
            return "/v1/messages", {"model": model, "stream": scene.stream, **_messages(scene)}
        case _:
            action = "streamGenerateContent?alt=sse" if scene.stream else "generateContent"
            return f"/v1beta/models/{model}:{action}", _gemini(scene)


def _is_answered(scene: Scene) -> bool:
    """Say whether the tool was called and has answered already."""
    return scene.task == "tools" and scene.ending == "stop"


def _chat(scene: Scene) -> dict[str, Any]:
    content: Any = PROMPT
    if scene.task == "images":
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
        content = [{"type": "text", "text": PROMPT}, picture]
    fields: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}],
        "max_completion_tokens": OUTPUT_TOKENS_MAX,
    }
    if _is_answered(scene):
        call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": ARGUMENTS}}
        fields["messages"] += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": RESULT},
        ]
    if scene.stream:
        fields["stream_options"] = {"include_usage": True}
    if scene.task == "tools":
        fields["tools"] = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
    if scene.is_tool_forced:
        fields["tool_choice"] = {"type": "function", "function": {"name": TOOL}}
    if scene.task == "thinking":
        fields["reasoning_effort"] = "low"
    if scene.task == "structured":
        wanted = {"name": "weather", "strict": True, "schema": SCHEMA}
        fields["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return fields


def _responses(scene: Scene) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": PROMPT}]
    if scene.task == "images":
        content.append({"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}"})
    fields: dict[str, Any] = {
        "input": [{"role": "user", "content": content}],
        "max_output_tokens": OUTPUT_TOKENS_MAX,
        "store": False,
    }
    if _is_answered(scene):
        fields["input"] += [
            {"type": "function_call", "call_id": "call_1", "name": TOOL, "arguments": ARGUMENTS},
            {"type": "function_call_output", "call_id": "call_1", "output": RESULT},
        ]
    if scene.task == "tools":
        fields["tools"] = [{"type": "function", "name": TOOL, "parameters": SCHEMA, "strict": False}]
    if scene.is_tool_forced:
        fields["tool_choice"] = {"type": "function", "name": TOOL}
    if scene.task == "thinking":
        fields["reasoning"] = {"effort": "low", "summary": "auto"}
    if scene.task == "structured":
        fields["text"] = {"format": {"type": "json_schema", "name": "weather", "strict": True, "schema": SCHEMA}}
    return fields


def _messages(scene: Scene) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": PROMPT}]
    if scene.task == "images":
        source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
        content.append({"type": "image", "source": source})
    fields: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}],
        "max_tokens": OUTPUT_TOKENS_MAX,
    }
    if _is_answered(scene):
        call = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": msgspec.json.decode(ARGUMENTS)}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": RESULT}
        fields["messages"] += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    if scene.task == "tools":
        fields["tools"] = [{"name": TOOL, "input_schema": SCHEMA}]
    if scene.is_tool_forced:
        fields["tool_choice"] = {"type": "tool", "name": TOOL}
    if scene.task == "thinking":
        fields["thinking"] = {"type": "enabled", "budget_tokens": THINKING_TOKENS}
    if scene.task == "structured":
        fields["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    return fields


def _gemini(scene: Scene) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": PROMPT}]
    if scene.task == "images":
        parts.append({"inlineData": {"mimeType": "image/png", "data": PICTURE}})
    config: dict[str, Any] = {"maxOutputTokens": OUTPUT_TOKENS_MAX}
    fields: dict[str, Any] = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    if _is_answered(scene):
        call = {"functionCall": {"name": TOOL, "args": msgspec.json.decode(ARGUMENTS)}}
        result = {"functionResponse": {"name": TOOL, "response": {"output": RESULT}}}
        fields["contents"] += [{"role": "model", "parts": [call]}, {"role": "user", "parts": [result]}]
    if scene.task == "tools":
        fields["tools"] = [{"functionDeclarations": [{"name": TOOL, "parametersJsonSchema": SCHEMA}]}]
    if scene.is_tool_forced:
        calling = {"mode": "ANY", "allowedFunctionNames": [TOOL]}
        fields["toolConfig"] = {"functionCallingConfig": calling}
    if scene.task == "thinking":
        config["thinkingConfig"] = {"includeThoughts": True, "thinkingBudget": THINKING_TOKENS}
    if scene.task == "structured":
        config |= {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    return fields


def markers(scene: Scene) -> list[str]:
    """Return the texts of the request, spelled as in JSON, that must be found in what goes upstream."""
    found = [PROMPT]
    match scene.task:
        case "text" | "thinking":
            pass
        case "tools":
            found += [TOOL, '"unit"', *([RESULT] if _is_answered(scene) else [])]
        case "images":
            found.append(PICTURE)
        case "structured":
            found.append('"unit"')
        case _:
            assert_never(scene.task)
    return found
