"""The door: lists, pre-flights, hints, and the headers of every answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.core import door
from tests.shops import PROFILE, Running, reselling, serving
from tests.upstreams import document


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Running]:
    """Serve a shop whose upstream nobody asks."""
    async with serving(tmp_path, "http://127.0.0.1:9") as running:
        yield running


async def test_the_list_of_models_is_openais(shop: Running) -> None:
    """Only the group's models, in the profile's order."""
    answer = (await shop.client.get("/v1/models", headers=shop.headers)).json()
    assert [entry["id"] for entry in answer["data"]] == ["gpt-4o-mini", "text-embedding-3-small", "claude-sonnet-4-5"]
    assert {entry["object"] for entry in answer["data"]} == {"model"}


async def test_the_list_of_models_is_anthropics_for_its_clients(shop: Running) -> None:
    """The header anthropic-version asks for the other form."""
    headers = {"x-api-key": shop.api_key, "anthropic-version": "2023-06-01"}
    answer = (await shop.client.get("/v1/models?limit=1000", headers=headers)).json()
    assert (answer["has_more"], answer["first_id"], answer["data"][0]["type"]) == (False, "gpt-4o-mini", "model")


async def test_one_model_can_be_shown_and_an_unknown_one_is_not_found(shop: Running) -> None:
    """GET /v1/models/NAME."""
    found = await shop.client.get("/v1/models/gpt-4o-mini", headers=shop.headers)
    missing = await shop.client.get("/v1/models/gpt-9", headers=shop.headers)
    assert (found.status_code, found.json()["id"]) == (200, "gpt-4o-mini")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_model")


@pytest.mark.parametrize("place", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "query"])
async def test_a_key_is_taken_from_wherever_a_client_puts_it(shop: Running, place: str) -> None:
    """Five places, one key."""
    headers = (
        {} if place == "query" else {place: f"Bearer {shop.api_key}" if place == "authorization" else shop.api_key}
    )
    query = f"?key={shop.api_key}" if place == "query" else ""
    assert (await shop.client.get(f"/v1/models{query}", headers=headers)).status_code == 200


async def test_a_password_for_something_else_hides_no_key(shop: Running) -> None:
    """A page behind a password of its own sends it with every request."""
    headers = {"authorization": "Basic dXNlcjpwYXNz", "x-api-key": shop.api_key}
    assert (await shop.client.get("/v1/models", headers=headers)).status_code == 200


async def test_a_header_in_several_lines_is_one_list(tmp_path: Path) -> None:
    """Neither line of ``anthropic-beta`` is lost on the way up, nor a proxy's of X-Forwarded-For."""
    profile = PROFILE.replace("channels:\n", "limits: {{trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]}}\nchannels:\n", 1)
    async with reselling(tmp_path, lambda _: document({}, 400), profile=profile, ips=("203.0.113.0/24",)) as (
        upstream,
        shop,
    ):
        lines = [
            ("x-api-key", shop.api_key),
            ("anthropic-beta", "one-1"),
            ("x-forwarded-for", "203.0.113.5"),
            ("anthropic-beta", "two-2,three-3"),
            ("x-forwarded-for", "10.0.0.7"),
        ]
        body = {"model": "claude-sonnet-4-5", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}
        answer = await shop.client.post("/v1/messages", json=body, headers=lines)
        assert (answer.status_code, len(upstream.received)) == (400, 1)
        assert upstream.received[0].headers["anthropic-beta"] == "one-1, two-2,three-3"


async def test_a_key_that_is_told_twice_is_one_key(shop: Running) -> None:
    """The last line counts where a header is no list."""
    headers = [("x-api-key", shop.api_key), ("x-api-key", shop.api_key)]
    assert (await shop.client.get("/v1/models", headers=headers)).status_code == 200


async def test_no_key_and_a_wrong_key_are_told_apart(shop: Running) -> None:
    """Both are 401 with codes of their own, and not worth asking again."""
    none = await shop.client.get("/v1/models")
    wrong = await shop.client.get("/v1/models", headers={"authorization": "Bearer sk-wrong"})
    assert [none.json()["error"]["code"], wrong.json()["error"]["code"]] == ["api_key_missing", "invalid_api_key"]
    assert [(one.status_code, one.headers["x-should-retry"]) for one in (none, wrong)] == [(401, "false")] * 2


