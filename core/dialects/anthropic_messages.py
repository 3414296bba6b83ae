"""Anthropic's messages, spoken by Claude Code and by channels to Anthropic itself, Vertex and relays."""

from collections.abc import Mapping

import msgspec

from ..errors import BadRequestError, NotCarriedError, RelayError, UpstreamStatusError
from ..exchange import ChannelRequest, Continued, Dialect, Exchange, Operation
from ..failures import CONTEXT_CODE
from ..transport import check_forwarded_headers
from .anthropic_answer import MessagesStreamReader, read_message_body
from .common_rules import CommonRules
from .dearer import refuse_dearer
from .dialect import Asked, BodyReading
from .fields import (
    Fields,
    is_given,
    missing_field,
    read_bool,
    read_int,
    read_model,
    read_nested,
    read_object,
    read_optional_text,
)
from .further import check_fallbacks, further_models
from .kinds import MESSAGES, TURNS, check_kinds, check_needed
from .meaning import Meaning, code_of, meaning_of, param_of
from .turns import MESSAGES as TALK
from .turns import check_turns

FORWARDED_HEADERS = ("anthropic-version", "anthropic-beta")
"""A gateway must pass them on unchanged. Source: code.claude.com llm-gateway, by DIALECTS 1, read 2026-11-23."""
DEFAULT_VERSION = "2023-06-01"

TOO_LONG = "prompt is too long"
"""The words on which Claude Code compacts a conversation (wire/DIALECTS.md 7.2), whichever upstream refused it."""
_TYPES: Mapping[Meaning, str] = {
    "bad_request": "invalid_request_error",
    "bad_key": "authentication_error",
    "no_money": "billing_error",
    "not_allowed": "permission_error",
    "not_found": "not_found_error",
    "repeated": "invalid_request_error",
    "too_large": "request_too_large",
    "too_many": "rate_limit_error",
    "fault": "api_error",
    "overloaded": "overloaded_error",
    "time_out": "timeout_error",
}


class AnthropicMessages(CommonRules):
    """Rules of ``POST /v1/messages``; see `DialectRules`."""

    name: Dialect = "anthropic_messages"
    operation: Operation = "chat"
    path = "/v1/messages"
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        exchange.model = read_model(fields)
        check_needed(fields, "messages", TURNS)
        check_kinds(fields, MESSAGES)
        check_turns(fields, "messages", TALK)
        refuse_dearer(fields)
        exchange.further_models = further_models(fields)
        exchange.stream = read_bool(fields, "stream")
        # 0 asks only to cache the prompt: anthropic-sdk-python 2.12.0 MessageCreateParams, read 2026-11-30.
        exchange.output_tokens_asked = read_int(fields, "max_tokens", least=0)
        if exchange.output_tokens_asked is None:
            raise missing_field("max_tokens")
        check_fallbacks(fields, exchange.output_tokens_asked)
        read_thread(exchange, fields)
        # Checked now, not when they are sent: nothing may be held for a request that can't be sent.
        check_forwarded_headers(_forwarded_headers(exchange))
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: its own model name, and the headers that say which API is meant."""
        headers = {"anthropic-version": DEFAULT_VERSION, **_forwarded_headers(exchange)}
        return self.pass_on(exchange, model_sent, headers=headers)

    def stream_reader(self, exchange: Exchange) -> MessagesStreamReader:
        return MessagesStreamReader(exchange, **_asked(exchange.fields))

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        return read_message_body(exchange, body, **_asked(exchange.fields))

    def render_error(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the body of an error answer; ``code`` is our addition, beside the vendor's ``type``."""
        param = param_of(error) if isinstance(error, BadRequestError) else None
        message = text if param is None or param in text else f"{param}: {text}"
        if code_of(error) == CONTEXT_CODE and TOO_LONG not in message:
            message = f"{TOO_LONG}: {message}"
        fields: dict[str, object] = {"type": _type_of(error), "message": message, "code": code_of(error)}
        if (thread_code := _thread_code_of(error)) is not None:
            fields["details"] = {"error_code": thread_code}
        return msgspec.json.encode({"type": "error", "error": fields, "request_id": request_id})

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        return b"event: error\ndata: " + self.render_error(error, text, request_id) + b"\n\n"


def read_thread(exchange: Exchange, fields: dict[str, msgspec.Raw]) -> None:
    """Note which message the request continues, if it belongs to a thread, a conversation that the upstream keeps.

    The thread is encoded again, so that no second spelling of the same member names another message.

    Source: field/clients.md; anthropics/anthropic-sdk-python types/beta/beta_thread_continue_params.py,
    read 2026-11-24.
    """
    thread = read_nested(fields, "thread")
    if thread is None:
        return
    fields["thread"] = msgspec.Raw(msgspec.json.encode(thread))
    param = "thread.previous_message_id"
    try:
        continued_id = read_optional_text(thread, "previous_message_id")
    except BadRequestError as exc:
        raise BadRequestError(param=param) from exc
    if continued_id is not None:
        exchange.continued = Continued(param, continued_id)
        exchange.has_unseen_input = True


def _asked(fields: Fields) -> Asked:
    """Return what is asked for; the upstream keeps the answer only as part of a thread."""
    is_thinking = is_given(fields, "thinking") and b'"disabled"' not in bytes(fields["thinking"])
    return {"thinking_asked": is_thinking, "is_kept": is_given(fields, "thread")}


def _thread_code_of(error: RelayError) -> str | None:
    """Return the code that the SDK needs if a thread can't go on: it then sends all messages, or uses no thread.

    Source: anthropics/anthropic-sdk-python lib/threads/_thread_state.py, read 2026-11-24.
    """
    if code_of(error) == "unknown_answer":
        return "thread_not_found"
    if isinstance(error, NotCarriedError) and error.param == "thread":
        return "thread_unsupported_request"
    return code_of(error) if code_of(error).startswith("thread_") else None


def _forwarded_headers(exchange: Exchange) -> dict[str, str]:
    return {name: exchange.headers[name] for name in FORWARDED_HEADERS if name in exchange.headers}


def _type_of(error: RelayError) -> str:
    """Return the vendor's type: the upstream's own word on the customer's request, if it is one."""
    if isinstance(error, UpstreamStatusError) and error.failure == "request" and error.error_type in _TYPES.values():
        return error.error_type
    return _TYPES[meaning_of(error)]
