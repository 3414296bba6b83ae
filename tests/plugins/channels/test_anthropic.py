import msgspec
import pytest

from relay import BadRequestError, ChannelRequest, ChannelSection
from relay.plugins.channels.anthropic import Anthropic, AnthropicConfig
from tests.services import services


def channel(base_url: str | None = None) -> Anthropic:
    section = ChannelSection(name="one", use="channels.anthropic", base_url=base_url, models=("m",), groups=("g",))
    return Anthropic(AnthropicConfig(), services(), section)


def request(**headers: str) -> ChannelRequest:
    return ChannelRequest(
        model="m",
        dialect="anthropic_messages",
        operation="chat",
        fields={"model": msgspec.Raw(b'"m"'), "max_tokens": msgspec.Raw(b"16")},
        headers=headers,
        stream=True,
    )


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, "https://api.anthropic.com/v1/messages"),
        ("https://up.example", "https://up.example/v1/messages"),
        ("https://up.example/v1/", "https://up.example/v1/messages"),
        ("https://up.example/v1/messages", "https://up.example/v1/messages"),
    ],
)
def test_base_url_may_be_written_three_ways(base_url: str | None, url: str) -> None:
    """Without /v1, with it, or as the whole endpoint: one address comes of it."""
    assert channel(base_url).build(request(), "sk-up").url == url


def test_request_carries_key_and_default_version() -> None:
    """Where the client names no API version, 2023-06-01 goes."""
    built = channel().build(request(), "sk-up")
    assert (built.method, built.body) == ("POST", b'{"model":"m","max_tokens":16}')
    assert built.headers == {
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "x-api-key": "sk-up",
    }


def test_version_and_betas_of_the_client_are_forwarded() -> None:
    """A client's own version and betas reach the upstream unchanged (wire/DIALECTS.md 1)."""
    built = channel().build(request(**{"anthropic-version": "2026-10-21", "anthropic-beta": "a,b"}), "sk-up")
    assert (built.headers["anthropic-version"], built.headers["anthropic-beta"]) == ("2026-10-21", "a,b")


@pytest.mark.parametrize("value", ["a\r\nx-api-key: y", "a\0", "ü"])
def test_header_that_would_not_travel_is_a_bad_request(value: str) -> None:
    """A beta that would break the head is the customer's error (field/reliability.md 3, row 43)."""
    with pytest.raises(BadRequestError) as caught:
        channel().build(request(**{"anthropic-beta": value}), "sk-up")
    assert (caught.value.reason, caught.value.param) == ("invalid_header", "anthropic-beta")
