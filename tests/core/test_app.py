"""The pages besides the endpoints."""

from pathlib import Path

import pytest

from tests.shops import serving


@pytest.mark.parametrize(("method", "text"), [("GET", "ok"), ("HEAD", "")])
async def test_livez_answers(tmp_path: Path, method: str, text: str) -> None:
    """The probe of process managers; its answer has an id as every other has."""
    async with serving(tmp_path, "http://127.0.0.1:9") as shop:
        answer = await shop.client.request(method, "/livez")
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["x-request-id"].startswith("req_")
