"""Gemini's generateContent and its stream: the path holds the model and the method."""

from urllib.parse import parse_qsl, urlencode

import msgspec

from ..errors import BadRequestError, RelayError
from ..exchange import ChannelRequest, Dialect, Exchange, Operation
from .common_rules import CommonRules
from .dearer import refuse_dearer
from .dialect import BodyReading
from .fields import Fields, read_int, read_nested, read_object
from .gemini_answer import GeminiStreamReader, read_gemini_body
from .gemini_face import GeminiFace
from .kinds import GEMINI, GEMINI_CONFIG, GEMINI_THINKING, TURN_OR_TURNS, check_kinds, check_needed
from .turns import CONTENTS, check_turns

CHOICES_MAX = 8
_THINKING = frozenset({"thinkingConfig", "thinking_config"})
_EVENTS = ("alt", "sse")
_FRAMINGS = frozenset({_EVENTS, ("alt", "json"), ("$alt", "json;enum-encoding=int")})
"""The parameters of a query that go upstream.

Any other form (``alt=proto``, ``$alt=sse``) would bring an answer that relay can't read, for which it would blame the
channel.
"""


class GeminiGenerate(GeminiFace, CommonRules):
    """Rules of ``:generateContent`` and ``:streamGenerateContent``; see `DialectRules`.

    A stream has no error event, and no keep-alive that every client survives (wire/DIALECTS.md 2.7). So nothing is
    written while the upstream is silent, and a broken stream ends by breaking the connection.
    """

    name: Dialect = "gemini_generate"
    operation: Operation = "chat"
    keep_alive = b""

    def __init__(self, *, is_stream: bool) -> None:
        self._is_stream = is_stream
        self.path = f"/v1beta/models/{{model}}:{'streamGenerateContent' if is_stream else 'generateContent'}"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        config = read_config(fields)
        check_turns(fields, "contents", CONTENTS)
        refuse_dearer(fields)
        exchange.stream = self._is_stream
        exchange.output_tokens_asked = _read_config(config, "maxOutputTokens", "max_output_tokens")
        exchange.choice_count = _read_config(config, "candidateCount", "candidate_count", most=CHOICES_MAX) or 1
        exchange.has_unseen_input = bool(fields.keys() & {"cachedContent", "cached_content"})
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: the same body, and the framing that was asked for."""
        fields = dict(exchange.fields)
        name_model(fields, model_sent)
        return ChannelRequest(
            dialect=self.name,
            operation=self.operation,
            model=model_sent,
            query=urlencode([pair for pair in framing(exchange.query) if exchange.stream or pair != _EVENTS]),
            fields=fields,
            headers={},
            stream=exchange.stream,
        )

    def stream_type(self, exchange: Exchange) -> str:
        """Return the content type of a stream, as the query asks for it."""
        return "application/json" if is_array(exchange.query) else "text/event-stream"

    def stream_reader(self, exchange: Exchange) -> GeminiStreamReader:
        asked = _is_thinking_asked(exchange.fields)
        return GeminiStreamReader(exchange, thinking_asked=asked, is_array=is_array(exchange.query))

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        return read_gemini_body(exchange, body, thinking_asked=_is_thinking_asked(exchange.fields))

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return nothing: there is no such event, so the connection is broken instead."""
        return b""


def read_config(fields: Fields) -> Fields:
    """Return the members of ``generationConfig``, after checking the types of the request's fields."""
    check_needed(fields, "contents", TURN_OR_TURNS)
    check_kinds(fields, GEMINI)
    config = generation_config(fields)
    check_kinds(config, GEMINI_CONFIG, "generationConfig.")
    if config.keys() & _THINKING:
        check_kinds(_thinking_config(config), GEMINI_THINKING, "generationConfig.thinkingConfig.")
        _is_thinking_asked(fields)  # what can't be read must be refused now, not with the answer
    return config


def name_model(fields: dict[str, msgspec.Raw], model_sent: str) -> None:
    """If the body names a model as well as the path, make it the one that is paid for."""
    if "model" in fields:
        fields["model"] = msgspec.Raw(msgspec.json.encode(f"models/{model_sent}"))


def generation_config(fields: Fields) -> Fields:
    """Return the members of ``generationConfig``, in either spelling that the API takes."""
    return read_nested(fields, _spelt(fields, "generationConfig", "generation_config")) or {}


def _spelt(fields: Fields, camel: str, snake: str) -> str:
    """Return the spelling in which a field is present.

    Both are refused: relay might read the one, and the upstream the other.

    Raises:
        BadRequestError: Both are present; names the second.
    """
    if camel in fields and snake in fields:
        raise BadRequestError(param=snake)
    return camel if camel in fields else snake


def _read_config(config: Fields, camel: str, snake: str, *, most: int | None = None) -> int | None:
    try:
        name = _spelt(config, camel, snake)
        return read_int(config, name) if most is None else read_int(config, name, most=most)
    except BadRequestError as exc:
        raise BadRequestError(param=f"generationConfig.{camel}", **exc.params) from exc


def framing(query: str) -> list[tuple[str, str]]:
    """Return the parameter in *query* that chooses the framing, the last if there are several; empty if none does."""
    return [pair for pair in parse_qsl(query) if pair in _FRAMINGS][-1:]


def is_array(query: str) -> bool:
    """Say whether a stream is one JSON array, as it is unless *query* asks for server-sent events."""
    return _EVENTS not in framing(query)


def _thinking_config(config: Fields) -> Fields:
    return read_nested(config, _spelt(config, "thinkingConfig", "thinking_config")) or {}


def _is_thinking_asked(fields: Fields) -> bool:
    thinking = _thinking_config(generation_config(fields))
    is_shown = bytes(thinking.get(_spelt(thinking, "includeThoughts", "include_thoughts"), b"null")) == b"true"
    budget = bytes(thinking.get(_spelt(thinking, "thinkingBudget", "thinking_budget"), b"null")).strip(b'"')
    is_level_set = _spelt(thinking, "thinkingLevel", "thinking_level") in thinking
    return is_shown or is_level_set or budget not in (b"null", b"0")
