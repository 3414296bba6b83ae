"""A vendor's preset at work: OpenAI's own SDK asks, the upstream says what the vendor was recorded to say.

Samples are written after the vendor's documentation, where there is no recording; their sources
stand in profiles/presets.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from relay.core.profile.presets import load_preset, preset_names
from tests.shops import reselling, serving
from tests.upstreams import Received, Step, Upstream, document, stream
from tests.wire.recordings import load

QUESTION = "Hi" + " there" * 400
"""Long enough for what any of the recordings says it read."""
ASKED: dict[str, Any] = {
    "messages": [{"content": "Be brief.", "role": "developer"}, {"content": QUESTION, "role": "user"}],
    "max_completion_tokens": 2000,
    "temperature": 1.5,
    "top_p": 0.9,
    "presence_penalty": 0.5,
    "logprobs": False,
    "stop": ["END"],
}
BRIEF_BY_SYSTEM = {"messages": [{"content": "Be brief.", "role": "system"}, {"content": QUESTION, "role": "user"}]}
SAMPLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1785880001,"model":"sample","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hello!"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}'
)
PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices: {{MODEL: {{model_ratio: "1", completion_ratio: "4", cache_read_ratio: "0.5"}}}}
channels:
  - {{name: vendor, use: channels.openai, preset: PRESET, base_url: "{url}PATH", keys: ["file:upstream.key"], models: [MODEL], groups: [plain]}}
"""
"""A fresh token of input costs 2000 nano-credits, a cached one 1000, one of output 8000."""


@dataclass(frozen=True)
class Vendor:
    """One row: the model as customers write it, what the upstream gets of it, and what its answer costs."""

    name: str
    charge_nano: int
    usage: tuple[int, int]
    """Input and output tokens, as the log has them; cached input is part of the first."""
    recording: str | None = None
    model: str = "a-model"
    model_sent: str = "a-model"
    path: str = "/v1/chat/completions"
    changed: dict[str, Any] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


VENDORS = [
    Vendor("deepseek", 662_000, (359, 25), "deepseek/cache-hit", "deepseek-chat", "deepseek-v4-flash",
           changed={**BRIEF_BY_SYSTEM, "max_tokens": 2000}, gone=("max_completion_tokens",)),
    Vendor("groq", 72_000, (20, 4), "groq/stream", path="/openai/v1/chat/completions", gone=("logprobs",)),
    Vendor("hunyuan", 34_000, (5, 3), model="hunyuan", model_sent="hunyuan-turbos-latest"),
    Vendor("mistral", 108_000, (22, 8), "mistral/stream",
           changed={"max_tokens": 2000}, gone=("max_completion_tokens", "stream_options")),
    Vendor("moonshot", 270_000, (20, 30), "moonshot/reasoning",
           gone=("temperature", "top_p", "presence_penalty")),
    Vendor("ollama", 508_000, (74, 45), "compat/ollama-stream"),
    Vendor("openrouter", 102_000, (15, 9), "openrouter/stream", path="/api/v1/chat/completions"),
    Vendor("qianfan", 34_000, (5, 3), model="ERNIE-Bot", model_sent="ernie-3.5-8k",
           path="/v2/chat/completions", changed=BRIEF_BY_SYSTEM),
    Vendor("qihoo360", 34_000, (5, 3), model="360GPT_S2_V9", model_sent="360GPT_S2_V9"),
    Vendor("qwen", 13_392_000, (24, 1668), "qwen/reasoning",
           path="/compatible-mode/v1/chat/completions", changed=BRIEF_BY_SYSTEM),
    Vendor("siliconflow", 34_000, (5, 3)),
    Vendor("spark", 36_000, (6, 3), "documented/spark-http-stream", "SparkDesk", "generalv3",
           changed={**BRIEF_BY_SYSTEM, "max_tokens": 2000}, gone=("max_completion_tokens",)),
    Vendor("vllm", 34_000, (5, 3)),
    Vendor("xai", 1_190_000, (165, 127), "xai/plain", gone=("presence_penalty", "stop")),
    Vendor("zhipu", 4_538_000, (13, 564), "zhipu/stream", "chatglm_pro", "glm-4-plus",
           path="/api/paas/v4/chat/completions", changed={**BRIEF_BY_SYSTEM, "temperature": 1}),
]  # fmt: skip


