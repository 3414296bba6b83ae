"""``channels.openai``: OpenAI, and everyone who speaks its dialect."""

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from relay import (
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    Dialect,
    PluginConfig,
    Services,
    UpstreamRequest,
    check_forwarded_headers,
    endpoint_url,
)

BASE_URL = "https://api.openai.com"
_SELDOM_COPIED = ("openai_responses", "realtime")


class OpenAIConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.openai``, beside those of every channel.

    Source of the two that leave reasoning out: wire/DIALECTS.md 3.1, read 2026-11-23.
    """

    reasoning_in_output: Annotated[
        bool,
        Meta(description="Whether completion_tokens include reasoning; false for xAI's chat and Gemini's OpenAI form."),
    ] = True


class OpenAI(ChannelPlugin[OpenAIConfig]):
    """Sends whatever is asked for in one of OpenAI's forms, and rankings; the key is a Bearer token.

    ``base_url`` stands without ``/v1``; with it, or as a whole endpoint address, it works as well.
    Of those who copy OpenAI few have copied Responses or Realtime: only OpenAI itself is taken to
    speak them, and whoever else does is told so by the channel's ``dialects``.
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
        headers = {**request.headers, "content-type": request.content_type, "authorization": f"Bearer {api_key}"}
        url = self._urls[request.dialect, request.operation] + request.subpath
        return UpstreamRequest(
            method=request.method,
            url=f"{url}?{request.query}" if request.query else url,
            headers=headers,
            body=request.body(),
        )
