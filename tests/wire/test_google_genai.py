"""What Google's own SDK makes of recorded answers: of Gemini as they came, and of every other dialect translated."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types
from google.genai.interactions import Interaction

from relay.core.hub.codecs import CODECS
from tests.core.dialects.recordings import BODIES, STREAMS, Expected
from tests.wire.recordings import Recording, load
from tests.wire.replay import Counter, counter, play

pytestmark = pytest.mark.asyncio(loop_scope="module")
CUT_PICTURE = "openai-responses/image-generation-stream"
"""Its recorder cut the picture, which the SDK will not take for one."""
WHOLE = [
    each
    for each in STREAMS
    if each.outcome in ("complete", "empty", "refused") and each.dialect in CODECS and each.name != CUT_PICTURE
]
BODIES_OF_CHATS = [each for each in BODIES if each.dialect in CODECS]
MODEL = "gemini/plain"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = {each.name: load(each.name, each.dialect) for each in (*WHOLE, *BODIES_OF_CHATS)}
    beside = frozenset(each.name for each in (*WHOLE, *BODIES_OF_CHATS) if each.is_reasoning_beside_output)
    async with counter(tmp_path_factory.mktemp("recorded"), recordings.values(), beside) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def client(till: Counter) -> AsyncIterator[genai.Client]:
    async with httpx.AsyncClient() as transport:
        options = types.HttpOptions(base_url=till.shop.url, api_version="v1beta", httpx_async_client=transport)
        yield genai.Client(api_key=till.shop.api_key, http_options=options)


def answering(till: Counter, recording: Recording, seed: int) -> None:
    """Let the upstream answer as recorded, however it is asked."""
    till.upstream.received.clear()
    till.upstream.script = lambda _: play(recording, seed)


def native(name: str) -> Recording:
    """Return a recording of Gemini's by the last part of its name."""
    return load(f"gemini/{name}", "gemini_generate")


def tokens(expected: Expected) -> int | None:
    """Return all tokens of a recording; None where it tells none."""
    usage = expected.usage
    return usage.all_input_tokens + usage.output_tokens if usage is not None else None


@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
async def test_every_recorded_stream_is_taken(
    till: Counter, client: genai.Client, expected: Expected, seed: int
) -> None:
    """To its end, which says why it ended and what it used."""
    answering(till, load(expected.name, expected.dialect), seed)
    pieces = [
        piece async for piece in await client.aio.models.generate_content_stream(model=expected.name, contents="hi")
    ]
    told = [each.finish_reason for piece in pieces for each in piece.candidates or () if each.finish_reason]
    assert told
    usage = pieces[-1].usage_metadata
    assert usage is not None
    assert usage.total_token_count == (tokens(expected) or usage.total_token_count)


@pytest.mark.parametrize("expected", BODIES_OF_CHATS, ids=lambda each: each.name)
async def test_every_recorded_answer_is_taken(
    till: Counter, client: genai.Client, expected: Expected, seed: int
) -> None:
    """With why it ended, or why its prompt was blocked, and what it used."""
    answering(till, load(expected.name, expected.dialect), seed)
    answer = await client.aio.models.generate_content(model=expected.name, contents="hi")
    told: list[object] = [each.finish_reason for each in answer.candidates or ()] or [answer.prompt_feedback]
    assert all(told)
    usage = answer.usage_metadata
    assert usage is not None or expected.usage is None
    assert usage is None or expected.usage is None or usage.total_token_count == tokens(expected)


async def test_structured_output_is_parsed(till: Counter, client: genai.Client, seed: int) -> None:
    """The schema goes upstream, and the SDK reads what comes back."""
    answering(till, native("response-schema"), seed)
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema={"type": "OBJECT"})
    answer = await client.aio.models.generate_content(model="gemini/response-schema", contents="hi", config=config)
    assert answer.parsed == {"answer": "Hello! How can I help you today?"}


