"""Which channel is tried next, and what the customer reads where none is left."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chats import CHAT, DONE, ROLE, STOP, USAGE, words
from tests.core.test_seal_memory import headers_of
from tests.shops import PROFILE, reselling
from tests.upstreams import Received, Step, document, stream


async def test_a_failure_before_the_first_output_is_retried_unseen(tmp_path: Path) -> None:
    """The first channel breaks after its role chunk; the customer sees only the second."""

    def script(_: Received) -> list[Step]:
        if len(upstream.received) == 1:
            return stream(ROLE, ending="reset")
        return stream(ROLE + words("Hi") + STOP + USAGE + DONE)

    async with reselling(tmp_path, script) as (upstream, shop):
        response = await shop.chat(stream=True)
        [row] = await shop.log()
        assert response.text == ROLE + words("Hi") + STOP + DONE
        assert (row["outcome"], row["channel"], row["attempt_count"]) == ("complete", "openai-b", 2)
        attempts = shop.rows("select channel, failure from attempt order by attempt_index")
        assert attempts == [{"channel": "openai-a", "failure": "sick"}, {"channel": "openai-b", "failure": None}]


async def test_retries_that_are_being_answered_leave_others_theirs(tmp_path: Path) -> None:
    """However long their streams go on: only what fails is extra load."""

    def script(_: Received) -> list[Step]:
        return LARGE if len(upstream.received) % 2 else stream(ROLE + words("Hi"), ending="open")

    async with AsyncExitStack() as stack:
        upstream, shop = await stack.enter_async_context(reselling(tmp_path, script))
        statuses = []
        for _ in range(6):
            asked = shop.client.stream(
                "POST", "/v1/chat/completions", headers=shop.headers, json=shop.chat_body(stream=True)
            )
            answer = await stack.enter_async_context(asked)
            statuses.append(answer.status_code)
    assert statuses == [200] * 6


async def test_retries_at_which_nothing_comes_count_as_long_as_they_wait(tmp_path: Path) -> None:
    """A head says little: gateways send theirs at once, and fail, or hang, behind it."""

    def script(_: Received) -> list[Step]:
        return LARGE if len(upstream.received) % 2 else stream(ROLE, ending="open")

    async with reselling(tmp_path, script) as (upstream, shop), asyncio.TaskGroup() as group:
        waiting = []
        for count in range(1, 4):
            waiting.append(group.create_task(shop.chat(stream=True)))
            while len(upstream.received) < 2 * count:  # noqa: ASYNC110 - nothing tells when a request has come
                await asyncio.sleep(0.01)
        answer = await shop.chat(stream=True)
        for task in waiting:
            task.cancel()
    assert (answer.status_code, len(upstream.received)) == (400, 7)


async def test_what_one_customers_requests_fail_at_is_served_to_others(tmp_path: Path) -> None:
    """Their requests may be the cause; they themselves are told to wait."""

    def script(received: Received) -> list[Step]:
        return SICK if received.document.get("user") == "alice" else document(CHAT)

    async with reselling(tmp_path, script) as (_, shop):
        bob = await headers_of(shop, "bob")
        mine = [(await shop.chat(user="alice")).json()["error"]["code"] for _ in range(4)]
        theirs = await shop.client.post("/v1/chat/completions", headers=bob, json=shop.chat_body())
    assert mine == ["upstream_error"] * 3 + ["channels_cooling_down"]
    assert theirs.status_code == 200


async def test_an_upstreams_error_about_its_key_never_reaches_the_customer(tmp_path: Path) -> None:
    """Both channels refuse our key: the customer reads 503 and not a word of theirs."""
    refusal = document({"error": {"message": "Incorrect API key sk-upstream", "code": "invalid_api_key"}}, status=401)
    async with reselling(tmp_path, lambda _: refusal) as (upstream, shop):
        response = await shop.chat()
        [row] = await shop.log()
        assert (response.status_code, response.json()["error"]["code"]) == (503, "upstream_unavailable")
        assert "sk-upstream" not in response.text
        assert (len(upstream.received), row["outcome"], row["charge_nano"]) == (2, "upstream_error", 0)


async def test_a_complaint_about_the_request_is_passed_on_and_not_retried(tmp_path: Path) -> None:
    """A 400 costs nothing and is told in the upstream's words."""
    refusal = document(
        {"error": {"message": "max_tokens is too large", "type": "invalid_request_error", "param": "max_tokens"}},
        status=400,
    )
    async with reselling(tmp_path, lambda _: refusal) as (upstream, shop):
        response = await shop.chat()
        assert response.status_code == 400
        assert response.json()["error"]["message"] == "max_tokens is too large"
        assert response.json()["error"]["param"] == "max_tokens"
        assert len(upstream.received) == 1


