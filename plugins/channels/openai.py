"""``channels.openai``: OpenAI, and everyone who speaks its dialect."""

from relay import (
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    PluginConfig,
    Services,
    UpstreamRequest,
    check_forwarded_headers,
    endpoint_url,
)

BASE_URL = "https://api.openai.com"


class OpenAIConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.openai``: none beside those of every channel."""


class OpenAI(ChannelPlugin[OpenAIConfig]):
    """Sends chat completions and embeddings, the key as a Bearer token.

    ``base_url`` stands without ``/v1``; with it, or as a whole endpoint address, it works as well.
    """

    config_type = OpenAIConfig
    dialects = ("openai_chat", "embeddings")

    def __init__(self, config: OpenAIConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        base_url = section.base_url or BASE_URL
        self._urls = {
            "chat": endpoint_url(base_url, "/chat/completions"),
            "embeddings": endpoint_url(base_url, "/embeddings"),
        }

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        headers = {**request.headers, "content-type": "application/json", "authorization": f"Bearer {api_key}"}
        return UpstreamRequest(url=self._urls[request.operation], headers=headers, body=request.body())
