"""Every recording for every other customer: the native figures, a sound answer, nothing of the upstream's form."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.core.dialects import RULES
from relay.core.dialects.upstream_costs import COST_NAMES
from relay.core.errors import BadRequestError, NotCarriedError, UpstreamBrokenError
from relay.core.exchange import Dialect
from relay.core.hub.answer import Answer, Begun, Choice, Delta, PartBegun, PartEnded, Stop, Stopped, StreamEvent
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import Audio, File, Image, Inline, Link, Part, Seal, Text
from relay.core.hub.translation import TranslatedReader, Translation
from relay.core.outcome import derive_outcome
from relay.core.sse import Splitter
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, STREAMS, Expected
from tests.core.dialects.replay import answer_bytes, exchange, reader_for

from .recorded import (
    ANSWERED,
    OPENINGS,
    asked,
    events,
    opening,
    read_each,
    translated_body,
    translated_stream,
    translator,
)

ENDED = ("complete", "empty", "refused")
LEFT_OUT = {("openai-chat/tools-truncated-stream", "gemini_generate")}
"""A call whose arguments a limit cut, all there was: Gemini can't be told half of one (wire/DIALECTS.md 4)."""
QUESTION = [{"role": "user", "content": "Hi"}]
WHOLE = [(each, to) for each in BODIES if each.dialect in CODECS for to in CODECS if to != each.dialect]
STREAMED = [(each, to) for each in STREAMS if each.dialect in CODECS for to in CODECS if to != each.dialect]


@pytest.mark.parametrize(("expected", "to"), WHOLE, ids=lambda each: getattr(each, "name", each))
def test_a_whole_answer_says_the_same_in_another_dialect(expected: Expected, to: Dialect) -> None:
    """Its native reader finds the same usage, sums and outcome."""
    reading = RULES[to].read_body(exchange(to), translated_body(expected, to))
    usage = expected.usage or ANSWERED
    assert reading.usage is not None
    assert reading.usage.all_input_tokens == usage.all_input_tokens
    assert reading.usage.output_tokens == usage.output_tokens
    assert derive_outcome(reading.evidence) == expected.outcome


@pytest.mark.parametrize(("expected", "to"), STREAMED, ids=lambda each: getattr(each, "name", each))
def test_a_stream_says_the_same_in_another_dialect(expected: Expected, to: Dialect) -> None:
    """What is metered is the native stream; what the customer reads comes to the same, for every cut."""
    native, reader = reader_for(expected, usage_asked=True), translator(expected, to)
    data = answer_bytes(expected.name)
    for each in (native, reader):
        each.feed(data)
        each.finish()
    along = reader.native
    assert (along.usage(), along.evidence(), along.is_ended) == (native.usage(), native.evidence(), native.is_ended)
    stream = translated_stream(expected, to)
    assert translated_stream(expected, to, 1) == stream
    if expected.outcome in ENDED and (expected.name, to) not in LEFT_OUT:
        again = RULES[to].stream_reader(exchange(to))
        again.feed(stream)
        again.finish()
        assert again.is_ended
        assert derive_outcome(again.evidence()) == expected.outcome
        assert (usage := again.usage()) is not None
        if expected.usage is not None:
            assert usage.all_input_tokens == expected.usage.all_input_tokens
            assert usage.output_tokens == expected.usage.output_tokens


@pytest.mark.parametrize("name", ["openai-responses/stream", "anthropic/stream"])
@pytest.mark.parametrize("to", CODECS)
def test_an_end_mark_that_the_channels_dialect_does_not_know_says_nothing(name: str, to: Dialect) -> None:
    """The same stream, to the byte."""
    [expected] = [each for each in STREAMS if each.name == name]
    reader, data = translator(expected, to), answer_bytes(name) + b"data: [DONE]\n\n"
    assert reader.feed(data) + reader.finish() + reader.end == translated_stream(expected, to)


@pytest.mark.parametrize("to", [to for to in CODECS if to != "openai_chat"])
def test_what_the_shop_pays_is_told_in_no_other_dialect(to: Dialect) -> None:
    """Neither whole nor in a stream."""
    [whole] = [each for each in BODIES if each.name == "openrouter/cache-write"]
    [stream] = [each for each in STREAMS if each.name == "openrouter/stream"]
    told = translated_body(whole, to) + translated_stream(stream, to)
    assert [name for name in COST_NAMES if name.encode() in told] == []


