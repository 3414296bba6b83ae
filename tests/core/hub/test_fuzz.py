"""Whatever a customer or an upstream sends through the hub: a named error or an answer, never a crash.

Documents are those of the recordings and of the conformance suite with a few values exchanged, or
words of all dialects at random places. `make fuzz` runs each property until every decoder has read
a million.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec

from relay.core.dialects import RULES
from relay.core.errors import BadRequestError, RejectedError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Dialect, Exchange
from relay.core.hub.codecs import CODECS
from relay.core.hub.translation import TranslatedReader, Translation
from relay.core.outcome import derive_outcome
from relay.plugins.channels.simulator.answer import Kind
from relay.plugins.channels.simulator.reply import write_down
from relay.testing.requests import request
from relay.testing.scenes import ENDINGS, TASKS, Scene, scenes
from tests.core.dialects.replay import exchange
from tests.core.dialects.rubbish import answers_pool, events_pool, requests_pool
from tests.rubbish import DOCUMENTS, Check, Rubbish, Tokens, a_few, a_million, recorded, tokens_of

from .recorded import OPENINGS, opening

OTHERS = {dialect: [other for other in CODECS if other != dialect] for dialect in CODECS}
MODELS = (
    "an-alias",
    "claude-opus-4-7",
    "claude-sonnet-4-5",
    "gpt-5.1",
    "gpt-4o",
    "gemini-3-pro",
    "gemini-2.5-flash",
    "deepseek-chat",
)
"""Of each kind that a translation tells from others by its name."""
PATHS: dict[str, Dialect] = {
    "completions": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic_messages",
    "generateContent": "gemini_generate",
    "streamGenerateContent": "gemini_generate",
}
"""How the paths of recordings end."""
KINDS: dict[Dialect, tuple[Kind, str]] = {
    "openai_chat": ("openai_chat", "completions"),
    "openai_responses": ("openai_responses", "responses"),
    "anthropic_messages": ("anthropic_messages", "messages"),
    "gemini_generate": ("gemini_generate", "streamGenerateContent"),
}
"""What the simulator and the recorded events call a dialect."""
BEGINNINGS: dict[Dialect, bytes] = {
    "openai_chat": b'"delta":{"role":"assistant","content":""}',
    "openai_responses": b"event: response.created\n",
    "anthropic_messages": b"event: message_start\n",
}
"""What stands once in a customer's stream, in its first event; Gemini has no such thing."""
TOKENS_MAX = 600
EVENTS_MAX = 40


@cache
def played(dialect: Dialect) -> Sequence[Scene]:
    """Return the conversations of the conformance suite in *dialect*."""
    return [scene for scene in scenes(TASKS, ENDINGS, [False]) if scene.dialect == dialect]


@cache
def known(dialect: Dialect) -> Sequence[tuple[Any, Any, str]]:
    """Return request, answer and stream of every recorded exchange in *dialect*; empty is what was not recorded."""
    found = []
    for each in recorded():
        asked, answered = each["request"], each["response"]
        if PATHS.get(re.split("[/:]", asked["path"].partition("?")[0])[-1]) == dialect:
            found.append((asked.get("body"), answered.get("body"), answered.get("sse") or ""))
    return found


@cache
def requests(dialect: Dialect) -> Sequence[Tokens]:
    """Return whole requests in *dialect*."""
    bodies = [json.dumps(asked).encode() for asked, _, _ in known(dialect) if isinstance(asked, dict)]
    return short([*bodies, *(request(scene, "m", "k").body for scene in played(dialect))])


@cache
def answers(dialect: Dialect) -> Sequence[Tokens]:
    """Return whole answers in *dialect*."""
    bodies = [json.dumps(answered).encode() for _, answered, _ in known(dialect) if isinstance(answered, dict)]
    kind = KINDS[dialect][0]
    return short([*bodies, *(write_down(scene.answer(kind, "m"), stream=False).body for scene in played(dialect))])


@cache
def streams(dialect: Dialect) -> Sequence[Sequence[bytes]]:
    """Return whole streams in *dialect*, by their events."""
    told = [re.split(r"(?<=\n\n)", sse.replace("\r\n", "\n")) for _, _, sse in known(dialect) if sse]
    kind = KINDS[dialect][0]
    made = [write_down(scene.answer(kind, "m"), stream=True).pieces for scene in played(dialect)]
    return [
        events for events in ([[piece.encode() for piece in sse] for sse in told] + made) if len(events) <= EVENTS_MAX
    ]


def short(documents: Sequence[bytes]) -> Sequence[Tokens]:
    """Return the tokens of *documents*, each once, without those that are long."""
    return [tokens for tokens in dict.fromkeys(map(tokens_of, documents)) if len(tokens) <= TOKENS_MAX]


def request_of(rubbish: Rubbish, customer: Dialect) -> bytes:
    """Return a request that is nearly one."""
    if rubbish.chance() < 0.8:
        return rubbish.sometimes_spoilt(rubbish.damaged(rubbish.pick(requests(customer))))
    members = json.dumps(OPENINGS[customer]).encode().removesuffix(b"}")
    return members + b"," + rubbish.object(rubbish.dice.sample(sorted(requests_pool()), 3), requests_pool())[1:]


