import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from anthropic import AsyncAnthropic
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from relay import BadRequestError, ChannelRequest, ChannelSection, UpstreamStatusError
from relay.core.exchange import Operation
from relay.plugins.channels.bedrock.channel import BETAS, Bedrock, BedrockConfig, _count
from tests.plugins.channels.bedrock.frames import chunk, exception, recorded
from tests.services import services
from tests.shops import PROFILE, Running, reselling
from tests.upstreams import Received, Script, Step, document, pieces

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
PATH = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0"
CHANNEL = """
  - name: {name}
    use: channels.bedrock
    base_url: {{url}}
    keys: ["file:upstream.key"]
    models: [{{{{name: claude-sonnet-4-5, upstream: "us.anthropic.claude-haiku-4-5-20251001-v1:0"}}}}]
    groups: [plain, dear]
    priority: {priority}
    settings: {{{{region: us-east-1}}}}
"""
SHOP = PROFILE.partition("channels:")[0] + "channels:" + CHANNEL.format(name="aws-a", priority=2)
TWO = SHOP + CHANNEL.format(name="aws-b", priority=1)
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Oi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 16, "output_tokens": 18},
}
TEXT = (
    '{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":16,"output_tokens":1}}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello there"}}',
)


def channel(base_url: str | None = None, **settings: Sequence[str]) -> Bedrock:
    section = ChannelSection(name="one", use="channels.bedrock", base_url=base_url, models=("m",), groups=("g",))
    return Bedrock(msgspec.convert({"region": "us-east-1", **settings}, BedrockConfig), services(), section)


@pytest.mark.parametrize(
    ("model", "is_chosen"),
    [
        (MODEL, False),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-7", False),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-7", False),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6", True),
        ("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/a1b2c3d4e5f6", True),
    ],
)
def test_a_name_of_the_accounts_own_tells_nothing_of_the_model(model: str, is_chosen: bool) -> None:
    """Amazon's own ids and profiles bear the model's."""
    assert channel().is_deployment(model) is is_chosen


def request(
    operation: Operation = "chat", headers: dict[str, str] | None = None, *, stream: bool = False
) -> ChannelRequest:
    fields = {"model": msgspec.Raw(b'"x"'), "stream": msgspec.Raw(b"true"), "messages": msgspec.Raw(b"[ ]")}
    return ChannelRequest(
        model=MODEL,
        dialect="anthropic_messages",
        operation=operation,
        fields=fields,
        headers=headers or {},
        stream=stream,
    )


def framed(raw: bytes, *, seed: int | None = None, ending: str = "whole") -> list[Step]:
    """Return the steps of an answer in AWS's own content type; *ending* is ``whole`` or ``reset``."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
    steps: list[Step] = [head]
    steps += [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces(raw, seed)]
    return [*steps, b"0\r\n\r\n" if ending == "whole" else "reset"]


def refusal(status: int, exception: str, message: str) -> list[Step]:
    """Return the steps of a refusal."""
    return document({"message": message}, status, [f"x-amzn-ErrorType: {exception}:http://internal.example/"])


def in_turn(*answers: list[Step]) -> Script:
    """Give one answer after the other."""
    left = list(answers)
    return lambda _: left.pop(0)


def true_signature(received: Received, url: str, key: str, region: str) -> str:
    """Return the signature that AWS would work out for what was received."""
    key_id, secret, *token = key.split(":", 2)
    signed = received.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: received.headers[name] for name in signed}
    asked = AWSRequest(received.method, url + received.path, headers=headers, data=received.body)
    asked.context["timestamp"] = received.headers["x-amz-date"]
    auth = SigV4Auth(Credentials(key_id, secret, *token), "bedrock", region)
    return str(auth.signature(auth.string_to_sign(asked, auth.canonical_request(asked)), asked))


async def stream(shop: Running) -> str:
    """Return the customer's stream as text."""
    return (await shop.messages(stream=True)).text


async def outcome_and_charge(shop: Running) -> tuple[str, int]:
    """Return how the one exchange of the log ended, and its nano-credits."""
    [row] = await shop.log()
    return row["outcome"], row["charge_nano"]


