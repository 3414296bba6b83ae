"""LangChain, Cohere's SDK and openai 0.28, each in an environment fit for its programs; `make clients` makes them.

The programs end in ``.txt`` because what they import is only there.
"""

import asyncio
from pathlib import Path

import pytest

from tests.sdk.test_openai_singles import PROFILE as SINGLES
from tests.sdk.test_openai_singles import REFUSED
from tests.shops import reselling
from tests.upstreams import Received, Script, Step, document
from tests.wire.recordings import load

from .sdk_upstream import script
from .test_agents import PROFILE, ROOT

PROGRAM_S = 60
PROGRAMS = Path(__file__).parent / "python"
pytestmark = [pytest.mark.clients, pytest.mark.timeout(PROGRAM_S + 30)]


async def run(
    folder: Path,
    environment: str,
    program: str,
    base: str,
    *models: str,
    script: Script = script,
    profile: str = PROFILE,
) -> tuple[list[str], list[str], int]:
    """Return the lines that a program prints, the outcomes in the shop's log, and what they cost, in nano-credits."""
    async with reselling(folder, script, profile=profile) as (_, shop):
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
        rows = await shop.log()
        outcomes, charge_nano = sorted(row["outcome"] for row in rows), sum(row["charge_nano"] for row in rows)
        return printed.decode().splitlines(), outcomes, charge_nano


@pytest.mark.parametrize("base", ["/v1", "/v1/chat/completions"])
async def test_juhes_langchain_program_runs(tmp_path: Path, base: str) -> None:
    """By the address in the program, and by the one that the text above it asks for."""
    printed, outcomes, _ = await run(tmp_path, "then", "juhe_langchain.py.txt", base)
    assert (printed, outcomes) == (["pong"], ["complete"])


async def test_peiqis_openai_programs_run(tmp_path: Path) -> None:
    """Whole and streamed; a limit is the error of old."""
    printed, outcomes, _ = await run(tmp_path, "then", "openai_028.py.txt", "/v1")
    assert (printed, outcomes) == (["pong", "pong", "429"], ["complete", "complete", "upstream_error"])


@pytest.mark.parametrize("model", ["over-chat", "over-messages", "over-responses", "over-gemini"])
async def test_todays_langchain_runs_on_every_dialect(tmp_path: Path, model: str) -> None:
    """Text, stream, a tool's loop, JSON of a schema, thinking and the error are the same."""
    printed, outcomes, _ = await run(tmp_path, "now", "langchain_now.py.txt", "/v1", model)
    assert printed == ["pong", "pong", "It is sunny", "Lisbon", "hm pong", "429"]
    assert outcomes == ["complete"] * 6 + ["upstream_error"]


async def test_coheres_sdk_ranks_by_its_own_path(tmp_path: Path) -> None:
    """The recorded ranking costs one search unit, at 0.002 and 1.5; what the upstream refuses is told and free."""
    ranking = load("compat/rerank-cohere", "rerank")

    def rank(request: Received) -> list[Step]:
        assert request.path == "/v1/rerank"
        return document(REFUSED, 400) if b'"fail"' in request.body else document(ranking.raw)

    made = await run(tmp_path, "now", "cohere_rerank.py.txt", "", script=rank, profile=SINGLES)
    assert made == (["[1, 0] 1.0", "400 Too many inputs."], ["complete", "upstream_error"], 3_000_000)
