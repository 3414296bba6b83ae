"""LangChain and openai 0.28, each in the environment that its programs were written for; `make clients` makes them.

The programs end in ``.txt`` because what they import is only there.
"""

import asyncio
from pathlib import Path

import pytest

from tests.shops import serving
from tests.upstreams import Upstream

from .sdk_upstream import script
from .test_agents import PROFILE, ROOT

PROGRAM_S = 60
PROGRAMS = Path(__file__).parent / "python"
pytestmark = [pytest.mark.clients, pytest.mark.timeout(PROGRAM_S + 30)]


async def run(folder: Path, environment: str, program: str, base: str, *models: str) -> tuple[list[str], list[str]]:
    """Return the lines that a program prints, and the outcomes in the shop's log."""
    async with Upstream(script).opened() as upstream, serving(folder, upstream.url, profile=PROFILE) as shop:
        python = await asyncio.create_subprocess_exec(
            str(ROOT / "build" / "clients" / environment / "bin" / "python"),
            str(PROGRAMS / program),
            shop.url + base,
            shop.api_key,
            *models,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PROGRAM_S):
            printed, complaint = await python.communicate()
        assert python.returncode == 0, complaint.decode()
        return printed.decode().splitlines(), sorted(row["outcome"] for row in await shop.log())


@pytest.mark.parametrize("base", ["/v1", "/v1/chat/completions"])
async def test_juhes_langchain_program_runs(tmp_path: Path, base: str) -> None:
    """By the address in the program, and by the one that the text above it asks for."""
    assert await run(tmp_path, "then", "juhe_langchain.py.txt", base) == (["pong"], ["complete"])


async def test_peiqis_openai_programs_run(tmp_path: Path) -> None:
    """Whole and streamed; a limit is the error of old."""
    printed, outcomes = await run(tmp_path, "then", "openai_028.py.txt", "/v1")
    assert (printed, outcomes) == (["pong", "pong", "429"], ["complete", "complete", "upstream_error"])


@pytest.mark.parametrize("model", ["over-chat", "over-messages", "over-responses", "over-gemini"])
async def test_todays_langchain_runs_on_every_dialect(tmp_path: Path, model: str) -> None:
    """Text, stream, a tool's loop, JSON of a schema, thinking and the error are the same."""
    printed, outcomes = await run(tmp_path, "now", "langchain_now.py.txt", "/v1", model)
    assert printed == ["pong", "pong", "It is sunny", "Lisbon", "hm pong", "429"]
    assert outcomes == ["complete"] * 6 + ["upstream_error"]
