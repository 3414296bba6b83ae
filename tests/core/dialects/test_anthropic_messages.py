"""Messages requests: what is read, what is refused by name, what is sent on, and how errors look."""

import json
from typing import Any

import pytest

from relay.core.dialects.anthropic_messages import AnthropicMessages
from relay.core.errors import (
    AuthenticationError,
    BadRequestError,
    BodyTooLargeError,
    InsufficientBalanceError,
    NoChannelError,
    NotAllowedError,
    NotCarriedError,
    NotFoundError,
    RelayError,
    UpstreamBrokenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from relay.core.exchange import Continued, Exchange
from tests.core.dialects.replay import exchange

RULES = AnthropicMessages()


def read(headers: dict[str, str] | None = None, **members: Any) -> Exchange:
    made = exchange("anthropic_messages", None, **(headers or {}))
    asked = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **members}
    RULES.read_request(made, json.dumps(asked).encode())
    return made


def test_a_request_is_read() -> None:
    """Model, stream and limit."""
    made = read(stream=True)
    assert (made.model, made.stream, made.output_tokens_asked, made.choice_count) == ("claude", True, 100, 1)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 5.0}, "max_tokens"),
        ({"messages": {}}, "messages"),
        ({"stream": 1}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": True}, "top_p"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """max_tokens is required by the API itself."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


@pytest.mark.parametrize(("members", "answer_id"), [({"thread": {}}, "msg_1"), ({"thread": None}, None), ({}, None)])
def test_an_answer_is_kept_only_in_a_thread(members: dict[str, Any], answer_id: str | None) -> None:
    """Which a field of null is not."""
    said = {"type": "message", "id": "msg_1", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
    assert RULES.read_body(read(**members), json.dumps(said).encode()).answer_id == answer_id


@pytest.mark.parametrize(
    ("thread", "sent", "continued"),
    [
        ('{"type": "create"}', '{"type":"create"}', None),
        ("null", "null", None),
        (
            '{"type":"conti\\u006eue","previous_message\\u005fid":"msg_1"}',
            '{"type":"conti\\u006eue","previous_message_id":"msg_1"}',
            Continued("thread.previous_message_id", "msg_1"),
        ),
        (
            '{"previous_message_id":"msg_1","previous_message_id":"msg_2"}',
            '{"previous_message_id":"msg_2"}',
            Continued("thread.previous_message_id", "msg_2"),
        ),
    ],
)
def test_the_message_that_a_thread_goes_on_from_is_the_one_that_is_sent(
    thread: str, sent: str, continued: Continued | None
) -> None:
    """However its name is spelt, and however often it stands there."""
    made = exchange("anthropic_messages", None)
    body = f'{{"model":"c","max_tokens":1,"messages":[{{"role":"user","content":"Hi"}}],"thread":{thread}}}'
    RULES.read_request(made, body.encode())
    assert (bytes(made.fields["thread"]).decode(), made.continued) == (sent, continued)
    assert made.has_unseen_input == (continued is not None)


@pytest.mark.parametrize(
    ("thread", "param"),
    [
        ("create", "thread"),
        ([], "thread"),
        ({"type": "continue", "previous_message_id": 7}, "thread.previous_message_id"),
    ],
)
def test_a_thread_that_cannot_be_is_refused_by_name(thread: object, param: str) -> None:
    """Before anything is asked or held."""
    with pytest.raises(BadRequestError) as refused:
        read(thread=thread)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("error", "status", "details"),
    [
        (NotFoundError("unknown_answer", param="x"), "not_found_error", {"error_code": "thread_not_found"}),
        (
            NotCarriedError(param="thread", dialect="openai_chat"),
            "invalid_request_error",
            {"error_code": "thread_unsupported_request"},
        ),
        (NotCarriedError(param="container", dialect="openai_chat"), "invalid_request_error", None),
        (
            UpstreamStatusError("request", 404, error_type="thread_not_found"),
            "not_found_error",
            {"error_code": "thread_not_found"},
        ),
    ],
)
def test_a_thread_that_cannot_go_on_is_told_in_the_sdks_words(
    error: RelayError, status: str, details: dict[str, str] | None
) -> None:
    """They make it send the talk whole."""
    told = json.loads(RULES.render_error(error, "words", "req_1"))["error"]
    assert (told["type"], told.get("details")) == (status, details)


def test_version_and_betas_travel_unchanged_and_nothing_else() -> None:
    """A gateway must forward them; keys and client names stay here."""
    made = read({"anthropic_version": "2026-10-21", "anthropic_beta": "a,b", "x_api_key": "sk-1", "x_app": "cli"})
    assert RULES.prepare(made, "claude").headers == {"anthropic-version": "2026-10-21", "anthropic-beta": "a,b"}


def test_a_request_without_version_gets_the_common_one() -> None:
    """The API refuses a request without."""
    assert RULES.prepare(read(), "claude").headers == {"anthropic-version": "2023-06-01"}


def test_only_the_models_name_changes_on_the_way() -> None:
    """Everything else as it came."""
    made = exchange("anthropic_messages")
    RULES.read_request(made, b'{"model":"claude","max_tokens":9,"messages":[{"role": "user"}],"x": [1 ]}')
    assert RULES.prepare(made, "claude-2").body() == (
        b'{"model":"claude-2","max_tokens":9,"messages":[{"role": "user"}],"x":[1 ]}'
    )


@pytest.mark.parametrize(
    ("thinking", "is_asked"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 9}, True),
        ({"type": "adaptive"}, True),
    ],
)
def test_thinking_that_was_asked_for_is_evidence(thinking: Any, is_asked: bool) -> None:
    """A claim for an empty answer may rest on it."""
    assert RULES.stream_reader(read(thinking=thinking)).evidence().thinking_asked is is_asked