@pytest.mark.parametrize(
    "name", ["gemini/stream", "openai-responses/stream", "openai-chat/stream-usage", "anthropic/stream"]
)
@pytest.mark.parametrize("to", CODECS)
def test_nothing_is_lost_of_a_last_event_without_a_blank_line_behind_it(name: str, to: Dialect) -> None:
    """The same stream, to the byte."""
    [expected] = [each for each in STREAMS if each.name == name]
    reader, data = translator(expected, to), answer_bytes(name).rstrip(b"\r\n")
    assert reader.feed(data) + reader.finish() + reader.end == translated_stream(expected, to)


@pytest.mark.parametrize("to", [to for to in CODECS if to != "openai_chat"])
def test_figures_behind_the_end_mark_are_those_the_customer_reads(to: Dialect) -> None:
    """They are what is charged; a moment before there was an estimate."""
    [expected] = [each for each in STREAMS if each.name == "openai-chat/stream-usage"]
    *begun, usage, done, _ = answer_bytes(expected.name).split(b"\n\n")
    reader = translator(expected, to)
    passed = reader.feed(b"\n\n".join([*begun, done, b""]))
    passed += reader.feed(usage + b"\n\n")
    assert passed + reader.end == translated_stream(expected, to)


def test_the_request_that_is_sent_is_the_channels() -> None:
    """Body, headers and model name are those of a customer who speaks the channel's dialect."""
    made = asked("openai_chat", {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "seed": 3})
    translation = Translation(made, "anthropic_messages", "claude-x")
    request = translation.prepare(made, "claude-x")
    assert (request.dialect, request.model) == ("anthropic_messages", "claude-x")
    assert request.headers == {"anthropic-version": "2023-06-01"}
    assert json.loads(request.body()) == {
        "model": "claude-x",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 8192,
    }
    assert translation.dropped == ("seed",)


