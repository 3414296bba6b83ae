"""Google's SDK calls Python functions by itself, natively and on models of the other dialects."""

import asyncio
from pathlib import Path

import pytest
from google import genai
from google.genai import types

from tests.shops import reselling

from .sdk_upstream import script
from .test_agents import PROFILE


@pytest.mark.parametrize("model", ["over-chat", "over-messages", "over-responses", "over-gemini"])
async def test_a_function_is_called_and_its_result_told(tmp_path: Path, model: str) -> None:
    """Two turns of one call of the SDK, each an exchange of its own."""
    asked: list[str] = []

    def weather(city: str) -> str:
        """Tell the weather."""
        asked.append(city)
        return f"sunny in {city}"

    config = types.GenerateContentConfig(tools=[weather])
    async with reselling(tmp_path, script, profile=PROFILE) as (_, shop):
        address = types.HttpOptions(base_url=shop.url)
        with genai.Client(api_key=shop.api_key, http_options=address) as client:
            ask = client.models.generate_content
            answer = await asyncio.to_thread(ask, model=model, contents="ping", config=config)
        rows = await shop.log(count=2)
    assert (asked, answer.text) == (["Lisbon"], "It is sunny")
    assert [row["outcome"] for row in rows] == ["complete", "complete"]