RULE = """
from relay import Plugin, PluginConfig, hookimpl


class Rule(Plugin[PluginConfig]):
    config_type = PluginConfig

    @hookimpl
    async def authenticate(self):
        raise OSError("a prompt")
"""


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/models", b""),
        ("GET", "/v1/dashboard/billing/usage", b""),
        ("GET", "/v1/responses/resp_1", b""),
        ("POST", "/v1/responses/input_tokens", b'{"model": "gpt-4o-mini", "input": "hi"}'),
        ("POST", "/v1/chat/completions", b'{"model": "gpt-4o-mini", "messages": [' + b" " * 1_000_000 + b"]}"),
    ],
    ids=["models", "balance", "kept", "count", "long"],
)
async def test_a_plugin_that_fails_is_logged_whatever_was_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str, path: str, body: bytes
) -> None:
    """Its customer sends the request id; the log has it, once, with the plugin's file."""
    (tmp_path / "rule.py").write_text(RULE)
    profile = PROFILE.replace("plugins:\n", "plugins:\n  - use: ./rule.py\n", 1)
    async with serving(tmp_path, "http://127.0.0.1:9", profile=profile) as shop:
        answer = await shop.client.request(method, path, content=body, headers=shop.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "plugin_error")
    [fields] = [vars(record)["fields"] for record in caplog.records if record.message == "request.failed"]
    assert (fields["request_id"], fields["plugin"]) == (answer.headers["x-request-id"], "./rule.py")
    assert (fields["file"], fields["problem"]) == (str(tmp_path / "rule.py"), "in authenticate: raised OSError")
    assert "a prompt" not in str(fields)


async def test_a_browsers_preflight_is_answered_without_a_key(shop: Running) -> None:
    """The asked headers are echoed: a star would not cover Authorization."""
    answer = await shop.client.options(
        "/v1/chat/completions",
        headers={"origin": "https://x.example", "access-control-request-headers": "authorization,x-a"},
    )
    assert (answer.status_code, answer.headers["access-control-allow-headers"]) == (204, "authorization,x-a")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE, OPTIONS"
    assert answer.headers["access-control-max-age"] == "86400"


async def test_who_is_no_browser_is_told_nothing_for_one(shop: Running) -> None:
    """The headers of CORS go to pages alone."""
    answer = await shop.client.get("/v1/models", headers=shop.headers)
    assert [name for name in answer.headers if name.startswith("access-control")] == []


async def test_a_browser_sees_errors_too(shop: Running) -> None:
    """Without CORS headers on errors a browser hides the status."""
    answer = await shop.client.get("/v1/models", headers={"origin": "https://x.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*")
    shown = "x-request-id, request-id, retry-after, x-should-retry, x-relay-dropped"
    assert answer.headers["access-control-expose-headers"] == shown


async def test_every_answer_names_its_request(shop: Running) -> None:
    """The same id under the names both SDKs read."""
    answer = await shop.client.get("/v1/models", headers=shop.headers)
    assert answer.headers["x-request-id"] == answer.headers["request-id"]
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("path", "headers", "nearest"),
    [
        ("/v1/embedding", {}, "POST /v1/embeddings"),
        ("/", {}, "POST /v1/chat/completions"),
        ("/", {"anthropic-version": "2023-06-01"}, "POST /v1/messages"),
        ("/v1/complete", {"anthropic-version": "2023-06-01"}, "POST /v1/messages"),
        ("/v1/complete", {}, "POST /v1/completions"),
        ("/v1beta", {"x-goog-api-key": "k"}, "POST /v1beta/models/{model}:generateContent"),
    ],
)
async def test_an_unknown_path_is_told_the_nearest(
    shop: Running, path: str, headers: dict[str, str], nearest: str
) -> None:
    """And one that is near to none, the caller's own."""
    answer = await shop.client.post(path, headers=headers)
    assert answer.status_code == 404
    assert f"no endpoint '{path}'; the nearest is {nearest}; check the base URL" in answer.json()["error"]["message"]