def test_the_body_is_bedrocks() -> None:
    """Without model and stream, with its version; every other field byte for byte."""
    built = channel().build(request(), "k")
    assert built.url == f"https://bedrock-runtime.us-east-1.amazonaws.com{PATH}/invoke"
    assert built.body == b'{"messages":[ ],"anthropic_version":"bedrock-2023-05-31"}'
    assert built.headers == {
        "content-type": "application/json",
        "accept": "application/json",
        "authorization": "Bearer k",
    }


def test_a_stream_has_an_address_of_its_own() -> None:
    """The body is the same."""
    built = channel("https://vpce.example/").build(request(stream=True), "k")
    assert built.url == f"https://vpce.example{PATH}/invoke-with-response-stream"
    assert built.body == b'{"messages":[ ],"anthropic_version":"bedrock-2023-05-31"}'


def test_betas_that_bedrock_takes_stand_in_the_body() -> None:
    """Others would have the request refused."""
    betas = "claude-code-20250219, context-1m-2025-08-07,interleaved-thinking-2025-05-14"
    built = channel().build(request(headers={"anthropic-beta": betas, "anthropic-version": "2023-06-01"}), "k")
    assert msgspec.json.decode(built.body)["anthropic_beta"] == [
        "context-1m-2025-08-07",
        "interleaved-thinking-2025-05-14",
    ]
    assert "anthropic-beta" not in built.headers


def test_betas_that_a_customer_writes_into_the_body_do_not_pass() -> None:
    """Bedrock reads them there, past the shop's list."""
    asked = request()
    asked.fields["anthropic_beta"] = msgspec.Raw(b'["context-1m-2025-08-07"]')
    built = channel().build(asked, "k")
    assert "anthropic_beta" not in msgspec.json.decode(built.body)


def test_a_shop_may_say_which_betas_pass() -> None:
    """As they come and go."""
    headers = {"anthropic-beta": f"new-2027-01-01,{BETAS[0]}"}
    built = channel(betas=["new-2027-01-01"]).build(request(headers=headers), "k")
    assert msgspec.json.decode(built.body)["anthropic_beta"] == ["new-2027-01-01"]


def test_a_count_wraps_the_request_that_is_counted() -> None:
    """It needs a limit, which a request to count has not."""
    built = channel().build(request("count_tokens"), "k")
    assert built.url.endswith(f"{PATH}/count-tokens")
    body = msgspec.json.decode(built.body)["input"]["invokeModel"]["body"]
    assert b64decode(body) == b'{"messages":[ ],"anthropic_version":"bedrock-2023-05-31","max_tokens":1}'


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b'{"inputTokens":"3"}', b'{"inputTokens":3,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"]
)
def test_a_count_that_is_none_is_a_failure(answer: bytes) -> None:
    """Whatever stands beside the figure."""
    with pytest.raises(UpstreamStatusError) as caught:
        _count(answer)
    assert caught.value.failure == "sick"


def test_what_bedrock_has_not_is_another_channels() -> None:
    """Such as what the dialect learns later."""
    with pytest.raises(UpstreamStatusError) as caught:
        channel().build(request("embeddings"), "k")
    assert caught.value.failure == "misrouted"


def test_a_header_that_cannot_travel_is_refused() -> None:
    """Nothing is sent."""
    with pytest.raises(BadRequestError):
        channel().build(request(headers={"anthropic-beta": "a\nb"}), "k")


@pytest.mark.parametrize("region", ["", "us-east-1.evil.example/", "US-EAST-1"])
def test_a_region_that_is_none_is_refused(region: str) -> None:
    """It stands in the host."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"region": region}, BedrockConfig)


async def test_what_a_translation_asks_of_an_accounts_own_profile_follows_from_the_customers_name(
    tmp_path: Path,
) -> None:
    """The model has no temperature, which is left out and named; the ARN alone would not tell."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
    profile = SHOP.replace(MODEL, arn).replace("claude-sonnet-4-5", "claude-opus-4-7")
    async with reselling(tmp_path, lambda _: document(ANSWER), profile=profile) as (upstream, shop):
        response = await shop.chat(model="claude-opus-4-7", temperature=0.5)
        [received] = upstream.received
    assert (response.status_code, response.headers["x-relay-dropped"]) == (200, "temperature")
    assert received.path == f"/model/{quote(arn, safe='')}/invoke"
    assert "temperature" not in received.document


