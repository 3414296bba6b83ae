from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.sdk.scripted import scripted_upstream
from tests.sdk.shop import Shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One serving shop for all SDK tests: starting it costs more than all of them."""
    with (
        scripted_upstream() as upstream,
        Shop(tmp_path_factory.mktemp("kiosk"), upstream.url).serving() as serving,
    ):
        yield serving


@pytest.fixture
def openai_client(shop: Shop) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key) as client:
        yield client


@pytest.fixture
def anthropic_client(shop: Shop) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=shop.url, api_key=shop.api_key) as client:
        yield client
