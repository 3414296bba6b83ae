"""OpenAI's embeddings: one whole answer, no stream. Source: wire/DIALECTS.md 3.5, read 2026-11-23."""

import msgspec

from ..estimate import input_bound
from ..exchange import Exchange
from ..usage import Usage
from .dialect import BodyReading
from .disguised import disguised_error, read_document
from .fields import read_int
from .figures import UntrueFigureError, read_number
from .kinds import EMBEDDINGS, INPUTS
from .openai_usage import read_openai_usage
from .single import Single, whole_reading

DIMENSIONS_MAX = 1_000_000


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    model: str | None = None
    usage: object = None


_read_answer = msgspec.json.Decoder(_Answer, float_hook=read_number).decode


class Embeddings(Single):
    """Rules of ``POST /v1/embeddings``; see `DialectRules`."""

    def __init__(self) -> None:
        super().__init__("embeddings", "embeddings", "/v1/embeddings", required=("input", INPUTS), kinds=EMBEDDINGS)

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        super().read_request(exchange, body)
        read_int(exchange.fields, "dimensions", most=DIMENSIONS_MAX)

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        answer = read_document(_read_answer, body, "embeddings")
        if answer.data is None:
            raise disguised_error(body)
        try:
            usage = read_openai_usage(_with_prompt(answer.usage))
        except UntrueFigureError:
            usage = Usage(input_tokens=input_bound(exchange.fields), source="disputed")
        return whole_reading(usage, has_answer=bool(answer.data), model=answer.model)


def _with_prompt(usage: object) -> object:
    """Return figures that have the prompt's tokens; if only the total is given, it is the same, as there is no output.

    A total larger than the prompt contradicts it, and is not taken for output.
    """
    if not isinstance(usage, dict):
        return usage
    counts = usage.get("prompt_tokens"), usage.get("total_tokens")
    prompt = next((figure for figure in counts if figure is not None), None)
    return {"completion_tokens": 0, **usage, "prompt_tokens": prompt} if prompt is not None else usage