def test_every_preset_has_its_row() -> None:
    """None is left out."""
    assert tuple(vendor.name for vendor in VENDORS) == preset_names()


def profile(vendor: Vendor) -> str:
    """Return a shop that sells *vendor* alone, at the path of its preset."""
    path = urlsplit(load_preset(vendor.name).base_url).path
    return PROFILE.replace("MODEL", vendor.model).replace("PRESET", vendor.name).replace("PATH", path)


def steps(vendor: Vendor, *, is_stream: bool) -> list[Step]:
    """Return the vendor's answer; a sample is whole."""
    if vendor.recording is None:
        return document(SAMPLE)
    recording = load(vendor.recording, "openai_chat")
    return stream(recording.raw, seed=1) if is_stream else document(recording.raw)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda each: each.name)
async def test_the_vendor_gets_what_it_takes_and_its_figures_are_charged(tmp_path: Path, vendor: Vendor) -> None:
    """The request field by field, the usage token by token, the charge to the nano-credit."""
    is_stream = vendor.recording is not None and "stream" in vendor.recording
    answer_steps = steps(vendor, is_stream=is_stream)
    upstream = Upstream(lambda _: answer_steps)
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
    async with upstream.opened(), serving(tmp_path, upstream.url, profile=profile(vendor)) as shop:
        async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client:
            answer = await client.chat.completions.create(model=vendor.model, **ASKED, **options)
            if is_stream:
                assert [chunk async for chunk in answer]
        [row] = await shop.log()
    [received] = upstream.received
    sent = {"model": vendor.model_sent, **ASKED, **options, **vendor.changed}
    assert received.path == vendor.path
    assert received.document == {name: value for name, value in sent.items() if name not in vendor.gone}
    usage = json.loads(row["usage"])
    read = usage.get("input_tokens", 0) + usage.get("cache_read_tokens", 0)
    assert (read, usage["output_tokens"]) == vendor.usage
    assert (row["outcome"], row["usage_source"], row["charge_nano"]) == ("complete", "upstream", vendor.charge_nano)


REFUSALS = [
    # Documented: each in the words of the source that its preset names.
    ("hunyuan", 400, b'{"error":{"id":"3d98","message":"user and assistant must take turns",'
     b'"type":"invalid_request_error","param":null,"code":"1001"}}', (400, "invalid_request_error")),
    ("ollama", 404, b'{"error":{"message":"model \\"a-model\\" not found, try pulling it first","type":"api_error",'
     b'"param":null,"code":null}}', (503, "upstream_unavailable")),
    ("moonshot", 400, b'{"error":{"message":"invalid temperature: only 1 is allowed","type":"invalid_request_error"}}',
     (400, "invalid_request_error")),
    ("moonshot", 400, b'{"error":{"type":"invalid_request_error","message":"Your request exceeded model token limit : 8192"}}',
     (400, "context_length_exceeded")),
    ("qianfan", 400, b'{"error":{"code":"malformed_json","message":"Invalid Argument","type":"invalid_request_error"},'
     b'"id":"as-t2z8xi6mm8"}', (400, "malformed_json")),
    ("qianfan", 400, b'{"error":{"code":"tokens_too_long","message":"Prompt tokens too long",'
     b'"type":"invalid_request_error"},"id":"as-1"}', (400, "context_length_exceeded")),
    ("qianfan", 401, b'{"error":{"code":"invalid_model","message":"No permission to use the model",'
     b'"type":"invalid_request_error"},"id":"as-1"}', (503, "upstream_unavailable")),
    ("spark", 401, b'{"message":"HMAC signature cannot be verified: enforced header not used for signature creation"}',
     (503, "upstream_unavailable")),
    ("spark", 200, '{"code":10013,"message":"输入内容审核不通过","sid":"cha000b0003"}'.encode(), (400, "upstream_refused")),
    ("spark", 200, b'{"code":10907,"message":"token over limit","sid":"cha000b0003"}', (400, "context_length_exceeded")),
    ("spark", 200, b'{"code":11200,"message":"AppIdNoAuthError","sid":"cha000b0003"}', (503, "upstream_unavailable")),
    ("spark", 200, b'{"code":11202,"message":"licc limit","sid":"cha000b0003"}', (429, "upstream_throttled")),
    ("qwen", 400, b'{"error":{"code":"invalid_parameter_error","param":null,"message":"no such role",'
     b'"type":"invalid_request_error"},"id":"chatcmpl-1"}', (400, "invalid_parameter_error")),
    ("siliconflow", 400, b'{"code":20012,"message":"Model does not exist. Please check it carefully.","data":null}',
     (503, "upstream_unavailable")),
    ("vllm", 400, b'{"object":"error","message":"Extra inputs are not permitted","type":"BadRequestError",'
     b'"param":null,"code":400}', (400, "BadRequestError")),
    ("zhipu", 400, '{"error":{"code":"1214","message":"角色信息不正确"}}'.encode(), (400, "upstream_refused")),
    # Recorded.
    ("deepseek", 400, "deepseek/err-400-context", (400, "context_length_exceeded")),
    ("groq", 400, "groq/err-400-tool-use-failed", (400, "tool_use_failed")),
    ("mistral", 400, "mistral/err-400-model", (503, "upstream_unavailable")),
    ("openrouter", 429, "openrouter/err-429", (429, "upstream_throttled")),
    ("xai", 400, "xai/err-401-as-400", (503, "upstream_unavailable")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "said", "expected"), REFUSALS, ids=lambda each: str(each)[:12])
