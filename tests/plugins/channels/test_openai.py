from fractions import Fraction
from typing import Any

import msgspec
import pytest

from relay import BadRequestError, ChannelRequest, ChannelSection, Dialect
from relay.core.exchange import Operation
from relay.plugins.channels.openai import OpenAI, OpenAIConfig
from tests.services import services


def channel(base_url: str | None = None) -> OpenAI:
    section = ChannelSection(name="one", use="channels.openai", base_url=base_url, models=("m",), groups=("g",))
    return OpenAI(OpenAIConfig(), services(), section)


def request(headers: dict[str, str] | None = None, operation: Operation = "chat") -> ChannelRequest:
    return ChannelRequest(
        model="m",
        dialect="embeddings" if operation == "embeddings" else "openai_chat",
        operation=operation,
        fields={"model": msgspec.Raw(b'"m"'), "seed": msgspec.Raw(b"1e3")},
        headers=headers or {},
        stream=False,
    )


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("https://up.example", "https://up.example/v1/chat/completions"),
        ("https://up.example/", "https://up.example/v1/chat/completions"),
        ("https://up.example/v1", "https://up.example/v1/chat/completions"),
        ("https://up.example/v1/", "https://up.example/v1/chat/completions"),
        ("https://up.example/v1/chat/completions", "https://up.example/v1/chat/completions"),
        ("https://up.example/api", "https://up.example/api/v1/chat/completions"),
        ("https://up.example/paas/v4/chat/completions", "https://up.example/paas/v4/chat/completions"),
    ],
)
def test_base_url_may_be_written_three_ways(base_url: str | None, url: str) -> None:
    """Without /v1, with it, or as the whole endpoint: one address comes of it."""
    assert channel(base_url).build(request(), "sk-up").url == url


def test_embeddings_have_their_own_path_beside_a_chat_endpoint() -> None:
    """A base written as the chat endpoint serves embeddings as well."""
    built = channel("https://up.example/v1/chat/completions").build(request(operation="embeddings"), "sk-up")
    assert built.url == "https://up.example/v1/embeddings"


@pytest.mark.parametrize(
    ("operation", "path"), [("chat", ""), ("count_tokens", "/input_tokens"), ("compact", "/compact")]
)
def test_what_responses_offers_stands_beneath_it(operation: Operation, path: str) -> None:
    """Whichever way the base is written."""
    asked = request(operation=operation)
    asked.dialect = "openai_responses"
    built = channel("https://up.example/v1/responses").build(asked, "sk-up")
    assert built.url == f"https://up.example/v1/responses{path}"


def test_a_kept_answer_is_asked_for_by_its_id_and_without_a_body() -> None:
    """With the method and the parameters that go with it."""
    asked = ChannelRequest(
        dialect="openai_responses",
        operation="kept_answer",
        model="m",
        fields={},
        headers={},
        stream=False,
        method="DELETE",
        subpath="/resp_1",
        query="a=b",
    )
    built = channel("https://up.example").build(asked, "sk-up")
    assert (built.method, built.url, built.body) == ("DELETE", "https://up.example/v1/responses/resp_1?a=b", b"")


def test_body_and_headers_are_the_requests_own_with_our_key() -> None:
    """Field for field the same bytes; the key is the channel's, whatever was there before."""
    built = channel().build(request({"authorization": "Bearer sk-customer", "openai-beta": "x"}), "sk-up")
    assert (built.method, built.body) == ("POST", b'{"model":"m","seed":1e3}')
    assert built.headers == {
        "openai-beta": "x",
        "content-type": "application/json",
        "authorization": "Bearer sk-up",
    }


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\0b", "é", "\x7f"])
def test_header_that_would_not_travel_is_a_bad_request(value: str) -> None:
    """CR, LF, NUL and what is not ASCII are refused with the header's name (field/reliability.md 3, row 43)."""
    with pytest.raises(BadRequestError) as caught:
        channel().build(request({"openai-beta": value}), "sk-up")
    assert (caught.value.reason, caught.value.param) == ("invalid_header", "openai-beta")


@pytest.mark.parametrize(("reasoning_in_output", "is_beside"), [(True, False), (False, True)])
def test_reasoning_that_output_leaves_out_is_told_to_core(reasoning_in_output: bool, is_beside: bool) -> None:
    """The setting of xAI's and Gemini's channels reaches whoever reads their usage."""
    section = ChannelSection(name="one", use="channels.openai", models=("m",), groups=("g",))
    config = OpenAIConfig(reasoning_in_output=reasoning_in_output)
    assert OpenAI(config, services(), section).is_reasoning_beside_output is is_beside


