"""Errors and lists have OpenAI's shape."""

import pytest

from relay.core.dialects.dialect import ModelEntry
from relay.core.dialects.openai_face import render_openai_error, render_openai_model, render_openai_models
from relay.core.errors import (
    AuthenticationError,
    BadRequestError,
    InsufficientBalanceError,
    RelayError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (
            BadRequestError(param="n"),
            b'{"error":{"message":"words","type":"invalid_request_error","param":"n","code":"bad_request"}}',
        ),
        (
            AuthenticationError(),
            b'{"error":{"message":"words","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
        ),
        (
            InsufficientBalanceError(),
            b'{"error":{"message":"words","type":"insufficient_quota","param":null,"code":"insufficient_user_quota"}}',
        ),
        (
            UpstreamStatusError("request", 400, error_type="context_length_exceeded", param="messages"),
            b'{"error":{"message":"words","type":"invalid_request_error","param":"messages",'
            b'"code":"context_length_exceeded"}}',
        ),
        (
            UpstreamStatusError("throttled", 429),
            b'{"error":{"message":"words","type":"rate_limit_error","param":null,"code":"upstream_throttled"}}',
        ),
        (
            UpstreamTimeoutError("idle"),
            b'{"error":{"message":"words","type":"server_error","param":null,"code":"upstream_timeout"}}',
        ),
    ],
)
def test_an_error_has_message_type_param_and_code(error: RelayError, body: bytes) -> None:
    """The four fields that the SDKs read."""
    assert render_openai_error(error, "words") == body


def test_models_are_listed() -> None:
    """As GET /v1/models answers."""
    assert render_openai_models([ModelEntry(name="gpt-4o", created_at=1700000000)]) == (
        b'{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1700000000,"owned_by":"relay"}]}'
    )


def test_one_model_is_shown() -> None:
    """As GET /v1/models/gpt-4o answers."""
    assert render_openai_model(ModelEntry(name="gpt-4o", created_at=1)) == (
        b'{"id":"gpt-4o","object":"model","created":1,"owned_by":"relay"}'
    )
