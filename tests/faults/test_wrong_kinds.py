"""A field of the wrong kind: refused by its name in the caller's dialect, never sent, never booked.

Row 41 of field/reliability.md 3 and "wrong types" of every endpoint that takes JSON; what is of the right kind, or
unknown, passes byte for byte.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.faults.endpoints import ENDPOINTS, Endpoint, told
from tests.faults.kinds import ROWS, Row
from tests.shops import Running, serving
from tests.upstreams import Upstream, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}, {{use: billing.per_call}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  m: {{model_ratio: "1", unit_price: "1"}}
channels:
  - {{name: o, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [m], groups: [plain],
      dialects: [openai_chat, openai_responses, openai_completions, embeddings, images, audio, moderations, rerank]}}
  - {{name: a, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [m], groups: [plain]}}
  - {{name: g, use: channels.gemini, base_url: "{url}", keys: ["file:upstream.key"], models: [m], groups: [plain]}}
"""
BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS} | {
    "/v1/audio/speech": Endpoint("/v1/audio/speech", {"input": "hi", "voice": "ash"}),
    "/v1/images/edits": Endpoint("/v1/images/edits", {"prompt": "hi", "images": [{"image_url": "data:,"}]}),
}
SAMPLES = (
    b'"x"', b"0.5", b"1e400", b"true", b"[]", b'["x"]', b"[1]", b"[ {}]", b"[[1]]", b"[null]", b"[true]", b"{}"
)  # fmt: skip
"""One value of each kind; 1e400 is none."""
EACH = pytest.mark.parametrize("row", ROWS, ids=[f"{row.path}-{row.name}" for row in ROWS])


class Counter:
    """A shop, and its upstream that has no answer but a complaint about the request."""

    def __init__(self, shop: Running, upstream: Upstream) -> None:
        self.shop = shop
        self.upstream = upstream

    async def ask(self, path: str, **raw: bytes) -> tuple[httpx.Response, bytes]:
        """Send the smallest request with the *raw* JSON values given; return the answer, and what was sent."""
        endpoint = BY_PATH[path]
        body = msgspec.json.encode(endpoint.body("m") | {name: msgspec.Raw(value) for name, value in raw.items()})
        headers = endpoint.headers | {"x-api-key": self.shop.api_key}
        return await self.shop.client.post(endpoint.path_of("m"), headers=headers, content=body), body


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """Serve a shop that refuses, of which nothing may go upstream."""
    async for counter in opened(tmp_path_factory):
        yield counter


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """Serve a shop whose requests go upstream as they are."""
    async for counter in opened(tmp_path_factory):
        yield counter


async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    upstream = Upstream(lambda _: document({"error": {"message": "no"}}, 400))
    async with (
        upstream.opened(),
        serving(tmp_path_factory.mktemp("shop"), upstream.url, profile=PROFILE, credit="1000") as shop,
    ):
        yield Counter(shop, upstream)


def blamed(answer: httpx.Response, path: str) -> tuple[int, str, str | None]:
    """Return status, code and parameter of a refusal, once all that its dialect demands is seen to be there."""
    shape = BY_PATH[path].shape
    error = answer.json()["error"]
    match shape:
        case "openai":
            param = error["param"]
        case "anthropic":  # whose errors have no such field: the sentence quotes it
            param = error["message"].split("'")[1]
        case "gemini":
            param = error["details"][0]["metadata"]["field"]
    return (*told(answer, shape), param)


OFFERED: Mapping[str, Sequence[bytes]] = {
    "fallbacks": (b"[]", b"[ {}]"),
    "inference_geo": (),
    "serviceTier": (b'"x"',),
}
"""What passes of fields whose other values would cost the shop what it does not know."""
FILLED = {("messages", b"[ {}]"): b'[ {"role":"user"}]'}
"""What stands for a sample that is of the right kind, and lacks what every vendor wants in it."""


@EACH
async def test_a_field_of_another_kind_is_blamed_by_its_name(refusing: Counter, row: Row) -> None:
    """400 bad_request, no call of the upstream, no hold, no row; an overflow is of no kind."""
    wrong = [value for value in SAMPLES if value not in row.right]
    refusals = [blamed((await refusing.ask(row.path, **{row.name: value}))[0], row.path) for value in wrong]
    assert dict(zip(wrong, refusals, strict=True)) == dict.fromkeys(wrong, (400, "bad_request", row.name))
    assert refusing.upstream.received == []
    assert refusing.shop.rows("select request_id from reservation") == []
    assert refusing.shop.rows("select request_id from request_log") == []