@pytest.mark.parametrize(
    ("base_url", "told", "dialects"),
    [
        (None, (), OpenAI.dialects),
        ("https://api.openai.com/v1", (), OpenAI.dialects),
        (
            "https://up.example",
            (),
            ("openai_chat", "openai_completions", "embeddings", "images", "audio", "moderations", "rerank"),
        ),
        ("https://up.example", ("openai_responses",), ("openai_responses",)),
    ],
)
def test_whoever_copies_openai_speaks_responses_only_if_the_profile_says_so(
    base_url: str | None, told: tuple[Dialect, ...], dialects: tuple[Dialect, ...]
) -> None:
    """Few have copied it; OpenAI itself always speaks it."""
    section = ChannelSection(name="one", use="x", base_url=base_url, models=("m",), groups=("g",), dialects=told)
    assert OpenAI(OpenAIConfig(), services(), section).dialects == dialects


def test_a_dialect_the_plugin_cannot_speak_is_named() -> None:
    """A slip of the profile's, found at the start."""
    section = ChannelSection(name="one", use="x", models=("m",), groups=("g",), dialects=("gemini_generate",))
    with pytest.raises(ValueError, match=r"dialects: expected some of openai_chat, .*, found 'gemini_generate'"):
        OpenAI(OpenAIConfig(), services(), section)


def chat_body(config: OpenAIConfig, body: bytes) -> bytes:
    """Return what is sent of a chat with *body*."""
    section = ChannelSection(name="one", use="x", base_url="https://up.example", models=("m",), groups=("g",))
    asked = request()
    asked.fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return OpenAI(config, services(), section).build(asked, "sk-up").body


@pytest.mark.parametrize(
    ("sent", "goes_on"),
    [
        (b'{"messages":[],"max_completion_tokens":1e1}', b'{"messages":[],"max_tokens":1e1}'),
        (b'{"messages":[],"max_tokens":5}', b'{"messages":[],"max_tokens":5}'),
        (b'{"messages":[],"max_completion_tokens":7,"max_tokens":5}', b'{"messages":[],"max_tokens":5}'),
        (b'{"messages":[],"max_completion_tokens":7,"max_tokens":null}', b'{"messages":[],"max_tokens":7}'),
        (b'{"messages":[],"max_completion_tokens":null}', b'{"messages":[]}'),
        (b'{"messages":[]}', b'{"messages":[]}'),
    ],
)
def test_the_most_output_is_told_under_the_one_name_known(sent: bytes, goes_on: bytes) -> None:
    """Its own name comes first where a customer used both."""
    assert chat_body(OpenAIConfig(output_limit="max_tokens"), sent) == goes_on


@pytest.mark.parametrize(
    ("sent", "goes_on"),
    [
        (
            b'[{"role":"developer","content": "a"},{"role": "user","content":"developer"}]',
            b'[{"role":"system","content":"a"},{"role":"user","content":"developer"}]',
        ),
        (b'[{"content":"developer"}, {"role":1}]', b'[{"content":"developer"}, {"role":1}]'),
        (b'[{"role": "user", "content": "hi"}]', b'[{"role": "user", "content": "hi"}]'),
        (b'["developer", {"role":"developer"}]', b'["developer", {"role":"developer"}]'),
        (b'"developer"', b'"developer"'),
    ],
)
def test_a_developer_speaks_as_the_system_where_nobody_knows_the_role(sent: bytes, goes_on: bytes) -> None:
    """Nothing else changes, and what are no messages goes on as it came."""
    sent_body = chat_body(OpenAIConfig(developer_role=False), b'{"messages":' + sent + b"}")
    assert msgspec.json.decode(sent_body) == {"messages": msgspec.json.decode(goes_on)}


