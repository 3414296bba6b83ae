"""Conversations at random through every dialect and every two: what comes out is what went in.

Without ids, which are compared by what they join, and without what a codec says that it drops.
"""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.dialects import RULES
from relay.core.exchange import Dialect
from relay.core.hub.answer import Answer, Choice
from relay.core.hub.codec import Codec
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import Part, Request, Seal, Text, Thinking, ToolCall
from relay.core.sse import Splitter
from relay.core.usage import Usage
from tests.core.dialects.replay import exchange

from .conversations import (
    MODELS,
    answers,
    collected,
    gist_of_answer,
    gist_of_request,
    requests,
    streams,
)
from .recorded import opening

PAIRS = [(first, second) for first in CODECS for second in CODECS]
SHORT = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(max_examples=1_000, deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
ALSO_LEFT_OUT: dict[Dialect, tuple[str, ...]] = {
    "openai_chat": (),
    "openai_responses": (),
    "anthropic_messages": (),
    "gemini_generate": ("parallel_tool_calls", "stream"),
}
"""What a dialect says in no field of the body, or has only one way of."""
USED = Usage(input_tokens=3, output_tokens=2)


def through(codec: Codec, request: Request) -> tuple[Request, set[str]]:
    """Return *request* as a customer of *codec*'s dialect would have asked it, and what was left out on the way."""
    sent = msgspec.structs.replace(request, model=MODELS[codec.dialect])
    made = exchange(codec.dialect)
    made.model = sent.model
    RULES[codec.dialect].read_request(made, msgspec.json.encode(codec.encode_request(sent).fields))
    return codec.decode_request(made), {*codec.encode_request(sent).dropped, *ALSO_LEFT_OUT[codec.dialect]}


def check_request(request: Request, first: Dialect, second: Dialect) -> None:
    """Ask *request* in one dialect, and what that says in another."""
    once, left_out = through(CODECS[first], request)
    twice, left_out_again = through(CODECS[second], once)
    left_out |= left_out_again
    assert gist_of_request(twice, left_out) == gist_of_request(request, left_out)


def check_answer(answer: Answer, dialect: Dialect) -> None:
    """Answer in one dialect, whole."""
    written = CODECS[dialect].encode_answer(answer, USED, opening())
    assert gist_of_answer(CODECS[dialect].decode_answer(written)) == gist_of_answer(answer)


def check_stream(drawn: tuple[Answer, list[Any]], dialect: Dialect, size: int) -> None:
    """Answer in one dialect as a stream, read *size* bytes at a time."""
    answer, events = drawn
    encoder, decoder, splitter = CODECS[dialect].stream_encoder(opening()), CODECS[dialect].stream_decoder(), Splitter()
    stream = b"".join([*map(encoder.feed, events), encoder.finish(USED)])
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    frames = [frame for piece in pieces for frame in splitter.feed(piece)]
    said = [event for frame in [*frames, *splitter.finish()] for event in decoder.feed(frame)]
    assert gist_of_answer(collected([*said, *decoder.finish()])) == gist_of_answer(answer)


def sent_back(answer: Answer, dialect: Dialect) -> tuple[Part, ...]:
    """Return what is read of *answer* when a client of *dialect* sends it back as it got it."""
    written = json.loads(CODECS[dialect].encode_answer(answer, USED, opening()))
    hi: dict[str, Any] = {"role": "user", "content": "Hi"}
    match dialect:
        case "openai_chat":
            body: dict[str, Any] = {"model": "m", "messages": [written["choices"][0]["message"], hi]}
        case "openai_responses":
            body = {"model": "m", "input": [*written["output"], hi]}
        case "anthropic_messages":
            said = {"role": "assistant", "content": written["content"]}
            body = {"model": "m", "max_tokens": 9, "messages": [said, hi]}
        case _:
            body = {"contents": [written["candidates"][0]["content"], {"role": "user", "parts": [{"text": "Hi"}]}]}
    made = exchange(dialect)
    made.model = "m"
    RULES[dialect].read_request(made, json.dumps(body).encode())
    turn = next((each for each in CODECS[dialect].decode_request(made).messages if each.role == "assistant"), None)
    return turn.parts if turn is not None else ()


def sealed(parts: tuple[Part, ...]) -> list[tuple[str, Seal]]:
    """Return every seal, and what it seals: a thought's text, or a call's arguments as values."""
    found: list[tuple[str, Seal]] = []
    for part in parts:
        match part:
            case Thinking(text=text, seal=Seal() as seal):
                found.append((text, Seal(seal.dialect, seal.value)))
            case ToolCall(name=name, arguments=arguments, seal=Seal() as seal):
                found.append((f"{name}{json.loads(arguments)}", Seal(seal.dialect, seal.value)))
    return found


@pytest.mark.parametrize(("first", "second"), PAIRS)
@SHORT
@given(request=requests())
def test_a_request_says_the_same_in_every_two_dialects(first: Dialect, second: Dialect, request: Request) -> None:
    """Talk, tools, schema, thinking and sampling."""
    check_request(request, first, second)


@pytest.mark.parametrize("dialect", CODECS)
@SHORT
@given(answer=answers())
def test_an_answer_says_the_same_in_every_dialect(dialect: Dialect, answer: Answer) -> None:
    """Thinking, text, sources, pictures, calls, refusals, and why it ended."""
    check_answer(answer, dialect)


@pytest.mark.parametrize("dialect", CODECS)
@SHORT
@given(drawn=streams(), size=st.integers(1, 400))
def test_a_stream_says_the_same_in_every_dialect(dialect: Dialect, drawn: tuple[Answer, list[Any]], size: int) -> None:
    """However it is cut, and however the pieces of its calls interleave."""
    check_stream(drawn, dialect, size)


@pytest.mark.parametrize("dialect", CODECS)
@SHORT
@given(answer=answers())
def test_every_seal_finds_its_way_back_through_a_client(dialect: Dialect, answer: Answer) -> None:
    """On the thought or call that it seals, and under the name of its origin."""
    assert sealed(sent_back(answer, dialect)) == sealed(answer.choices[0].parts)


@pytest.mark.parametrize("dialect", CODECS)
def test_redacted_thinking_returns_with_its_format_and_id(dialect: Dialect) -> None:
    """Those of OpenRouter, through every client."""
    hidden = Thinking(text="", seal=Seal("openai_chat", "ENC", "anthropic-claude-v1|rt_1"), is_redacted=True)
    answer = Answer(model="m", choices=(Choice(parts=(hidden, Text(text="Hi")), stop="end"),))
    assert sent_back(answer, dialect)[0] == hidden


@pytest.mark.fuzz
@pytest.mark.parametrize("run", range(20))
@LONG
@given(
    request=requests(),
    answer=answers(),
    drawn=streams(),
    size=st.integers(1, 400),
    pair=st.sampled_from(PAIRS),
)
def test_thousands_of_conversations(
    run: int,
    request: Request,
    answer: Answer,
    drawn: tuple[Answer, list[Any]],
    size: int,
    pair: tuple[Dialect, Dialect],
) -> None:
    """The same at length; *run* is one of twenty."""
    check_request(request, *pair)
    check_answer(answer, pair[0])
    check_stream(drawn, pair[0], size)
    assert sealed(sent_back(answer, pair[0])) == sealed(answer.choices[0].parts)