@pytest.mark.parametrize(("named", "told"), [(["retry-after: 17"], ("17", "16")), ([], ("5", "4"))])
async def test_while_every_key_is_throttled_the_customer_is_told_for_how_long(
    tmp_path: Path, named: list[str], told: tuple[str, str]
) -> None:
    """Both are told how long the keys rest, also where the upstream names no time; the second request goes nowhere."""
    throttled = document({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429, named)
    async with reselling(tmp_path, lambda _: throttled) as (upstream, shop):
        first = await shop.chat()
        sent_count = len(upstream.received)
        response = await shop.chat()
        assert (response.status_code, response.headers["x-should-retry"]) == (429, "true")
        assert (first.headers["retry-after"], response.headers["retry-after"] in told) == (told[0], True)
        assert len(upstream.received) == sent_count == 2


def throttled(wait_s: int) -> list[Step]:
    return document({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429, [f"retry-after: {wait_s}"])


BUSY = document({"error": {"message": "overloaded"}}, 503)
DEAD = document({"error": {"message": "no", "code": "invalid_api_key"}}, 401)
SICK = document({"error": {"message": "no"}}, 500)
REFUSED = document({"error": {"message": "no", "code": "bad_n"}}, 400)
TOO_LARGE = "Request too large for gpt-4o-mini on tokens per min (TPM): Limit 30000, Requested 61337."
LARGE = document({"error": {"message": TOO_LARGE, "code": "rate_limit_exceeded"}}, 429)
LATE: list[Step] = [5.0]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (throttled(17), DEAD, (429, "upstream_throttled", "17", "true")),
        (throttled(17), SICK, (429, "upstream_throttled", "17", "true")),
        (throttled(17), BUSY, (503, "upstream_overloaded", "2", "true")),
        (BUSY, throttled(3600), (503, "upstream_overloaded", "2", "true")),
        (throttled(17), REFUSED, (400, "bad_n", None, "false")),
        (BUSY, LATE, (504, "upstream_timeout", None, "false")),
        (LATE, BUSY, (504, "upstream_timeout", None, "false")),
        (BUSY, document({}, 504), (502, "upstream_error", None, "false")),
        (document({}, 524), BUSY, (502, "upstream_error", None, "false")),
        (LATE, REFUSED, (400, "bad_n", None, "false")),
        (LARGE, SICK, (400, "context_length_exceeded", None, "false")),
        (LARGE, BUSY, (503, "upstream_overloaded", "2", "true")),
        (LARGE, LATE, (504, "upstream_timeout", None, "false")),
        (SICK, DEAD, (503, "upstream_unavailable", None, "false")),
    ],
)
async def test_the_failure_that_will_pass_soonest_is_told_unless_the_request_may_be_done(
    tmp_path: Path, first: list[Step], second: list[Step], told: tuple[int, str, str | None, str]
) -> None:
    """Whoever asks again may get an answer, unless the request is to blame, and pays the shop's upstream but once.

    If asking again is no use, a shorter request may be.
    """
    profile = PROFILE.replace("{url}", "{url}\n    deadlines: {{first_event_s: 1}}")
    answers = iter([first, second])
    async with reselling(tmp_path, lambda _: next(answers), profile=profile) as (upstream, shop):
        response = await shop.chat()
        said = response.headers.get("retry-after"), response.headers["x-should-retry"]
        assert (response.status_code, response.json()["error"]["code"], *said) == told
        assert len(upstream.received) == 2


async def test_a_request_too_large_for_one_key_is_tried_at_the_next_and_no_key_rests(tmp_path: Path) -> None:
    """Nobody else's requests are: in the end its customer reads what to do, in words that make programs compact."""
    async with reselling(tmp_path, lambda _: LARGE) as (upstream, shop):
        answers = [await shop.chat() for _ in range(2)]
        told = [(each.status_code, each.json()["error"]["code"]) for each in answers]
        assert told == [(400, "context_length_exceeded")] * 2
        assert {each.headers["x-should-retry"] for each in answers} == {"false"}
        assert len(upstream.received) == 4


async def test_a_model_that_only_embeds_is_there_for_those_who_embed(tmp_path: Path) -> None:
    """Who asks it to chat is told that there is no such model, and takes it from nobody."""
    vector = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
    missing = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}

    def script(request: Received) -> list[Step]:
        return document(vector) if request.path.endswith("/embeddings") else document(missing, 404)

    async with reselling(tmp_path, script) as (_, shop):
        wished = {"model": "text-embedding-3-small", "input": "hi"}
        refused = [await shop.chat(model="text-embedding-3-small") for _ in range(2)]
        embedded = await shop.client.post("/v1/embeddings", json=wished, headers=shop.headers)
        assert [answer.status_code for answer in refused] == [503, 503]
        assert (embedded.status_code, embedded.json()) == (200, vector)


