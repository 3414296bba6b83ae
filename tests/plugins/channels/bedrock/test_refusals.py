import msgspec
import pytest

from relay.plugins.channels.bedrock.refusals import meaning_of, message_of, render_error


@pytest.mark.parametrize(
    ("exception", "status", "meaning"),
    [
        ("ThrottlingException", 429, (429, "rate_limit_error")),
        ("com.amazon.coral.service#ExpiredTokenException", 400, (403, "authentication_error")),
        ("ServiceQuotaExceededException:http://internal.example/", 400, (429, "rate_limit_error")),
        ("", 418, (418, "invalid_request_error")),
        ("NewException", 503, (503, "api_error")),
    ],
)
def test_the_name_decides_and_then_the_status(exception: str, status: int, meaning: tuple[int, str]) -> None:
    """However the name is dressed."""
    assert meaning_of(exception, status) == meaning


@pytest.mark.parametrize(
    "message",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID x with on-demand throughput isn't supported. Retry with an inference profile.",
        "This model version has reached the end of its life.",
    ],
)
def test_a_model_that_is_not_there_is_no_fault_of_the_customers(message: str) -> None:
    """AWS calls it a flaw of the request; another channel may have the model."""
    body = msgspec.json.decode(render_error("invalid_request_error", message))
    assert body["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"a"}', "a"),
        (b'{"Message":"b"}', "b"),
        (b"[]", None),
        (b"<html>", None),
        (b'{"message":1}', None),
        (b"[" * 9999, None),
    ],
)
def test_words_are_found_where_there_are_any(body: bytes, message: str | None) -> None:
    """In either spelling."""
    assert message_of(body) == message
