"""What would cost the shop more than it charges is refused at every endpoint, before anything is held or sent."""

from pathlib import Path
from typing import Any

import pytest

from tests.shops import reselling
from tests.upstreams import document

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
CLAUDE = "claude-sonnet-4-5"
MESSAGE: dict[str, Any] = {**CHAT, "model": CLAUDE, "max_tokens": 9}
DRAW = {"type": "image_generation"}
DRAWING: dict[str, Any] = {"model": "gpt-4o-mini", "input": "hi"}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/chat/completions", {**CHAT, "service_tier": "priority"}, 400, "not_offered"),
        ("/v1/completions", {"model": "m", "prompt": "hi", "service_tier": "priority"}, 400, "not_offered"),
        ("/v1/responses", {"model": "m", "input": "hi", "service_tier": "priority"}, 400, "not_offered"),
        (
            "/v1beta/models/m:generateContent",
            {"contents": [{"parts": [{"text": "hi"}]}], "serviceTier": "priority"},
            400,
            "not_offered",
        ),
        ("/v1beta/interactions", {"model": "m", "input": "hi", "service_tier": "priority"}, 400, "not_offered"),
        ("/v1/messages", {**MESSAGE, "speed": "fast"}, 400, "not_offered"),
        ("/v1/messages", {**MESSAGE, "fallbacks": [{"model": "claude-opus-4-1"}]}, 503, "model_not_found"),
        ("/v1/messages", {**MESSAGE, "tools": [{"name": "a", "model": "claude-opus-4-1"}]}, 503, "model_not_found"),
        ("/v1/messages", {**MESSAGE, "fallbacks": [{"model": CLAUDE, "speed": "fast"}]}, 400, "not_offered"),
        ("/v1/messages", {**MESSAGE, "fallbacks": [{"model": CLAUDE, "max_tokens": 10}]}, 400, "not_offered"),
        ("/v1/messages", {**MESSAGE, "fallbacks": [{"model": CLAUDE, "max_tokens": -1}]}, 400, "not_offered"),
        ("/v1/messages", {**MESSAGE, "mock_testing_fallbacks": True}, 400, "not_offered"),
        ("/v1/chat/completions", {**CHAT, "fallbacks": ["o1-pro"]}, 400, "not_offered"),
        ("/v1/chat/completions", {**CHAT, "context_window_fallbacks": [{"m": ["o1-pro"]}]}, 400, "not_offered"),
        ("/v1/chat/completions", {**CHAT, "num_retries": 50}, 400, "not_offered"),
        ("/v1/embeddings", {"model": "gpt-4o-mini", "input": "hi", "max_retries": 50}, 400, "not_offered"),
        ("/v1/chat/completions", {**CHAT, "models": ["gpt-4o-mini", "openai/o1-pro"]}, 400, "not_offered"),
        ("/v1/completions", {"model": "m", "prompt": "hi", "models": ["o1-pro"]}, 400, "not_offered"),
        ("/v1/responses", {**DRAWING, "tools": [{**DRAW, "model": "gpt-image-1.5"}]}, 503, "model_not_found"),
        ("/v1/responses", {**DRAWING, "tools": [{**DRAW, "svg": {"model": "o1-pro"}}]}, 503, "model_not_found"),
    ],
)
async def test_it_is_refused_by_name(tmp_path: Path, path: str, body: dict[str, Any], status: int, code: str) -> None:
    """A dearer tier, and a model that this shop does not sell."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, shop):
        answer = await shop.client.post(path, json=body, headers=shop.headers)
        assert (answer.status_code, code in answer.text) == (status, True), answer.text
        assert (upstream.received, shop.rows("select * from reservation")) == ([], [])
