"""``channels.azure_openai``: OpenAI's models as Azure hosts them, each under the name of its deployment.

Sources: wire/DIALECTS.md 1 and w:azure/chat, read 2026-11-24; learn.microsoft.com, Azure OpenAI: for Responses "Use the
Azure OpenAI Responses API" and "API version lifecycle", for Realtime "Use the GPT Realtime API via WebSockets" and its
migration guide from the preview, read 2026-11-29.
"""

from typing import Annotated
from urllib.parse import quote, urlencode

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
"""The newest version of the deployments' paths that is no preview. Source: Azure OpenAI reference, read 2026-11-24.

Models that reason refuse it: Azure-Samples/azure-search-openai-demo#2496, microsoft/semantic-kernel#12268, read
2026-11-29.
"""
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
_VERSIONLESS_PATHS = {
    ("openai_responses", "chat"): "/v1/responses",
    ("openai_responses", "compact"): "/v1/responses/compact",
    ("openai_responses", "kept_answer"): "/v1/responses",
}
"""Paths without ``api-version``, where the body names the deployment. Azure has none for counting tokens."""


class AzureOpenAIConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.azure_openai``, beside those of every channel."""

    api_version: Annotated[
        str,
        Meta(
            description="API version for chats and all else with the deployment in the path; models that reason need "
            "2024-12-01-preview or newer. Responses and Realtime have none.",
            pattern="^[0-9A-Za-z-]+$",
        ),
    ] = API_VERSION
    realtime_api_version: Annotated[
        Annotated[str, Meta(pattern="^[0-9A-Za-z-]+$")] | None,
        Meta(
            description="API version of Realtime's preview, such as 2025-04-01-preview, for a deployment that speaks "
            "the beta's events; if absent, the current form, which has no version."
        ),
    ] = None


class AzureOpenAI(ChannelPlugin[AzureOpenAIConfig]):
    """Sends to the deployment that a model's ``upstream`` names; the key goes as ``api-key``.

    ``base_url`` is the resource's address, such as ``https://my-resource.openai.azure.com``. The model that
    transcribes within a session is a deployment too, named by the ``upstream`` of a model of this channel.
    Not every region, address and deployment has Responses, and some have nothing else: list what there is
    in the channel's ``dialects``.
    """

    config_type = AzureOpenAIConfig
    dialects: tuple[Dialect, ...] = (
        "openai_chat",
        "openai_responses",
        "openai_completions",
        "embeddings",
        "images",
        "audio",
        "realtime",
    )

    def __init__(self, config: AzureOpenAIConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        if section.base_url is None:
            raise ValueError("base_url: expected the address of an Azure resource, found none")
        resource = section.base_url.rstrip("/").removesuffix("/openai/v1").removesuffix("/openai")
        self._base_url = f"{resource}/openai"
        self._query = urlencode({"api-version": config.api_version})

    def is_deployment(self, model_sent: str) -> bool:
        return True

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        if request.operation == "realtime":
            headers = {**request.headers, "api-key": api_key}
            return UpstreamRequest(url=self._realtime_url(request), headers=headers, body=b"")
        headers = {**request.headers, "content-type": request.content_type, "api-key": api_key}
        return UpstreamRequest(method=request.method, url=self._url(request), headers=headers, body=request.body())

    def _url(self, request: ChannelRequest) -> str:
        asked = (request.dialect, request.operation)
        if asked in _VERSIONLESS_PATHS:
            query = f"?{request.query}" if request.query else ""
            return f"{self._base_url}{_VERSIONLESS_PATHS[asked]}{request.subpath}{query}"
        return f"{self._base_url}/deployments/{quote(request.model, safe='')}{_PATHS[asked]}?{self._query}"

    def _realtime_url(self, request: ChannelRequest) -> str:
        version = self.config.realtime_api_version
        if version is None:
            return f"{self._base_url}/v1/realtime?{urlencode({'model': request.model})}"
        return f"{self._base_url}/realtime?{urlencode({'api-version': version, 'deployment': request.model})}"