@pytest.mark.parametrize(
    ("error", "error_type", "code"),
    [
        (BadRequestError(), "invalid_request_error", "bad_request"),
        (AuthenticationError(), "authentication_error", "invalid_api_key"),
        (InsufficientBalanceError(), "billing_error", "insufficient_user_quota"),
        (NotAllowedError(), "permission_error", "access_denied"),
        (NotFoundError(), "not_found_error", "unknown_endpoint"),
        (BodyTooLargeError(), "request_too_large", "request_too_large"),
        (NoChannelError(), "overloaded_error", "model_not_found"),
        (UpstreamStatusError("throttled", 429), "rate_limit_error", "upstream_throttled"),
        (UpstreamStatusError("key_dead", 401), "overloaded_error", "upstream_unavailable"),
        (UpstreamBrokenError(), "api_error", "upstream_error"),
        (UpstreamTimeoutError("idle"), "timeout_error", "upstream_timeout"),
        (
            UpstreamStatusError("request", 413, error_type="request_too_large"),
            "request_too_large",
            "request_too_large",
        ),
    ],
)
def test_an_error_has_anthropics_type_and_our_code(error: RelayError, error_type: str, code: str) -> None:
    """By the table of wire/DIALECTS.md 7.2."""
    assert RULES.render_error(error, "words", "req-1") == (
        f'{{"type":"error","error":{{"type":"{error_type}","message":"words","code":"{code}"}},'
        f'"request_id":"req-1"}}'.encode()
    )


@pytest.mark.parametrize(
    ("text", "message"), [("words", "max_tokens: words"), ("bad 'max_tokens'", "bad 'max_tokens'")]
)
def test_the_field_to_blame_is_named_in_the_message(text: str, message: str) -> None:
    """Anthropic's shape has no place for it."""
    body = json.loads(RULES.render_error(BadRequestError(param="max_tokens"), text, "req-1"))
    assert body["error"]["message"] == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Your input exceeds the context window", "prompt is too long: Your input exceeds the context window"),
        ("prompt is too long: 3 tokens > 2 maximum", "prompt is too long: 3 tokens > 2 maximum"),
    ],
)
def test_a_prompt_that_is_too_long_is_told_in_the_words_that_claude_code_looks_for(text: str, message: str) -> None:
    """Whoever found it so: Claude Code then compacts the talk (wire/DIALECTS.md 7.2)."""
    error = UpstreamStatusError("request", 400, error_type="context_length_exceeded")
    assert RULES.render_error(error, text, "req-1") == (
        f'{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}",'
        f'"code":"context_length_exceeded"}},"request_id":"req-1"}}'.encode()
    )


def test_an_error_event_is_named() -> None:
    """The SDKs need the event's name."""
    assert RULES.render_error_event(UpstreamBrokenError(), "words", "req-1") == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"words","code":"upstream_error"},'
        b'"request_id":"req-1"}\n\n'
    )


def test_keep_alives_are_pings() -> None:
    """As the vendor writes them."""
    assert RULES.keep_alive == b'event: ping\ndata: {"type": "ping"}\n\n'
