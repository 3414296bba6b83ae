"""Claude Code, Codex and Gemini CLI run a command in their shell, on models of their own vendor and of others.

`make clients` installs them and runs this; without them nothing here is collected.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.shops import Running, serving
from tests.upstreams import Upstream

from .agent_upstream import script

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "clients" / "node_modules" / ".bin"
AGENT_S = 100
PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  over-chat: {{model_ratio: "1"}}
  over-messages: {{model_ratio: "1"}}
  over-responses: {{model_ratio: "1"}}
  over-gemini: {{model_ratio: "1"}}
channels:
  - name: chat
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [over-chat]
    groups: [plain]
  - name: messages
    use: channels.anthropic
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [over-messages]
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
    models: [over-gemini]
    groups: [plain]
"""
pytestmark = [pytest.mark.clients, pytest.mark.timeout(AGENT_S + 30)]


async def run(folder: Path, words: list[str], **variables: str) -> str:
    """Return what an agent prints, run in an empty home of its own."""
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
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(AGENT_S):
        printed, _ = await agent.communicate()
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


@pytest.mark.parametrize("model", ["over-chat", "over-messages", "over-responses", "over-gemini"])
@pytest.mark.parametrize(
    ("agent", "dialect"),
    [(claude, "anthropic_messages"), (codex, "openai_responses"), (gemini, "gemini_generate")],
    ids=["claude", "codex", "gemini"],
)
async def test_an_agent_runs_a_command_and_tells_its_result(
    tmp_path: Path, agent: object, dialect: str, model: str
) -> None:
    """Its tool is called with whole arguments, its result comes back, and every turn is posted as complete."""
    assert callable(agent)
    async with Upstream(script).opened() as upstream, serving(tmp_path, upstream.url, profile=PROFILE) as shop:
        printed = await agent(tmp_path, shop, model)
        rows = await shop.log(count=2)
        assert "RESULT" in printed
        assert "relay-and-back" in printed.partition("RESULT")[2]
        assert {(row["dialect"], row["outcome"]) for row in rows} == {(dialect, "complete")}
        assert {row["output_tokens"] for row in rows} == {40}