async def test_a_model_that_compacts_nowhere_is_there_for_those_who_chat(tmp_path: Path) -> None:
    """In the same dialect: many an upstream that speaks Responses has that endpoint not."""
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    answer = {"id": "r", "status": "completed", "output": [said], "usage": {"input_tokens": 9, "output_tokens": 1}}
    missing = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}

    def script(request: Received) -> list[Step]:
        return document(missing, 404) if request.path.endswith("/compact") else document(answer)

    profile = PROFILE.replace("base_url: {url}", "base_url: {url}\n    dialects: [openai_chat, openai_responses]", 1)
    async with reselling(tmp_path, script, profile=profile) as (_, shop):
        body = {"model": "gpt-4o-mini", "input": "hi"}
        paths = ["/v1/responses/compact", "/v1/responses/compact", "/v1/responses"]
        answers = [await shop.client.post(path, json=body, headers=shop.headers) for path in paths]
        assert [each.status_code for each in answers] == [503, 503, 200]
        assert answers[-1].json() == answer


@pytest.mark.parametrize(("limits", "count"), [("", 3), ("limits: {{attempts_max: 2}}\n", 2)])
async def test_no_request_is_tried_more_often_than_the_shop_allows(tmp_path: Path, limits: str, count: int) -> None:
    """However many channels and keys are left, here two of each; told is what will pass soonest, as ever."""

    def script(_: Received) -> list[Step]:
        return BUSY if len(upstream.received) == 1 else SICK

    pool = ("sk-upstream-1", "sk-upstream-2")
    async with reselling(tmp_path, script, profile=PROFILE + limits, upstream_keys=pool) as (upstream, shop):
        assert (await shop.chat()).json()["error"]["code"] == "upstream_overloaded"
        [row] = await shop.log()
        assert (row["attempt_count"], len(upstream.received)) == (count, count)


KEEPS = """
from relay import Candidate, Plugin, PluginConfig, hookimpl


class Keeps(Plugin[PluginConfig]):
    config_type = PluginConfig

    @hookimpl
    async def select_channel(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        return candidates[:{count}]
"""
WITHHELD = "group 'plain' has no channel for model 'gpt-4o-mini'; see the model list at /v1/models"
FAILED = "the model's provider failed to answer; try again, or another model or group"


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, (503, "model_not_found", "model", WITHHELD)), (1, (502, "upstream_error", None, FAILED))],
)
async def test_of_what_plugins_leave_nothing_is_tried_twice(
    tmp_path: Path, count: int, told: tuple[int, str, str | None, str]
) -> None:
    """Where they leave nothing, the last attempt's failure is told; without an attempt, there is no channel."""
    (tmp_path / "keeps.py").write_text(KEEPS.format(count=count))
    profile = PROFILE.replace("  - use: routing", "  - use: ./keeps.py\n  - use: routing", 1)
    async with reselling(tmp_path, lambda _: SICK, profile=profile) as (upstream, shop):
        answer = await shop.chat()
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"], error["message"]) == told
        assert len(upstream.received) == count


RAISES_AT_SEND = '''
from relay import ChannelPlugin, ChannelRequest, PluginConfig, UpstreamResponse


class RaisesConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Raises(ChannelPlugin[RaisesConfig]):
    """A channel with a bug."""

    config_type = RaisesConfig
    dialects = ("openai_chat", "embeddings")

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        raise KeyError("model")
'''


async def test_a_channel_with_a_bug_is_passed_over_for_the_next(tmp_path: Path) -> None:
    """Its bug is one failed attempt; the second channel answers."""
    (tmp_path / "raises.py").write_text(RAISES_AT_SEND)
    profile = PROFILE.replace("use: channels.openai\n", "use: ./raises.py\n", 1)
    async with reselling(tmp_path, lambda _: document(CHAT), profile=profile) as (_, shop):
        assert (await shop.chat()).json() == CHAT
        [row] = await shop.log()
        assert (row["channel"], row["attempt_count"]) == ("openai-b", 2)
        [first, _] = shop.rows("select channel, failure from attempt order by attempt_index")
        assert first == {"channel": "openai-a", "failure": "sick"}


async def test_a_talk_goes_on_where_it_was_answered(tmp_path: Path) -> None:
    """The first channel fails once; the next turn of the talk goes to the second at once, another talk does not."""

    def script(_: Received) -> list[Step]:
        if len(upstream.received) == 1:
            return document({"error": {"message": "busy"}}, status=503)
        return document(CHAT)

    turns = [{"role": "user", "content": "Hi"}]
    async with reselling(tmp_path, script) as (upstream, shop):
        await shop.chat(messages=turns)
        await shop.chat(messages=[*turns, {"role": "assistant", "content": "Ho"}, {"role": "user", "content": "And?"}])
        await shop.chat(messages=[{"role": "user", "content": "Else"}])
        assert [row["channel"] for row in await shop.log()] == ["openai-b", "openai-b", "openai-a"]