async def test_a_method_that_gemini_has_and_the_shop_has_not_is_told_the_nearest(shop: Running) -> None:
    """It is no wrong method of the model's own page."""
    answer = await shop.client.post("/v1beta/models/imagen-4:predict", headers=shop.headers)
    assert (answer.status_code, answer.json()["error"]["details"][0]["reason"]) == (404, "unknown_endpoint")
    assert "POST /v1beta/models/{model}:generateContent" in answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_name_in_the_path_is_no_longer_than_one_in_a_body(shop: Running, method: str) -> None:
    """Nothing looks for the nearest to a name of any length."""
    action = ":generateContent" if method == "POST" else ""
    answer = await shop.client.request(method, f"/v1beta/models/{'m' * 257}{action}", headers=shop.headers)
    assert (answer.status_code, answer.json()["error"]["details"][0]["reason"]) == (400, "bad_request")
    error = (await shop.client.get(f"/v1/models/{'m' * 257}", headers=shop.headers)).json()["error"]
    assert (error["code"], error["param"]) == ("bad_request", "model")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/gpt-4o-mini", "GET"),
        ("PUT", "/v1/dashboard/billing/subscription", "GET"),
        ("PUT", "/v1/responses/resp_1", "GET, DELETE"),
    ],
)
async def test_the_wrong_method_is_told_the_right_one(shop: Running, method: str, path: str, allowed: str) -> None:
    """Nothing is shown, sent or deleted."""
    answer = await shop.client.request(method, path, headers=shop.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


async def test_a_handshake_whose_upgrade_a_proxy_has_taken_out_is_told_to_go_on_without(shop: Running) -> None:
    """As nginx does unless it is told otherwise: only the key of the handshake arrives."""
    headers = {**shop.headers, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"}
    answer = await shop.client.get("/v1/responses", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "plain_http_expected")


async def test_only_pages_may_be_asked_for_their_head(shop: Running) -> None:
    """What is sent to an endpoint costs something."""
    page = await shop.client.head("/v1/models", headers=shop.headers)
    endpoint = await shop.client.head("/v1/chat/completions", headers=shop.headers)
    assert [page.status_code, endpoint.status_code, endpoint.headers["allow"]] == [200, 405, "POST"]


async def test_a_shop_names_only_the_endpoints_that_it_serves(tmp_path: Path) -> None:
    """Neither to who opens its address, nor to who asks for another."""
    profile = PROFILE.replace("channels:\n", "endpoints: [embeddings, models]\nchannels:\n", 1)
    async with serving(tmp_path, "http://127.0.0.1:9", profile=profile) as shop:
        opened = await shop.client.get("/")
        assert opened.text == (
            "Test 测试\nbase URL / 接口地址: this address, with or without /v1\nPOST /v1/embeddings\nGET /v1/models\n"
        )
        for path in ("/nothing", "/v1/chat/completions"):
            answer = await shop.client.post(path, headers=shop.headers)
            assert answer.status_code == 404
            assert f"no endpoint '{path}'; the nearest is POST /v1/embeddings;" in answer.json()["error"]["message"]


async def test_a_key_in_the_address_is_answered_as_by_google(shop: Running) -> None:
    """No other vendor's clients put it there."""
    refused = (await shop.client.post("/nothing?key=k")).json()["error"]
    assert (refused["code"], refused["status"], refused["details"][0]["reason"]) == (
        404,
        "NOT_FOUND",
        "unknown_endpoint",
    )


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_may_be_as_long_as_the_shop_says_and_no_byte_longer(tmp_path: Path, is_chunked: bool) -> None:
    """Whether its length was told or not."""
    profile = PROFILE.replace("channels:\n", "limits: {{body_bytes_max: 1024}}\nchannels:\n", 1)
    question = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'

    async def pieces(length: int) -> AsyncIterator[bytes]:
        yield question
        yield b" " * (length - len(question))

    async with reselling(tmp_path, lambda _: document({}, 400), profile=profile) as (upstream, shop):
        for length, status in [(1024, 400), (1025, 413)]:
            content = pieces(length) if is_chunked else question.ljust(length)
            answer = await shop.client.post("/v1/chat/completions", content=content, headers=shop.headers)
            assert answer.status_code == status
        assert answer.json()["error"]["code"] == "request_too_large"
        assert len(upstream.received) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_base_url_itself_answers_kindly(shop: Running, method: str) -> None:
    """Claude Code probes HEAD / before anything else."""
    assert (await shop.client.request(method, "/")).status_code == 200


async def test_texts_come_in_the_callers_language(shop: Running) -> None:
    """Codes stay, sentences change."""
    answer = await shop.client.get("/v1/models", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert answer.json()["error"]["code"] == "api_key_missing"
    assert "令牌" in answer.json()["error"]["message"]


@pytest.mark.parametrize("length", [100, 30_000_000])
async def test_a_body_that_does_not_come_is_not_waited_for(
    shop: Running, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """Half a body holds its place for a while, not for ever; a stranger's no longer for being announced as a long one."""
    monkeypatch.setattr(door, "BODY_S", 0.1)
    monkeypatch.setattr(door, "BODY_BYTES_PER_S_MIN", 640 * 1024)
    host, port = shop.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n{" % length)
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400")


async def test_a_request_of_http_1_0_needs_no_host(shop: Running) -> None:
    """That version has no such header; a load balancer's probe comes without."""
    host, port = shop.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /v1/models HTTP/1.0\r\nx-api-key: {shop.api_key}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_long_body_has_the_time_that_its_length_takes(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for longer, never shorter, than a short one."""
    monkeypatch.setattr(door, "BODY_S", 0.0)
    monkeypatch.setattr(door, "BODY_BYTES_PER_S_MIN", 1024)
    host, port = shop.url.removeprefix("http://").split(":")
    body = b"rubbish".ljust(2 * door.KEYLESS_BYTES_MAX)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nx-api-key: {shop.api_key}\r\n".encode())
    writer.write(b"content-length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), door.KEYLESS_BYTES_MAX + 1):
        await asyncio.sleep(0.05)
        writer.write(body[start : start + door.KEYLESS_BYTES_MAX + 1])
    async with asyncio.timeout(20):
        answer = await reader.readuntil(b"}}")
    writer.close()
    assert b"expected a JSON object" in answer
