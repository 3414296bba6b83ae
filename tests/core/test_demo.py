"""What a demo hands out, and how its answers are marked."""

import json
import shlex
from pathlib import Path

import httpx
import pytest

from relay.core.demo import demo_words, hand_out_key
from relay.core.ledger.database import prepare_database
from relay.core.profile.loaded import Loaded
from relay.core.profile.loader import find_profile, for_demo, load_profile
from relay.core.shop import Shop
from relay.core.storage import Key, Storage
from relay.testing.shop import answering


@pytest.fixture
def loaded() -> Loaded:
    return load_profile(find_profile("minimal.yaml"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    prepare_database(tmp_path / "data", is_demo=True)
    return tmp_path / "data"


async def demo_keys(data: Path) -> list[Key]:
    async with Storage.open(data) as storage:
        return await storage.list_keys("demo")


async def test_each_start_hands_out_a_new_key_and_revokes_the_last_one(loaded: Loaded, data: Path) -> None:
    """One key is good at a time."""
    first = await hand_out_key(loaded.profile, data)
    second = await hand_out_key(loaded.profile, data)

    assert first != second
    assert [(key.last4, key.is_revoked) for key in await demo_keys(data)] == [
        (first[-4:], True),
        (second[-4:], False),
    ]


@pytest.mark.parametrize("name", ["minimal.yaml", "pumpkin.yaml", "juhe.yaml", "peiqi.yaml"])
def test_the_curl_asks_for_a_model_of_the_keys_group(name: str) -> None:
    """It works when pasted, whatever the shop sells."""
    profile = load_profile(find_profile(name)).profile

    words = shlex.split(demo_words("http://127.0.0.1:8000", profile, "sk-x").partition("\n\n")[2])

    group = profile.keys.group or next(iter(profile.groups))
    sold = {
        model if isinstance(model, str) else model.name
        for channel in profile.channels
        if group in channel.groups
        for model in channel.models
    }
    assert words[:2] == ["curl", "http://127.0.0.1:8000/v1/chat/completions"]
    assert "authorization: Bearer sk-x" in words
    assert json.loads(words[-1])["model"] in sold


@pytest.mark.parametrize("path", ["/livez", "/", "/v1/models", "/nowhere"])
async def test_every_answer_of_a_demo_says_that_it_is_one(loaded: Loaded, data: Path, path: str) -> None:
    """Nobody takes it for a shop that spends money."""
    shop = Shop(Loaded(profile=for_demo(loaded.profile), path=loaded.path), data, {}, is_demo=True)
    async with answering(shop) as url, httpx.AsyncClient() as client:
        answer = await client.get(f"{url}{path}")

    assert answer.headers["x-relay-demo"] == "1"
