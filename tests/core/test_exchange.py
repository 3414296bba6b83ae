"""Charges and requests: exact sums, smallest edits."""

from fractions import Fraction

import msgspec

from relay.core.exchange import ChannelRequest, Charge, ChargeLine
from relay.core.form import Form


def charge(*amounts: str) -> Charge:
    """Return a charge with a line for each amount."""
    return Charge(
        lines=tuple(ChargeLine(rule="r", item="i", count=1, factors=(("price", Fraction(a)),)) for a in amounts)
    )


def test_a_charge_is_rounded_once_over_all_its_lines() -> None:
    """Three lines of 0.4 nano-credits are one nano-credit together."""
    assert charge("0.0000000004", "0.0000000004", "0.0000000004").nano == 1


def test_a_factor_multiplies_every_line_and_shows_in_each() -> None:
    """Half price halves the sum and leaves its name in the trace."""
    halved = charge("2", "4").times("night", Fraction(1, 2))
    assert halved.nano == 3_000_000_000
    assert [line.factors[-1] for line in halved.lines] == [("night", Fraction(1, 2))] * 2


def test_an_edited_request_keeps_every_other_field_byte_for_byte() -> None:
    """Only the field that was set changes; the odd spacing of another stays."""
    fields = msgspec.json.decode(b'{"model": "a", "odd":  {"x" : 1.00}}', type=dict[str, msgspec.Raw])
    request = ChannelRequest(
        model="m", dialect="openai_chat", operation="chat", fields=fields, headers={}, stream=False
    )
    request.set("model", "b")
    assert request.body() == b'{"model":"b","odd":{"x" : 1.00}}'


def test_a_form_is_edited_like_json() -> None:
    """A number set where there was none, and the content type of the form."""
    body = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\na\r\n--b--\r\n'
    form = Form(body, "multipart/form-data; boundary=b")
    request = ChannelRequest(
        model="m",
        dialect="audio",
        operation="transcription",
        fields=dict(form.fields),
        headers={},
        stream=False,
        form=form,
    )
    request.set("temperature", 0.5)
    assert request.content_type == 'multipart/form-data; boundary="b"'
    assert request.body() == b'--b\r\nContent-Disposition: form-data; name="temperature"\r\n\r\n0.5\r\n' + body