@EACH
async def test_a_field_of_its_kind_passes_as_it_is(passing: Counter, row: Row) -> None:
    """So does null, but where there has to be something."""
    offered = OFFERED.get(row.name, row.right)
    right = [
        *(FILLED.get((row.name, value), value) for value in row.right if value in offered),
        *([] if row.is_needed else [b"null"]),
    ]
    for value in set(row.right) - set(offered):
        answer, _ = await passing.ask(row.path, **{row.name: value})
        assert blamed(answer, row.path) == (400, "not_offered", row.name)
    passing.upstream.received.clear()
    sent = [(await passing.ask(row.path, **{row.name: value}))[1] for value in right]
    assert [received.body for received in passing.upstream.received] == sent


@pytest.mark.parametrize("path", BY_PATH)
async def test_without_any_and_with_unknown_fields_a_request_passes_as_it_is(passing: Counter, path: str) -> None:
    """A number that no double holds is the upstream's business where relay does not know the field."""
    passing.upstream.received.clear()
    sent = [(await passing.ask(path, **fields))[1] for fields in ({}, {"x_unknown": b"1e400"}, {"x_unknown": b"[ ]"})]
    assert [received.body for received in passing.upstream.received] == sent


MEMBERS = (
    ("thinkingConfig", b"5", "thinkingConfig"),
    ("thinkingConfig", b'{"includeThoughts":"yes"}', "thinkingConfig.includeThoughts"),
    ("thinkingConfig", b'{"thinkingBudget":[]}', "thinkingConfig.thinkingBudget"),
    ("thinkingConfig", b'{"thinking_budget":1e400}', "thinkingConfig.thinking_budget"),
    ("thinking_config", b'{"thinkingLevel":true}', "thinkingConfig.thinkingLevel"),
    ("temperature", b"1e400", "temperature"),
    ("temperature", b"true", "temperature"),
    ("topP", b"{}", "topP"),
    ("top_k", b"-1e999", "top_k"),
    ("responseSchema", b'"x"', "responseSchema"),
    ("stopSequences", b"5", "stopSequences"),
)


@pytest.mark.parametrize(("name", "value", "param"), MEMBERS)
@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
async def test_a_member_of_geminis_settings_is_blamed_by_its_path(
    refusing: Counter, config: str, name: str, value: bytes, param: str
) -> None:
    """In either spelling of the settings and of the member."""
    path = "/v1beta/models/{model}:generateContent"
    answer, _ = await refusing.ask(path, **{config: b'{"%s":%s}' % (name.encode(), value)})
    assert blamed(answer, path) == (400, "bad_request", f"generationConfig.{param}")
    assert refusing.upstream.received == []
    assert refusing.shop.rows("select request_id from reservation") == []


RIGHT_MEMBERS = (
    b'{"temperature":"0.5","topK":40,"seed":"7","thinkingConfig":{"thinkingBudget":"512","includeThoughts":true}}',
    b'{"temperature":null,"thinkingConfig":null,"stopSequences":["a"],"mediaResolution":2}',
    b'{"thinking_config":{"thinking_budget":-1,"thinking_level":"LOW"},"x_unknown":1e400}',
)


@pytest.mark.parametrize("value", RIGHT_MEMBERS)
async def test_geminis_settings_pass_as_google_reads_them(passing: Counter, value: bytes) -> None:
    """Numbers as text and enumerations as numbers included."""
    passing.upstream.received.clear()
    _, sent = await passing.ask("/v1beta/models/{model}:generateContent", generationConfig=value)
    assert [received.body for received in passing.upstream.received] == [sent]


async def test_a_request_to_be_counted_is_looked_at_in_its_wrapping(refusing: Counter) -> None:
    """Google's SDKs count a whole request inside the body."""
    path = "/v1beta/models/{model}:countTokens"
    wrapped = b'{"contents":[{"parts":[{"text":"hi"}]}],"tools":5}'
    answer, _ = await refusing.ask(path, generateContentRequest=wrapped)
    assert (blamed(answer, path), refusing.upstream.received) == ((400, "bad_request", "tools"), [])


async def test_one_of_several_embeddings_is_looked_at_too(refusing: Counter) -> None:
    """Each is a request of its own."""
    path = "/v1beta/models/{model}:batchEmbedContents"
    answer, _ = await refusing.ask(path, requests=b'[{"content":{"parts":[{"text":"hi"}]},"title":5}]')
    assert (blamed(answer, path), refusing.upstream.received) == ((400, "bad_request", "requests.title"), [])