async def test_the_vendors_own_error_comes_out_in_openais_shape(
    tmp_path: Path, name: str, status: int, said: bytes | str, expected: tuple[int, str]
) -> None:
    """What is the customer's to mend is told in the vendor's word, what is ours never; nothing is charged."""
    vendor = next(each for each in VENDORS if each.name == name)
    body = load(said, "openai_chat").raw if isinstance(said, str) else said

    def refuse(_: Received) -> list[Step]:
        return document(body, status)

    async with reselling(tmp_path, refuse, profile=profile(vendor)) as (_, shop):
        async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client:
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(model=vendor.model, **ASKED)
        assert (caught.value.status_code, caught.value.code) == expected
        assert isinstance(caught.value.body, dict)
        assert caught.value.body.keys() == {"message", "type", "param", "code"}
        assert shop.rows("select * from transfer where id like 'post:%'") == []


@pytest.mark.parametrize(
    ("name", "reason", "outcome"),
    [
        ("deepseek", b"insufficient_system_resource", "truncated"),
        ("zhipu", b"network_error", "truncated"),
        ("zhipu", b"sensitive", "refused"),
    ],
)
async def test_a_finish_reason_of_the_vendors_own_says_how_it_ended(
    tmp_path: Path, name: str, reason: bytes, outcome: str
) -> None:
    """It reaches the customer as it is, and the after-sales by what it means."""
    vendor = next(each for each in VENDORS if each.name == name)
    async with reselling(
        tmp_path, lambda _: document(SAMPLE.replace(b'"stop"', b'"' + reason + b'"')), profile=profile(vendor)
    ) as (_, shop):
        async with openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client:
            answer = await client.chat.completions.create(model=vendor.model, **ASKED)
        [row] = await shop.log()
    assert answer.choices[0].finish_reason == reason.decode()
    assert (row["outcome"], row["charge_nano"]) == (outcome, 34_000)


async def test_calls_without_ids_get_some_that_mistral_takes(tmp_path: Path) -> None:
    """Gemini's customers send none; a call and its result still belong together."""
    vendor = next(each for each in VENDORS if each.name == "mistral")
    talk = [
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "sun"}}}]},
    ]
    async with reselling(tmp_path, lambda _: document(SAMPLE), profile=profile(vendor)) as (upstream, shop):
        answer = await shop.client.post(
            "/v1beta/models/a-model:generateContent", json={"contents": talk}, headers=shop.headers
        )
    assert answer.status_code == 200
    [received] = upstream.received
    _, call, result = json.loads(received.body)["messages"]
    assert re.fullmatch("[A-Za-z0-9]{9}", call["tool_calls"][0]["id"])
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
