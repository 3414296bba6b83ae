"""``channels.anthropic``: Anthropic, and everyone who speaks its dialect."""

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

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
"""Sent if the customer's client names none, because the API requires one.

Source: wire/DIALECTS.md 1, read 2026-11-23.
"""


class AnthropicConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.anthropic``: none beside those of every channel."""


class Anthropic(ChannelPlugin[AnthropicConfig]):
    """Sends messages with the key as ``x-api-key``, and the client's API version and betas.

    ``base_url`` is written without ``/v1``, but works with it too, and as a full endpoint address.
    """

    config_type = AnthropicConfig
    dialects = ("anthropic_messages",)

    def __init__(self, config: AnthropicConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        url = endpoint_url(section.base_url or BASE_URL, "/messages")
        self._urls = {"chat": url, "count_tokens": f"{url}/count_tokens"}

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        headers = {"anthropic-version": VERSION, **request.headers}
        headers |= {"content-type": "application/json", "x-api-key": api_key}
        return UpstreamRequest(url=self._urls[request.operation], headers=headers, body=request.body())
