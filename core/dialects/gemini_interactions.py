"""Google's Interactions: the body names the model, and the upstream keeps the answer to be continued.

Source: wire/DIALECTS.md 2.5, 3.1; googleapis/python-genai _gaos/types/interactions, read 2026-11-24.
"""

import msgspec

from ..errors import BadRequestError, RelayError
from ..exchange import ChannelRequest, Continued, Dialect, Exchange, Operation
from .common_rules import CommonRules
from .dearer import refuse_dearer
from .dialect import Asked, BodyReading
from .fields import Fields, is_given, read_bool, read_int, read_model, read_nested, read_object, read_optional_text
from .gemini_face import GeminiFace
from .gemini_interactions_answer import InteractionsStreamReader, read_interaction
from .kinds import INTERACTIONS, TEXT_OBJECT_OR_TURNS, check_kinds, check_needed
from .meaning import code_of

KEPT_ELSEWHERE = ("agent", "cached_content", "continuation_token", "environment", "webhook_config")
"""Fields that name or make something in the upstream account, where customers own nothing."""


class GeminiInteractions(GeminiFace, CommonRules):
    """Rules of ``POST /v1beta/interactions``; see `DialectRules`."""

    name: Dialect = "gemini_interactions"
    operation: Operation = "chat"
    path = "/v1beta/interactions"
    keep_alive = b""

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        for name in KEPT_ELSEWHERE:
            if is_given(fields, name):
                raise BadRequestError("not_offered", param=name)
        exchange.model = read_model(fields)
        check_needed(fields, "input", TEXT_OBJECT_OR_TURNS)
        continued_id = read_optional_text(fields, "previous_interaction_id")
        if continued_id is not None:
            exchange.continued = Continued("previous_interaction_id", continued_id)
            exchange.has_unseen_input = True
        check_kinds(fields, INTERACTIONS)
        refuse_dearer(fields)
        exchange.stream = read_bool(fields, "stream")
        if read_bool(fields, "background") and not exchange.stream:
            # It would go on unseen and unpaid; streamed, it is metered to its end.
            raise BadRequestError("not_offered", param="background")
        exchange.output_tokens_asked = read_int(_config(fields), "max_output_tokens")
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: only the model's name may differ."""
        return self.pass_on(exchange, model_sent, query="alt=sse" if exchange.stream else "")

    def stream_reader(self, exchange: Exchange) -> InteractionsStreamReader:
        return InteractionsStreamReader(exchange, **_asked(exchange.fields))

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        return read_interaction(exchange, body, **_asked(exchange.fields))

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        document = {"event_type": "error", "error": {"code": code_of(error), "message": text}}
        return b"event: error\ndata: " + msgspec.json.encode(document) + b"\n\n"


def _config(fields: Fields) -> Fields:
    return read_nested(fields, "generation_config") or {}


def _asked(fields: Fields) -> Asked:
    """Return what is asked for; the upstream keeps the answer unless the request says otherwise."""
    config = _config(fields)
    is_thinking = any(is_given(config, name) for name in ("thinking_level", "thinking_summaries"))
    return {"thinking_asked": is_thinking, "is_kept": bytes(fields.get("store", b"true")) != b"false"}
