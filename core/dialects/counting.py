"""Endpoints that count a request's tokens and answer nothing else. Source: wire/DIALECTS.md 8, read 2026-11-24."""

from abc import ABC, abstractmethod

import msgspec

from ..estimate import input_estimate
from ..exchange import ChannelRequest, Exchange, Operation
from .anthropic_messages import AnthropicMessages, read_thread
from .fields import read_model, read_object, read_value
from .gemini_generate import GeminiGenerate, name_model, read_config
from .kinds import MESSAGES, TURNS, check_kinds, check_needed
from .openai_responses import OpenAIResponses

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


class Counting(ABC):
    """What an endpoint that counts adds to the rules of its dialect: the form of the count."""

    operation: Operation = "count_tokens"

    @abstractmethod
    def render_count(self, tokens: int) -> bytes:
        """Return the answer that says *tokens*."""


class MessagesCount(Counting, AnthropicMessages):
    """Rules of ``POST /v1/messages/count_tokens``."""

    path = "/v1/messages/count_tokens"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body*; it is a request for messages that needs no limit."""
        fields = read_object(body)
        exchange.model = read_model(fields)
        check_needed(fields, "messages", TURNS)
        check_kinds(fields, MESSAGES)
        read_thread(exchange, fields)
        exchange.fields = fields

    def render_count(self, tokens: int) -> bytes:
        return msgspec.json.encode({"input_tokens": tokens})


class ResponsesCount(Counting, OpenAIResponses):
    """Rules of ``POST /v1/responses/input_tokens``."""

    path = "/v1/responses/input_tokens"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body*; it is a request for a response that is not streamed."""
        super().read_request(exchange, body)
        exchange.stream = False

    def render_count(self, tokens: int) -> bytes:
        return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})


class GeminiCount(Counting, GeminiGenerate):
    """Rules of ``:countTokens``; the request to count is the body, or a member of it."""

    def __init__(self) -> None:
        super().__init__(is_stream=False)
        self.path = "/v1beta/models/{model}:countTokens"

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        fields = read_object(body)
        asked = read_value(fields, "generateContentRequest", _MEMBERS)
        read_config(asked if asked is not None else fields)
        exchange.fields = fields

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel; Google requires the model's name in the request to count."""
        request = super().prepare(exchange, model_sent)
        asked = read_value(exchange.fields, "generateContentRequest", _MEMBERS)
        if asked is not None:
            name_model(asked, model_sent)
            request.set("generateContentRequest", asked)
        return request

    def input_estimate(self, exchange: Exchange) -> int:
        """Return the estimated tokens of the request to count, without its model's name."""
        asked = read_value(exchange.fields, "generateContentRequest", _MEMBERS)
        fields = asked if asked is not None else exchange.fields
        return input_estimate({name: value for name, value in fields.items() if name != "model"})

    def render_count(self, tokens: int) -> bytes:
        return msgspec.json.encode({"totalTokens": tokens})
