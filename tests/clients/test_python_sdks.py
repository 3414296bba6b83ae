"""The vendors' own SDKs for Python, on models of every dialect: text, stream, tools, schema, thinking, errors."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.shops import Running, reselling

from .sdk_upstream import script
from .test_agents import PROFILE

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
MADE = {"stream": "pong", "tools": "It is sunny", "structured": {"city": "Lisbon"}, "thinking": ["hm", "pong"]}
Program = Callable[[Running, str], Awaitable[dict[str, Any]]]
"""Asks a model of a shop for every task; gives what its SDK makes of the answers."""


async def chat(shop: Running, model: str) -> dict[str, Any]:
    """Ask by OpenAI's SDK, in chat."""
    made: dict[str, Any] = {}
    async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client:

        async def ask(messages: list[Any], **asked: Any) -> Any:
            return await client.chat.completions.create(model=model, messages=messages, **asked)

        ping = [{"role": "user", "content": "ping"}]
        whole = await ask(ping)
        made["text"] = [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.completion_tokens]

        chunks = [chunk async for chunk in await ask(ping, stream=True)]
        made["stream"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

        tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}]
        wanted = (await ask(ping, tools=tools)).choices[0].message
        [call] = wanted.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": _weather(json.loads(call.function.arguments))}
        told = await ask([*ping, wanted.to_dict(), result], tools=tools)
        made["tools"] = told.choices[0].message.content

        form = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
        made["structured"] = json.loads((await ask(ping, response_format=form)).choices[0].message.content)

        thought = (await ask(ping, reasoning_effort="high")).choices[0].message
        made["thinking"] = [thought.reasoning_content, thought.content]

        with pytest.raises(openai.RateLimitError):
            await ask([{"role": "user", "content": "fail"}])
    return made


async def responses(shop: Running, model: str) -> dict[str, Any]:
    """Ask by OpenAI's SDK, in Responses."""
    made: dict[str, Any] = {}
    async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client:

        async def ask(given: Any, **asked: Any) -> Any:
            return await client.responses.create(model=model, input=given, **asked)

        whole = await ask("ping")
        made["text"] = [whole.output_text, whole.status, whole.usage.output_tokens]

        async with client.responses.stream(model=model, input="ping") as stream:
            made["stream"] = (await stream.get_final_response()).output_text

        tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}]
        wanted = await ask("ping", tools=tools)
        [call] = [item for item in wanted.output if item.type == "function_call"]
        output = _weather(json.loads(call.arguments))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": output}
        talk = [{"role": "user", "content": "ping"}, *(item.to_dict() for item in wanted.output), result]
        made["tools"] = (await ask(talk, tools=tools)).output_text

        form = {"format": {"type": "json_schema", "name": "place", "strict": True, "schema": SCHEMA}}
        made["structured"] = json.loads((await ask("ping", text=form)).output_text)

        thought = await ask("ping", reasoning={"effort": "high", "summary": "auto"})
        [reasoning] = [item for item in thought.output if item.type == "reasoning"]
        made["thinking"] = ["".join(part.text for part in reasoning.summary), thought.output_text]

        with pytest.raises(openai.RateLimitError):
            await ask("fail")
    return made


async def messages(shop: Running, model: str) -> dict[str, Any]:
    """Ask by Anthropic's SDK."""
    made: dict[str, Any] = {}
    async with anthropic.AsyncAnthropic(base_url=shop.url, api_key=shop.api_key, max_retries=0) as client:

        async def ask(talk: list[Any], **asked: Any) -> Any:
            return await client.messages.create(model=model, messages=talk, max_tokens=2048, **asked)

        ping: list[Any] = [{"role": "user", "content": "ping"}]
        whole = await ask(ping)
        made["text"] = [whole.content[0].text, whole.stop_reason, whole.usage.output_tokens]

        async with client.messages.stream(model=model, messages=ping, max_tokens=2048) as stream:
            made["stream"] = await stream.get_final_text()

        tools = [{"name": "weather", "input_schema": SCHEMA}]
        wanted = await ask(ping, tools=tools)
        [call] = [block for block in wanted.content if block.type == "tool_use"]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": _weather(call.input)}
        said = {"role": "assistant", "content": [block.to_dict() for block in wanted.content]}
        made["tools"] = (await ask([*ping, said, {"role": "user", "content": [result]}], tools=tools)).content[0].text

        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        made["structured"] = json.loads((await ask(ping, output_config=form)).content[0].text)

        thought = (await ask(ping, thinking={"type": "enabled", "budget_tokens": 1024})).content
        made["thinking"] = [thought[0].thinking, thought[1].text]

        with pytest.raises(anthropic.RateLimitError):
            await ask([{"role": "user", "content": "fail"}])
    return made


async def generate(shop: Running, model: str) -> dict[str, Any]:
    """Ask by Google's SDK, whose asynchronous side makes aiohttp warn."""
    return await asyncio.to_thread(_generate, shop, model)


def _generate(shop: Running, model: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    address = types.HttpOptions(base_url=shop.url)
    with genai.Client(api_key=shop.api_key, http_options=address) as client:

        def ask(contents: Any, **config: Any) -> Any:
            settings = types.GenerateContentConfig(**config)
            return client.models.generate_content(model=model, contents=contents, config=settings)

        whole = ask("ping")
        finish, count = whole.candidates[0].finish_reason, whole.usage_metadata.candidates_token_count
        made["text"] = [whole.text, finish.name, count]

        chunks = client.models.generate_content_stream(model=model, contents="ping")
        made["stream"] = "".join(chunk.text or "" for chunk in chunks)

        weather = types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)
        tools = [types.Tool(function_declarations=[weather])]
        wanted = ask("ping", tools=tools)
        [call] = wanted.function_calls
        told = types.FunctionResponse(id=call.id, name=call.name, response={"output": _weather(call.args)})
        result = types.Content(role="user", parts=[types.Part(function_response=told)])
        talk = [types.UserContent("ping"), wanted.candidates[0].content, result]
        made["tools"] = (ask(talk, tools=tools)).text

        form = {"response_mime_type": "application/json", "response_json_schema": SCHEMA}
        made["structured"] = json.loads((ask("ping", **form)).text)

        thoughts = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        parts = (ask("ping", thinking_config=thoughts)).candidates[0].content.parts
        made["thinking"] = [parts[0].text if parts[0].thought else "", parts[1].text]

        with pytest.raises(genai.errors.ClientError, match="429 RESOURCE_EXHAUSTED"):
            ask("fail")
    return made


def _weather(arguments: dict[str, Any]) -> str:
    return f"sunny in {arguments['city']}"


@pytest.mark.parametrize("model", ["over-chat", "over-messages", "over-responses", "over-gemini"])
@pytest.mark.parametrize(
    ("program", "text"),
    [
        (chat, ["pong", "stop", 1]),
        (responses, ["pong", "completed", 1]),
        (messages, ["pong", "end_turn", 1]),
        (generate, ["pong", "STOP", 1]),
    ],
    ids=["chat", "responses", "messages", "generate"],
)
async def test_an_sdk_makes_the_same_of_every_model(
    tmp_path: Path, program: Program, text: list[Any], model: str
) -> None:
    """Natively and across dialects; what succeeded is posted as complete."""
    async with reselling(tmp_path, script, profile=PROFILE) as (_, shop):
        assert await program(shop, model) == {**MADE, "text": text}
        outcomes = sorted(row["outcome"] for row in await shop.log(count=7))
    assert outcomes == ["complete"] * 6 + ["upstream_error"]