@pytest.mark.parametrize(("stream", "query"), [(False, ""), (True, "alt=sse")])
def test_events_are_asked_of_gemini_for_a_stream_alone(stream: bool, query: str) -> None:
    """A whole answer is one document, and is asked for as Google's own clients ask."""
    made = asked("openai_chat", {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": stream})
    assert Translation(made, "gemini_generate", "gemini-x").prepare(made, "gemini-x").query == query


@pytest.mark.parametrize(
    ("dialect", "fields", "to", "param"),
    [
        (
            "gemini_generate",
            b'"tools":[{"functionDeclarations":[{"name":"f","parameters":{"maximum":1e400}}]}]',
            "openai_chat",
            "tools",
        ),
        ("gemini_generate", b'"generationConfig":{"responseSchema":{"maximum":-1e400}}', "anthropic_messages", "generationConfig.responseSchema"),
        ("gemini_generate", b'"contents":[{"parts":[{"functionResponse":{"name":"f","response":{"a":1e400}}}]}]', "openai_chat", "contents.parts"),
        ("anthropic_messages", b'"output_config":{"format":{"type":"json_schema","schema":{"maximum":1e400}}}', "openai_chat", "output_config.format.schema"),
        (
            "openai_chat",
            b'"zzz":{"a":1e400},"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"maximum":1e400}}}',
            "anthropic_messages",
            "response_format",
        ),
        ("anthropic_messages", b'"tools":[{"name":"f","strict":true,"input_schema":{"maximum":1e400}}]', "openai_chat", "tools"),
    ],
)  # fmt: skip
def test_a_number_that_only_a_native_channel_could_be_told_is_refused_by_name(
    dialect: Dialect, fields: bytes, to: Dialect, param: str
) -> None:
    """No double holds it, and a schema is read and written anew on the way to another dialect."""
    made, opened = exchange(dialect), json.dumps(OPENINGS[dialect]).encode().removesuffix(b"}")
    RULES[dialect].read_request(made, opened + b"," + fields + b"}")
    with pytest.raises(BadRequestError) as refused:
        Translation(made, to, "m")
    assert refused.value.param == param


@pytest.mark.parametrize("to", ["openai_responses", "anthropic_messages", "gemini_generate"])
def test_log_probabilities_are_left_out_and_named(to: Dialect) -> None:
    """Chat's are."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "logprobs": True, "top_logprobs": 2}
    assert Translation(asked("openai_chat", body), to, "m").dropped == ("logprobs", "top_logprobs")


@pytest.mark.parametrize("to", ["openai_chat", "openai_responses", "anthropic_messages"])
def test_geminis_log_probabilities_are_left_out_and_named(to: Dialect) -> None:
    """By their place."""
    config = {"responseLogprobs": True, "logprobs": 2}
    made = asked("gemini_generate", {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": config})
    dropped = ("generationConfig.responseLogprobs", "generationConfig.logprobs")
    assert Translation(made, to, "m").dropped == dropped


CHAT_BESIDE = {"system_fingerprint": "fp", "service_tier": "default", "provider": "x", "prompt_filter_results": [{}]}
CHOICE_BESIDE = {
    "logprobs": {"content": [{"token": "Hi", "logprob": -0.1}]},
    "content_filter_results": {"hate": {"filtered": False}},
    "native_finish_reason": "x",
}
GEMINI_BESIDE = {
    "safetyRatings": [{"category": "HARM", "probability": "LOW"}],
    "finishMessage": "x",
    "avgLogprobs": -0.1,
    "logprobsResult": {"chosenCandidates": [{"token": "Hi"}]},
    "groundingMetadata": {"webSearchQueries": ["q"], "searchEntryPoint": {"renderedContent": "<b>"}},
    "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://a.example"}]},
}
HELLO = {"type": "output_text", "text": "Hi", "annotations": []}
LOGPROBS = {"logprobs": [{"token": "Hi", "logprob": -0.1}]}


def chat_answer(beside: bool) -> dict[str, Any]:
    """Return an answer of chat, with or without what may stand beside its words."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return {"id": "c", "choices": [{**choice, **CHOICE_BESIDE}], **CHAT_BESIDE} if beside else {"choices": [choice]}


def responses_answer(beside: bool) -> dict[str, Any]:
    """Return the same of Responses."""
    drawn = {"type": "image_generation_call", "result": "aGk=", "output_format": "png"}
    said = {"type": "message", "role": "assistant", "content": [{**HELLO, **LOGPROBS} if beside else HELLO]}
    if beside:
        drawn, said = {**drawn, "revised_prompt": "x", "size": "1024x1024"}, {**said, "phase": "final_answer"}
    return {"status": "completed", "output": [drawn, said], **({"service_tier": "x"} if beside else {})}


def messages_answer(beside: bool) -> dict[str, Any]:
    """Return the same of Messages: one that was refused, and why."""
    told = {"stop_details": {"type": "refusal", "explanation": "x"}, "container": {"id": "x"}, "context_management": {}}
    answer = {"model": "m", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "refusal"}
    return {**answer, **told} if beside else answer


def gemini_answer(beside: bool) -> dict[str, Any]:
    """Return the same of Gemini's."""
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 0}
    whole = {"createTime": "2026-11-29T00:00:00Z", "promptFeedback": {"safetyRatings": []}} if beside else {}
    return {"candidates": [{**candidate, **GEMINI_BESIDE} if beside else candidate], **whole}


BESIDE: dict[Dialect, Callable[[bool], dict[str, Any]]] = {
    "openai_chat": chat_answer,
    "openai_responses": responses_answer,
    "anthropic_messages": messages_answer,
    "gemini_generate": gemini_answer,
}


@pytest.mark.parametrize("to", CODECS)
@pytest.mark.parametrize("dialect", BESIDE)
def test_what_an_answer_tells_beside_its_words_is_left_out(dialect: Dialect, to: Dialect) -> None:
    """Log probabilities, ratings, fingerprints, tiers, what was searched for: the same answer, to the byte."""
    bare, full = (
        CODECS[to].encode_answer(CODECS[dialect].decode_answer(json.dumps(made).encode()), Usage(), opening())
        for made in (BESIDE[dialect](False), BESIDE[dialect](True))
    )
    assert full == bare


@pytest.mark.parametrize(
    ("to", "name", "figures"),
    [
        ("openai_chat", "usage", {}),
        ("openai_responses", "usage", {}),
        ("anthropic_messages", "usage", {"server_tool_use": {"web_search_requests": 2}}),
        ("gemini_generate", "usageMetadata", {}),
    ],
)
def test_searches_are_counted_in_messages_alone(to: Dialect, name: str, figures: dict[str, Any]) -> None:
    """The other usages have no place for them."""
    answer = Answer(model="m", choices=(Choice(parts=(Text(text="Hi"),), stop="end"),))
    without, counted = (
        json.loads(CODECS[to].encode_answer(answer, Usage(output_tokens=1, web_search_count=count), opening()))[name]
        for count in (0, 2)
    )
    assert counted == {**without, **figures}


def test_pictures_that_a_tool_drew_count_for_customers_of_every_dialect() -> None:
    """The model's 5 and 2 tokens and the tool's 30 and 272, for whoever is answered."""
    drawn = {"input_tokens": 30, "output_tokens": 272}
    answered = {
        "id": "r",
        "status": "completed",
        "output": [{"type": "image_generation_call", "result": "aGk=", "output_format": "png"}],
        "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        "tool_usage": {"image_gen": drawn, "web_search": {"num_requests": 0}},
    }
    asking = asked("openai_chat", {"model": "gpt-5", "messages": QUESTION})
    translation = Translation(asking, "openai_responses", "gpt-5")
    whole = translation.read_body(asking, json.dumps(answered).encode())
    reader = translation.stream_reader(asking)
    event = {"type": "response.completed", "response": answered}
    reader.feed(f"event: response.completed\ndata: {json.dumps(event)}\n\n".encode())
    read = Usage(input_tokens=35, output_tokens=274, image_output_tokens=272)
    assert whole.usage == reader.native.usage() == read
    assert json.loads(whole.answer or b"")["usage"]["total_tokens"] == 35 + 274


ENDS: list[tuple[Stop | None, str, tuple[str, str | None], str, str]] = [
    (None, "stop", ("completed", None), "end_turn", "STOP"),
    ("end", "stop", ("completed", None), "end_turn", "STOP"),
    ("stop_sequence", "stop", ("completed", None), "stop_sequence", "STOP"),
    ("limit", "length", ("incomplete", "max_output_tokens"), "max_tokens", "MAX_TOKENS"),
    ("context_full", "length", ("incomplete", "max_output_tokens"), "model_context_window_exceeded", "MAX_TOKENS"),
    ("tool_use", "tool_calls", ("completed", None), "tool_use", "STOP"),
    ("refusal", "content_filter", ("incomplete", "content_filter"), "refusal", "SAFETY"),
    ("filtered", "content_filter", ("incomplete", "content_filter"), "refusal", "SAFETY"),
    ("paused", "stop", ("completed", None), "pause_turn", "STOP"),
    ("compaction", "stop", ("completed", None), "compaction", "STOP"),
    ("bad_tool_call", "stop", ("completed", None), "end_turn", "MALFORMED_FUNCTION_CALL"),
]
"""Why an answer ended, in chat's words, the status and reason of a response, Anthropic's words and Gemini's."""


def ends_of(answer: dict[str, Any], to: Dialect) -> Any:
    """Return why *answer*, or the last event of a stream, says that it ended."""
    match to:
        case "openai_chat":
            return answer["choices"][0]["finish_reason"]
        case "openai_responses":
            response = answer.get("response", answer)
            return response["status"], (response["incomplete_details"] or {}).get("reason")
        case "gemini_generate":
            return answer["candidates"][0]["finishReason"]
    return answer.get("delta", answer)["stop_reason"]


@pytest.mark.parametrize(
    ("stop", "to", "reason"),
    [(stop, to, reason) for stop, *told in ENDS for to, reason in zip(CODECS, told, strict=True)],
)
def test_why_an_answer_ended_is_told_in_every_dialect(stop: Stop | None, to: Dialect, reason: Any) -> None:
    """Whole and as a stream."""
    codec, customer = CODECS[to], opening(is_usage_asked=False)
    answer = Answer(model="m", choices=(Choice(parts=(Text(text="Hi"),), stop=stop),))
    whole = json.loads(codec.encode_answer(answer, Usage(), customer))
    encoder = codec.stream_encoder(customer)
    said: list[StreamEvent] = [
        Begun(),
        PartBegun(index=0, part=Text(text="Hi")),
        PartEnded(index=0),
        Stopped(stop=stop),
    ]
    stream = b"".join([*map(encoder.feed, said), encoder.finish(Usage())])
    *_, last = (each for each in events(stream) if each.get("type") != "message_stop")
    assert (ends_of(whole, to), ends_of(last, to)) == (reason, reason)


@pytest.mark.parametrize(("to", "reason"), list(zip(CODECS, ENDS[0][1:], strict=True)))
def test_a_stream_of_which_nobody_said_why_it_ended_tells_what_a_whole_answer_does(to: Dialect, reason: Any) -> None:
    """A client that waits for the reason does not take the answer for one that broke off."""
    encoder = CODECS[to].stream_encoder(opening(is_usage_asked=False))
    said: list[StreamEvent] = [Begun(), PartBegun(index=0, part=Text(text="Hi")), PartEnded(index=0)]
    stream = b"".join([*map(encoder.feed, said), encoder.finish(Usage())])
    *_, last = (each for each in events(stream) if each.get("type") != "message_stop")
    assert ends_of(last, to) == reason


REASONS: dict[Dialect, dict[str, Stop]] = {
    "openai_chat": {
        "stop": "end",
        "length": "limit",
        "tool_calls": "tool_use",
        "function_call": "tool_use",
        "content_filter": "filtered",
        "sensitive": "filtered",
        "model_length": "context_full",
        "insufficient_system_resource": "limit",
        "network_error": "limit",
        "error": "limit",
        "of_tomorrow": "end",
    },
    "anthropic_messages": {
        "end_turn": "end",
        "stop_sequence": "stop_sequence",
        "max_tokens": "limit",
        "model_context_window_exceeded": "context_full",
        "tool_use": "tool_use",
        "refusal": "refusal",
        "pause_turn": "paused",
        "compaction": "compaction",
        "of_tomorrow": "end",
    },
    "gemini_generate": {
        "STOP": "end",
        "NO_IMAGE": "end",
        "MAX_TOKENS": "limit",
        "CONTINUATION": "limit",
        "MALFORMED_RESPONSE": "limit",
        "MISSING_THOUGHT_SIGNATURE": "bad_tool_call",
        "MALFORMED_FUNCTION_CALL": "bad_tool_call",
        "UNEXPECTED_TOOL_CALL": "bad_tool_call",
        "TOO_MANY_TOOL_CALLS": "bad_tool_call",
        "SAFETY": "filtered",
        "MODEL_ARMOR": "filtered",
        "OF_TOMORROW": "end",
    },
}
"""Why an answer ended, in the words of upstreams."""


@pytest.mark.parametrize(
    ("dialect", "word", "stop"),
    [(dialect, word, stop) for dialect, reasons in REASONS.items() for word, stop in reasons.items()],
)
def test_why_an_answer_ended_is_read_in_every_dialect(dialect: Dialect, word: str, stop: Stop) -> None:
    """Whole and as a stream; what nobody knows is an end."""
    match dialect:
        case "openai_chat":
            answer: dict[str, Any] = {"choices": [{"message": {"content": "Hi"}, "finish_reason": word}]}
            last: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": word}]}
        case "anthropic_messages":
            answer = {"content": [], "stop_reason": word}
            last = {"type": "message_delta", "delta": {"stop_reason": word}}
        case _:
            answer = last = {"candidates": [{"finishReason": word}]}
    [whole] = CODECS[dialect].decode_answer(json.dumps(answer).encode()).choices
    stream = [event for read in read_each(dialect, last) for event in read]
    assert (whole.stop, stream[-1]) == (stop, Stopped(stop=stop))


@pytest.mark.parametrize(
    ("asked_for", "sent", "is_deployment", "names"),
    [
        ("gpt-5", "prod", True, ("top_p",)),
        ("best", "gpt-5", True, ("top_p",)),
        ("best", "gpt-5", False, ("top_p",)),
        ("gpt-5", "prod", False, ()),
        ("gpt-5", "gpt-4o", True, ()),
        ("best", "prod", True, ()),
    ],
)
def test_a_deployment_that_does_not_show_its_model_is_what_the_customer_asked_for(
    asked_for: str, sent: str, is_deployment: bool, names: tuple[str, ...]
) -> None:
    """The request names the deployment all the same. A model that reasons takes no ``top_p``."""
    made = asked("anthropic_messages", {"model": asked_for, "max_tokens": 9, "top_p": 0.5, "messages": QUESTION})
    translation = Translation(made, "openai_chat", sent, is_deployment=is_deployment)
    assert translation.dropped == names
    assert json.loads(translation.prepare(made, sent).body())["model"] == sent


@pytest.mark.parametrize("dialect", CODECS)
def test_an_event_too_deep_to_be_read_says_nothing(dialect: Dialect) -> None:
    """Whatever an upstream adds beside an answer."""
    deep = b'data: {"type":"of_tomorrow","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"
    assert list(CODECS[dialect].stream_decoder().feed(deep)) == []


SOUND, FILE = Audio(source=Inline("audio/wav", "aGk=")), File(source=Inline("application/pdf", "aGk="))
DRAWN_ELSEWHERE = Image(source=Link("https://a.example/b.png", "image/png"))
SIGNED = Text(text="Hi", seal=Seal("gemini_generate", "U0lH"))


def content_of(part: Part, to: Dialect) -> Any:
    """Return what a whole answer of *part* alone holds in *to*."""
    answer = Answer(model="m", choices=(Choice(parts=(part,), stop="end"),))
    written = json.loads(CODECS[to].encode_answer(answer, Usage(), opening()))
    match to:
        case "openai_chat":
            message = written["choices"][0]["message"]
            return {name: message[name] for name in ("content", "images") if name in message}
        case "gemini_generate":
            return written["candidates"][0]["content"]["parts"]
    return written["output" if to == "openai_responses" else "content"]


@pytest.mark.parametrize(
    ("part", "to", "content"),
    [
        (SOUND, "openai_chat", {"content": None}),
        (SOUND, "openai_responses", []),
        (SOUND, "anthropic_messages", []),
        (SOUND, "gemini_generate", [{"inlineData": {"mimeType": "audio/wav", "data": "aGk="}}]),
        (FILE, "openai_chat", {"content": None}),
        (FILE, "openai_responses", []),
        (FILE, "anthropic_messages", []),
        (FILE, "gemini_generate", [{"inlineData": {"mimeType": "application/pdf", "data": "aGk="}}]),
        (
            DRAWN_ELSEWHERE,
            "openai_chat",
            {"content": None, "images": [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]},
        ),
        (DRAWN_ELSEWHERE, "openai_responses", []),
        (
            DRAWN_ELSEWHERE,
            "anthropic_messages",
            [{"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}],
        ),
        (
            DRAWN_ELSEWHERE,
            "gemini_generate",
            [{"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b.png"}}],
        ),
        (SIGNED, "openai_chat", {"content": "Hi"}),
        (SIGNED, "anthropic_messages", [{"type": "text", "text": "Hi"}]),
        (SIGNED, "gemini_generate", [{"text": "Hi", "thoughtSignature": "U0lH"}]),
    ],
)
def test_a_part_of_an_answer_is_written_where_the_dialect_has_a_form_for_it(
    part: Part, to: Dialect, content: Any
) -> None:
    """Elsewhere it is left out, as docs/dialects.md says."""
    assert content_of(part, to) == content


@pytest.mark.parametrize(
    ("to", "member", "turns"),
    [
        ("anthropic_messages", "messages", [{"role": "user", "content": [{"type": "text", "text": "Sing."}]}]),
        ("gemini_generate", "contents", [{"role": "user", "parts": [{"text": "Sing."}]}]),
    ],
)
def test_a_talk_of_system_text_alone_is_told_as_the_users(to: Dialect, member: str, turns: list[Any]) -> None:
    """OpenAI answers it, the others want a turn to answer."""
    made = asked("openai_chat", {"model": "m", "messages": [{"role": "system", "content": "Sing."}]})
    body = json.loads(Translation(made, to, "m").prepare(made, "m").body())
    assert body[member] == turns
    assert not body.keys() & {"system", "systemInstruction"}


def test_an_answer_that_nobody_can_put_into_other_words_is_broken() -> None:
    """Choices that are no list: a native customer gets them as they are, and no other anything made up."""
    made = asked("anthropic_messages", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]})
    with pytest.raises(UpstreamBrokenError, match="can't be translated"):
        Translation(made, "openai_chat", "m").read_body(made, b'{"choices":"Hi"}')


