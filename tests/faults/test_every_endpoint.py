"""Each failure on every endpoint: in its dialect's own shape, with the status and the code of the failure."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from relay.core.circuit import Circuit
from relay.core.dialects import ENDPOINTS as SERVED
from relay.core.keys import api_key_digest, new_api_key
from relay.core.ledger.operations import CreateAccount, CreateKey, RevokeKey
from relay.core.profile.structs import Keys
from relay.core.transport import Deadlines
from tests.faults.endpoints import ENDPOINTS, FORMS_AND_SESSIONS, Endpoint, told
from tests.shops import Running, serving
from tests.upstreams import Step, Upstream, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY_BYTES_MAX = 4096
PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}, {{use: billing.per_call}}]
groups: {{plain: {{ratio: "1"}}, empty: {{ratio: "1"}}}}
limits: {{body_bytes_max: 4096}}
prices:
  m: {{model_ratio: "1", unit_price: "1"}}
  unlisted: {{model_ratio: "1", unit_price: "1"}}
channels:
  - {{name: o, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [m], groups: [plain],
      dialects: [openai_chat, openai_responses, openai_completions, embeddings, images, moderations, rerank]}}
  - {{name: a, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [m],
      groups: [plain]}}
  - {{name: g, use: channels.gemini, base_url: "{url}", keys: ["file:upstream.key"], models: [m], groups: [plain]}}
  - {{name: e, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [unlisted],
      groups: [empty]}}
"""
KEYS: dict[str, dict[str, Any]] = {
    "revoked": {},
    "expired": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)},
    "exhausted": {"cap_nano": 0},
    "narrow": {"models": ("unlisted",)},
    "elsewhere": {"ips": ("10.0.0.0/8",)},
    "groupless": {"group": "gone"},
    "bare": {"group": "empty"},
}
WRONG: tuple[object, ...] = (None, 7.5, True, {}, [], "")


