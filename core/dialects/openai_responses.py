"""OpenAI's Responses, spoken by Codex and the newer SDKs. Source: wire/DIALECTS.md 2.3, read 2026-11-24."""

import msgspec

from ..errors import BadRequestError, RelayError
from ..exchange import Continued, Dialect, Exchange, Operation
from .common_rules import CommonRules
from .dearer import refuse_dearer
from .dialect import BLANK_LINES, Asked, BodyReading
from .fields import (
    Fields,
    is_given,
    read_bool,
    read_int,
    read_model,
    read_nested,
    read_object,
    read_optional_text,
)
from .further import further_models
from .kinds import RESPONSES, TEXT_OR_TURNS, check_kinds, check_needed
from .openai_face import OpenAIFace, describe_openai_error
from .openai_responses_answer import ResponsesStreamReader, read_response
from .turns import ITEMS, check_turns

KEPT_ELSEWHERE = ("conversation", "prompt")
"""Fields that name something kept in the upstream's account, which no customer of a shop can have made."""
SEQUENCE_END = 2**31 - 2
"""Number of the first event that relay adds at the end: nobody counts those before, but this is surely higher."""


class OpenAIResponses(OpenAIFace, CommonRules):
    """Rules of ``POST /v1/responses``; see `DialectRules`."""

    name: Dialect = "openai_responses"
    operation: Operation = "chat"
    path = "/v1/responses"
    keep_alive = BLANK_LINES

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        exchange.model = read_model(fields)
        continued_id = read_optional_text(fields, "previous_response_id")
        if continued_id is not None:
            exchange.continued = Continued("previous_response_id", continued_id)
            exchange.has_unseen_input = True
        if continued_id is None or "input" in fields:
            check_needed(fields, "input", TEXT_OR_TURNS)
        check_kinds(fields, RESPONSES)
        check_turns(fields, "input", ITEMS)
        refuse_dearer(fields)
        exchange.further_models = further_models(fields)
        exchange.stream = read_bool(fields, "stream")
        exchange.output_tokens_asked = read_int(fields, "max_output_tokens")
        for name in KEPT_ELSEWHERE:
            if is_given(fields, name):
                raise BadRequestError("not_offered", param=name)
        if read_bool(fields, "background") and not exchange.stream:
            # It would go on unseen and unpaid; a stream of it is metered to its end.
            raise BadRequestError("not_offered", param="background")
        exchange.fields = fields

    def stream_reader(self, exchange: Exchange) -> ResponsesStreamReader:
        return ResponsesStreamReader(exchange, **_asked(exchange.fields))

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        return read_response(exchange, body, **_asked(exchange.fields))

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the events that end a stream already begun: the SDKs raise on the first, Codex on the second.

        The error stands in it twice, as OpenAI sends it and as it describes it.
        Source: w:openai-responses/failed-stream; openai/openai-python _streaming.py and
        types/responses/response_error_event.py, read 2026-11-24.
        """
        nested = describe_openai_error(error, text)
        code = nested["code"]
        flat = {"code": code, "message": text, "param": nested["param"]}
        response: dict[str, object] = {
            "id": request_id,
            "object": "response",
            "status": "failed",
            "output": [],
            "usage": None,
            "error": {"code": code, "message": text},
        }
        documents: tuple[dict[str, object], ...] = (
            {"type": "error", "sequence_number": SEQUENCE_END, **flat, "error": nested},
            {"type": "response.failed", "sequence_number": SEQUENCE_END + 1, "response": response},
        )
        return b"".join(
            b"event: " + str(document["type"]).encode() + b"\ndata: " + msgspec.json.encode(document) + b"\n\n"
            for document in documents
        )


def _asked(fields: Fields) -> Asked:
    """Return what is asked for; the upstream keeps the answer unless the request says otherwise."""
    is_thinking = is_given(read_nested(fields, "reasoning") or {}, "effort", b'"none"')
    return {"thinking_asked": is_thinking, "is_kept": bytes(fields.get("store", b"true")) != b"false"}
