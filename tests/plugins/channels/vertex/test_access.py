import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from relay import PluginError, UpstreamConnectError, UpstreamStatusError
from relay.core.upstream import UpstreamClient
from relay.plugins.channels.vertex.access import Tokens
from tests.plugins.channels.vertex.accounts import account, exchange
from tests.services import SetClock
from tests.upstreams import Step, Upstream, document


def clock() -> SetClock:
    """Return a clock that shows the true time: Google's library reckons ends by it."""
    return SetClock(datetime.now(UTC))


@asynccontextmanager
async def google(**answer: int) -> AsyncIterator[tuple[Upstream, Tokens, SetClock]]:
    """Open a place of exchange and what asks it; the token's name says how often it was asked."""
    upstream = Upstream(lambda _: [])
    upstream.script = lambda received: exchange(received, token=f"t{len(upstream.received)}", **answer)
    time = clock()
    async with upstream.opened(), UpstreamClient() as client:
        tokens = Tokens(client, time)
        yield upstream, tokens, time
        tokens.close()


async def test_many_who_ask_at_once_share_one_exchange() -> None:
    """The assertion is the account's, signed with its key."""
    async with google() as (upstream, tokens, _):
        given = await asyncio.gather(*(tokens.of(account(upstream.url)) for _ in range(20)))
        assert set(given) == {"t1"}
        assert len(upstream.received) == 1


async def test_a_token_is_renewed_before_it_ends() -> None:
    """Four minutes before."""
    async with google() as (upstream, tokens, time):
        assert await tokens.of(account(upstream.url)) == "t1"
        time.time += timedelta(minutes=55)
        assert await tokens.of(account(upstream.url)) == "t1"
        time.time += timedelta(minutes=2)
        assert await tokens.of(account(upstream.url)) == "t2"


async def test_who_leaves_does_not_end_it_for_the_others() -> None:
    """The exchange goes on."""
    async with google() as (upstream, tokens, _):
        leaving = asyncio.create_task(tokens.of(account(upstream.url)))
        await asyncio.sleep(0)
        staying = asyncio.create_task(tokens.of(account(upstream.url)))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == "t1"
        assert len(upstream.received) == 1


async def failing(answer: Callable[[], list[Step]]) -> tuple[BaseException, int]:
    """Return what comes of an exchange that is answered so, and how often was asked."""
    async with Upstream(lambda _: answer()).opened() as upstream, UpstreamClient() as client:
        tokens = Tokens(client, clock())
        with pytest.raises(Exception) as caught:
            await tokens.of(account(upstream.url))
        return caught.value, len(upstream.received)


async def test_an_account_that_google_refuses_is_a_dead_key() -> None:
    """Deleted, or its key withdrawn; Google's words are not passed on."""
    error, asked = await failing(lambda: document({"error": "invalid_grant", "error_description": "canary"}, 400))
    assert isinstance(error, UpstreamStatusError)
    assert (error.failure, asked) == ("key_dead", 1)
    assert "canary" not in str(error)


async def test_rubbish_for_a_token_is_a_failure_with_a_name() -> None:
    """A page of a proxy's."""
    error, _ = await failing(lambda: document(b"<html>"))
    assert isinstance(error, UpstreamStatusError | PluginError)


async def test_no_answer_is_a_sick_channel() -> None:
    """The next one is tried."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        async with UpstreamClient() as client:
            with pytest.raises(UpstreamConnectError):
                await Tokens(client, clock()).of(account(f"http://127.0.0.1:{deaf.getsockname()[1]}"))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "sk-canary",
        "{}",
        "[]",
        '{"private_key":"canary"}',
        '{"client_email":"a","token_uri":"b","private_key":"canary"}',
    ],
)
async def test_what_is_no_service_account_is_named_and_never_shown(bad: str) -> None:
    """The operator's mistake."""
    async with UpstreamClient() as client:
        with pytest.raises(PluginError, match="not the JSON of a service account") as caught:
            await Tokens(client, clock()).of(bad)
        assert "canary" not in str(caught.value)


async def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setitem(sys.modules, "google.oauth2.service_account", None)
    async with UpstreamClient() as client:
        with pytest.raises(PluginError, match=r"pip install 'relayshop\[vertex\]'"):
            await Tokens(client, clock()).of(account("http://127.0.0.1:1"))
