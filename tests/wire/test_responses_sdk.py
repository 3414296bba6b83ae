"""What OpenAI's SDK makes of recorded answers, as a client of Responses: its own dialect's, and every other's."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai.lib.streaming.responses import ResponseStreamEvent
from openai.types.responses import ResponseInputItemParam, ResponseOutputItem
from pydantic import BaseModel

from relay.core.hub.codecs import CODECS
from tests.core.dialects.recordings import BODIES, STREAMS, Expected
from tests.upstreams import Step, document
from tests.wire.recordings import Recording, load
from tests.wire.replay import Counter, counter, play

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHOLE = [each for each in STREAMS if each.outcome in ("complete", "empty", "refused") and each.dialect in CODECS]
BODIES_OF_CHATS = [each for each in BODIES if each.dialect in CODECS]
NAMES = (
    "json-schema", "tools", "tool-result", "custom-tool", "reasoning-encrypted-tools", "failed-stream",
    "err-400-context", "count-input-tokens",
)  # fmt: skip
THOUGHTFUL = "anthropic/thinking-tools-stream"


class Person(BaseModel):
    name: str
    age: int
    city: str


def native(name: str) -> Recording:
    """Return a recording of Responses by the last part of its name."""
    return load(f"openai-responses/{name}", "openai_responses")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = {each.name: load(each.name, each.dialect) for each in (*WHOLE, *BODIES_OF_CHATS)}
    recordings |= {each.name: each for each in map(native, NAMES)}
    beside = frozenset(each.name for each in (*WHOLE, *BODIES_OF_CHATS) if each.is_reasoning_beside_output)
    async with counter(tmp_path_factory.mktemp("recorded"), recordings.values(), beside) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def client(till: Counter) -> AsyncIterator[openai.AsyncOpenAI]:
    base_url = f"{till.shop.url}/v1"
    async with openai.AsyncOpenAI(base_url=base_url, api_key=till.shop.api_key, max_retries=0) as opened:
        yield opened


def answered(till: Counter, steps: list[Step]) -> list[Any]:
    """Let the upstream answer by *steps*; return where the requests it gets are put."""
    till.upstream.received.clear()
    till.upstream.script = lambda _: steps
    return till.upstream.received


def text_of(items: list[ResponseOutputItem]) -> str:
    """Return all that *items* say, refusals included."""
    pieces = [piece for item in items if item.type == "message" for piece in item.content]
    return "".join(piece.text if piece.type == "output_text" else piece.refusal for piece in pieces)


@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
async def test_every_recorded_stream_is_added_up_by_the_sdk(
    till: Counter, client: openai.AsyncOpenAI, expected: Expected, seed: int
) -> None:
    """Whoever answered: what came in pieces is what the last response has, with the usage and outcome of the native."""
    answered(till, play(load(expected.name, expected.dialect), seed))
    events: list[ResponseStreamEvent[None]] = []
    async with client.responses.stream(model=expected.name, input="Hi") as stream:
        events = [event async for event in stream]
        request_id = stream._response.headers["x-request-id"]
    last = events[-1]
    assert last.type == "response.completed" or last.type == "response.incomplete"
    [row] = till.shop.rows("select * from request_log where request_id = ?", request_id)
    assert (row["dialect"], row["outcome"]) == ("openai_responses", expected.outcome)
    if expected.usage is not None:
        assert last.response.usage is not None
        assert last.response.usage.output_tokens == expected.usage.output_tokens
        assert last.response.usage.input_tokens == expected.usage.all_input_tokens
        assert json.loads(row["usage"])["output_tokens"] == expected.usage.output_tokens
    pieces = [event.delta for event in events if event.type in ("response.output_text.delta", "response.refusal.delta")]
    done = {event.output_index: event.item for event in events if event.type == "response.output_item.done"}
    items = [done[index] for index in sorted(done)]
    assert "".join(pieces) == text_of(items)
    # Codex's own backend leaves its last response empty.
    assert [item.type for item in last.response.output or items] == [item.type for item in items]


@pytest.mark.parametrize("expected", BODIES_OF_CHATS, ids=lambda each: each.name)
async def test_every_recorded_answer_is_a_response(
    till: Counter, client: openai.AsyncOpenAI, expected: Expected, seed: int
) -> None:
    """Whoever answered: with the usage and outcome of the native."""
    answered(till, play(load(expected.name, expected.dialect), seed))
    response = await client.responses.create(model=expected.name, input="Hi")
    [row] = till.shop.rows("select * from request_log where request_id = ?", response._request_id)
    assert (row["dialect"], row["outcome"]) == ("openai_responses", expected.outcome)
    assert response.status in ("completed", "incomplete")
    if expected.usage is not None:
        assert response.usage is not None
        assert response.usage.output_tokens == expected.usage.output_tokens
        assert response.usage.input_tokens == expected.usage.all_input_tokens


async def test_structured_output_is_parsed(till: Counter, client: openai.AsyncOpenAI) -> None:
    """The parse helper's schema reaches the upstream, and its answer becomes an object."""
    received = answered(till, play(native("json-schema")))
    parsed = await client.responses.parse(model="openai-responses/json-schema", input="Alice", text_format=Person)
    assert parsed.output_parsed == Person(name="Alice", age=30, city="Paris")
    assert received[0].document["text"]["format"]["type"] == "json_schema"


