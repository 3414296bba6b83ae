"""Moderations, rankings and new pictures through OpenAI's own SDK: the usage, the exact charge, a failure of each."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.shops import HEAD, UPSTREAM_KEY, Running, serving
from tests.upstreams import Received, Step, Upstream, document
from tests.wire.recordings import load

PROFILE = (
    HEAD
    + """  - use: billing.per_call
groups:
  plain: {{ratio: "1.5"}}
prices:
  omni-moderation-latest: {{unit_price: "0.001"}}
  rerank-v3.5: {{unit_price: "0.002"}}
  rerank-by-token: {{model_ratio: "1"}}
  dall-e-3: {{unit_price: "0.04", unit_prices: [{{quality: hd, price: "0.08"}}]}}
channels:
  - name: one
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [omni-moderation-latest, rerank-v3.5, rerank-by-token, dall-e-3]
    groups: [plain]
"""
)
REFUSED = {"error": {"message": "Too many inputs.", "type": "invalid_request_error", "param": "input", "code": None}}


@asynccontextmanager
async def till(
    folder: Path, script: Callable[[Received], list[Step]]
) -> AsyncIterator[tuple[Running, Upstream, openai.AsyncOpenAI]]:
    """Serve in front of *script*, with the SDK of a customer."""
    upstream = Upstream(script)
    async with (
        upstream.opened(),
        serving(folder, upstream.url, profile=PROFILE) as shop,
        openai.AsyncOpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client,
    ):
        yield shop, upstream, client


async def row(shop: Running) -> tuple[str, int, str]:
    """Return outcome, charge and source of usage of the one exchange in the log."""
    [found] = await shop.log()
    return found["outcome"], found["charge_nano"], found["usage_source"]


async def test_a_recorded_moderation_is_paid_apiece(tmp_path: Path) -> None:
    """0.001 and 1.5; no model is named, so that the one that is meant is asked, and no figures come."""
    recording = load("openai-other/moderation", "moderations")
    async with till(tmp_path, lambda _: document(recording.raw)) as (shop, upstream, client):
        made = await client.moderations.create(input="This is a safe message")
        assert (made.model, made.results[0].flagged) == ("omni-moderation-latest", False)
        [asked] = upstream.received
        assert asked.path == "/v1/moderations"
        assert asked.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
        assert await row(shop) == ("complete", 1_500_000, "estimated")


async def test_a_recorded_ranking_is_paid_by_its_search_units(tmp_path: Path) -> None:
    """One at 0.002 and 1.5; the SDK asks for a path that it has no method for."""
    recording = load("compat/rerank-cohere", "rerank")
    body = {"model": "rerank-v3.5", "query": "capital?", "documents": ["Carson City", "Washington"]}
    async with till(tmp_path, lambda _: document(recording.raw)) as (shop, upstream, client):
        made: Any = await client.post("/rerank", cast_to=object, body=body)
        assert [each["index"] for each in made["results"]] == [1, 0]
        assert (upstream.received[0].path, upstream.received[0].document) == ("/v1/rerank", body)
        assert await row(shop) == ("complete", 3_000_000, "upstream")


async def test_a_recorded_ranking_that_is_sold_by_the_token_is_not_free(tmp_path: Path) -> None:
    """The upstream counts search units alone: query and documents are estimated at 16 tokens, of 0.000002 and 1.5 each."""
    recording = load("compat/rerank-cohere", "rerank")
    body = {"model": "rerank-by-token", "query": "capital?", "documents": ["Carson City", "Washington"]}
    async with till(tmp_path, lambda _: document(recording.raw)) as (shop, _, client):
        await client.post("/rerank", cast_to=object, body=body)
        assert await row(shop) == ("complete", 48_000, "estimated")


@pytest.mark.parametrize(("quality", "charge_nano"), [("standard", 60_000_000), ("hd", 120_000_000)])
async def test_a_recorded_picture_costs_what_its_quality_does(tmp_path: Path, quality: Any, charge_nano: int) -> None:
    """0.04 or 0.08, and 1.5; the upstream tells neither tokens nor quality, so what was asked for counts."""
    recording = load("openai-other/image-dalle3-url", "images")
    async with till(tmp_path, lambda _: document(recording.raw)) as (shop, _, client):
        made = await client.images.generate(model="dall-e-3", prompt="A lion", quality=quality)
        assert made.data is not None
        assert made.data[0].revised_prompt
        assert await row(shop) == ("complete", charge_nano, "estimated")


async def test_what_the_upstream_refuses_is_told_and_free(tmp_path: Path) -> None:
    """Of each of the three: its words, and no charge."""
    async with till(tmp_path, lambda _: document(REFUSED, 400)) as (shop, _, client):
        for asked in (
            client.moderations.create(input=["x"] * 99),
            client.post("/rerank", cast_to=object, body={"model": "rerank-v3.5", "query": "x", "documents": ["x"]}),
            client.images.generate(model="dall-e-3", prompt="A lion"),
        ):
            with pytest.raises(openai.BadRequestError, match="Too many inputs"):
                await asked
        assert [each["charge_nano"] for each in await shop.log(count=3)] == [0, 0, 0]
