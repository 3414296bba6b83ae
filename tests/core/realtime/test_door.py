"""Who may come in: every way to say a key, every path, and refusals before the upgrade in OpenAI's shape."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from relay.core.dialects.realtime import Realtime
from tests.core.realtime.talks import realtime_session, realtime_shop
from tests.shops import UPSTREAM_KEY, Running

from .talks import PROFILE, address, connected, hear

BETA = "openai-beta.realtime-v1"
ORGANIZATION = "openai-organization.org-mine"


def key_protocol(shop: Running) -> str:
    return f"openai-insecure-api-key.{shop.api_key}"


async def refused(shop: Running, **options: Any) -> tuple[int, dict[str, Any], Any]:
    """Return status, error and headers of a refused upgrade."""
    with pytest.raises(InvalidStatus) as caught:
        await connected(shop, **options)
    response = caught.value.response
    assert response.body is not None
    return response.status_code, json.loads(response.body)["error"], response.headers


async def test_a_browser_says_its_key_in_a_subprotocol(tmp_path: Path) -> None:
    """It is answered with `realtime` alone, and neither its key nor the shop's secrets travel on."""
    async with realtime_shop(tmp_path) as (upstream, shop):
        offers = ["realtime", key_protocol(shop), BETA, ORGANIZATION]
        async with connected(shop, additional_headers={}, subprotocols=offers) as client:
            await hear(client, "session.created")
            assert client.subprotocol == "realtime"
        headers = upstream.visits[0].request.headers
    assert headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert headers["openai-beta"] == "realtime=v1"
    assert shop.api_key not in str(headers)
    assert "org-mine" not in str(headers)