@dataclass
class Counter:
    """A shop, its upstream, and a key for each reason to refuse."""

    shop: Running
    upstream: Upstream
    keys: dict[str, str]

    async def ask(
        self, endpoint: Endpoint, api_key: str | None = "good", *, model: str = "m", content: bytes | None = None
    ) -> httpx.Response:
        """Ask *endpoint* with one of the keys, or none; the upstream's earlier faults are forgotten."""
        self.shop.shop.circuit = Circuit(self.shop.shop.clock)
        self.upstream.received.clear()
        headers = endpoint.headers | ({"x-api-key": self.keys[api_key]} if api_key is not None else {})
        body = msgspec.json.encode(endpoint.body(model)) if content is None else content
        return await self.shop.client.post(endpoint.path_of(model), headers=headers, content=body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """Serve one shop to all of them."""
    upstream = Upstream(lambda _: document({}))
    async with (
        upstream.opened(),
        serving(tmp_path_factory.mktemp("shop"), upstream.url, profile=PROFILE, credit="1000") as shop,
    ):
        keys = {"good": shop.api_key, "unknown": "sk-unknown"}
        for name, fields in KEYS.items():
            keys[name] = await open_key(shop, name, "alice", fields)
        ledger = shop.shop.ledger
        await ledger.revoke_key(RevokeKey(key_id="revoked", actor="test"))
        await ledger.create_account(CreateAccount(account_id="acc_poor", name="poor", actor="test"))
        keys["poor"] = await open_key(shop, "poor", "poor", {})
        yield Counter(shop, upstream, keys)


async def open_key(shop: Running, name: str, account: str, fields: dict[str, Any]) -> str:
    api_key = new_api_key("sk-")
    await shop.shop.ledger.create_key(
        CreateKey(
            key_id=name,
            account=account,
            name=name,
            digest=api_key_digest(api_key, Keys()),
            last4=api_key[-4:],
            actor="test",
            **{"group": "plain", **fields},
        )
    )
    return api_key


def every(*, is_counting_too: bool = True) -> pytest.MarkDecorator:
    """Run a test for every endpoint."""
    chosen = [one for one in ENDPOINTS if is_counting_too or not one.is_counting]
    return pytest.mark.parametrize("endpoint", chosen, ids=[one.path for one in chosen])


async def test_every_endpoint_is_tried() -> None:
    """A new one must come into the table."""
    of_json = {one.path for one in SERVED if not one.path.startswith("/v1/audio/")} - FORMS_AND_SESSIONS
    assert of_json == {one.path for one in ENDPOINTS}


@every()
@pytest.mark.parametrize(
    ("api_key", "status", "code"),
    [
        (None, 401, "api_key_missing"),
        ("unknown", 401, "invalid_api_key"),
        ("revoked", 401, "api_key_revoked"),
        ("expired", 401, "api_key_expired"),
        ("exhausted", 403, "api_key_exhausted"),
        ("narrow", 403, "model_not_allowed"),
        ("elsewhere", 403, "access_denied"),
        ("groupless", 403, "group_not_found"),
        ("bare", 503, "model_not_found"),
    ],
)
async def test_a_key_that_may_not_is_refused(
    counter: Counter, endpoint: Endpoint, api_key: str | None, status: int, code: str
) -> None:
    """And nothing is asked upstream."""
    answer = await counter.ask(endpoint, api_key)
    assert told(answer, endpoint.shape) == (status, code)
    assert answer.headers["x-should-retry"] == "false"
    assert counter.upstream.received == []


@every(is_counting_too=False)
async def test_an_account_without_credit_is_refused(counter: Counter, endpoint: Endpoint) -> None:
    """Before anything is asked upstream."""
    answer = await counter.ask(endpoint, "poor")
    assert told(answer, endpoint.shape) == (403, "insufficient_user_quota")
    assert counter.upstream.received == []


@every()
async def test_a_model_that_nobody_sells_is_refused(counter: Counter, endpoint: Endpoint) -> None:
    """Whatever the case of its letters."""
    answer = await counter.ask(endpoint, model="M")
    assert told(answer, endpoint.shape) == (503, "model_not_found")
    assert counter.upstream.received == []


@every()
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a":' * 5000, b"\xff\xfe", b'"x"'])
async def test_what_is_no_json_object_is_refused(counter: Counter, endpoint: Endpoint, body: bytes) -> None:
    """Too deep is none either; too large says so before."""
    answer = await counter.ask(endpoint, content=body)
    large = (413, "request_too_large")
    assert told(answer, endpoint.shape) == (large if len(body) > BODY_BYTES_MAX else (400, "bad_request"))


@every()
async def test_fields_of_other_types_are_refused(counter: Counter, endpoint: Endpoint) -> None:
    """One after the other, by name where one is to blame."""
    for name in (name for name in endpoint.body("m") if name not in ("query", "content")):
        for wrong in WRONG:
            if name == "prompt" and wrong in ("", []):
                continue  # a completion of nothing is one
            fields = {**endpoint.body("m"), name: wrong}
            if name == "model" and endpoint.path.rpartition("/")[2] in ("generations", "moderations"):
                fields["model"] = wrong or 7.5  # a default stands in for none
            counter.upstream.received.clear()
            answer = await counter.shop.client.post(
                endpoint.path_of("m"), headers=endpoint.headers | {"x-api-key": counter.keys["good"]}, json=fields
            )
            status, _ = told(answer, endpoint.shape)
            assert (status, counter.upstream.received) == (400, []), (name, wrong)


@every()
async def test_a_body_that_is_too_large_is_refused(counter: Counter, endpoint: Endpoint) -> None:
    """By its length alone."""
    answer = await counter.ask(endpoint, content=b"x" * (BODY_BYTES_MAX + 1))
    assert told(answer, endpoint.shape) == (413, "request_too_large")


@every()
async def test_a_compressed_body_is_refused(counter: Counter, endpoint: Endpoint) -> None:
    """By the name of the header."""
    headers = endpoint.headers | {"x-api-key": counter.keys["good"], "content-encoding": "gzip"}
    answer = await counter.shop.client.post(endpoint.path_of("m"), headers=headers, content=b"{}")
    assert told(answer, endpoint.shape) == (400, "encoded_body")


@every()
async def test_another_method_is_told_the_right_one(counter: Counter, endpoint: Endpoint) -> None:
    """PUT is never the right one."""
    answer = await counter.shop.client.put(endpoint.path_of("m"), headers=endpoint.headers)
    assert told(answer, endpoint.shape) == (405, "method_not_allowed")


@every(is_counting_too=False)
@pytest.mark.parametrize(
    ("upstream_status", "status", "code"),
    [
        (400, 400, "strange_value"),
        (401, 503, "upstream_unavailable"),
        (402, 503, "upstream_unavailable"),
        (403, 503, "upstream_unavailable"),
        (404, 503, "upstream_unavailable"),
        (413, 413, "strange_value"),
        (422, 422, "strange_value"),
        (429, 429, "upstream_throttled"),
        (500, 502, "upstream_error"),
        (503, 503, "upstream_overloaded"),
        (529, 503, "upstream_overloaded"),
    ],
)
async def test_an_upstreams_error_is_told_in_the_customers_shape(
    counter: Counter, endpoint: Endpoint, upstream_status: int, status: int, code: str
) -> None:
    """Its words about the request pass; about our key and money none does."""
    words = "sk-canary"
    error = {"message": words, "type": "strange_value", "code": "strange_value"}
    counter.upstream.script = lambda _: document({"error": error}, status=upstream_status)
    answer = await counter.ask(endpoint)
    assert words not in answer.text
    found = answer.status_code, code_of_refusal(answer)
    assert found == (status, code)


def code_of_refusal(answer: httpx.Response) -> str:
    """Return the code, wherever the shape has it."""
    error = answer.json()["error"]
    return str(error["details"][0]["reason"] if "details" in error else error["code"])


@every(is_counting_too=False)
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (["shut"], 502, "upstream_error"),
        (["reset"], 502, "upstream_error"),
        ([b"nonsense\r\n\r\n", "shut"], 502, "upstream_error"),
        (document(b"<html>no document</html>"), 502, "upstream_error"),
        ([5.0, "shut"], 504, "upstream_timeout"),
    ],
    ids=["shut", "reset", "nonsense", "no document", "silence"],
)
async def test_an_upstream_that_fails_is_told_in_the_customers_shape(
    monkeypatch: pytest.MonkeyPatch, counter: Counter, endpoint: Endpoint, fault: list[Step], status: int, code: str
) -> None:
    """Nothing of it was booked."""
    if code == "upstream_timeout":
        for channel in counter.shop.shop.channels.values():
            monkeypatch.setattr(channel, "deadlines", Deadlines(first_event_s=0.4))
    counter.upstream.script = lambda _: fault
    answer = await counter.ask(endpoint)
    assert told(answer, endpoint.shape) == (status, code)
    [held] = counter.shop.rows("select sum(pending_nano) as nano from book")
    assert held["nano"] == 0