@pytest.mark.parametrize(
    ("sent", "goes_on"),
    [
        (
            b'[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id": "c"}]}]',
            b'[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id": "c"}],"reasoning_content":""}]',
        ),
        (
            b'[{"role":"assistant","tool_calls":[{}],"reasoning_content":"so"}]',
            b'[{"role":"assistant","tool_calls":[{}],"reasoning_content":"so"}]',
        ),
        (
            b'[{"role":"assistant","tool_calls":[{}],"reasoning_content":null}]',
            b'[{"role":"assistant","tool_calls":[{}],"reasoning_content":""}]',
        ),
        (b'[{"role":"assistant","tool_calls":null}]', b'[{"role":"assistant","tool_calls":null}]'),
        (b'[{"role":"developer","content":"a"}]', b'[{"role":"developer","content":"a"}]'),
    ],
)
def test_thinking_that_a_client_dropped_is_said_to_be_empty_where_it_is_needed(sent: bytes, goes_on: bytes) -> None:
    """Beside tool calls alone."""
    sent_body = chat_body(OpenAIConfig(reasoning_content_default=""), b'{"messages":' + sent + b"}")
    assert msgspec.json.decode(sent_body) == {"messages": msgspec.json.decode(goes_on)}


@pytest.mark.parametrize("said", [b"", b',"reasoning_content":null', b',"reasoning_content":""'])
def test_empty_thinking_is_a_blank_where_that_is_taken_for_none(said: bytes) -> None:
    """As by Moonshot."""
    sent = b'{"messages":[{"role":"assistant","tool_calls":[{}]%b}]}'
    assert chat_body(OpenAIConfig(reasoning_content_default=" "), sent % said) == sent % b',"reasoning_content":" "'


@pytest.mark.parametrize(
    ("sent", "goes_on"),
    [
        (
            b'[{"role":"assistant","tool_calls":[{"id":"call_1","x":1e3},{"id":"D681PevKs"},{}]},'
            b'{"role":"tool","tool_call_id":"call_1","content":"a"},{"role":"tool","tool_call_id":"D681PevKs"}]',
            b'[{"role":"assistant","tool_calls":[{"id":"OQMW7ZZOJ","x":1e3},{"id":"D681PevKs"},{}]},'
            b'{"role":"tool","tool_call_id":"OQMW7ZZOJ","content":"a"},{"role":"tool","tool_call_id":"D681PevKs"}]',
        ),
        (
            b'[{"role":"assistant","tool_calls":null},{"role":"tool","tool_call_id":null}]',
            b'[{"role":"assistant","tool_calls":null},{"role":"tool","tool_call_id":null}]',
        ),
        (b'[{"tool_calls":[{"id":"D681PevKsX"}]}]', b'[{"tool_calls":[{"id":"TQAPM3N2Q"}]}]'),
        (b'[{"tool_calls":[{"id":5}]}]', b'[{"tool_calls":[{"id":5}]}]'),
        (b'[{"tool_calls":"a"}]', b'[{"tool_calls":"a"}]'),
    ],
)
def test_calls_get_ids_of_nine_letters_and_digits_where_no_others_are_known(sent: bytes, goes_on: bytes) -> None:
    """A call and its result get the same one; what fits already stays."""
    assert chat_body(OpenAIConfig(nine_character_call_ids=True), b'{"messages":' + sent + b"}") == (
        b'{"messages":' + goes_on + b"}"
    )


def test_what_the_upstream_refuses_is_left_out_and_lowered() -> None:
    """Every other field stays byte for byte."""
    config = OpenAIConfig(refused_fields=("logprobs", "stream_options"), at_most={"temperature": Fraction(1)})
    sent = b'{"messages": [ ],"logprobs":true,"temperature":2.0,"seed":1e3,"stream_options":{"include_usage":true}}'
    assert chat_body(config, sent) == b'{"messages":[ ],"temperature":1,"seed":1e3}'


def test_other_endpoints_are_no_chats() -> None:
    """Settings of chats leave a ranking or an embedding alone."""
    section = ChannelSection(name="one", use="x", base_url="https://up.example", models=("m",), groups=("g",))
    asked = request(operation="embeddings")
    asked.fields["user"] = msgspec.Raw(b'"u"')
    built = OpenAI(OpenAIConfig(refused_fields=("user",)), services(), section).build(asked, "sk-up")
    assert built.body == b'{"model":"m","seed":1e3,"user":"u"}'


@pytest.mark.parametrize(
    "settings", [{"refused_fields": ("stream",)}, {"at_most": {"n": Fraction(1)}}, {"at_most": {"x": Fraction(1, 3)}}]
)
def test_what_prices_rest_on_is_no_setting(settings: dict[str, Any]) -> None:
    """As for transforms.parameters; and a bound must be a number that JSON has."""
    with pytest.raises(ValueError, match=r"'(stream|n)' cannot be left out|must be a plain decimal"):
        OpenAIConfig(**settings)
