"""Tools that a vendor bills apart: which requests offer one, what it costs, and where it is refused."""

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from relay.core.exchange import Dialect
from relay.core.hosted import hosted_tools
from tests.core.dialects.replay import exchange
from tests.core.wire import load
from tests.shops import PROFILE, Running, reselling
from tests.upstreams import document, stream

CODE = {"type": "code_execution_20250825", "name": "code_execution"}
INTERPRETER = {"type": "code_interpreter", "container": {"type": "auto"}}
LARGE = {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}}

KIMIS_SEARCH = {"type": "builtin_function", "function": {"name": "$web_search"}}


def offered(dialect: Dialect, **members: Any) -> dict[str, str]:
    asked = exchange(dialect)
    asked.fields = {name: msgspec.Raw(json.dumps(member).encode()) for name, member in members.items()}
    return hosted_tools(asked)


@pytest.mark.parametrize(
    ("dialect", "members", "found"),
    [
        ("openai_responses", {"tools": [INTERPRETER]}, {"code_interpreter": "tools.code_interpreter"}),
        ("openai_responses", {"tools": [LARGE]}, {"code_interpreter_4g": "tools.code_interpreter"}),
        ("openai_responses", {"tools": [{**LARGE, "container": "cntr_1"}]}, {"code_interpreter": "tools.code_interpreter"}),
        ("openai_responses", {"tools": [{"type": "file_search"}]}, {"file_search": "tools.file_search"}),
        ("openai_responses", {"tools": [{"type": "x_search"}, {"type": "code_execution"}, {"type": "collections_search"}, {"type": "attachment_search"}]},
         {"x_search": "tools.x_search", "x_code_execution": "tools.code_execution", "collections_search": "tools.collections_search",
          "attachment_search": "tools.attachment_search"}),
        ("openai_responses", {"tools": [{"type": "web_search_preview"}]}, {"web_search": "tools.web_search_preview"}),
        ("openai_responses", {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, {"shell": "tools.shell"}),
        ("openai_responses", {"tools": [{"type": "shell", "environment": {"type": "local"}}, {"type": "shell"}]}, {}),
        ("openai_responses", {"tools": [{"type": "mcp"}, {"type": "image_generation"}, {"type": "local_shell"}]}, {}),
        ("openai_responses", {"tools": [{"type": "function", "name": "file_search"}]}, {}),
        ("openai_responses", {"input": [{"type": "additional_tools", "tools": [INTERPRETER]}]}, {"code_interpreter": "tools.code_interpreter"}),
        ("openai_responses", {"input": [{"content": "é"}, {"tools": [{"type": "shell"}, {"type": "file_search"}]}]}, {"file_search": "tools.file_search"}),
        ("openai_responses", {"input": '"tools"', "tools": [{"type": "tool_search"}]}, {}),
        ("anthropic_messages", {"tools": [CODE]}, {"code_execution": "tools.code_execution_20250825"}),
        ("anthropic_messages", {"tools": [CODE, {"type": "web_fetch_20260209"}]}, {}),
        ("anthropic_messages", {"tools": [{"type": "web_fetch_20250910"}, CODE]}, {"code_execution": "tools.code_execution_20250825"}),
        ("anthropic_messages", {"tools": [{"type": "web_search_20250305"}]}, {"web_search": "tools.web_search_20250305"}),
        ("anthropic_messages", {"tools": [{"name": "code_execution", "input_schema": {}}]}, {}),
        ("gemini_generate", {"tools": [{"googleMaps": {}}]}, {"google_maps": "tools.googleMaps"}),
        ("gemini_generate", {"tools": {"google_maps": {}}}, {"google_maps": "tools.googleMaps"}),
        ("gemini_generate", {"tools": [{"googleSearch": {}, "codeExecution": {}}]}, {"web_search": "tools.googleSearch"}),
        ("gemini_generate", {"tools": [{"enterprise_web_search": {}}, {"google_search_retrieval": {}}, {"retrieval": {}}]},
         {"enterprise_web_search": "tools.enterpriseWebSearch", "web_search": "tools.googleSearchRetrieval", "retrieval": "tools.retrieval"}),
        ("gemini_interactions", {"tools": [{"type": "google_maps"}]}, {"google_maps": "tools.google_maps"}),
        ("gemini_interactions", {"tools": [{"type": "google_search"}, {"type": "retrieval"}]},
         {"web_search": "tools.google_search", "retrieval": "tools.retrieval"}),
        ("openai_chat", {"web_search_options": {}}, {"web_search": "web_search_options"}),
        ("openai_chat", {"enable_search": False}, {}),
        ("openai_chat", {"plugins": [{"id": "web"}]}, {"web_search": "plugins"}),
        ("openai_chat", {"plugins": [{"id": "file-parser"}]}, {"file-parser": "plugins"}),
        ("openai_chat", {"plugins": [{"id": "file-parser", "pdf": {"engine": "mistral-ocr"}}]}, {"file-parser": "plugins"}),
        ("openai_chat", {"plugins": [{"id": "file-parser", "pdf": {"engine": "pdf-text"}}, {"id": "response-healing"}]}, {}),
        ("openai_chat", {"plugins": [{"id": "file-parser", "pdf": {"engine": "native"}}, {"id": "file-parser", "pdf": {"engine": "cloudflare-ai"}}]}, {}),
        ("openai_chat", {"plugins": {"id": "fusion"}}, {"fusion": "plugins"}),
        ("openai_chat", {"plugins": [1, {"id": "fusion"}], "tools": None}, {}),
        ("openai_chat", {"plugins": [{"id": "fusion", "enabled": False}, {"id": "web", "enabled": True}]}, {"web_search": "plugins"}),
        ("openai_chat", {"enable_search": True}, {"web_search": "enable_search"}),
        ("openai_chat", {"tools": [{"type": "browser_search"}]}, {"browser_search": "tools.browser_search"}),
        ("openai_chat", {"tools": [{"type": "code_interpreter"}]}, {"chat_code_interpreter": "tools.code_interpreter"}),
        ("openai_chat", {"tools": [{"type": "openrouter:web_search"}]}, {"web_search": "tools.openrouter:web_search"}),
        ("openai_chat", {"tools": [{"type": "openrouter:fusion"}]}, {"openrouter:fusion": "tools.openrouter:fusion"}),
        ("openai_chat", {"tools": [{"type": "openrouter:web_fetch"}]}, {"openrouter:web_fetch": "tools.openrouter:web_fetch"}),
        ("openai_chat", {"tools": [{"type": "openrouter:web_fetch", "parameters": {"engine": "openrouter"}}]}, {}),
        ("openai_chat", {"tools": [{"type": "openrouter:datetime"}, {"type": "openrouter:apply_patch"}]}, {}),
        ("openai_chat", {"tools": [KIMIS_SEARCH]}, {"web_search": "tools.builtin_function"}),
        ("openai_chat", {"tools": [{**KIMIS_SEARCH, "function": {"name": "$clock"}}]}, {}),
        ("openai_chat", {"tools": [{**KIMIS_SEARCH, "type": "function"}]}, {}),
        ("openai_chat", {"tools": [{"type": "live_search", "sources": []}]}, {"live_search": "tools.live_search"}),
        ("openai_chat", {"search_parameters": {}}, {"live_search": "search_parameters"}),
        ("openai_chat", {"search_parameters": {"mode": "auto"}}, {"live_search": "search_parameters"}),
        ("openai_chat", {"search_parameters": {"mode": "off"}}, {}),
        ("openai_chat", {"search_parameters": None}, {}),
        ("openai_chat", {}, {}),
    ],
)  # fmt: skip
def test_what_is_billed_apart_is_found(dialect: Dialect, members: dict[str, Any], found: dict[str, str]) -> None:
    """By the field that asks for it; what costs tokens alone, and what customers run themselves, is no such tool."""
    assert offered(dialect, **members) == found


def test_a_kind_may_be_spelled_however_json_allows() -> None:
    """And stand beside a number that nothing can hold."""
    asked = exchange("openai_responses")
    asked.fields = {"tools": msgspec.Raw(b'[{"type":"function","a":1e999},{"t\\u0079pe":"f\\u0069le_search"}]')}
    assert hosted_tools(asked) == {"file_search": "tools.file_search"}


def test_only_talks_are_answered_with_tools() -> None:
    """A vendor counts tokens for nothing."""
    asked = exchange("openai_responses")
    asked.operation = "compact"
    asked.fields = {"tools": msgspec.Raw(json.dumps([INTERPRETER]).encode())}
    assert hosted_tools(asked) == {}


PRICES = 'web_search_price: "0.01", tool_prices: {{code_interpreter: "0.03", file_search: "0.0025"}}'
RESPONSES = PROFILE.replace("    priority: 2", "    priority: 2\n    dialects: [openai_responses]", 1)
PRICED = RESPONSES.replace('completion_ratio: "4"', f'completion_ratio: "4", {PRICES}', 1)


async def ask(shop: Running, *tools: dict[str, Any], **members: Any) -> httpx.Response:
    body = {"model": "gpt-4o-mini", "input": "hi", "max_output_tokens": 1000, "tools": tools, **members}
    return await shop.client.post("/v1/responses", json=body, headers=shop.headers)


async def test_a_container_is_held_for_and_paid_once_as_recorded(tmp_path: Path) -> None:
    """527 fresh and 3200 cached input, 347 output and a container at 0.03; with the search beside it, 0.04 are held for tools."""
    recorded = load("openai-responses/code-interpreter-stream")["bytes"].decode()
    async with reselling(tmp_path, lambda _: stream(recorded), profile=PRICED) as (_, shop):
        assert (await ask(shop, stream=True)).status_code == 200
        assert (await ask(shop, INTERPRETER, {"type": "web_search"}, stream=True)).status_code == 200
        rows = await shop.log(count=2)
        tokens = (527 + 3200) * 2000 + 347 * 8000
        assert [row["charge_nano"] for row in rows] == [tokens, tokens + 30_000_000]
        assert json.loads(rows[1]["usage"])["tool_counts"] == {"code_interpreter": 1}
        assert [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")] == [
            (512 + 1024 + 13) * 2000 + 1000 * 8000,
            (512 + 1024 + 52) * 2000 + 1000 * 8000 + 40_000_000,
        ]


@pytest.mark.parametrize(
    ("tools", "members", "field"),
    [
        ([{"type": "file_search", "vector_store_ids": ["vs_1"]}], {}, "tools.file_search"),
        ([{"type": "web_search"}, INTERPRETER], {"stream": True}, "tools.code_interpreter"),
        ([{"type": "shell", "environment": {"type": "container_auto"}}], {}, "tools.shell"),
    ],
)
async def test_what_has_no_price_is_refused_by_its_field(
    tmp_path: Path, tools: list[dict[str, Any]], members: dict[str, Any], field: str
) -> None:
    """400, before anything is sent or held."""
    async with reselling(tmp_path, lambda _: document({}), profile=RESPONSES) as (upstream, shop):
        refused = await ask(shop, *tools, **members)
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["param"]) == (400, "model_price_error", field)
        assert error["message"] == (
            f"the shop has set no price for '{field}' at model 'gpt-4o-mini', so the request was refused "
            "and costs nothing; leave the tool out"
        )
        assert (upstream.received, shop.rows("select * from reservation")) == ([], [])


