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
"""Sent where the customer's client names none; the API wants one. Source: wire/DIALECTS.md 1, read 2026-11-23."""


class AnthropicConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.anthropic``: none beside those of every channel."""


class Anthropic(ChannelPlugin[AnthropicConfig]):
    """Sends messages, the key as ``x-api-key``; the client's API version and betas go with them.

    ``base_url`` stands without ``/v1``; with it, or as a whole endpoint address, it works as well.
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
