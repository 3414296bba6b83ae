"""A client that drops the seal of a call is spoken for: what it was told goes upstream with the call all the same."""

import json
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.core import seal_memory
from relay.core.exchange import Candidate, Channel
from relay.core.hub.conversation import Seal
from relay.core.keys import api_key_digest, new_api_key
from relay.core.ledger.operations import CreateAccount, CreateKey
from relay.core.profile.structs import Keys
from relay.core.seal_memory import BYTES_MAX, REMEMBERED_S, SEAL_BYTES_MAX, SealMemory
from tests.services import SetClock
from tests.shops import HEAD, Running, reselling
from tests.upstreams import Received, Step, Upstream, document, stream

CHANNEL = Channel(name="google", use="x", dialects=("gemini_generate",), models={}, groups=frozenset())
GOOGLE = Candidate(channel=CHANNEL, key_id="google#0", model_sent="gemini-3-pro", dialect="gemini_generate")
SEAL = Seal("gemini_generate", "CiQB")


def test_a_seal_is_remembered_for_some_hours() -> None:
    """To the second."""
    clock = SetClock()
    seals = SealMemory(clock).of("acc_a", GOOGLE)
    seals.remember("call_1", SEAL)
    clock.time += timedelta(seconds=REMEMBERED_S)
    assert (seals.recall("call_1"), seals.recall("call_2")) == (SEAL, None)
    clock.time += timedelta(seconds=1)
    assert seals.recall("call_1") is None


class Sealed(str):
    """Text that can be referred to weakly."""

    __slots__ = ("__weakref__",)


def test_a_seal_that_is_too_old_leaves_the_memory_with_the_next() -> None:
    """Not a second earlier, and whether or not it is asked for again."""
    clock = SetClock()
    seals = SealMemory(clock).of("acc_a", GOOGLE)
    value = Sealed("CiQB")
    kept = weakref.ref(value)
    seals.remember("call_1", Seal("gemini_generate", value))
    del value
    clock.time += timedelta(seconds=REMEMBERED_S)
    seals.remember("call_2", SEAL)
    assert seals.recall("call_1") == SEAL
    clock.time += timedelta(seconds=1)
    seals.remember("call_3", SEAL)
    assert kept() is None


@pytest.mark.parametrize(
    ("account_id", "changes"),
    [
        ("acc_b", {}),
        ("acc_a", {"key_id": "google#1"}),
        ("acc_a", {"model_sent": "gemini-3-flash"}),
        ("acc_a", {"dialect": "openai_chat"}),
        ("acc_a", {"channel": Channel(name="other", use="x", dialects=(), models={}, groups=frozenset())}),
    ],
)
def test_a_seal_is_worth_nothing_elsewhere(account_id: str, changes: dict[str, Any]) -> None:
    """Neither for another account nor at another channel, key, model or dialect."""
    memory = SealMemory(SetClock())
    memory.of("acc_a", GOOGLE).remember("call_1", SEAL)
    fields = {name: getattr(GOOGLE, name) for name in GOOGLE.__struct_fields__}
    assert memory.of(account_id, Candidate(**{**fields, **changes})).recall("call_1") is None


def test_where_a_name_ends_is_part_of_it() -> None:
    """What another model's name and a call's id spell together is not this one's."""
    memory = SealMemory(SetClock())
    memory.of("acc_a", GOOGLE).remember("call_1", SEAL)
    longer = Candidate(channel=CHANNEL, key_id="google#0", model_sent="gemini-3-procall", dialect="gemini_generate")
    assert memory.of("acc_a", longer).recall("_1") is None


def test_the_last_seal_of_a_call_counts() -> None:
    """Upstreams' ids may come twice."""
    seals = SealMemory(SetClock()).of("acc_a", GOOGLE)
    seals.remember("call_1", SEAL)
    seals.remember("call_1", Seal("gemini_generate", "DiQB"))
    assert seals.recall("call_1") == Seal("gemini_generate", "DiQB")


def test_the_oldest_make_room_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many are remembered."""
    monkeypatch.setattr(seal_memory, "SEALS_MAX", 2)
    seals = SealMemory(SetClock()).of("acc_a", GOOGLE)
    for name in ("a", "b", "a", "c"):
        seals.remember(name, SEAL)
    assert [seals.recall(name) for name in ("a", "b", "c")] == [SEAL, None, SEAL]


def test_only_so_many_bytes_are_remembered() -> None:
    """The oldest make room, and one that is too large for that is not remembered."""
    seals = SealMemory(SetClock()).of("acc_a", GOOGLE)
    largest = Seal("gemini_generate", "x" * (SEAL_BYTES_MAX - 4), "rs_1")
    for number in range(BYTES_MAX // SEAL_BYTES_MAX + 1):
        seals.remember(str(number), largest)
    seals.remember("more", Seal("gemini_generate", "x" * (SEAL_BYTES_MAX - 3), "rs_1"))
    assert [seals.recall(name) for name in ("0", "1", "256", "more")] == [None, largest, largest, None]


PROFILE = (
    HEAD
    + """groups:
  plain: {{ratio: "1"}}