async def test_a_tool_that_a_turn_brings_along_is_no_cheaper(tmp_path: Path) -> None:
    """Refused where it has no price, however the name of the member is spelled."""
    turn = json.dumps({"type": "additional_tools", "role": "developer", "tools": [INTERPRETER]})
    body = '{"model": "gpt-4o-mini", "input": [' + turn.replace("tools", "t\\u006fols") + "]}"
    async with reselling(tmp_path, lambda _: document({}), profile=RESPONSES) as (upstream, shop):
        refused = await shop.client.post("/v1/responses", content=body, headers=shop.headers)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools.code_interpreter")
        assert upstream.received == []


async def test_a_model_sold_by_the_call_gives_no_tool_away(tmp_path: Path) -> None:
    """What has no price is refused there, too."""
    by_call = RESPONSES.replace('model_ratio: "1", completion_ratio: "4"', 'unit_price: "0.04"', 1)
    by_call = by_call.replace("billing.token_ratio", "billing.per_call", 1)
    async with reselling(tmp_path, lambda _: document({}), profile=by_call) as (upstream, shop):
        refused = await ask(shop, INTERPRETER)
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["param"]) == (
            400,
            "model_price_error",
            "tools.code_interpreter",
        )
        assert upstream.received == []


FLAT = """
from fractions import Fraction

from relay import Charge, ChargeLine, Plugin, PluginConfig, hookimpl


class Flat(Plugin[PluginConfig]):
    config_type = PluginConfig

    @hookimpl
    def settle(self, facts, usage, charge):
        usage.tool_counts["of its own"] = 1
        prices = {"request": Fraction(1, 100), "file_search": Fraction(0)}
        lines = [ChargeLine(rule="flat", item=item, count=1, factors=(("price", price),)) for item, price in prices.items()]
        return Charge(lines=tuple(lines))
"""
"""One price for every request, searches of files included; it is careless with what it is given."""