async def test_thoughts_come_with_their_signatures(till: Counter, client: genai.Client, seed: int) -> None:
    """Natively untouched."""
    answering(till, native("thought-parts"), seed)
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    answer = await client.aio.models.generate_content(model="gemini/thought-parts", contents="hi", config=config)
    parts = answer.parts or []
    assert [bool(part.thought) for part in parts] == [True, False]
    assert parts[-1].thought_signature


async def test_tokens_are_counted_upstream(till: Counter, client: genai.Client, seed: int) -> None:
    """By the channel that serves the model; it costs nothing."""
    answering(till, native("count-tokens"), seed)
    counted = await client.aio.models.count_tokens(model=MODEL, contents="hi")
    assert counted.total_tokens == 8
    [received] = till.upstream.received
    assert received.path == "/v1beta/models/gemini-2.5-flash:countTokens"


async def test_texts_are_embedded(till: Counter, client: genai.Client, seed: int) -> None:
    """And paid by their input alone: four tokens at 2000."""
    recorded = native("embed-batch")
    answering(till, recorded, seed)
    answer = await client.aio.models.embed_content(model=MODEL, contents=["Some text goes here"])
    assert [len(each.values or ()) for each in answer.embeddings or ()] == [16]
    [received] = till.upstream.received
    assert received.path == "/v1beta/models/gemini-2.5-flash:batchEmbedContents"
    [row] = till.shop.rows("select * from request_log where operation = 'embeddings'")
    assert (row["outcome"], row["charge_nano"]) == ("complete", 4 * 2_000)


async def test_an_interaction_is_kept_for_its_owner(till: Counter, client: genai.Client, seed: int) -> None:
    """Its second turn goes on from the first; from another's nobody does."""
    answering(till, native("interactions-plain"), seed)
    first = await client.aio.interactions.create(model=MODEL, input="hi")
    assert isinstance(first, Interaction)
    assert first.usage is not None
    assert (first.status, first.usage.total_tokens) == ("completed", 270)
    await client.aio.interactions.create(model=MODEL, input="more", previous_interaction_id=first.id)
    assert [each.path for each in till.upstream.received] == ["/v1beta/interactions"] * 2
    with pytest.raises(Exception, match=r"(?i)not.found|unknown_answer"):
        await client.aio.interactions.create(model=MODEL, input="more", previous_interaction_id="v1_another")
    [row, _] = till.shop.rows("select * from request_log where dialect = 'gemini_interactions' and stream = 0")
    assert (row["outcome"], row["charge_nano"]) == ("complete", 14 * 2_000 + 256 * 8_000)


async def test_an_interaction_streams_to_its_end(till: Counter, client: genai.Client, seed: int) -> None:
    """Event by event as Google sends them; the mark of the end is the SDK's own business."""
    answering(till, native("interactions-tools-stream"), seed)
    stream = await client.aio.interactions.create(model=MODEL, input="hi", stream=True)
    assert not isinstance(stream, Interaction)
    kinds = [event.event_type async for event in stream]
    assert (kinds[0], kinds[-1], kinds.count("step.delta")) == ("interaction.created", "interaction.completed", 3)
    [row] = till.shop.rows("select * from request_log where dialect = 'gemini_interactions' and stream = 1")
    assert (row["outcome"], row["charge_nano"]) == ("complete", 156 * 2_000 + 152 * 8_000)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("err-404-model", "UNAVAILABLE", 503),
        ("err-400-key", "UNAVAILABLE", 503),
        ("err-429", "RESOURCE_EXHAUSTED", 429),
    ],
)
async def test_a_recorded_refusal_is_the_sdks_own_error(
    till: Counter, client: genai.Client, name: str, status: str, code: int, seed: int
) -> None:
    """Of our key and our models nothing is told."""
    recorded = replace(native(name), status=native(name).status)
    answering(till, recorded, seed)
    with pytest.raises(errors.APIError) as failed:
        await client.aio.models.generate_content(model=f"gemini/{REFUSED[name]}", contents="hi")
    assert (failed.value.code, failed.value.status) == (code, status)


REFUSED = {"err-404-model": "image-input", "err-400-key": "max-tokens", "err-429": "tools"}
"""A channel for each, so that the shop's patience with one is not spent by another."""
