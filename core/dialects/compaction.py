"""Compacts a conversation to what a model needs of it: Codex asks for that when the context is nearly full.

Source: openai/openai-python types/responses/compacted_response.py and
response_compaction_item.py, read 2026-11-24.
"""

import msgspec

from ..exchange import Exchange, Operation
from .dialect import BodyReading, tallied_reading
from .disguised import disguised_error, read_document
from .openai_responses import OpenAIResponses
from .openai_responses_answer import read_responses_usage
from .tally import Tally


class _Item(msgspec.Struct):
    type: str = ""
    encrypted_content: str | None = None


class _Compaction(msgspec.Struct):
    output: list[_Item] | None = None
    model: str | None = None
    usage: object = None


_read_compaction = msgspec.json.Decoder(_Compaction).decode


class ResponsesCompact(OpenAIResponses):
    """Rules of ``POST /v1/responses/compact``: it is asked like a response, and answers with one document."""

    operation: Operation = "compact"
    path = "/v1/responses/compact"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body*; it is a request for a response that is not streamed."""
        super().read_request(exchange, body)
        exchange.stream = False

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        """Read a whole answer of status 200: it repeats the customer's turns; only the sealed item counts as output.

        Nothing can continue it by its id: clients send the items themselves.
        """
        compaction = read_document(_read_compaction, body, "a compaction")
        if compaction.output is None:
            raise disguised_error(body)
        tally = Tally()
        for item in compaction.output:
            if item.encrypted_content:
                tally.note_answer()
                tally.add(len(item.encrypted_content) * 3 // 4)  # of base64
        return tallied_reading(
            exchange,
            tally,
            lambda: read_responses_usage(compaction.usage),
            model_returned=compaction.model,
            thinking_asked=False,
        )