WAYS = {
    "bearer": lambda shop: {"additional_headers": {"authorization": f"Bearer {shop.api_key}"}},
    "bare": lambda shop: {"additional_headers": {"authorization": shop.api_key}},
    "azure": lambda shop: {"additional_headers": {"api-key": shop.api_key}},
    "query": lambda shop: {"additional_headers": {}, "uri": f"{address(shop)}&key={shop.api_key}"},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_a_key_is_found_where_a_client_puts_it(tmp_path: Path, way: Any) -> None:
    """In headers as in any request, and never sent on."""
    async with realtime_shop(tmp_path) as (upstream, shop):
        async with connected(shop, **way(shop)) as client:
            await hear(client, "session.created")
            assert client.subprotocol is None
        request = upstream.visits[0].request
    assert request.path == "/v1/realtime?model=gpt-realtime-2025-08-28"
    assert shop.api_key not in str(request.headers)


@pytest.mark.parametrize(
    "path", ["/v1/realtime", "/realtime", "/v1/v1/realtime", "/v1/realtime/realtime", "/realtime/", "/openai/realtime"]
)
async def test_every_spelling_of_the_path_leads_there(tmp_path: Path, path: str) -> None:
    """As with every other endpoint: the upstream is asked at its own."""
    async with (
        realtime_shop(tmp_path) as (upstream, shop),
        connected(shop, uri=address(shop, path=path)) as client,
    ):
        await hear(client, "session.created")
        assert [visit.request.path for visit in upstream.visits] == ["/v1/realtime?model=gpt-realtime-2025-08-28"]


async def test_the_version_a_client_speaks_travels_on(tmp_path: Path) -> None:
    """As a header where it came as one; none where it came without."""
    async with realtime_shop(tmp_path) as (upstream, shop):
        for headers in ({"openai-beta": "realtime=v1"}, {}):
            async with connected(shop, additional_headers={**shop.headers, **headers}) as client:
                await hear(client, "session.created")
    assert [visit.request.headers.get("openai-beta") for visit in upstream.visits] == ["realtime=v1", None]


async def test_an_accepted_session_says_its_request_id(tmp_path: Path) -> None:
    """That of its first response."""
    async with realtime_shop(tmp_path) as (_, shop):
        async with connected(shop) as client:
            assert client.response is not None
            request_id = client.response.headers["x-request-id"]
        [row] = await shop.log()
    assert row["request_id"] == request_id


REFUSALS = [
    (
        "{url}?model=gpt-realtime",
        {"authorization": "Bearer sk-unknown"},
        401,
        "invalid_api_key",
        "invalid_request_error",
    ),
    ("{url}?model=gpt-realtime", {}, 401, "api_key_missing", "invalid_request_error"),
    ("{url}?model=gpt-4", None, 503, "model_not_found", "server_error"),
    ("{url}", None, 400, "bad_request", "invalid_request_error"),
    ("{url}?model=" + "x" * 300, None, 400, "bad_request", "invalid_request_error"),
    ("{url}?model=gpt-realtime&call_id=rtc_1", None, 400, "not_offered", "invalid_request_error"),
    ("{url}?intent=transcription", None, 400, "not_offered", "invalid_request_error"),
    ("{url}/sessions?model=gpt-realtime", None, 404, "unknown_endpoint", "invalid_request_error"),
]


@pytest.mark.parametrize(("uri", "headers", "status", "code", "kind"), REFUSALS)
async def test_a_refusal_before_the_upgrade_is_an_http_error(
    tmp_path: Path, uri: str, headers: dict[str, str] | None, status: int, code: str, kind: str
) -> None:
    """In OpenAI's shape, with its id, readable for browsers; nothing is sent upstream and nothing held."""
    async with realtime_shop(tmp_path) as (upstream, shop):
        told = {**(shop.headers if headers is None else headers), "origin": "https://chat.example"}
        found, error, answered = await refused(
            shop, uri=uri.format(url=address(shop).partition("?")[0]), additional_headers=told
        )
        assert shop.rows("select * from reservation") == []
    assert (found, error["code"], error["type"]) == (status, code, kind)
    assert answered["content-type"] == "application/json"
    assert answered["access-control-allow-origin"] == "*"
    assert answered["x-request-id"].startswith("req_")
    assert upstream.visits == []


async def test_an_account_without_money_is_refused_before_the_upgrade(tmp_path: Path) -> None:
    """The first hold comes before the upstream hears anything."""
    async with realtime_shop(tmp_path, credit="0.01") as (upstream, shop):
        status, error, _ = await refused(shop)
        assert upstream.visits == []
    assert (status, error["code"], error["type"]) == (403, "insufficient_user_quota", "insufficient_quota")


async def test_a_shop_without_the_endpoint_has_none(tmp_path: Path) -> None:
    """The refusal names what there is."""
    profile = PROFILE + "endpoints: [openai_chat]\n"
    async with realtime_shop(tmp_path, profile=profile) as (_, shop):
        status, error, _ = await refused(shop)
    assert (status, error["code"]) == (404, "unknown_endpoint")
    assert "/v1/chat/completions" in error["message"]


async def test_a_websocket_on_another_path_is_refused(tmp_path: Path) -> None:
    """Chats are no sessions; Codex tries one for Responses, and goes on without it at once if it gets this status."""
    async with realtime_shop(tmp_path) as (_, shop):
        status, error, answered = await refused(shop, uri=address(shop, path="/v1/responses"))
    assert (status, error["code"], answered["x-should-retry"]) == (426, "plain_http_expected", "false")
    assert (answered["upgrade"], answered.get_all("connection")) == ("HTTP/1.1", ["upgrade", "close"])
    assert error["message"] == "this endpoint is no websocket; send a plain request with the method POST"


async def test_a_websocket_on_a_page_is_refused(tmp_path: Path) -> None:
    """It is asked for by GET as a page is, and yet it is none."""
    async with realtime_shop(tmp_path) as (_, shop):
        status, error, _ = await refused(shop, uri=address(shop, path="/v1/models"))
    assert (status, error["code"]) == (404, "unknown_endpoint")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_without_upgrade_is_told_of_it(tmp_path: Path, method: str) -> None:
    """Somebody who opens the address in a browser learns what it is."""
    async with realtime_shop(tmp_path) as (_, shop):
        answer = await shop.client.request(method, "/v1/realtime?model=gpt-realtime", headers=shop.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "websocket_expected")
    assert (answer.headers["upgrade"], answer.headers["connection"]) == ("websocket", "upgrade")


async def test_a_broken_handshake_is_an_http_error(tmp_path: Path) -> None:
    """It has no key of the protocol's own."""
    headers = {"connection": "upgrade", "upgrade": "websocket"}
    async with realtime_shop(tmp_path) as (upstream, shop):
        async with httpx.AsyncClient(base_url=shop.url) as client:
            answer = await client.get("/v1/realtime?model=gpt-realtime", headers={**shop.headers, **headers})
        assert upstream.visits == []
    assert answer.status_code in (400, 426)


async def test_a_full_shop_sheds_sessions(tmp_path: Path) -> None:
    """A session counts as long as it is open."""
    profile = PROFILE + "limits: {{exchanges_max: 1}}\n"
    async with realtime_session(tmp_path, profile=profile) as (_, shop, client):
        await hear(client, "session.created")
        status, error, _ = await refused(shop)
    assert (status, error["code"]) == (503, "overloaded")


async def test_subprotocols_may_be_offered_in_several_lines(tmp_path: Path) -> None:
    """The key in one and `realtime` in another are one list (RFC 6455, 11.3.4)."""
    async with realtime_shop(tmp_path) as (_, shop):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
        lines = [
            f"GET {urlsplit(address(shop)).path}?{urlsplit(address(shop)).query} HTTP/1.1", "host: x", "connection: Upgrade", "upgrade: websocket",
            "sec-websocket-version: 13", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            f"sec-websocket-protocol: {key_protocol(shop)}", "sec-websocket-protocol: realtime", "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower()
        assert head.startswith(b"http/1.1 101 ")
        assert b"\r\nsec-websocket-protocol: realtime\r\n" in head
        writer.close()


async def test_a_bug_of_ours_at_the_door_is_told_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As an error of the shop's, before the upgrade."""

    def prepare(*_: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(Realtime, "prepare", prepare)
    async with realtime_shop(tmp_path) as (_, shop):
        status, error, _ = await refused(shop)
    assert (status, error["code"]) == (500, "internal_error")
    assert [record.message for record in caplog.records if record.name == "relay"] == ["request.crashed"]
