"""OpenAI's embeddings: one whole answer, no stream. Source: wire/DIALECTS.md 3.5, read 2026-11-23."""

from typing import NoReturn

import msgspec

from ..errors import RelayError, UpstreamBrokenError
from ..estimate import input_bound, input_estimate
from ..exchange import ChannelRequest, Dialect, Evidence, Exchange, Operation
from ..usage import Usage
from .dialect import BodyReading
from .disguised import disguised_error
from .fields import check_list, read_int, read_model, read_object
from .figures import UntrueFigureError
from .openai_face import render_openai_error
from .openai_usage import read_openai_usage

DIMENSIONS_MAX = 1_000_000


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    model: str | None = None
    usage: object = None


_read_answer = msgspec.json.Decoder(_Answer).decode


class Embeddings:
    """Rules of ``POST /v1/embeddings``; see `DialectRules`."""

    name: Dialect = "embeddings"
    operation: Operation = "embeddings"
    path = "/v1/embeddings"
    keep_alive = b""

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body* as far as relay reads it, into ``exchange``."""
        fields = read_object(body)
        exchange.model = read_model(fields)
        check_list(fields, "input", or_text=True)
        read_int(fields, "dimensions", most=DIMENSIONS_MAX)
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: only the model's name may differ."""
        request = ChannelRequest(
            dialect=self.name,
            operation=self.operation,
            model=model_sent,
            fields=dict(exchange.fields),
            headers={},
            stream=False,
        )
        if model_sent != exchange.model:
            request.set("model", model_sent)
        return request

    def stream_type(self, exchange: Exchange) -> str:
        """Return the content type of a stream."""
        return "text/event-stream"

    def input_bound(self, exchange: Exchange) -> int:
        """Return input tokens, never below the truth."""
        return input_bound(exchange.fields)

    def input_estimate(self, exchange: Exchange) -> int:
        """Return input tokens, as near the truth as can be had."""
        return input_estimate(exchange.fields)

    def stream_reader(self, exchange: Exchange, *, is_reasoning_beside_output: bool = False) -> NoReturn:
        """Embeddings do not stream: `read_request` leaves ``exchange.stream`` False."""
        raise AssertionError("embeddings do not stream")

    def read_body(self, exchange: Exchange, body: bytes, *, is_reasoning_beside_output: bool = False) -> BodyReading:
        """Read a whole answer of status 200."""
        try:
            answer = _read_answer(body)
        except msgspec.ValidationError as exc:
            raise disguised_error(body) from exc
        except (ValueError, RecursionError) as exc:
            raise UpstreamBrokenError("expected embeddings, found no JSON document") from exc
        if answer.data is None:
            raise disguised_error(body)
        try:
            usage = read_openai_usage(answer.usage)
        except UntrueFigureError:
            usage = Usage(input_tokens=input_bound(exchange.fields), source="disputed")
        return BodyReading(
            usage=usage,
            evidence=Evidence(has_text=bool(answer.data), is_end_seen=True),
            model_returned=answer.model,
            output_bound_tokens=0,
            output_counted_tokens=0,
        )

    def render_error(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the body of an error answer."""
        return render_openai_error(error, text)

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return what ends an answer already begun; never needed for answers sent whole."""
        return render_openai_error(error, text)