prices:
  gemini: {{model_ratio: "1"}}
channels:
  - {{name: google, use: channels.gemini, base_url: "{url}", keys: ["file:upstream.key"],
      models: [{{name: gemini, upstream: gemini-3-pro}}], groups: [plain]}}
"""
)
CALLED = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [{"functionCall": {"id": "call_1", "name": "look", "args": {}}, "thoughtSignature": "CiQB"}],
            },
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
    "modelVersion": "gemini-3-pro",
    "responseId": "r",
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SKIPPED = "skip_thought_signature_validator"


def call(request: Received) -> list[Step]:
    """Call the tool, as Gemini 3 does."""
    if "streamGenerateContent" in request.path:
        return stream(f"data: {json.dumps(CALLED)}\n\n", seed=5)
    return document(CALLED)


@asynccontextmanager
async def selling(folder: Path) -> AsyncIterator[tuple[Running, Upstream]]:
    async with reselling(folder, call, profile=PROFILE) as (upstream, shop):
        yield shop, upstream


async def ask(shop: Running, headers: dict[str, str], *, is_stream: bool, call_id: str | None = None) -> None:
    """Ask as a chat client does, with nothing of the last turn's call but what every client sends back."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
    if call_id is not None:
        called = {"id": call_id, "type": "function", "function": {"name": "look", "arguments": "{}"}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [called]})
        messages.append({"role": "tool", "tool_call_id": call_id, "content": "seen"})
    body = {"model": "gemini", "messages": messages, "tools": [TOOL], "stream": is_stream}
    response = await shop.client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200
    assert '"id":"call_1"' in response.text


def signatures(upstream: Upstream) -> list[str]:
    """Return those of the calls in the last request that came upstream."""
    contents = json.loads(upstream.received[-1].body)["contents"]
    return [part["thoughtSignature"] for turn in contents for part in turn["parts"] if "functionCall" in part]


async def headers_of(shop: Running, account: str) -> dict[str, str]:
    """Return the headers of a new account's key."""
    await shop.shop.ledger.create_account(
        CreateAccount(account_id=f"acc_{account}", name=account, gift_nano=10**10, actor="test")
    )
    api_key = new_api_key("sk-")
    await shop.shop.ledger.create_key(
        CreateKey(
            key_id=f"key_{account}",
            account=account,
            name="",
            digest=api_key_digest(api_key, Keys()),
            last4=api_key[-4:],
            group="plain",
            actor="test",
        )
    )
    return {"authorization": f"Bearer {api_key}"}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_client_that_drops_the_signature_is_spoken_for(tmp_path: Path, is_stream: bool) -> None:
    """Gemini gets the true signature with the call on the next turn."""
    async with selling(tmp_path) as (shop, upstream):
        await ask(shop, shop.headers, is_stream=is_stream)
        await ask(shop, shop.headers, is_stream=is_stream, call_id="call_1")
        assert signatures(upstream) == ["CiQB"]


async def test_another_account_never_gets_a_signature(tmp_path: Path) -> None:
    """Though it names the same call: its own is said to come from another model."""
    async with selling(tmp_path) as (shop, upstream):
        await ask(shop, shop.headers, is_stream=False)
        await ask(shop, await headers_of(shop, "bob"), is_stream=False, call_id="call_1")
        assert signatures(upstream) == [SKIPPED]


async def test_a_call_that_was_never_told_gets_no_signature(tmp_path: Path) -> None:
    """An id is no proof by itself."""
    async with selling(tmp_path) as (shop, upstream):
        await ask(shop, shop.headers, is_stream=False)
        await ask(shop, shop.headers, is_stream=False, call_id="call_2")
        assert signatures(upstream) == [SKIPPED]


async def test_a_remembered_signature_that_is_refused_is_left_out(tmp_path: Path) -> None:
    """The request is sent once more, as it is for one that a client brought."""
    error = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Corrupted thought signature."}}
    async with selling(tmp_path) as (shop, upstream):
        await ask(shop, shop.headers, is_stream=False)
        upstream.script = lambda request: document(error, 400) if b"CiQB" in request.body else call(request)
        await ask(shop, shop.headers, is_stream=False, call_id="call_1")
        assert signatures(upstream) == [SKIPPED]
        assert len(upstream.received) == 3