def test_only_plain_names_are_told_of_what_was_left_out() -> None:
    """They go into a header, and customers choose the names of unknown fields."""
    strange = {"a\r\nset-cookie: b": 1, "n" * 65: 1, "名": 1, "plain_name": 1}
    made = asked("openai_chat", {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **strange})
    assert Translation(made, "anthropic_messages", "claude-x").dropped == ("plain_name",)


class Kept(dict[str, Seal]):
    """Seals by the id of their call."""

    def remember(self, call_id: str, seal: Seal) -> None:
        self[call_id] = seal

    def recall(self, call_id: str) -> Seal | None:
        return self.get(call_id)


def test_a_seal_that_comes_within_a_call_is_remembered() -> None:
    """Google's chat form tells it in a piece of the call; in a stream it may be any."""
    kept, made = (
        Kept(),
        asked("anthropic_messages", {"model": "m", "max_tokens": 9, "messages": QUESTION, "stream": True}),
    )
    reader = Translation(made, "openai_chat", "m", kept).stream_reader(made)
    for piece in (
        {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}, "extra_content": {"google": {"thought_signature": "CiQB"}}},
    ):
        chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
        reader.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    assert kept == {"call_1": Seal("gemini_generate", "CiQB")}


def test_the_seals_of_a_whole_answer_are_remembered_and_told_again() -> None:
    """By the id of the call, where the client sends it back without."""
    kept, made = Kept(), asked("openai_chat", {"model": "m", "messages": QUESTION})
    call = {"functionCall": {"id": "call_1", "name": "f", "args": {}}, "thoughtSignature": "CiQB"}
    answer = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
    Translation(made, "gemini_generate", "gemini-3-pro", kept).read_body(made, json.dumps(answer).encode())
    assert kept == {"call_1": Seal("gemini_generate", "CiQB")}
    said = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "1"}
    talk = [*QUESTION, {"role": "assistant", "tool_calls": [said]}, result]
    again = asked("openai_chat", {"model": "m", "messages": talk})
    sent = Translation(again, "gemini_generate", "gemini-3-pro", kept).prepare(again, "gemini-3-pro")
    assert json.loads(sent.body())["contents"][1]["parts"] == [call]