async def test_only_a_line_of_its_own_gives_a_tool_away(tmp_path: Path) -> None:
    """Whatever plugin prices: what it says nothing of is refused, though the request as a whole has a price."""
    (tmp_path / "flat.py").write_text(FLAT)
    flat = RESPONSES.replace("billing.token_ratio", "./flat.py", 1)
    answer = {
        "object": "response",
        "status": "completed",
        "output": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    async with reselling(tmp_path, lambda _: document(answer), profile=flat) as (upstream, shop):
        refused = await ask(shop, {"type": "file_search"}, INTERPRETER)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools.code_interpreter")
        assert (await ask(shop, {"type": "file_search"})).status_code == 200
        [row] = await shop.log()
        assert (row["charge_nano"], len(upstream.received)) == (10_000_000, 1)


async def test_more_memory_than_is_priced_is_refused(tmp_path: Path) -> None:
    """It costs a multiple."""
    async with reselling(tmp_path, lambda _: document({}), profile=PRICED) as (_, shop):
        refused = await ask(shop, LARGE)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools.code_interpreter")


async def test_a_container_is_not_free_for_who_leaves_behind_it(tmp_path: Path) -> None:
    """Usage comes at the end; the container was told before."""
    begun = {"type": "response.output_item.added", "item": {"type": "code_interpreter_call", "container_id": "c"}}
    said = [
        {"type": "response.created", "response": {"id": "resp_1"}},
        begun,
        {"type": "response.output_text.delta", "delta": "Hello"},
    ]
    events = stream("".join(f"data: {json.dumps(each)}\n\n" for each in said))[:-1]
    async with reselling(tmp_path, lambda _: [*events, 5.0], profile=PRICED) as (_, shop):
        body = {"model": "gpt-4o-mini", "input": "hi", "stream": True, "tools": [INTERPRETER]}
        with pytest.raises(httpx.ReadTimeout):
            await shop.client.post("/v1/responses", json=body, headers=shop.headers, timeout=0.4)
        [row] = await shop.log()
        assert row["outcome"] == "customer_gone"
        assert row["charge_nano"] == row["input_tokens"] * 2000 + 2 * 8000 + 30_000_000


async def test_a_container_is_paid_where_a_whole_answer_has_no_figures(tmp_path: Path) -> None:
    """22 tokens of the request, one of the answer, and the container that it shows."""
    ran = {"type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1", "code": "1", "status": "completed"}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    answer = {"object": "response", "id": "resp_1", "status": "completed", "output": [ran, said]}
    async with reselling(tmp_path, lambda _: document(answer), profile=PRICED) as (_, shop):
        await ask(shop, INTERPRETER)
        [row] = await shop.log()
        assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (22, 1, "estimated")
        assert row["charge_nano"] == 22 * 2000 + 1 * 8000 + 30_000_000


SEARCHING = PROFILE.replace('completion_ratio: "4"', 'completion_ratio: "4", web_search_price: "0.005"', 1)
CALL = {"index": 0, "id": "$web_search:0", "type": "builtin_function", "function": {"name": "$web_search"}}


def kimis(usage: dict[str, int] | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message, "delta": message}
    return {"object": "chat.completion", "model": "kimi-k2", "choices": [choice], "usage": usage}


@pytest.mark.parametrize(
    ("usage", "whole_nano", "streamed_nano"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 20}, 360_000, 360_000),
        (None, 31 * 2000 + 8 * 8000, 32 * 2000 + 8 * 8000),
    ],
)
async def test_kimis_own_search_is_held_for_and_paid_where_it_was_made(
    tmp_path: Path, usage: dict[str, int] | None, whole_nano: int, streamed_nano: int
) -> None:
    """Whole, streamed, and without figures: a search costs its 0.005; an answer without one costs its tokens."""
    plain = {
        "choices": [{"index": 0, "message": {"content": "Hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    streamed = f"data: {json.dumps(kimis(usage))}\n\ndata: [DONE]\n\n"
    answers = iter([document(kimis(usage)), stream(streamed), document(plain)])
    async with reselling(tmp_path, lambda _: next(answers), profile=SEARCHING) as (_, shop):
        await shop.chat(tools=[KIMIS_SEARCH], max_tokens=10)
        await shop.chat(tools=[KIMIS_SEARCH], max_tokens=10, stream=True)
        await shop.chat(tools=[KIMIS_SEARCH], max_tokens=10)
        charges = [row["charge_nano"] for row in await shop.log(count=3)]
        assert charges == [whole_nano + 5_000_000, streamed_nano + 5_000_000, 10_000]
        held = [row["held_nano"] for row in shop.rows("select held_nano from reservation order by at")]
        assert held == [8_262_000, 8_266_000, 8_262_000]


async def test_a_search_model_is_paid_for_its_search_as_recorded(tmp_path: Path) -> None:
    """OpenAI's tell of none, and bill each answer; the pages that it names show it: 13 in, 197 out and a search."""
    recorded = load("openai-chat/web-search")
    async with reselling(tmp_path, lambda _: document(recorded["bytes"]), profile=SEARCHING) as (_, shop):
        await shop.chat(web_search_options={})
        [row] = await shop.log()
        assert row["charge_nano"] == 13 * 2000 + 197 * 8000 + 5_000_000


async def test_what_xai_sold_by_the_source_is_refused(tmp_path: Path) -> None:
    """No answer says in searches what it came to."""
    async with reselling(tmp_path, lambda _: document({}), profile=SEARCHING) as (upstream, shop):
        refused = await shop.chat(search_parameters={"mode": "on"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "search_parameters")
        assert (upstream.received, shop.rows("select * from reservation")) == ([], [])


async def test_claudes_code_is_refused_where_it_has_no_price(tmp_path: Path) -> None:
    """In Claude's own words."""
    async with reselling(tmp_path, lambda _: document({})) as (_, shop):
        refused = await shop.messages(tools=[CODE])
        assert refused.status_code == 400
        assert "'tools.code_execution_20250825' at model 'claude-sonnet-4-5'" in refused.json()["error"]["message"]
