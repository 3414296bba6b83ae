"""Claude Code, Codex and Gemini CLI go through recorded tool loops, of their own vendor's dialect and of all others.

`make clients` installs them and runs this; without them nothing here is collected.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from relay.core.exchange import Dialect
from relay.core.usage import Usage
from tests.core.dialects.recordings import STREAMS
from tests.shops import Running, reselling

from .agent_upstream import LOOPS, PRINTED, Loop, results, script

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "clients" / "node_modules" / ".bin"
AGENT_S = 100
PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  over-chat: {{model_ratio: "1"}}
  gpt-3.5-turbo: {{model_ratio: "1"}}
  over-messages: {{model_ratio: "1"}}
  claude-haiku-4-5-20251001: {{model_ratio: "1"}}
  over-responses: {{model_ratio: "1"}}
  over-gemini: {{model_ratio: "1"}}
channels:
  - name: chat
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [over-chat, gpt-3.5-turbo]
    groups: [plain]
  - name: messages
    use: channels.anthropic
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [over-messages, claude-haiku-4-5-20251001]
    groups: [plain]
  - name: responses
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [over-responses]
    groups: [plain]
    dialects: [openai_responses]
  - name: gemini
    use: channels.gemini
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [{{name: over-gemini, upstream: gemini-2.5-flash}}]
    groups: [plain]
"""
MODELS: dict[Dialect, str] = {
    "openai_chat": "over-chat",
    "anthropic_messages": "claude-haiku-4-5-20251001",
    "openai_responses": "over-responses",
    "gemini_generate": "over-gemini",
}
"""What the agents ask for. Claude Code sends back the thoughts of no model but the one that it asks for: the recorded one."""
Agent = Callable[[Path, Running, str], Awaitable[str]]
"""Runs in a folder, on a shop, with a model; gives what it prints."""
pytestmark = [pytest.mark.clients, pytest.mark.timeout(AGENT_S + 30)]


async def run(folder: Path, words: list[str], **variables: str) -> str:
    """Return what an agent prints on its standard output, run in an empty home of its own."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", "IS_SANDBOX": "1", **variables}
    agent = await asyncio.create_subprocess_exec(
        str(BIN / words[0]),
        *words[1:],
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(AGENT_S):
        printed, reported = await agent.communicate()
    print(reported.decode())
    return printed.decode()


async def claude(folder: Path, shop: Running, model: str) -> str:
    """Run Claude Code on *model*."""
    return await run(
        folder,
        ["claude", "--dangerously-skip-permissions", "-p", "Say it"],
        ANTHROPIC_BASE_URL=shop.url,
        ANTHROPIC_AUTH_TOKEN=shop.api_key,
        ANTHROPIC_MODEL=model,
        ANTHROPIC_SMALL_FAST_MODEL=model,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )


async def codex(folder: Path, shop: Running, model: str) -> str:
    """Run Codex on *model*."""
    provider = {"name": "relay", "base_url": f"{shop.url}/v1", "env_key": "RELAY_KEY", "wire_api": "responses"}
    settings = [f"-cmodel_providers.relay.{name}={json.dumps(value)}" for name, value in provider.items()]
    words = ["codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-m", model]
    return await run(folder, [*words, "-cmodel_provider=relay", *settings, "Say it"], RELAY_KEY=shop.api_key)


async def gemini(folder: Path, shop: Running, model: str) -> str:
    """Run Gemini CLI on *model*."""
    settings = folder / "home" / ".gemini" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"security":{"auth":{"selectedType":"gemini-api-key"}}}')
    return await run(
        folder,
        ["gemini", "--yolo", "--skip-trust", "-m", model, "-p", "Say it"],
        GOOGLE_GEMINI_BASE_URL=shop.url,
        GEMINI_API_KEY=shop.api_key,
    )


AGENTS: list[tuple[Agent, Dialect]] = [
    (claude, "anthropic_messages"),
    (codex, "openai_responses"),
    (gemini, "gemini_generate"),
]
FORGOTTEN: set[tuple[Agent, Dialect]] = {(gemini, "anthropic_messages")}
"""Gemini CLI sends back the signature of a call, and no thought: what sealed one is lost."""


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.dialect)
@pytest.mark.parametrize(("agent", "dialect"), AGENTS, ids=["claude", "codex", "gemini"])
async def test_an_agent_goes_through_a_recorded_loop(
    tmp_path: Path, agent: Agent, dialect: Dialect, loop: Loop
) -> None:
    """It runs the recorded call in its shell, sends back the result with the upstream's own marks, and prints the recorded text.

    Both turns are posted as complete, with the recorded usage.
    """
    forgotten = loop.signatures if (agent, loop.dialect) in FORGOTTEN else set()
    marks = {f'"{mark}"' for mark in (loop.call_ids | loop.signatures) - forgotten}
    usages = [usage_in(loop.call), usage_in(loop.text)]
    async with reselling(tmp_path, script, profile=PROFILE) as (upstream, shop):
        printed = await agent(tmp_path, shop, MODELS[loop.dialect])
        rows = await shop.log(count=2)
    asked, told = upstream.received
    [result] = results(told)
    assert results(asked) == []
    assert PRINTED in json.dumps(result)
    assert {mark for mark in marks if mark in told.body.decode()} == marks
    assert printed.strip() == loop.told
    assert [(row["dialect"], row["outcome"]) for row in rows] == [(dialect, "complete")] * 2
    assert [msgspec.json.decode(row["usage"], type=Usage) for row in rows] == usages


def usage_in(recording: str) -> Usage:
    """Return the usage that a recorded stream tells."""
    [usage] = [each.usage for each in STREAMS if each.name == recording]
    assert usage is not None
    return usage