@pytest.mark.parametrize(
    ("to", "name", "figures"),
    [
        ("openai_responses", "usage", {"input_tokens": 11, "output_tokens": 2}),
        ("anthropic_messages", "usage", {"input_tokens": 12, "output_tokens": 2}),
        ("gemini_generate", "usageMetadata", {"promptTokenCount": 10, "candidatesTokenCount": 2}),
    ],
)
def test_a_customer_is_told_an_estimate_where_the_upstream_gives_no_figures(
    to: Dialect, name: str, figures: dict[str, int]
) -> None:
    """Whole and as a stream: what the request likely has, and two tokens for the word."""
    made = asked(to, OPENINGS[to] if to == "gemini_generate" else {**OPENINGS[to], "stream": True})
    translation = Translation(made, "openai_chat", "m")
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    whole = json.loads(translation.read_body(made, json.dumps({"choices": [choice]}).encode()).answer or b"")
    reader = translation.stream_reader(made)
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}]}
    reader.feed(b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(chunk).encode())
    *_, last = (each for each in events(reader.end) if each.get("type") != "message_stop")
    assert figures.items() <= whole[name].items()
    assert figures.items() <= last.get("response", last)[name].items()


def test_a_seal_that_a_client_brings_counts_before_one_that_is_remembered() -> None:
    """It knows which call it means."""
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    brought = {**call, "extra_content": {"google": {"thought_signature": "DiQB"}}}
    turns = [*QUESTION, {"role": "assistant", "content": None, "tool_calls": [brought]}]
    made = asked("openai_chat", {"model": "m", "messages": turns})
    translation = Translation(made, "gemini_generate", "m", Kept(call_1=Seal("gemini_generate", "CiQB")))
    assert b'"thoughtSignature":"DiQB"' in translation.prepare(made, "m").body()