@every()
async def test_a_browser_may_ask(counter: Counter, endpoint: Endpoint) -> None:
    """The pre-flight needs no key, and a refusal can be read."""
    origin = {"origin": "https://chat.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-stainless-os"}
    allowed = await counter.shop.client.options(endpoint.path_of("m"), headers=origin | asked)
    assert (allowed.status_code, allowed.content) == (204, b"")
    assert allowed.headers["access-control-allow-headers"] == "authorization,x-stainless-os"
    assert "POST" in allowed.headers["access-control-allow-methods"]
    refused = await counter.shop.client.post(endpoint.path_of("m"), headers=origin | endpoint.headers, content=b"{")
    assert (allowed.headers["access-control-allow-origin"], refused.headers["access-control-allow-origin"]) == (
        "*",
        "*",
    )


@every()
async def test_an_endpoint_is_found_however_the_base_is_written(counter: Counter, endpoint: Endpoint) -> None:
    """With its version, without, doubled, or behind a whole endpoint's path: the key is what is missing."""
    path = endpoint.path_of("m")
    bare = path[path.index("/", 1) :]
    paths = [path, bare, f"/v1{bare}", f"/v1/v1{bare}", f"//v1/{bare}", f"{path}/", f"/v1/chat/completions{bare}"]
    paths += [f"/v1/messages{path}", f"/v1/responses{bare}"]
    answers = [
        await counter.shop.client.post(each, headers=endpoint.headers, json=endpoint.body("m")) for each in paths
    ]
    assert [told(answer, endpoint.shape)[1] for answer in answers] == ["api_key_missing"] * len(paths)


async def test_a_path_that_is_none_is_told_what_there_is(counter: Counter) -> None:
    """In the shape of who seems to ask: what it was probably meant for."""
    client = counter.shop.client
    answers = [
        (await client.post("/v1/chat/nothing"), "openai", "/v1/chat/completions"),
        (await client.post("/v1/nothing", headers={"anthropic-version": "2023-06-01"}), "anthropic", "/v1/messages"),
        (await client.post("/v1beta/nothing"), "gemini", "/v1beta/models/{model}:generateContent"),
    ]
    for answer, shape, nearest in answers:
        assert told(answer, shape) == (404, "unknown_endpoint")  # type: ignore[arg-type]
        assert f"the nearest is POST {nearest};" in answer.text


async def test_as_many_as_the_shop_takes_are_served(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is shed at once, in its own shape."""
    monkeypatch.setattr(counter.shop.shop, "_exchange_count", counter.shop.shop.profile.limits.exchanges_max)
    answers = await asyncio.gather(*(counter.ask(endpoint) for endpoint in ENDPOINTS))
    assert {told(answer, endpoint.shape) for answer, endpoint in zip(answers, ENDPOINTS, strict=True)} == {
        (503, "overloaded")
    }
