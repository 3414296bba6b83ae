"""Errors and lists have OpenAI's shape."""

import pytest

from relay.core.dialects.openai_face import OpenAIFace
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
    assert OpenAIFace().render_error(error, "words", "req-1") == body