@pytest.mark.parametrize(
    ("to", "member"), [("anthropic_messages", b'"input":'), ("gemini_generate", b'"args":')], ids=["claude", "gemini"]
)
@pytest.mark.parametrize("written", ['{"a": 1.0, "b": [ ]}', '{"a":1e2,"a":12345678901234567890123}'])
def test_the_arguments_of_past_calls_are_passed_on_unread(to: Dialect, member: bytes, written: str) -> None:
    """Where they are an object, to the byte: their text may hold millions of values, which nobody has counted."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": f" {written}\n"}}
    result = {"role": "tool", "tool_call_id": "c", "content": "ok"}
    turns = [*QUESTION, {"role": "assistant", "content": None, "tool_calls": [call]}, result]
    made = asked("openai_chat", {"model": "m", "messages": turns})
    assert member + written.encode() + b"}" in Translation(made, to, "m").prepare(made, "m").body()


def test_what_only_one_dialect_can_answer_is_refused_by_name() -> None:
    """Spoken output exists in chat alone."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "audio": {"voice": "alloy", "format": "mp3"}}
    with pytest.raises(NotCarriedError) as refused:
        Translation(asked("openai_chat", body), "anthropic_messages", "claude-x")
    assert (refused.value.param, refused.value.params) == ("audio", {"dialect": "anthropic_messages"})


