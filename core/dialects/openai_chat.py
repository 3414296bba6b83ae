"""OpenAI's chat completions, spoken by most customers and most upstreams."""

import msgspec

from ..errors import BadRequestError
from ..exchange import ChannelRequest, Dialect, Exchange, Operation
from .common_rules import CommonRules
from .dearer import refuse_dearer
from .dialect import BLANK_LINES, BodyReading
from .fields import Fields, read_bool, read_int, read_model, read_nested, read_object
from .kinds import CHAT, TURNS, check_kinds, check_needed
from .openai_chat_answer import CHOICES_MAX, ChatStreamReader, read_chat_body
from .openai_face import OpenAIFace
from .turns import MESSAGES, check_turns

_TRUE = msgspec.Raw(b"true")
_NO_THINKING = (b"null", b'"none"', b"false")


class OpenAIChat(OpenAIFace, CommonRules):
    """Rules of ``POST /v1/chat/completions``; see `DialectRules`.

    *is_reasoning_beside_output* says that the channel's ``completion_tokens`` do not include reasoning, as with xAI's
    chat and Gemini's OpenAI form (wire/DIALECTS.md 3.2).
    """

    name: Dialect = "openai_chat"
    operation: Operation = "chat"
    path = "/v1/chat/completions"
    keep_alive = BLANK_LINES

    def __init__(self, *, is_reasoning_beside_output: bool = False) -> None:
        self._is_reasoning_beside_output = is_reasoning_beside_output

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        exchange.model = read_model(fields)
        check_needed(fields, "messages", TURNS)
        check_kinds(fields, CHAT)
        check_turns(fields, "messages", MESSAGES)
        refuse_dearer(fields)
        exchange.stream = read_bool(fields, "stream")
        # Upstreams differ in which of the two they obey, so the larger counts.
        limits = [read_int(fields, name) for name in ("max_tokens", "max_completion_tokens")]
        exchange.output_tokens_asked = max((limit for limit in limits if limit is not None), default=None)
        exchange.choice_count = read_int(fields, "n", most=CHOICES_MAX) or 1
        read_stream_options(fields)
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: with its own name of the model, and asking for usage in streams."""
        request = super().prepare(exchange, model_sent)
        if exchange.stream:
            request.set(
                "stream_options", {**(read_nested(exchange.fields, "stream_options") or {}), "include_usage": _TRUE}
            )
        return request

    def stream_reader(self, exchange: Exchange) -> ChatStreamReader:
        return ChatStreamReader(
            exchange,
            thinking_asked=_is_thinking_asked(exchange.fields),
            is_usage_asked=_is_usage_asked(read_nested(exchange.fields, "stream_options") or {}),
            is_reasoning_beside_output=self._is_reasoning_beside_output,
        )

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        return read_chat_body(
            exchange,
            body,
            thinking_asked=_is_thinking_asked(exchange.fields),
            is_reasoning_beside_output=self._is_reasoning_beside_output,
        )


def read_stream_options(fields: dict[str, msgspec.Raw]) -> None:
    """Check ``stream_options`` before anything is sent, and encode them again, so that each member occurs once."""
    options = read_nested(fields, "stream_options")
    if options is not None:
        _is_usage_asked(options)
        fields["stream_options"] = msgspec.Raw(msgspec.json.encode(options))


def _is_usage_asked(options: Fields) -> bool:
    try:
        return read_bool(options, "include_usage")
    except BadRequestError as exc:
        raise BadRequestError(param="stream_options.include_usage") from exc


def _is_thinking_asked(fields: Fields) -> bool:
    """Say whether thinking was asked for, by any of the fields that upstreams read."""
    asked = (fields.get(name) for name in ("reasoning_effort", "reasoning", "thinking", "enable_thinking"))
    return any(raw is not None and bytes(raw) not in _NO_THINKING and b'"disabled"' not in bytes(raw) for raw in asked)
