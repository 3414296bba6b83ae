"""What a demo hands out, and how its answers are marked."""

import base64
import json
import shlex
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from relay.core.demo import demo_words, hand_out_key
from relay.core.dialects import ENDPOINTS
from relay.core.ledger.database import prepare_database
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.profile.loaded import Loaded
from relay.core.profile.loader import find_profile, for_demo, load_profile
from relay.core.shop import Shop
from relay.core.storage import Key, Storage
from relay.testing.shop import answering
from tests.books import key


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


async def test_a_start_leaves_other_keys_alone(loaded: Loaded, data: Path) -> None:
    """The quickstart has its reader make one."""
    await hand_out_key(loaded.profile, data)
    async with SqliteLedger.open(data, is_demo=True) as ledger:
        await ledger.create_key(key("key_own", "demo"))
    await hand_out_key(loaded.profile, data)
    assert [(one.id == "key_own", one.is_revoked) for one in await demo_keys(data)] == [
        (False, True),
        (True, False),
        (False, False),
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


DEMO = """
shop: {name: {en: Test, zh: 测试}}
plugins: [{use: auth.api_key}, {use: billing.token_ratio}, {use: billing.per_call}]
groups: {plain: {ratio: "1"}}
prices:
  chat: {model_ratio: "1", completion_ratio: "4"}
  gpt-image-1.5: {model_ratio: "2.5", completion_ratio: "2", image_ratio: "1.6", image_completion_ratio: "4"}
  whisper-1: {unit_price: "0.0001"}
  tts-1: {unit_price: "0.000015"}
channels:
  - name: vendor
    use: channels.openai
    base_url: https://vendor.example
    keys: ["env:A_SECRET_THAT_NO_DEMO_NEEDS"]
    models: [chat, gpt-image-1.5, whisper-1, tts-1]
    groups: [plain]
"""
"""A fresh token of text costs 2000 nano-credits, one of output 8000; a second heard 100 000, a character 15 000."""
FORM = {"file": ("a.mp3", bytes(8000))}
PICTURE = {"image": ("a.png", b"x" * 10)}
HI = [{"role": "user", "content": "hi"}]
EVERY_ENDPOINT: list[tuple[str, dict[str, Any], int]] = [
    ("/v1/chat/completions", {"json": {"model": "chat", "messages": HI}}, 144_000),
    ("/v1/responses", {"json": {"model": "chat", "input": "hi"}}, 130_000),
    ("/v1/responses/compact", {"json": {"model": "chat", "input": "hi"}}, 90_000),
    ("/v1/completions", {"json": {"model": "chat", "prompt": "hi"}}, 130_000),
    ("/v1/messages", {"json": {"model": "chat", "max_tokens": 99, "messages": HI}}, 144_000),
    ("/v1beta/models/chat:generateContent", {"json": {"contents": [{"parts": [{"text": "hi"}]}]}}, 142_000),
    ("/v1beta/models/chat:streamGenerateContent", {"json": {"contents": [{"parts": [{"text": "hi"}]}]}}, 142_000),
    ("/v1beta/models/chat:embedContent", {"json": {"content": {"parts": [{"text": "hi"}]}}}, 14_000),
    ("/v1beta/models/chat:batchEmbedContents", {"json": {"requests": [{"content": {"parts": []}}]}}, 14_000),
    ("/v1beta/interactions", {"json": {"model": "chat", "input": "hi", "store": False}}, 130_000),
    ("/v1/embeddings", {"json": {"model": "chat", "input": "hi"}}, 2_000),
    ("/v1/moderations", {"json": {"model": "chat", "input": "hi"}}, 6_000),
    ("/v1/rerank", {"json": {"model": "chat", "query": "a", "documents": ["a"]}}, 8_000),
    ("/v2/rerank", {"json": {"model": "chat", "query": "a", "documents": ["a"]}}, 8_000),
    ("/v1/images/generations", {"json": {"model": "gpt-image-1.5", "prompt": "cat"}}, 8_202_000),
    ("/v1/images/edits", {"data": {"model": "gpt-image-1.5", "prompt": "cat"}, "files": PICTURE}, 9_749_000),
    ("/v1/audio/transcriptions", {"data": {"model": "whisper-1"}, "files": FORM}, 200_000),
    ("/v1/audio/translations", {"data": {"model": "whisper-1"}, "files": FORM}, 200_000),
    ("/v1/audio/speech", {"json": {"model": "tts-1", "input": "hi", "voice": "alloy"}}, 30_000),
]


@asynccontextmanager
async def demo_shop(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Serve a demo of a shop whose upstream nobody could reach; return its address and the key handed out."""
    (folder / "shop.yaml").write_text(DEMO)
    loaded = load_profile(folder / "shop.yaml")
    prepare_database(folder / "data", is_demo=True)
    demo = Loaded(profile=for_demo(loaded.profile), path=loaded.path)
    api_key = await hand_out_key(demo.profile, folder / "data")
    async with answering(Shop(demo, folder / "data", {}, is_demo=True)) as url:
        yield url, api_key


def booked(folder: Path) -> list[tuple[str, int]]:
    """Return outcome and charge of each exchange."""
    with closing(sqlite3.connect(folder / "data" / "relay.db")) as database:
        return database.execute("select outcome, charge_nano from request_log order by at, request_id").fetchall()


@pytest.mark.parametrize(("path", "asked", "charge_nano"), EVERY_ENDPOINT, ids=[row[0] for row in EVERY_ENDPOINT])
async def test_a_demo_answers_at_every_endpoint(
    tmp_path: Path, path: str, asked: dict[str, Any], charge_nano: int
) -> None:
    """With usage, and a charge by the shop's own prices."""
    async with demo_shop(tmp_path) as (url, api_key), httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(path, headers={"authorization": f"Bearer {api_key}"}, **asked)
    assert answer.status_code == 200, answer.text
    assert booked(tmp_path) == [("complete", charge_nano)]


def test_every_endpoint_is_one_of_them() -> None:
    """But for the lists of models, and Realtime, which is no request."""
    asked = {path.replace("chat:", "{model}:") for path, _, _ in EVERY_ENDPOINT}
    assert {rules.path for rules in ENDPOINTS if rules.operation not in ("count_tokens", "realtime")} - asked == set()


async def test_a_demo_talks(tmp_path: Path) -> None:
    """Sound is heard, written down, answered in sound, and each is paid for."""
    async with demo_shop(tmp_path) as (url, api_key):
        address = f"{url.replace('http', 'ws', 1)}/v1/realtime?model=chat"
        async with connect(address, additional_headers={"authorization": f"Bearer {api_key}"}, proxy=None) as client:
            second = base64.b64encode(bytes(48_000)).decode()
            for sent in (
                {"type": "session.update", "session": {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}},
                {"type": "input_audio_buffer.append", "audio": second},
                {"type": "input_audio_buffer.commit"},
                {"type": "response.create"},
            ):
                await client.send(json.dumps(sent))
            kinds = [""]
            while kinds[-1] != "response.done":
                kinds.append(json.loads(await client.recv())["type"])
    assert "conversation.item.input_audio_transcription.completed" in kinds
    # 10 tokens heard at 2000, 16 of text and 24 of sound at 8000; a second written down; the next turn's hold.
    assert booked(tmp_path) == [("complete", 340_000), ("complete", 100_000), ("customer_gone", 0)]
