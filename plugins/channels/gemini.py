"""``channels.gemini``: Google's Gemini API, and everyone who speaks its dialect."""

from typing import Annotated
from urllib.parse import quote, urlsplit

from msgspec import Meta

from relay import (
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    PluginConfig,
    Services,
    UpstreamRequest,
    check_forwarded_headers,
)

BASE_URL = "https://generativelanguage.googleapis.com"
ACTIONS = {
    ("chat", False): "generateContent",
    ("chat", True): "streamGenerateContent",
    ("count_tokens", False): "countTokens",
    ("embeddings", False): "embedContent",
}


class GeminiConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.gemini``, beside those of every channel."""

    version: Annotated[
        str, Meta(description="Version in the path; v1 lacks function calling and previews.", pattern="^v1[a-z0-9]*$")
    ] = "v1beta"


class Gemini(ChannelPlugin[GeminiConfig]):
    """Sends generateContent and its stream, counts, embeddings and interactions, with the key as ``x-goog-api-key``.

    ``base_url`` is written without a version, or with the one to use.
    Source of what v1 lacks: wire/DIALECTS.md 1, read 2026-11-24.
    """

    config_type = GeminiConfig
    dialects = ("gemini_generate", "gemini_interactions")

    def __init__(self, config: GeminiConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        base_url = (section.base_url or BASE_URL).rstrip("/")
        is_versioned = urlsplit(base_url).path.rpartition("/")[2].startswith("v1")
        self._base_url = base_url if is_versioned else f"{base_url}/{config.version}"

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        url = f"{self._base_url}/{self._place(request)}"
        headers = {**request.headers, "content-type": "application/json", "x-goog-api-key": api_key}
        return UpstreamRequest(
            method=request.method,
            url=f"{url}?{request.query}" if request.query else url,
            headers=headers,
            body=request.body(),
        )

    def _place(self, request: ChannelRequest) -> str:
        """Return the path after the version; an interaction names its model in its body."""
        if request.dialect == "gemini_interactions":
            return f"interactions{request.subpath}"
        action = ACTIONS[request.operation, request.stream]
        if request.operation == "embeddings" and "requests" in request.fields:
            action = "batchEmbedContents"
        return f"models/{quote(request.model, safe='/')}:{action}"
