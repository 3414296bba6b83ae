"""Gemini's embeddings, of one content or several. Source: wire/DIALECTS.md 1, 3.1, read 2026-11-24."""

import msgspec

from ..errors import BadRequestError
from ..estimate import input_bound, input_estimate
from ..exchange import ChannelRequest, Exchange, Operation
from ..usage import Usage
from .dialect import BodyReading
from .disguised import disguised_error, read_document
from .fields import missing_field, read_nested, read_object, read_value
from .figures import UntrueFigureError
from .gemini_generate import GeminiGenerate, name_model
from .gemini_usage import read_gemini_usage
from .kinds import GEMINI_EMBEDDINGS, TURNS, check_kinds, check_needed
from .single import whole_reading

_REQUESTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class _Answer(msgspec.Struct):
    embedding: msgspec.Raw = msgspec.Raw()
    embeddings: list[msgspec.Raw] | None = None
    usageMetadata: object = None


_read_answer = msgspec.json.Decoder(_Answer).decode


class GeminiEmbeddings(GeminiGenerate):
    """Rules of ``:embedContent`` and ``:batchEmbedContents``; see `DialectRules`."""

    operation: Operation = "embeddings"

    def __init__(self, *, is_batch: bool) -> None:
        super().__init__(is_stream=False)
        self._is_batch = is_batch
        self.path = f"/v1beta/models/{{model}}:{'batchEmbedContents' if is_batch else 'embedContent'}"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        if self._is_batch:
            check_needed(fields, "requests", TURNS)
            for request in read_value(fields, "requests", _REQUESTS):
                if not read_nested(request, "content"):
                    name = "requests.content"
                    raise BadRequestError(param=name) if "content" in request else missing_field(name)
                check_kinds(request, GEMINI_EMBEDDINGS, "requests.")
        elif not read_nested(fields, "content"):
            raise BadRequestError(param="content") if "content" in fields else missing_field("content")
        check_kinds(fields, GEMINI_EMBEDDINGS)
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: every model name in it is that of the model that is paid for."""
        request = super().prepare(exchange, model_sent)
        if self._is_batch:
            requests: list[dict[str, msgspec.Raw]] = read_value(exchange.fields, "requests", _REQUESTS)
            for each in requests:
                name_model(each, model_sent)
            request.set("requests", requests)
        return request

    def input_estimate(self, exchange: Exchange) -> int:
        """Return the estimated tokens of what is embedded; older models report none."""
        fields = exchange.fields
        requests = read_value(fields, "requests", _REQUESTS) if self._is_batch else (fields,)
        contents = [each["content"] for each in requests]
        return input_estimate({"contents": msgspec.Raw(msgspec.json.encode(contents))})

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        """Read a whole answer of status 200; older models report no usage."""
        answer = read_document(_read_answer, body, "embeddings")
        if not bytes(answer.embedding) and answer.embeddings is None:
            raise disguised_error(body)
        try:
            usage = read_gemini_usage(answer.usageMetadata)
        except UntrueFigureError:
            usage = Usage(input_tokens=input_bound(exchange.fields), source="disputed")
        return whole_reading(usage, has_answer=bool(bytes(answer.embedding) or answer.embeddings), model=None)
