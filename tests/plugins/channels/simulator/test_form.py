"""A form with files is read as clients write it."""

import httpx
import pytest

from relay.plugins.channels.simulator.answer import UnreadableError
from relay.plugins.channels.simulator.form import read_form


def test_values_and_files_are_told_apart() -> None:
    """Bytes of files stay what they are; several under one name are a list, with brackets or without."""
    every_byte = bytes(range(256)) * 2 + b"\r\n--x\r\n\n\r"
    files = [("image[]", ("a.png", every_byte)), ("image[]", ("b.png", b"b")), ("mask", ("m.png", b""))]
    request = httpx.Request("POST", "http://x", data={"model": "m", "prompt": "猫"}, files=files)
    fields, found = read_form(request.read(), request.headers["content-type"])
    assert fields == {"model": "m", "prompt": "猫"}
    assert found == {"image": [every_byte, b"b"], "mask": [b""]}


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain"])
def test_what_is_no_form_is_unreadable(content_type: str) -> None:
    """Whatever its type says."""
    with pytest.raises(UnreadableError):
        read_form(b"{}", content_type)
