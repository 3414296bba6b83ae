"""A name is told from a word by what it is made of; beside the messages of test_sanitise.py."""

import pytest

from relay.core.failures.host_names import is_host, is_resource


@pytest.mark.parametrize(
    "name",
    [
        "acme.com",
        "API.X.AI",
        "acme.de",
        "gw.acme.us",
        "api.acme.zone",
        "acme-llm.zone",
        "acme.zone:8443",
        "my_gw.acme.de",
        "cdn.acme.md",
        "acme.xn--p1ai",
        "chat.acme.us",
    ],
)
def test_a_host_is_told_by_its_ending_its_port_or_its_labels(name: str) -> None:
    """A known ending, a country's, a hyphen, a port, a server's first label."""
    assert is_host(name)


@pytest.mark.parametrize(
    "name",
    [
        "node.js",
        "my-app.config.js",
        "function.name",
        "tools.function.id",
        "contact.us",
        "tools.0.to",
        "user_data.in",
        "messages.0.Content",
        "gpt-4.1",
        "anthropic.claude-v2:0",
        "allowed.In",
        "api.key",
        "user_info.app",
        "my_notes.md",
        "tool_input.start-date.type",
    ],
)
def test_a_file_a_field_a_call_and_a_model_are_no_hosts(name: str) -> None:
    """Known endings of files, figures, underscores, words of two letters."""
    assert not is_host(name)


@pytest.mark.parametrize(
    "name",
    [
        "acme-openai-eastus2",
        "gpt-westeurope",
        "my-prod-42",
        "acme-swedencentral",
        "x-azure",
        "acme-EastUS2",
        "acme-westus",
    ],
)
def test_an_accounts_own_name_holds_a_region_or_a_vendor(name: str) -> None:
    """Behind a word of its own."""
    assert is_resource(name)


@pytest.mark.parametrize(
    "name", ["asia-northeast1", "ap-northeast-1", "us-east-1", "gpt-4o-mini", "least-squares", "openai-compatible"]
)
def test_a_region_or_a_model_alone_is_no_accounts_name(name: str) -> None:
    """It tells nothing of the account."""
    assert not is_resource(name)


def test_a_long_name_is_looked_at_once() -> None:
    """However many regions it is made of."""
    assert not is_resource("a-" + "north" * 100_000 + "x")
