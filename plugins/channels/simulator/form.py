"""Reads a form with files, with the standard library's email parser."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from relay.plugins.channels.simulator.answer import UnreadableError

Files = dict[str, list[bytes]]


def read_form(body: bytes, content_type: str) -> tuple[dict[str, Any], Files]:
    """Return the values of a form's plain fields and the contents of its files, by their names.

    Raises:
        UnreadableError: It is not a form.
    """
    message = BytesParser(policy=HTTP).parsebytes(f"content-type: {content_type}\r\n\r\n".encode("latin-1") + body)
    parts = message.get_payload()
    if message.get_content_type() != "multipart/form-data" or not isinstance(parts, list):
        raise UnreadableError("the body is no form")
    fields: dict[str, Any] = {}
    files: Files = {}
    for part in parts:
        assert isinstance(part, Message), "the payload of a multipart message"
        name = str(part.get_param("name", "", header="content-disposition"))
        value = part.get_payload(decode=True)
        content = value if isinstance(value, bytes) else b""
        if part.get_filename() is None:
            fields[name] = content.decode(errors="replace")
        else:
            files.setdefault(name.removesuffix("[]"), []).append(content)
    return fields, files
