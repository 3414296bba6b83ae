"""A real shop around the tested channel: its profile, its server on a socket, its books."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from relay.core.app import build_app
from relay.core.face import face_of
from relay.core.keys import api_key_digest, new_api_key
from relay.core.ledger.operations import CreateAccount, CreateKey
from relay.core.ledger.verify import verify
from relay.core.money import NANO
from relay.core.profile.loader import load_profile, resolve_secrets
from relay.core.profile.structs import Keys
from relay.core.realtime.face import websocket_face_of
from relay.core.shop import Shop
from relay.core.storage import LogEntry, Storage

CREDIT_NANO = 1_000_000 * NANO
INPUT_NANO = 2_000
"""Price of one token of input, in nano-credits: a ratio of 1 at 500 000 quota a credit."""
OUTPUT_NANO = 8_000
"""Price of one token of output: four times as much."""
RECENT_S = 60.0
"""How far back the log is searched for an answer's row."""
POLL_S = 0.005


class OpenShop:
    """A shop that serves, with one account and its key."""

    def __init__(self, shop: Shop, data: Path, storage: Storage, url: str, api_key: str) -> None:
        self._shop = shop
        self._data = data
        self._storage = storage
        self.url = url
        self.api_key = api_key

    async def entry(self, request_id: str, wait_s: float) -> LogEntry | None:
        """Return the log's row of a request; None where there is none after *wait_s*."""
        since = self._shop.clock.now() - timedelta(seconds=RECENT_S)
        deadline_s = self._shop.clock.monotonic() + wait_s
        while True:
            async for entry in self._storage.list_log(since=since):
                if entry.request_id == request_id:
                    return entry
            if self._shop.clock.monotonic() >= deadline_s:
                return None
            await asyncio.sleep(POLL_S)

    async def problems(self) -> list[str]:
        """Return what is wrong with the books."""
        return await asyncio.to_thread(verify, self._data)


def profile(use: str, section: Mapping[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
    """Return the profile of a shop that sells *models*, by their upstream names, from one channel."""
    sold = [{"name": name, "upstream": upstream} for name, upstream in models.items()]
    price = {"model_ratio": "1", "completion_ratio": "4"}
    return {
        "shop": {"name": {"en": "Conformance", "zh": "一致性"}},
        "plugins": [{"use": "auth.api_key"}, {"use": "billing.token_ratio"}],
        "groups": {"plain": {"ratio": "1"}},
        "prices": dict.fromkeys(models, price),
        "channels": [{"name": "tested", "use": use, "models": sold, "groups": ["plain"], **section}],
    }


@asynccontextmanager
async def opened(folder: Path, document: Mapping[str, Any]) -> AsyncIterator[OpenShop]:
    """Open the shop of the profile *document* on a free port."""
    path = folder / "shop.yaml"
    path.write_bytes(msgspec.json.encode(document))
    loaded = load_profile(path)
    shop = Shop(loaded, folder / "data", resolve_secrets(loaded))
    async with answering(shop) as url, Storage.open(folder / "data") as storage:
        yield OpenShop(shop, folder / "data", storage, url, await _open_account(shop))


@asynccontextmanager
async def answering(shop: Shop) -> AsyncIterator[str]:
    """Open *shop* and serve it on a free port of the loopback; give its address."""
    config = uvicorn.Config(
        build_app(shop),
        host="127.0.0.1",
        port=0,
        http=face_of(shop),
        ws=websocket_face_of(shop),
        lifespan="off",
        log_config=None,
        server_header=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    async with shop.opened():
        await server.startup()
        await server.on_tick(0)  # else its answers have no date
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            await _stop(server)


async def _stop(server: uvicorn.Server) -> None:
    """Stop as uvicorn does, but for its naps: of a tenth of a second each, they add up to minutes over a suite."""
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    # Nobody is told when the last of them has ended.
    while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)


async def _open_account(shop: Shop) -> str:
    """Make an account with credit; return its key."""
    await shop.ledger.create_account(
        CreateAccount(account_id="acc_customer", name="customer", gift_nano=CREDIT_NANO, actor="conformance")
    )
    api_key = new_api_key("sk-")
    await shop.ledger.create_key(
        CreateKey(
            key_id="key_customer",
            account="customer",
            name="",
            digest=api_key_digest(api_key, Keys()),
            last4=api_key[-4:],
            group="plain",
            actor="conformance",
        )
    )
    return api_key