@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")
@pytest.mark.parametrize("seed", [None, 1, 2])
async def test_the_sdk_of_anthropic_takes_a_recorded_stream(tmp_path: Path, seed: int | None) -> None:
    """At the price of the same stream from Anthropic: (16 + 18 x 5) x 1.5 x 2000 nano."""
    raw = recorded()
    async with (
        reselling(tmp_path, lambda _: framed(raw, seed=seed), profile=SHOP) as (upstream, shop),
        AsyncAnthropic(base_url=shop.url, api_key=shop.api_key, max_retries=0) as client,
    ):
        async with client.messages.stream(
            model="claude-sonnet-4-5", max_tokens=100, messages=[{"role": "user", "content": "hi"}]
        ) as answer:
            message = await answer.get_final_message()
        assert message.content[0].type == "text"
        assert message.content[0].text.endswith("How can I help you today?")
        assert (message.usage.input_tokens, message.usage.output_tokens) == (16, 18)
        assert await outcome_and_charge(shop) == ("complete", 318_000)
        assert upstream.received[0].path == f"{PATH}/invoke-with-response-stream"


async def test_a_client_of_openais_takes_it_too(tmp_path: Path) -> None:
    """Translated from the same events, at the same price."""
    steps = framed(recorded(), seed=3)
    async with reselling(tmp_path, lambda _: steps, profile=SHOP) as (_, shop):
        response = await shop.chat(model="claude-sonnet-4-5", stream=True)
        assert "How can I help you today?" in "".join(
            json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
            for line in response.text.splitlines()
            if line.startswith("data: {") and json.loads(line[6:])["choices"]
        )
        assert response.text.endswith("data: [DONE]\n\n")
        assert await outcome_and_charge(shop) == ("complete", 318_000)


@pytest.mark.parametrize("key", ["AKIDEXAMPLE:canary/secret+1", "ASIAEXAMPLE:canary/secret+1:token=="])
@pytest.mark.parametrize("size", [1, 100_000])
async def test_the_signature_is_the_one_that_aws_works_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, size: int
) -> None:
    """Over the very bytes that arrive, long or short; the secret travels nowhere."""
    monkeypatch.setattr("tests.shops.UPSTREAM_KEY", key)
    async with reselling(tmp_path, lambda _: document(ANSWER), profile=SHOP) as (upstream, shop):
        response = await shop.messages(messages=[{"role": "user", "content": "é" * size}])
        [received] = upstream.received
        assert response.json() == ANSWER
        assert received.headers["authorization"].partition("Signature=")[2] == true_signature(
            received, upstream.url, key, "us-east-1"
        )
        assert "canary" not in str(received.headers)
        assert await outcome_and_charge(shop) == ("complete", 318_000)


async def test_a_key_without_a_secret_is_sent_as_it_is(tmp_path: Path) -> None:
    """An API key of Bedrock."""
    async with reselling(tmp_path, lambda _: document(ANSWER), profile=SHOP) as (upstream, shop):
        await shop.messages()
        assert upstream.received[0].headers["authorization"] == "Bearer sk-upstream-canary-0123456789"
        assert upstream.received[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "first",
    [
        refusal(429, "ThrottlingException", "Too many requests"),
        refusal(424, "ModelErrorException", "the model failed"),
        refusal(503, "ServiceUnavailableException", "later"),
        refusal(403, "AccessDeniedException", "no access to the model"),
        refusal(400, "ServiceQuotaExceededException", "too many"),
        refusal(400, "ValidationException", "The provided model identifier is invalid."),
        framed(exception("throttlingException", "slow down")),
        framed(chunk(TEXT[0]) + exception("modelStreamErrorException", "broke")),
        framed(chunk(TEXT[0])[:-1] + b"?"),
        framed(chunk(TEXT[0])[:50]),
        framed(chunk(TEXT[0]), ending="reset"),
    ],
)
async def test_a_failure_before_the_first_output_is_tried_elsewhere(tmp_path: Path, first: list[Step]) -> None:
    """The customer sees nothing of it, and pays once."""
    async with reselling(tmp_path, in_turn(first, framed(recorded())), profile=TWO) as (upstream, shop):
        assert "message_stop" in await stream(shop)
        assert len(upstream.received) == 2
        assert await outcome_and_charge(shop) == ("complete", 318_000)


