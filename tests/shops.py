"""A shop on a real socket: relay's own server in this process, a profile, an account, a key."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from relay.core.keys import api_key_digest, new_api_key
from relay.core.ledger.operations import CreateAccount, CreateKey, TopUp
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.money import parse_amount
from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.structs import Keys
from relay.core.shop import Shop
from relay.testing.shop import answering
from tests.upstreams import Script, Upstream

HEAD = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins:
  - use: auth.api_key
  - use: routing.priority_weighted
  - use: billing.token_ratio
"""
"""How a shop of the tests begins: who asks, where it goes, what a token costs."""
PROFILE = (
    HEAD
    + """  - use: compensation.empty_truncated
    groups: {{plain: {{empty: "1", truncated: "0.5"}}}}
groups:
  plain: {{ratio: "1"}}
  dear: {{ratio: "2"}}
prices:
  gpt-4o-mini: {{model_ratio: "1", completion_ratio: "4"}}
  claude-sonnet-4-5: {{model_ratio: "1.5", completion_ratio: "5", cache_read_ratio: "0.1", cache_write_ratio: "1.25"}}
  text-embedding-3-small: {{model_ratio: "0.01"}}
channels:
  - name: openai-a
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gpt-4o-mini, text-embedding-3-small]
    groups: [plain, dear]
    priority: 2
  - name: openai-b
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [gpt-4o-mini]
    groups: [plain]
    priority: 1
  - name: anthropic-a
    use: channels.anthropic
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [claude-sonnet-4-5]
    groups: [plain]
"""
)

UPSTREAM_KEY = "sk-upstream-canary-0123456789"


def bundled(name: str) -> str:
    """Return a profile of ``profiles/`` for `serving`: all its channels buy from the test's upstream."""
    text = find_profile(name).read_text().replace("{", "{{").replace("}", "}}")
    text = re.sub(r"\n    base_url:.*", "", text)
    return text.replace("\n    keys:", "\n    base_url: {url}\n    keys:")


@dataclass
class Running:
    """A shop that serves, with one account ``alice`` and her key."""

    url: str
    data: Path
    shop: Shop
    client: httpx.AsyncClient
    api_key: str
    key_id: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers that carry alice's key."""
        return {"authorization": f"Bearer {self.api_key}"}

    def chat_body(self, **fields: Any) -> dict[str, Any]:
        """Return a plain chat request with *fields*."""
        return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], **fields}

    async def chat(self, *, timeout_s: float = 20, **fields: Any) -> httpx.Response:
        """Ask the chat endpoint, by default for a plain short answer."""
        body = self.chat_body(**fields)
        return await self.client.post("/v1/chat/completions", json=body, headers=self.headers, timeout=timeout_s)

    async def messages(self, *, timeout_s: float = 20, **fields: Any) -> httpx.Response:
        """Ask the messages endpoint, by default for a plain short answer."""
        body = {
            "model": "claude-sonnet-4-5",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "hi"}],
            **fields,
        }
        headers = {"x-api-key": self.api_key}
        return await self.client.post("/v1/messages", json=body, headers=headers, timeout=timeout_s)

    async def top_up(self, amount: str) -> None:
        """Pay *amount* credits into alice's account."""
        reference = f"order-{len(self.rows('select * from transfer'))}"
        await self.shop.ledger.top_up(
            TopUp(account="alice", amount_nano=parse_amount(amount), reference=reference, actor="test")
        )

    def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Read the database beside the server."""
        with sqlite3.connect(f"file:{self.data / 'relay.db'}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(query, arguments)]
        connection.close()
        return found

    async def log(self, *, count: int = 1) -> list[dict[str, Any]]:
        """Return the request log, oldest first, once it has *count* rows."""
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            while len(found) < count:
                found = self.rows("select * from request_log order by at, request_id")
                await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def serving(
    folder: Path,
    url: str,
    *,
    profile: str = PROFILE,
    credit: str = "10",
    upstream_keys: tuple[str, ...] = (),
    **key_fields: Any,
) -> AsyncIterator[Running]:
    """Serve *profile* (``{url}`` in it is the upstream's) on a free port, each channel with *upstream_keys*, else one."""
    (folder / "upstream.key").write_text(UPSTREAM_KEY)
    path = folder / "shop.yaml"
    path.write_text(profile.format(url=url))
    loaded = load_profile(path)
    pool = upstream_keys or (UPSTREAM_KEY,)
    shop = Shop(loaded, folder / "data", {c.name: pool for c in loaded.profile.channels if c.keys})
    async with answering(shop) as url:
        api_key, key_id = await open_account(shop.ledger, credit, key_fields)
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            yield Running(url, folder / "data", shop, client, api_key, key_id)


@asynccontextmanager
async def reselling(folder: Path, script: Script, **options: Any) -> AsyncIterator[tuple[Upstream, Running]]:
    """Serve a shop before an upstream that answers by *script*; *options* are those of `serving`."""
    async with Upstream(script).opened() as upstream, serving(folder, upstream.url, **options) as shop:
        yield upstream, shop


async def open_account(ledger: SqliteLedger, credit: str, key_fields: dict[str, Any]) -> tuple[str, str]:
    """Give alice an account with *credit*, and a key in the group ``plain``."""
    await ledger.create_account(
        CreateAccount(account_id="acc_alice", name="alice", gift_nano=parse_amount(credit), actor="test")
    )
    api_key = new_api_key("sk-")
    fields = {"group": "plain", **key_fields}
    await ledger.create_key(
        CreateKey(
            key_id="key_alice",
            account="alice",
            name="",
            digest=api_key_digest(api_key, Keys()),
            last4=api_key[-4:],
            actor="test",
            **fields,
        )
    )
    return api_key, "key_alice"