BEGUN = {
    "type": "message_start",
    "message": {"id": "m", "model": "c", "usage": {"input_tokens": 3, "output_tokens": 1}},
}
SAID = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Oi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]


@pytest.mark.parametrize("to", ["openai_chat", "openai_responses", "gemini_generate"])
@pytest.mark.parametrize(
    ("events", "text"), [(SAID, "Oi"), ([BEGUN, BEGUN, *SAID], "Oi"), (SAID[3:], ""), (SAID[4:], "")],
    ids=["without its beginning", "begun twice", "without a block", "nothing but its end"],
)  # fmt: skip
def test_a_stream_that_is_not_begun_in_order_is_for_its_customer(
    to: Dialect, events: list[dict[str, Any]], text: str
) -> None:
    """Whole events, the first of them the beginning, which comes once."""
    native = RULES["anthropic_messages"].stream_reader(exchange("anthropic_messages"))
    decoder, encoder = CODECS["anthropic_messages"].stream_decoder(), CODECS[to].stream_encoder(opening())
    reader = TranslatedReader(native, decoder, encoder, 1)
    stream = reader.feed(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events))
    stream += reader.finish() + reader.end
    customer, decoder = RULES[to].stream_reader(exchange(to)), CODECS[to].stream_decoder()
    customer.feed(stream)
    customer.finish()
    assert customer.is_ended
    assert stream.count(b"event: response.created") == (to == "openai_responses")
    told = [said for event in Splitter().feed(stream) for said in decoder.feed(event)]
    assert isinstance(told[0], Begun)
    assert "".join(said.text for said in told if isinstance(said, Delta)) == text


