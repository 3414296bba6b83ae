"""The SDKs of npm, on models of every dialect: text, stream, tools, schema, thinking, errors.

`make clients` installs them and runs this; where they are installed, each vendor's own SDK runs in `make test` too.
"""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.shops import reselling

from .sdk_upstream import script
from .test_agents import PROFILE, ROOT

NODE_S = 60
PACKAGES = ROOT / "build" / "clients"
SCRIPTS = Path(__file__).parent / "npm"
COMMON = {"stream": "pong", "tools": "It is sunny", "structured": {"city": "Lisbon"}}
THOUGHT = {"thinking": ["hm", "pong"]}
OPENAI = {**COMMON, **THOUGHT, "error": ["RateLimitError", 429]}
VERCEL = {**COMMON, "text": ["pong", "stop", 1], "error": ["AI_APICallError", 429]}
CLIENTS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "openai": (["openai.mjs"], {**OPENAI, "text": ["pong", "stop", 1]}),
    "openai-responses": (["openai-responses.mjs"], {**OPENAI, "text": ["pong", "completed", 1]}),
    "anthropic": (
        ["anthropic.mjs"],
        {**COMMON, **THOUGHT, "text": ["pong", "end_turn", 1], "error": ["RateLimitError", 429]},
    ),
    "google": (["google.mjs"], {**COMMON, **THOUGHT, "text": ["pong", "STOP", 1], "error": ["ApiError", 429]}),
    "ai-chat": (["ai.mjs", "chat"], VERCEL),
    "ai-responses": (["ai.mjs", "responses"], {**VERCEL, **THOUGHT}),
    "ai-anthropic": (["ai.mjs", "anthropic"], {**VERCEL, **THOUGHT}),
    "ai-google": (["ai.mjs", "google"], {**VERCEL, **THOUGHT}),
}
"""Each client's script, what it is told behind base URL, key and model, and what it must print."""
SHORT = [
    ("openai", "over-chat"),
    ("openai-responses", "over-messages"),
    ("anthropic", "over-responses"),
    ("google", "over-gemini"),
]
"""What is run without `make clients`: two natively, two across dialects."""
pytestmark = pytest.mark.timeout(NODE_S + 30)


async def run(words: list[str], *arguments: str) -> dict[str, Any]:
    """Return what a script prints, run beside the packages it imports."""
    beside = PACKAGES / words[0]
    shutil.copyfile(SCRIPTS / words[0], beside)
    node = await asyncio.create_subprocess_exec(
        "node",
        str(beside),
        *arguments,
        *words[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(NODE_S):
        printed, complaint = await node.communicate()
    assert node.returncode == 0, complaint.decode()
    return dict(json.loads(line) for line in printed.splitlines())


async def works(folder: Path, client: str, model: str) -> None:
    """Whatever dialect the upstream speaks, the script prints what it must; what succeeded is posted as complete."""
    words, expected = CLIENTS[client]
    async with reselling(folder, script, profile=PROFILE) as (_, shop):
        assert await run(words, shop.url, shop.api_key, model) == expected
        rows = await shop.log(count=len(expected) + 1)
        assert sorted(row["outcome"] for row in rows) == ["complete"] * len(expected) + ["upstream_error"]


@pytest.mark.clients
@pytest.mark.parametrize("model", ["over-chat", "over-messages", "over-responses", "over-gemini"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_an_sdk_makes_the_same_of_every_model(tmp_path: Path, client: str, model: str) -> None:
    """Natively and across dialects."""
    await works(tmp_path, client, model)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; it runs the SDKs of npm")
@pytest.mark.skipif(not (PACKAGES / "node_modules").is_dir(), reason="the SDKs of npm come with `make clients`")
@pytest.mark.parametrize(("client", "model"), SHORT)
async def test_each_vendor_s_own_sdk_works(tmp_path: Path, client: str, model: str) -> None:
    """The short form of the runs above."""
    await works(tmp_path, client, model)
