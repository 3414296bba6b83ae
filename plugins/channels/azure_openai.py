"""``channels.azure_openai``: OpenAI's models as Azure hosts them, each under the name of its deployment.

Source: wire/DIALECTS.md 1 and w:azure/chat, read 2026-11-24.
"""

from typing import Annotated
from urllib.parse import quote, urlencode, urlsplit

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
)

API_VERSION = "2024-10-21"
"""The newest version of the deployments' paths that is no preview. Source: Azure OpenAI reference, read 2026-11-24."""
_PATHS = {
    ("openai_chat", "chat"): "/chat/completions",
    ("openai_completions", "completion"): "/completions",
    ("embeddings", "embeddings"): "/embeddings",
    ("images", "image_generation"): "/images/generations",
    ("images", "image_edit"): "/images/edits",
    ("audio", "speech"): "/audio/speech",
    ("audio", "transcription"): "/audio/transcriptions",
    ("audio", "translation"): "/audio/translations",
}


class AzureOpenAIConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.azure_openai``, beside those of every channel."""

    api_version: Annotated[
        str, Meta(description="Version of Azure's API, such as 2024-10-21.", pattern="^[0-9A-Za-z-]+$")
    ] = API_VERSION


class AzureOpenAI(ChannelPlugin[AzureOpenAIConfig]):
    """Sends to the deployment that a model's ``upstream`` names; the key goes as ``api-key``.

    ``base_url`` is the resource's address, such as ``https://my-resource.openai.azure.com``.
    """

    config_type = AzureOpenAIConfig
    dialects: tuple[Dialect, ...] = ("openai_chat", "openai_completions", "embeddings", "images", "audio")

    def __init__(self, config: AzureOpenAIConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        parts = urlsplit(section.base_url or "")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            found = section.base_url or "none"
            raise ValueError(f"base_url: expected the address of an Azure resource, found '{found}'")
        self._base_url = f"{(section.base_url or '').rstrip('/').removesuffix('/openai')}/openai/deployments"
        self._query = urlencode({"api-version": config.api_version})

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        path = _PATHS[request.dialect, request.operation]
        url = f"{self._base_url}/{quote(request.model, safe='')}{path}?{self._query}"
        headers = {**request.headers, "content-type": request.content_type, "api-key": api_key}
        return UpstreamRequest(url=url, headers=headers, body=request.body())
