"""Numbers that are larger than an upstream takes are lowered; everything else stays as it was written."""

from fractions import Fraction

import msgspec
import pytest

from relay.core.caps import cap_numbers, check_caps
from relay.core.exchange import ChannelRequest


@pytest.mark.parametrize(
    ("sent", "goes_on"),
    [
        (b"1", b"0.99"),
        (b"1e999999999", b"0.99"),
        (b"0.9900", b"0.9900"),
        (b"-3", b"-3"),
        (b'"1"', b'"1"'),
        (b"null", b"null"),
        (b"[1]", b"[1]"),
    ],
)
def test_only_a_larger_number_is_lowered(sent: bytes, goes_on: bytes) -> None:
    """What is no number is the upstream's to refuse."""
    fields = {"model": msgspec.Raw(b'"m"'), "top_p": msgspec.Raw(sent)}
    request = ChannelRequest(
        dialect="openai_chat", operation="chat", model="m", fields=fields, headers={}, stream=False
    )
    cap_numbers(request, {"top_p": Fraction("0.99"), "temperature": Fraction(1)})
    assert request.body() == b'{"model":"m","top_p":' + goes_on + b"}"


def test_a_bound_that_no_number_can_say_is_named() -> None:
    """A third has no end as a decimal."""
    with pytest.raises(ValueError, match="at_most of 'top_p' must be a plain decimal, got 1/3"):
        check_caps({"top_p": Fraction(1, 3)})
