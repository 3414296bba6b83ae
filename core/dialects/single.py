"""Endpoints that answer with a single document: moderations, rankings.

Without token counts from the upstream they are sold by the piece: search units, requests. Source: wire/DIALECTS.md 3.5,
read 2026-11-24.
"""

from collections.abc import Mapping

import msgspec

from ..estimate import DISPUTED_FACTOR, input_bound, input_estimate
from ..exchange import Dialect, Evidence, Exchange, Operation
from ..usage import Usage
from .common_rules import CommonRules
from .dialect import BodyReading, NativeReader
from .disguised import disguised_error, read_document
from .fields import is_given, read_model, read_object, read_value
from .figures import UntrueFigureError, read_figure, read_figures
from .kinds import Allows, Kinds, check_kinds, check_needed
from .openai_face import OpenAIFace


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    results: list[msgspec.Raw] | None = None
    model: str | None = None
    usage: object = None
    meta: object = None
    tokens: object = None


_read_answer = msgspec.json.Decoder(_Answer).decode
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
DOCUMENTS_PER_UNIT = 100
PIECE_BYTES = 500
"""The shortest piece into which a long document is cut, each counted as a document: 250 of 512 tokens.

The query has the rest.

Source: cohere.com/pricing, docs.cohere.com reranking-best-practices, read 2026-11-30.
"""


class Single(OpenAIFace, CommonRules):
    """Rules of one such endpoint; see `DialectRules`.

    Args:
        name: The dialect.
        operation: The operation of the endpoint.
        path: The endpoint's path.
        required: The required field, and the types that it may have.
        kinds: The types that the documented fields may have.
        default_model: The model if none is named; without it, a name is required.
    """

    keep_alive = b""

    def __init__(
        self,
        name: Dialect,
        operation: Operation,
        path: str,
        *,
        required: tuple[str, Allows],
        kinds: Kinds,
        default_model: str | None = None,
    ) -> None:
        self.name: Dialect = name
        self.operation: Operation = operation
        self.path = path
        self._required = required
        self._kinds = kinds
        self._default_model = default_model

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        self.name_model(fields)
        exchange.model = read_model(fields)
        check_needed(fields, *self._required)
        check_kinds(fields, self._kinds)
        exchange.fields = fields
        if self.operation == "rerank":
            exchange.unit_bound = search_units_bound(fields)

    def name_model(self, fields: dict[str, msgspec.Raw]) -> None:
        """Fill in the default model if none is named."""
        if self._default_model is not None and not is_given(fields, "model", b'""'):
            fields["model"] = msgspec.Raw(msgspec.json.encode(self._default_model))

    def stream_reader(self, exchange: Exchange) -> NativeReader:
        """These do not stream: `read_request` leaves ``exchange.stream`` False."""
        raise AssertionError(f"{self.name} does not stream")

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        answer = read_document(_read_answer, body, "an answer")
        items = answer.data if answer.data is not None else answer.results
        if items is None:
            raise disguised_error(body)
        try:
            usage = _read_usage(answer, exchange)
        except UntrueFigureError:
            usage = Usage(input_tokens=input_bound(exchange.fields), unit_count=exchange.unit_bound, source="disputed")
        return whole_reading(usage, has_answer=bool(items), model=answer.model)


def whole_reading(usage: Usage | None, *, has_answer: bool, model: str | None) -> BodyReading:
    """Return the reading of an answer without text, whose output is only what *usage* says."""
    return BodyReading(usage=usage, evidence=Evidence(has_text=has_answer, is_end_seen=True), model_returned=model)


def search_units_bound(fields: Mapping[str, msgspec.Raw]) -> int:
    """Return the most search units that a ranking can count: one per hundred documents, or pieces of long ones."""
    raw = bytes(fields["documents"])
    document_count = len(read_value(fields, "documents", _LIST)) if raw.startswith(b"[") else 1
    return -(-(document_count + len(raw) // PIECE_BYTES) // DOCUMENTS_PER_UNIT)


def _read_usage(answer: _Answer, exchange: Exchange) -> Usage:
    """Return the reported tokens and Cohere's search units; without any, one request and its estimated tokens.

    A ranking writes nothing, so a total (Jina, Voyage) is input. Cohere's form has tokens in ``meta``, and so has
    SiliconFlow, which documents them at the top. Source: zk-armor/mcp-jina-ai jina-docs.md; voyage-ai/voyageai-python
    voyageai/object/reranking.py; docs.siliconflow.cn create-rerank, infiniflow/ragflow's tests, read 2026-11-30.
    """
    meta = read_figures(answer.meta)
    searched = read_figure(read_figures(meta.get("billed_units")), "search_units")
    if searched > DISPUTED_FACTOR * exchange.unit_bound:
        raise UntrueFigureError("more search units than the documents can make")
    for told in (answer.usage, meta.get("tokens"), answer.tokens):
        figures = read_figures(told)
        for name in ("input_tokens", "total_tokens", "prompt_tokens"):
            if figures.get(name) is not None:
                return Usage(
                    input_tokens=read_figure(figures, name),
                    output_tokens=read_figure(figures, "output_tokens"),
                    unit_count=searched or 1,
                )
    if searched:
        return Usage(unit_count=searched)
    return Usage(input_tokens=input_estimate(exchange.fields), unit_count=1, source="estimated")
