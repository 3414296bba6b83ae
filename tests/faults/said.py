"""Everything that can be said through a shop, with a canary wherever words can stand."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx

from tests.faults.answers import Wire
from tests.faults.catalogue import FAULTS
from tests.shops import UPSTREAM_KEY
from tests.upstreams import Received, Step, document

PROMPT, ANSWER, WORDS, KEY = "canaryPrompt", "canaryAnswer", "canaryWords", "sk-canaryKey"
PICTURE = base64.b64encode(b"canaryPicture" * 9).decode()
LEAKS = ["authenticate", "select", "transform", "offer", "meter", "settle", "check"]
DEADLINES = "{{connect_s: 1, first_event_s: 0.3, idle_s: 0.3, total_s: 1}}"
SECRETS = [PROMPT, ANSWER, WORDS, KEY, PICTURE, PICTURE[:24], UPSTREAM_KEY, "canaryPicture"]

TOOL = {"type": "function", "function": {"name": f"{PROMPT}4", "description": f"{PROMPT}5", "parameters": {}}}
CALL = {"id": f"{PROMPT}6", "type": "function", "function": {"name": "f", "arguments": f'{{"a":"{PROMPT}7"}}'}}
CHAT_PROMPT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": f"{PROMPT}1"},
        {"role": "user", "content": [{"type": "text", "text": f"{PROMPT}2"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": f"{PROMPT}6", "content": f"{PROMPT}8"},
    ],
    "tools": [TOOL],
    "user": f"{PROMPT}9",
    "metadata": {"note": f"{PROMPT}10"},
}
SOURCE = {"type": "base64", "media_type": "image/png", "data": PICTURE}
MESSAGES_PROMPT: dict[str, Any] = {
    "system": f"{PROMPT}1",
    "max_tokens": 100,
    "messages": [
        {"role": "user", "content": [{"type": "image", "source": SOURCE}, {"type": "text", "text": f"{PROMPT}2"}]}
    ],
    "metadata": {"user_id": f"{PROMPT}3"},
}
WHOLE_ANSWER: dict[str, Any] = {
    "model": "m",
    "choices": [
        {
            "message": {
                "content": f"{ANSWER}1",
                "reasoning_content": f"{ANSWER}2",
                "refusal": f"{ANSWER}3",
                "tool_calls": [{"id": f"{ANSWER}4", "function": {"name": f"{ANSWER}5", "arguments": f"{ANSWER}6"}}],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "note": f"{ANSWER}7"},
}
VECTORS = {
    "data": [{"embedding": [0.5], "note": ANSWER}],
    "model": "m",
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
PLACES = ("plain", "open", "whole", "vectors")


def names() -> list[str]:
    """Return every model: one for each fault, for each hook that leaks, and for honest answers."""
    return [f"f{place}" for place in range(len(FAULTS))] + [f"leaky-{name}" for name in LEAKS] + list(PLACES)


def profile() -> str:
    """Return a shop with a channel of its own for each model and dialect, so that no failure spares the next."""
    channels = [
        f"  - {{{{name: {kind}-{name}, use: channels.{kind}, base_url: '{{url}}', keys: ['file:upstream.key'], "
        f"models: [{name}], groups: [plain], deadlines: {'{{}}' if name == 'open' else DEADLINES}}}}}"
        for name in names()
        for kind in ("openai", "anthropic")
    ]
    prices = [f'  {name}: {{{{model_ratio: "0.01"}}}}' for name in names()]
    plugins = "plugins: [{{use: ./leaky.py}}, {{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]"
    head = ["shop: {{name: {{en: Test, zh: 测试}}}}", plugins, 'groups: {{plain: {{ratio: "1"}}}}']
    return "\n".join([*head, "prices:", *prices, "channels:", *channels])


def answer(received: Received) -> list[Step]:
    """Answer by the model's name, with a canary wherever words can stand."""
    model = str(received.document["model"])
    own_address = received.headers["host"]
    wire = Wire(
        is_anthropic=received.path == "/v1/messages",
        is_stream=received.document.get("stream") is True,
        first=f"{ANSWER} one",
        second=f"{ANSWER} two",
        complaint=f"{WORDS} {UPSTREAM_KEY} at http://{own_address}/v1",
    )
    if model.startswith("f"):
        return [*list(FAULTS.values())[int(model[1:])].script(wire)]
    if model == "open":
        return wire.begun(30.0)
    if model == "whole":
        return document(WHOLE_ANSWER)
    return document(VECTORS) if model == "vectors" else wire.honest()


def requests(url: str, api_key: str) -> Iterator[httpx.Request]:
    """Yield one request for each way a word can go."""
    for model in (name for name in names() if name != "open"):
        for is_stream in (False, True):
            chat = {"model": model, "stream": is_stream, **CHAT_PROMPT}
            yield httpx.Request("POST", f"{url}/v1/chat/completions", json=chat, headers={"x-api-key": api_key})
            messages = {"model": model, "stream": is_stream, **MESSAGES_PROMPT}
            yield httpx.Request("POST", f"{url}/v1/messages", json=messages, headers={"x-api-key": api_key})
    vectors = {"model": "vectors", "input": PROMPT}
    yield httpx.Request("POST", f"{url}/v1/embeddings", json=vectors, headers={"x-api-key": api_key})
    for body in (f'{{"model":"{PROMPT}"', f'["{PROMPT}"]', f'{{"model":"{PROMPT}","messages":"{PROMPT}"}}', PROMPT * 9):
        yield httpx.Request("POST", f"{url}/v1/chat/completions", content=body, headers={"x-api-key": api_key})
        yield httpx.Request("POST", f"{url}/v1/messages", content=body, headers={"x-api-key": api_key})
    yield httpx.Request("GET", f"{url}/v1/{PROMPT}", headers={"x-api-key": api_key})
    yield httpx.Request("GET", f"{url}/v1/models/{PROMPT}?key={api_key}")
    yield httpx.Request("GET", f"{url}/v1/models?key={KEY}")
    for name in ("authorization", "x-api-key", "api-key", "x-goog-api-key"):
        yield httpx.Request(
            "POST", f"{url}/v1/chat/completions", json={"model": "plain"} | CHAT_PROMPT, headers={name: KEY}
        )