async def test_a_tool_is_called_and_its_result_taken(till: Counter, client: openai.AsyncOpenAI) -> None:
    """The whole round, the items of the first answer sent back as the SDK made them."""
    answered(till, play(native("tools")))
    asked: list[ResponseInputItemParam] = [{"role": "user", "content": "Weather in Boston?"}]
    first = await client.responses.create(model="openai-responses/tools", input=asked)
    [call] = [item for item in first.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"location": "Boston, MA", "unit": "celsius"}
    received = answered(till, play(native("tool-result")))
    said: Any = call.to_dict()
    result: ResponseInputItemParam = {"type": "function_call_output", "call_id": call.call_id, "output": "4"}
    second = await client.responses.create(model="openai-responses/tool-result", input=[*asked, said, result])
    assert second.output_text == "The random number generated is 4, and it's been handed off to agent2."
    assert received[0].document["input"] == [*asked, said, result]


async def test_a_custom_tool_is_called_with_free_text(till: Counter, client: openai.AsyncOpenAI) -> None:
    """As the grammar allows."""
    answered(till, play(native("custom-tool")))
    response = await client.responses.create(model="openai-responses/custom-tool", input="4 + 4?")
    assert [(item.name, item.input) for item in response.output if item.type == "custom_tool_call"] == [
        ("math_exp", "4 + 4")
    ]


async def test_sealed_reasoning_goes_back_as_it_came(till: Counter, client: openai.AsyncOpenAI) -> None:
    """To the byte: OpenAI checks it."""
    name = "openai-responses/reasoning-encrypted-tools"
    answered(till, play(native("reasoning-encrypted-tools")))
    first = await client.responses.create(
        model=name, input="Solve", store=False, include=["reasoning.encrypted_content"]
    )
    [thought] = [item for item in first.output if item.type == "reasoning"]
    assert thought.encrypted_content is not None
    received = answered(till, play(native("reasoning-encrypted-tools")))
    items: Any = [item.to_dict() for item in first.output]
    await client.responses.create(model=name, input=items, store=False)
    assert received[0].document["input"] == items


async def test_claudes_signature_goes_back_to_claude(till: Counter, client: openai.AsyncOpenAI, seed: int) -> None:
    """It travels as encrypted content of the reasoning item, and comes out as the block it was."""
    recording = load(THOUGHTFUL, "anthropic_messages")
    answered(till, play(recording, seed))
    async with client.responses.stream(model=THOUGHTFUL, input="Hi", reasoning={"effort": "low"}) as stream:
        first = await stream.get_final_response()
    [call] = [item for item in first.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "ok"}
    received = answered(till, play(recording, seed))
    items: Any = [{"role": "user", "content": "Hi"}, *(item.to_dict() for item in first.output), result]
    async with client.responses.stream(model=THOUGHTFUL, input=items, reasoning={"effort": "low"}) as stream:
        await stream.until_done()
    blocks = [block for turn in received[0].document["messages"] for block in turn["content"]]
    [thinking] = [block for block in blocks if block["type"] == "thinking"]
    assert thinking["signature"].encode() in recording.raw
    assert [block["type"] for block in blocks][-2:] == ["tool_use", "tool_result"]


async def test_a_prompt_that_is_too_long_is_a_bad_request(till: Counter, client: openai.AsyncOpenAI) -> None:
    """With the word that clients look for."""
    answered(till, play(native("err-400-context")))
    with pytest.raises(openai.BadRequestError, match="Your input exceeds the context window") as caught:
        await client.responses.create(model="openai-responses/err-400-context", input="Hi")
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")


async def test_a_failed_response_is_an_error_and_not_the_upstreams_words(
    till: Counter, client: openai.AsyncOpenAI
) -> None:
    """OpenAI tells of its own quota inside a stream of status 200; nothing was sent yet, so the status can say it."""
    answered(till, play(native("failed-stream")))
    with pytest.raises(openai.InternalServerError) as caught:
        await client.responses.create(model="openai-responses/failed-stream", input="Hi", stream=True)
    assert (caught.value.status_code, caught.value.code) == (503, "upstream_unavailable")
    assert "quota" not in str(caught.value)


async def test_input_tokens_are_counted_upstream_for_nothing(till: Counter, client: openai.AsyncOpenAI) -> None:
    """The upstream's own count, without a row."""
    before = till.shop.rows("select count(*) as count from request_log")
    received = answered(till, play(native("count-input-tokens")))
    counted = await client.responses.input_tokens.count(model="openai-responses/count-input-tokens", input="Hi")
    assert (counted.object, counted.input_tokens) == ("response.input_tokens", 11)
    assert received[0].path == "/v1/responses/input_tokens"
    assert till.shop.rows("select count(*) as count from request_log") == before


async def test_a_talk_is_compacted_and_paid(till: Counter, client: openai.AsyncOpenAI) -> None:
    """100 tokens in and 40 out cost 0.00052 credits."""
    usage = {"input_tokens": 100, "output_tokens": 40, "total_tokens": 140}
    sealed = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}
    kind = {"id": "resp_1", "object": "response.compaction", "created_at": 1}
    received = answered(till, document({**kind, "output": [sealed], "usage": usage}))
    compacted = await client.responses.compact(model="openai-responses/tools", input="A long talk")
    assert [item.to_dict() for item in compacted.output] == [sealed]
    assert received[0].path == "/v1/responses/compact"
    [row] = till.shop.rows("select * from request_log where request_id = ?", compacted._request_id)
    assert (row["operation"], row["outcome"], row["charge_nano"]) == ("compact", "complete", 520_000)
