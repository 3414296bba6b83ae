"""A request's tokens: counted upstream where a channel can, else estimated; free either way."""

from pathlib import Path

import pytest

from relay.core.ledger.operations import RevokeKey
from tests.open_files import no_file_to_be_opened
from tests.shops import PROFILE, reselling
from tests.upstreams import Received, Step, document

HI = [{"role": "user", "content": "hi"}]


async def test_a_channel_of_the_same_dialect_counts(tmp_path: Path) -> None:
    """The body goes there as it came, and nothing is charged or logged."""
    async with reselling(tmp_path, lambda _: document({"input_tokens": 14})) as (upstream, shop):
        response = await shop.client.post(
            "/v1/messages/count_tokens?beta=true",
            json={"model": "claude-sonnet-4-5", "messages": HI},
            headers={"x-api-key": shop.api_key},
        )
        assert (response.status_code, response.content) == (200, b'{"input_tokens":14}')
        [received] = upstream.received
        assert received.path == "/v1/messages/count_tokens"
        assert shop.rows("select * from request_log") == []
        assert shop.rows("select * from reservation") == []


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/messages/count_tokens", {"model": "gpt-4o-mini", "messages": HI}, {"input_tokens": 13}),
        (
            "/v1/responses/input_tokens",
            {"model": "claude-sonnet-4-5", "input": "hi"},
            {"object": "response.input_tokens", "input_tokens": 7},
        ),
        ("/v1beta/models/gpt-4o-mini:countTokens", {"contents": HI}, {"totalTokens": 9}),
    ],
)
async def test_elsewhere_the_estimate_is_told(tmp_path: Path, path: str, body: object, told: dict[str, object]) -> None:
    """Another dialect's count is another count: nothing is asked upstream."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, shop):
        response = await shop.client.post(path, json=body, headers=shop.headers)
        assert (response.status_code, response.json()) == (200, told)
        assert upstream.received == []


async def test_a_channel_that_cannot_count_is_passed_over(tmp_path: Path) -> None:
    """Many gateways have no such path."""

    def script(_: Received) -> list[Step]:
        return document({"error": {"message": "no such path"}}, status=404)

    async with reselling(tmp_path, script) as (_, shop):
        response = await shop.client.post(
            "/v1/messages/count_tokens", json={"model": "claude-sonnet-4-5", "messages": HI}, headers=shop.headers
        )
        assert (response.status_code, response.json()) == (200, {"input_tokens": 15})


async def test_without_a_file_for_a_connection_the_estimate_is_told(tmp_path: Path) -> None:
    """It needs none."""
    body = {"model": "claude-sonnet-4-5", "messages": HI}
    counted = document({"input_tokens": 14}, headers=["connection: close"])
    async with reselling(tmp_path, lambda _: counted) as (upstream, shop):
        before = await shop.client.post("/v1/messages/count_tokens", json=body, headers=shop.headers)
        with no_file_to_be_opened():
            told = await shop.client.post("/v1/messages/count_tokens", json=body, headers=shop.headers)
    assert (before.json(), told.status_code, told.json()) == ({"input_tokens": 14}, 200, {"input_tokens": 15})
    assert len(upstream.received) == 1


RULE = """
from relay import Plugin, PluginConfig, hookimpl


class Rule(Plugin[PluginConfig]):
    config_type = PluginConfig

    @hookimpl
    async def transform_request(self):
        raise {error}("a prompt")
"""


@pytest.mark.parametrize("error", ["OSError", "KeyError"])
async def test_a_plugin_that_fails_is_logged_and_the_estimate_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    """The customer sees nothing of it, so the log has to name the file."""
    (tmp_path / "rule.py").write_text(RULE.format(error=error))
    profile = PROFILE.replace("plugins:\n", "plugins:\n  - use: ./rule.py\n", 1)
    async with reselling(tmp_path, lambda _: document({}), profile=profile) as (_, shop):
        response = await shop.client.post(
            "/v1/messages/count_tokens", json={"model": "claude-sonnet-4-5", "messages": HI}, headers=shop.headers
        )
    assert (response.status_code, response.json()) == (200, {"input_tokens": 15})
    [fields] = [vars(record)["fields"] for record in caplog.records if record.message == "plugin.failed"]
    assert (fields["request_id"], fields["file"]) == (response.headers["x-request-id"], str(tmp_path / "rule.py"))
    assert fields["problem"] == f"in transform_request: raised {error}"


CHATS_ONLY = """
from relay import ChannelPlugin, PluginConfig


class ChatsOnly(ChannelPlugin[PluginConfig]):
    config_type = PluginConfig
    dialects = ("anthropic_messages",)

    def build(self, request, api_key):
        return {"chat": "https://elsewhere"}[request.operation]
"""


async def test_a_channel_without_an_endpoint_for_it_has_not_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Built-in channels, too, look for its address in a table; nothing is logged."""
    (tmp_path / "chats_only.py").write_text(CHATS_ONLY)
    profile = PROFILE.replace("channels.anthropic", "./chats_only.py")
    async with reselling(tmp_path, lambda _: document({}), profile=profile) as (_, shop):
        response = await shop.client.post(
            "/v1/messages/count_tokens", json={"model": "claude-sonnet-4-5", "messages": HI}, headers=shop.headers
        )
    assert (response.status_code, response.json()) == (200, {"input_tokens": 15})
    assert [record for record in caplog.records if record.name == "relay"] == []


async def test_a_key_is_needed(tmp_path: Path) -> None:
    """What is free is not for everybody."""
    async with reselling(tmp_path, lambda _: document({})) as (_, shop):
        response = await shop.client.post(
            "/v1/messages/count_tokens", json={"model": "claude-sonnet-4-5", "messages": HI}
        )
        assert response.status_code == 401


async def test_a_revoked_key_counts_nothing_from_then_on(tmp_path: Path) -> None:
    """Nothing remembered of it from a request counts, and nothing is sent."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, shop):
        await shop.chat(model="gpt-4o-mini")
        await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
        upstream.received.clear()
        body = {"model": "claude-sonnet-4-5", "messages": HI}
        refused = await shop.client.post("/v1/messages/count_tokens", json=body, headers=shop.headers)
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
        assert upstream.received == []
