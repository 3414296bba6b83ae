"""Random documents and random bytes against a running shop: refused or answered, never a fault of ours."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.ledger.verify import verify
from tests.faults.forms import FORMS
from tests.shops import Running, serving

PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices: {{sim: {{model_ratio: "0.001"}}}}
channels: [{{name: sim, use: channels.simulator, models: [sim], groups: [plain]}}]
"""


class Fuzzed:
    """A shop in a thread of its own, because hypothesis calls a plain function many times."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_ready = threading.Event()
        self._is_over = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with serving(self._folder, "", profile=PROFILE, credit="1000") as self.shop:
            self._is_ready.set()
            await self._is_over.wait()

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._is_ready.wait(20)
        return self.shop

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, httpx.Client]]:
    """Serve the simulator; in the end the books must be right, and nothing be held."""
    with Fuzzed(tmp_path_factory.mktemp("shop")) as running, httpx.Client() as client:
        yield running, client
        assert httpx.get(f"{running.url}/livez").text == "ok"
        assert verify(running.data) == []
        assert running.rows("select * from reservation where state = 'open'") == []


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["messages", "input", "stream", "stream_options", "max_tokens", "n", "system", "tools", "temperature", "thinking"]
)
texts = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool", "x"]), "content": values})
documents = st.fixed_dictionaries(
    {"model": st.just("sim")}, optional={"messages": st.lists(texts, max_size=3), "max_tokens": st.integers(1, 500)}
)
bodies = (
    st.binary(max_size=200)
    | values.map(msgspec.json.encode)
    | st.tuples(documents, st.dictionaries(names, values, max_size=3)).map(
        lambda pair: msgspec.json.encode(pair[0] | pair[1])
    )
)
paths = st.sampled_from([form.path for form in FORMS.values()])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, body=bodies)
def test_no_body_makes_the_shop_fail(shop: tuple[Running, httpx.Client], path: str, body: bytes) -> None:
    """Whatever is sent: never a 5xx but for a model no channel has; each error in a dialect's shape."""
    running, client = shop
    reply = client.post(running.url + path, content=body, headers={"x-api-key": running.api_key})
    assert reply.status_code in (200, 400) or error_of(reply)["code"] == "model_not_found"
    assert reply.status_code == 200 or isinstance(error_of(reply)["message"], str)


def error_of(reply: httpx.Response) -> dict[str, object]:
    error: dict[str, object] = reply.json()["error"]
    return error
