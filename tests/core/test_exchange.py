"""Exchanges show nothing of what they hold; requests to channels get the smallest edits."""

from datetime import UTC, datetime

import msgspec

from relay.core.exchange import ChannelRequest, Exchange
from relay.core.form import Form


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


def test_neither_an_exchange_nor_a_request_shows_what_it_holds() -> None:
    """Whatever prints one, in a log or an error report."""
    at, fields = datetime(2026, 11, 30, tzinfo=UTC), {"prompt": msgspec.Raw(b'"canary"')}
    exchange = Exchange(
        id="req_1",
        dialect="openai_chat",
        operation="chat",
        headers={"x": "canary"},
        received_at=at,
        started_s=0.0,
        api_key="canary",
        fields=fields,
    )
    request = ChannelRequest(
        model="m", dialect="openai_chat", operation="chat", fields=fields, headers={}, stream=False
    )
    assert "canary" not in f"{exchange!r} {exchange} {request!r} {request}"