def tools_of(dialect: Dialect, schema: Any) -> list[dict[str, Any]]:
    """Return the tools of a request, one, whose arguments *schema* describes."""
    named = {"name": "f"}
    match dialect:
        case "anthropic_messages":
            return [{**named, "input_schema": schema}]
        case "gemini_generate":
            return [{"functionDeclarations": [{**named, "parameters": schema}]}]
        case "openai_responses":
            return [{"type": "function", **named, "parameters": schema}]
        case _:
            return [{"type": "function", "function": {**named, "parameters": schema}}]


NOTHING = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("dialect", "schema", "to", "written"),
    [
        ("anthropic_messages", {"type": "object"}, "openai_chat", NOTHING),
        ("anthropic_messages", {"type": "object"}, "openai_responses", NOTHING),
        ("gemini_generate", {"type": "OBJECT"}, "openai_chat", NOTHING),
        ("gemini_generate", {"type": "OBJECT"}, "openai_responses", NOTHING),
        ("openai_chat", {}, "anthropic_messages", NOTHING),
        ("openai_chat", None, "anthropic_messages", NOTHING),
        ("openai_responses", None, "anthropic_messages", NOTHING),
        ("openai_responses", None, "openai_chat", None),
        ("openai_chat", {}, "openai_responses", NOTHING),
    ],
)
def test_a_tool_without_arguments_is_told_as_each_takes_it(
    dialect: Dialect, schema: Any, to: Dialect, written: Any
) -> None:
    """OpenAI wants members to be named, were there none, and Claude the type."""
    body = {**OPENINGS[dialect], "tools": tools_of(dialect, schema)}
    told = json.loads(
        bytes(CODECS[to].encode_request(CODECS[dialect].decode_request(asked(dialect, body))).fields["tools"])
    )
    expected = tools_of(to, written)[0]
    tool = told[0]
    tool.pop("strict", None)
    if written is None:
        del expected["function"]["parameters"]
    assert tool == expected
