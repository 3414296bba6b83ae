"""Probes and reports of clients are answered kindly, without a key, and leave nothing behind."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.core.housekeeping import housekeeping_answer, is_base
from tests.shops import Running, serving

SECRET = "what-the-user-did-last-summer"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Running]:
    """Serve a shop whose upstream nobody asks."""
    async with serving(tmp_path, "http://127.0.0.1:9") as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1beta", "/openai", "/openai/v1"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_base_url_says_what_to_enter(shop: Running, method: str, path: str) -> None:
    """To whoever opens it, each vendor's; Claude Code asks with HEAD before anything else."""
    answer = await shop.client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert ("POST /v1/chat/completions" in answer.text) == (method == "GET")


@pytest.mark.parametrize("path", ["/api/hello", "/v1/api/hello", "/api/hello/"])
async def test_claude_codes_probe_is_answered(shop: Running, path: str) -> None:
    """By GET and by HEAD."""
    asked = await shop.client.get(path)
    probed = await shop.client.head(path)
    assert (asked.status_code, asked.json(), probed.status_code, probed.content) == (
        200,
        {"message": "hello"},
        200,
        b"",
    )


@pytest.mark.parametrize("path", ["/api/event_logging/batch", "/api/event_logging/v2/batch"])
async def test_claude_codes_reports_are_taken_and_thrown_away(
    shop: Running, path: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """However large, and whatever they say: not a word of it is on disk or in a log."""
    with caplog.at_level(logging.DEBUG):
        for body in (SECRET, SECRET * 100_000, "{"):
            answer = await shop.client.post(path, content=body, headers=shop.headers)
            assert (answer.status_code, answer.content) == (200, b"{}")
    kept = b"".join(file.read_bytes() for file in shop.data.rglob("*") if file.is_file())
    said = caplog.text + "".join(capfd.readouterr())
    assert (SECRET.encode() in kept, SECRET in said) == (False, False)
    assert shop.rows("select * from request_log") == []


async def test_after_a_report_the_connection_serves_on(shop: Running) -> None:
    """A body that nobody read is not taken for the next request."""
    await shop.client.post("/api/event_logging/batch", content=SECRET * 10_000)
    assert (await shop.client.get("/v1/models", headers=shop.headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/hello"), ("GET", "/api/event_logging/batch"), ("GET", "/api"), ("POST", "/"), ("GET", "/x/v1")],
)
def test_nothing_else_is_housekeeping(method: str, path: str) -> None:
    """It gets the hint that every unknown path gets."""
    assert (is_base(method, path), housekeeping_answer(method, path)) == (False, None)