def answer_of(rubbish: Rubbish, channel: Dialect) -> bytes:
    """Return an answer that is nearly one."""
    if rubbish.chance() < 0.8:
        return rubbish.sometimes_spoilt(rubbish.damaged(rubbish.pick(answers(channel))))
    return rubbish.object(rubbish.dice.sample(sorted(answers_pool()), 5), answers_pool())


def stream_of(rubbish: Rubbish, channel: Dialect) -> bytes:
    """Return a stream that nearly came whole."""
    made = []
    for event in rubbish.pick(streams(channel)):
        kind = rubbish.chance()
        if kind < 0.04:
            made.append(event_of(rubbish, channel))
        elif kind < 0.12:
            head, mark, data = event.partition(b"data: ")
            made.append(head + mark + rubbish.damaged(tokens_of(data) or (b"",)) + b"\n\n")
        if kind > 0.08:
            made.append(event)
    return rubbish.sometimes_spoilt(b"".join(made))


def event_of(rubbish: Rubbish, channel: Dialect) -> bytes:
    """Return an event that another stream has, or one like it."""
    name, tokens = rubbish.pick(events_pool(KINDS[channel][1]))
    return b"event: %b\ndata: %b\n\n" % (name, rubbish.damaged(tokens))


def opened(customer: Dialect) -> Exchange:
    """Return an exchange of a customer who asked for something plain."""
    made = exchange(customer)
    made.model = "m"
    RULES[customer].read_request(made, json.dumps(OPENINGS[customer]).encode())
    return made


def check_requests(seed: bytes, count: int) -> None:
    """Let every dialect translate *count* requests: each is made, or refused by a field's name."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        for customer in CODECS:
            body, channel, model = request_of(rubbish, customer), rubbish.pick(OTHERS[customer]), rubbish.pick(MODELS)
            made = exchange(customer)
            made.model = rubbish.pick(MODELS)
            with suppress(RejectedError):
                RULES[customer].read_request(made, body)
                check_translation(made, channel, model, is_deployment=rubbish.chance() < 0.5)


def check_translation(made: Exchange, channel: Dialect, model: str, *, is_deployment: bool) -> None:
    """See that what is sent names the model, and that what is refused names its field."""
    param: str | None = ""
    try:
        sent = Translation(made, channel, model, is_deployment=is_deployment).prepare(made, model).body()
    except BadRequestError as error:
        param = error.param
    else:
        named = msgspec.json.decode(sent, type=dict[str, msgspec.Raw]).get("model")
        assert named is None or bytes(named) == msgspec.json.encode(model)
    assert param is not None


def check_answers(seed: bytes, count: int) -> None:
    """Let every dialect translate *count* answers: each is one, or fails as an upstream does."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        for channel in CODECS:
            body, customer = answer_of(rubbish, channel), rubbish.pick(OTHERS[channel])
            with suppress(UpstreamBrokenError, UpstreamStatusError):
                reading = Translation(opened(customer), channel, "m").read_body(opened(customer), body)
                assert reading.answer is not None
                assert isinstance(msgspec.json.decode(reading.answer), dict)


def check_events(passed: bytes, beginning: bytes) -> None:
    """See that a customer gets whole events, each a document or the end mark of chat, and their *beginning* first."""
    *events, rest = passed.replace(b"\r\n", b"\n").split(b"\n\n")
    assert rest == b""
    for event in events:
        data = event.partition(b"data: ")[2]
        assert data == b"[DONE]" or isinstance(msgspec.json.decode(data), dict)
    if events and beginning:
        assert beginning in events[0]
        assert passed.count(beginning) == 1


def check_streams(seed: bytes, count: int) -> None:
    """Let every dialect translate *count* streams: each ends, breaks, or fails as an upstream does."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        for channel in CODECS:
            data, customer = stream_of(rubbish, channel), rubbish.pick(OTHERS[channel])
            asked = exchange(channel)
            asked.stream, asked.query = True, "alt=sse"
            decoder, encoder = CODECS[channel].stream_decoder(), CODECS[customer].stream_encoder(opening())
            reader = TranslatedReader(RULES[channel].stream_reader(asked), decoder, encoder, 1)
            passed: list[bytes] = []
            with suppress(UpstreamBrokenError):
                passed.extend(map(reader.feed, rubbish.cut(data)))
                passed += [reader.finish(), reader.end]
            check_events(b"".join(passed), BEGINNINGS.get(customer, b""))
            assert derive_outcome(reader.native.evidence())
            reader.native.usage()


@a_few(check_requests, check_answers, check_streams)
def test_whatever_comes_is_read_or_named(check: Check, seed: bytes) -> None:
    """A few of each, and no crash."""
    check(seed, 5)


@a_million(check_requests, check_answers, check_streams)
def test_a_million_of_each(check: Check, run: int, seed: bytes) -> None:
    """One seed stands for many documents."""
    check(seed, DOCUMENTS)
