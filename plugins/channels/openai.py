"""``channels.openai``: OpenAI, and everyone who speaks its dialect."""

import re
from base64 import b32encode
from hashlib import sha256
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, field

from relay import (
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    Dialect,
    Exact,
    PluginConfig,
    Services,
    UpstreamRequest,
    cap_numbers,
    check_caps,
    check_forwarded_headers,
    endpoint_url,
)

BASE_URL = "https://api.openai.com"
_SELDOM_COPIED = ("openai_responses", "realtime")
_OWNED_FIELDS = frozenset({"model", "messages", "stream", "n"})
"""Fields on which the price of a chat and the reading of its answer rest: no setting may remove or change them."""
_OUTPUT_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_NINE_CHARACTERS = re.compile("[A-Za-z0-9]{9}")
_SYSTEM, _EMPTY, _NULL = msgspec.Raw(b'"system"'), msgspec.Raw(b'""'), msgspec.Raw(b"null")


class OpenAIConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.openai``, beside those of every channel.

    Source of the two upstreams that ``reasoning_in_output`` is false for: wire/DIALECTS.md 3.1, read 2026-11-23.
    """

    reasoning_in_output: Annotated[
        bool,
        Meta(description="Whether completion_tokens include reasoning; false for xAI's chat and Gemini's OpenAI form."),
    ] = True
    output_limit: Annotated[
        Literal["max_tokens", "max_completion_tokens"] | None,
        Meta(description="Name of the field for a chat's output limit, if the upstream knows only one of the two."),
    ] = None
    developer_role: Annotated[
        bool, Meta(description="Whether chats may have the role developer; if false, it is sent as system.")
    ] = True
    reasoning_content_default: Annotated[
        str | None,
        Meta(
            description="The reasoning_content that messages with tool calls get if theirs is missing or empty; null: "
            "they get none."
        ),
    ] = None
    nine_character_call_ids: Annotated[
        bool,
        Meta(description="Whether ids of tool calls must be nine letters or digits; any other id is replaced."),
    ] = False
    refused_fields: Annotated[
        tuple[str, ...],
        Meta(
            description="Fields of chats that the upstream refuses, and that are therefore left out; `x-relay-dropped` "
            "does not name them."
        ),
    ] = ()
    at_most: Annotated[
        dict[str, Exact],
        Meta(
            description="Fields of chats, each with the largest number the upstream accepts; larger ones are lowered."
        ),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if owned := sorted(_OWNED_FIELDS & {*self.refused_fields, *self.at_most}):
            raise ValueError(
                f"'{owned[0]}' cannot be left out or changed: the price or the reading of the answer depends on it"
            )
        check_caps(self.at_most)


class OpenAI(ChannelPlugin[OpenAIConfig]):
    """Sends requests in all of OpenAI's dialects, and rankings; the key is a Bearer token.

    ``base_url`` is written without ``/v1``, but works with it too, and as a full endpoint address. Few
    vendors have copied OpenAI's Responses or Realtime, so only OpenAI itself is assumed to speak them;
    for any other upstream that does, list them in the channel's ``dialects``.
    """

    config_type = OpenAIConfig
    dialects: tuple[Dialect, ...] = (
        "openai_chat",
        "openai_responses",
        "openai_completions",
        "embeddings",
        "images",
        "audio",
        "moderations",
        "rerank",
        "realtime",
    )

    def __init__(self, config: OpenAIConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        self.is_reasoning_beside_output = not config.reasoning_in_output
        base_url = section.base_url or BASE_URL
        if not section.dialects and urlsplit(base_url).hostname != urlsplit(BASE_URL).hostname:
            self.dialects = tuple(dialect for dialect in self.dialects if dialect not in _SELDOM_COPIED)
        responses = endpoint_url(base_url, "/responses")
        self._urls = {
            ("openai_chat", "chat"): endpoint_url(base_url, "/chat/completions"),
            ("openai_responses", "chat"): responses,
            ("openai_responses", "count_tokens"): f"{responses}/input_tokens",
            ("openai_responses", "compact"): f"{responses}/compact",
            ("openai_responses", "kept_answer"): responses,
            ("openai_completions", "completion"): endpoint_url(base_url, "/completions"),
            ("embeddings", "embeddings"): endpoint_url(base_url, "/embeddings"),
            ("images", "image_generation"): endpoint_url(base_url, "/images/generations"),
            ("images", "image_edit"): endpoint_url(base_url, "/images/edits"),
            ("audio", "speech"): endpoint_url(base_url, "/audio/speech"),
            ("audio", "transcription"): endpoint_url(base_url, "/audio/transcriptions"),
            ("audio", "translation"): endpoint_url(base_url, "/audio/translations"),
            ("moderations", "moderation"): endpoint_url(base_url, "/moderations"),
            ("rerank", "rerank"): endpoint_url(base_url, "/rerank"),
            ("realtime", "realtime"): endpoint_url(base_url, "/realtime"),
        }

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        if (request.dialect, request.operation) == ("openai_chat", "chat"):
            _conform(request, self.config)
        headers = {**request.headers, "content-type": request.content_type, "authorization": f"Bearer {api_key}"}
        url = self._urls[request.dialect, request.operation] + request.subpath
        return UpstreamRequest(
            method=request.method,
            url=f"{url}?{request.query}" if request.query else url,
            headers=headers,
            body=request.body(),
        )


def _conform(chat: ChannelRequest, config: OpenAIConfig) -> None:
    """Change *chat* to what this upstream accepts; what it accepts already stays byte for byte."""
    if config.output_limit is not None:
        for other in _OUTPUT_LIMITS - {config.output_limit}:
            limit = chat.fields.pop(other, _NULL)
            if limit != _NULL and chat.fields.get(config.output_limit, _NULL) == _NULL:
                chat.fields[config.output_limit] = limit
    for name in config.refused_fields:
        chat.fields.pop(name, None)
    cap_numbers(chat, config.at_most)
    if not config.developer_role or config.reasoning_content_default is not None or config.nine_character_call_ids:
        _conform_messages(chat, config)


def _conform_messages(chat: ChannelRequest, config: OpenAIConfig) -> None:
    """Change the messages to what this upstream accepts; malformed ones are left for it to refuse."""
    sent, default = bytes(chat.fields.get("messages", b"")), config.reasoning_content_default
    if b'"developer"' not in sent and b'"tool_calls"' not in sent:
        return
    try:
        messages = _MESSAGES.decode(sent)
        for message in messages:
            if not config.developer_role and msgspec.json.decode(message.get("role", b"null")) == "developer":
                message["role"] = _SYSTEM
            lacks_thinking = message.get("reasoning_content", _NULL) in (_NULL, _EMPTY)
            if default is not None and lacks_thinking and message.get("tool_calls", _NULL) != _NULL:
                message["reasoning_content"] = msgspec.Raw(msgspec.json.encode(default))
            if config.nine_character_call_ids:
                _shorten_call_ids(message)
    except (ValueError, RecursionError):
        return
    chat.set("messages", messages)


def _shorten_call_ids(message: dict[str, msgspec.Raw]) -> None:
    """Give the calls of *message*, or the result that it is, ids of nine letters and digits."""
    if message.get("tool_calls", _NULL) != _NULL:
        calls = _MESSAGES.decode(message["tool_calls"])
        for call in calls:
            _shorten(call, "id")
        message["tool_calls"] = msgspec.Raw(msgspec.json.encode(calls))
    _shorten(message, "tool_call_id")


def _shorten(fields: dict[str, msgspec.Raw], name: str) -> None:
    """Replace the id under *name* by its digest, the same in a call and its result, unless it fits already."""
    if fields.get(name, _NULL) != _NULL:
        call_id = msgspec.json.decode(fields[name], type=str)
        if not _NINE_CHARACTERS.fullmatch(call_id):
            fields[name] = msgspec.Raw(msgspec.json.encode(b32encode(sha256(call_id.encode()).digest())[:9].decode()))