@pytest.mark.parametrize(
    "rest",
    [
        exception("throttlingException", "slow down"),
        exception("modelStreamErrorException", "broke"),
        chunk('{"type":"ping"}')[:-1] + b"?",
        chunk('{"type":"ping"}')[:30],
        b"",
    ],
    ids=["throttled", "broken", "checksum", "cut", "no end"],
)
async def test_a_failure_after_it_ends_the_stream(tmp_path: Path, rest: bytes) -> None:
    """With an error event and no second upstream; what was handed over is priced: (16 + 4 x 5) x 1.5 x 2000 nano."""
    raw = b"".join(map(chunk, TEXT)) + rest
    async with reselling(tmp_path, in_turn(framed(raw)), profile=TWO) as (_, shop):
        text = await stream(shop)
        assert "Hello there" in text
        assert text.count("event: error") == 1
        assert "message_stop" not in text
        assert await outcome_and_charge(shop) == ("truncated", 108_000)


async def test_a_request_that_cannot_be_is_told_in_the_words_of_aws(tmp_path: Path) -> None:
    """As Anthropic would have told it; no other channel is asked."""
    said = refusal(400, "ValidationException", "max_tokens: 999999 is too large")
    async with reselling(tmp_path, in_turn(said), profile=TWO) as (_, shop):
        response = await shop.messages()
        assert response.status_code == 400
        error = response.json()["error"]
        assert (error["type"], error["message"]) == ("invalid_request_error", "max_tokens: 999999 is too large")


async def test_a_count_is_told_as_anthropic_tells_it(tmp_path: Path) -> None:
    """AWS spells it otherwise."""
    async with reselling(tmp_path, lambda _: document({"inputTokens": 14}), profile=SHOP) as (upstream, shop):
        body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"x-api-key": shop.api_key}
        response = await shop.client.post("/v1/messages/count_tokens", json=body, headers=headers)
        assert response.json() == {"input_tokens": 14}
        sent = json.loads(upstream.received[0].body)["input"]["invokeModel"]["body"]
        assert json.loads(b64decode(sent))["messages"] == body["messages"]


@pytest.mark.parametrize("answer", [document(b"no json"), refusal(400, "ValidationException", "not supported")])
async def test_where_bedrock_cannot_count_the_estimate_stands(tmp_path: Path, answer: list[Step]) -> None:
    """Models that are sold across regions alone are not counted there."""
    async with reselling(tmp_path, lambda _: answer, profile=SHOP) as (_, shop):
        body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"x-api-key": shop.api_key}
        response = await shop.client.post("/v1/messages/count_tokens", json=body, headers=headers)
        assert response.json()["input_tokens"] > 0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no such tool"}}, "no such tool"),
        ({"Message": "no such tool"}, "no such tool"),
    ],
)
async def test_the_models_own_words_are_told_too(tmp_path: Path, said: object, message: str) -> None:
    """Which come in Anthropic's form already, or in the other spelling of AWS."""
    async with reselling(tmp_path, in_turn(document(said, 400)), profile=SHOP) as (_, shop):
        response = await shop.messages()
        assert (response.status_code, response.json()["error"]["message"]) == (400, message)


async def test_a_page_in_front_of_aws_takes_no_key_out(tmp_path: Path) -> None:
    """A customer's text can provoke it; the same key is asked for the next request."""
    page, whole = document(b"<html>Forbidden</html>", 403), document(ANSWER)
    async with reselling(tmp_path, in_turn(page, whole), profile=SHOP) as (_, shop):
        assert (await shop.messages()).status_code == 502
        assert (await shop.messages()).status_code == 200


async def test_a_refusal_without_end_is_cut_off(tmp_path: Path) -> None:
    """The status is enough."""
    async with reselling(tmp_path, in_turn(document(b" " * 200_000, 429)), profile=SHOP) as (_, shop):
        assert (await shop.messages()).status_code == 429
