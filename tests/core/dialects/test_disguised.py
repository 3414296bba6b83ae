"""An error that came with status 200 is classed by what it says."""

import msgspec
import pytest

from relay.core.dialects.disguised import disguised_error, read_document
from relay.core.errors import FailureClass, UpstreamBrokenError, UpstreamStatusError


@pytest.mark.parametrize(
    ("document", "failure"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "overloaded"),
        (b'{"error":{"type":"rate_limit_error","message":"slow down"}}', "throttled"),
        (b'{"error":{"type":"insufficient_quota","message":"quota"}}', "key_dead"),
        (b'{"error":{"type":"invalid_request_error","message":"bad"}}', "request"),
        (b'{"error":{"code":400,"message":"Token limit reached"}}', "request"),
        (b"not json", "sick"),
    ],
)
def test_the_machine_type_decides(document: bytes, failure: FailureClass) -> None:
    """Not the status it came with."""
    assert disguised_error(document).failure == failure


def test_the_status_of_success_never_reaches_the_customer() -> None:
    """An error about the request is a 400, with the upstream's words about it."""
    error = disguised_error(b'{"error":{"type":"invalid_request_error","message":"prompt is too long"}}')
    assert (error.upstream_status, error.message) == (400, "prompt is too long")


class Answer(msgspec.Struct):
    data: list[int]


decode = msgspec.json.Decoder(Answer).decode


def test_a_document_is_read_as_what_it_should_be() -> None:
    """Whole."""
    assert read_document(decode, b'{"data":[1]}', "numbers") == Answer([1])


def test_a_document_of_another_form_is_an_error() -> None:
    """By what it says."""
    with pytest.raises(UpstreamStatusError) as caught:
        read_document(decode, b'{"error":{"type":"rate_limit_error","message":"slow down"}}', "numbers")
    assert caught.value.failure == "throttled"


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"data":[1'])
def test_what_is_no_document_is_a_break(body: bytes) -> None:
    """And says what was expected."""
    with pytest.raises(UpstreamBrokenError, match="expected numbers, found no JSON document"):
        read_document(decode, body, "numbers")
