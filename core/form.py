"""A form with files (multipart/form-data), read without copying the contents of its files.

Strict on purpose: a form that two readers interpret differently could price one model and send
another. So names are plain and occur once, part heads look as known clients write them, and nothing
comes before, between or after the parts. An edit changes single values; all other bytes are sent as
they came.

Source: RFC 7578; RFC 2046, 5.1.1; what browsers, curl, httpx, Go and .NET write, read 2026-11-24.
"""

import re
from collections.abc import Mapping

import msgspec

from .errors import BadRequestError

PARTS_MAX = 64
HEAD_BYTES_MAX = 4096
TEXT_BYTES_MAX = 256 * 1024
"""The limit for all plain values together; the longest prompt for a picture is 32 000 characters."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")
# A backslash before a quote is an escape to some readers, and none to others.
_PARAMETER = r';\s*([A-Za-z*-]+)=(?:"((?:[^"\\]|\\(?!"))*)"|([^\s";]+))\s*'
_CONTENT_TYPE = re.compile(f"multipart/form-data\\s*(?:{_PARAMETER})+", re.I)
_DISPOSITION = re.compile(f"form-data\\s*(?:{_PARAMETER})+", re.I)
_parameters = re.compile(_PARAMETER).findall
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}(\[[A-Za-z0-9_.-]{0,64}\]){0,4}")
_EXTENDED = re.compile(r"(?:utf-8|us-ascii)'[^']*'(?:[^%]|%[0-9a-f]{2})+", re.I)
"""A ``filename*`` that every reader can decode (RFC 8187, 3.2).

Go's library prefers it to ``filename``, and takes a file without a name for a value.
"""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FOREIGN_CHARSET = re.compile(r'charset\s*=\s*"?(?!(?:utf-8|us-ascii)"?\s*(?:;|$))', re.I)
_PLAIN_ENCODINGS = frozenset({"7bit", "8bit", "binary"})


class Part(msgspec.Struct, frozen=True):
    """One part: its name, and the positions of the part and its value in the body."""

    name: str
    is_file: bool
    start: int
    value_start: int
    value_end: int

    @property
    def is_read(self) -> bool:
        """It is a plain value under a plain name; files and ``name[]`` are left to the upstream."""
        return not self.is_file and not self.name.endswith("]")


class Form:
    """A form as it came, with the values of its plain fields as JSON strings in ``fields``.

    Raises:
        BadRequestError: ``bad_form``, or the name of the field at fault.
    """

    __slots__ = ("_body", "_boundary", "_parts", "fields")

    def __init__(self, body: bytes, content_type: str) -> None:
        self._boundary = _read_parameters(_CONTENT_TYPE, content_type).get("boundary", "")
        if not _BOUNDARY.fullmatch(self._boundary):
            raise BadRequestError("bad_form", param="content-type")
        self._body = body
        self._parts = self._split()
        self.fields = self._read_fields()

    @property
    def content_type(self) -> str:
        """The content type with which the form is sent on."""
        return f'multipart/form-data; boundary="{self._boundary}"'

    def files(self, *names: str) -> list[memoryview]:
        """Return the contents of the files called any of *names*, without copying them."""
        view = memoryview(self._body)
        return [view[part.value_start : part.value_end] for part in self._parts if part.is_file and part.name in names]

    def body(self, fields: Mapping[str, msgspec.Raw]) -> bytes:
        """Return the body with *fields* in place of the form's own; the original bytes if they are the same.

        The result replaces the form's body, so that its files are never held in memory twice.
        """
        if fields != self.fields:
            self._body = self._edited(fields)
            self._parts = self._split()
            self.fields = self._read_fields()
        return self._body

    def _edited(self, fields: Mapping[str, msgspec.Raw]) -> bytes:
        view = memoryview(self._body)
        pieces: list[bytes | memoryview] = []
        for name, value in fields.items():
            if name not in self.fields:
                head = f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
                pieces += (head.encode(), _text(value), b"\r\n")
        for part in self._parts:
            if not part.is_read or fields.get(part.name) == self.fields[part.name]:
                pieces.append(view[part.start : part.value_end + 2])
            elif part.name in fields:
                pieces += (view[part.start : part.value_start], _text(fields[part.name]), b"\r\n")
        return b"".join((*pieces, view[self._parts[-1].value_end + 2 :]))

    def _split(self) -> tuple[Part, ...]:
        body, delimiter = self._body, f"\r\n--{self._boundary}".encode()
        parts: list[Part] = []
        start = 0
        is_next = body.startswith(delimiter[2:] + b"\r\n")
        while is_next and len(parts) < PARTS_MAX:
            head_start = start + len(delimiter)
            head_end = body.find(b"\r\n\r\n", head_start, head_start + HEAD_BYTES_MAX)
            value_end = body.find(delimiter, head_start - 2)
            if head_end < 0 or value_end < head_end + 4:
                raise BadRequestError("bad_form")
            name, is_file = _read_head(body[head_start:head_end], value_end - head_end - 4)
            parts.append(Part(name, is_file, start, head_end + 4, value_end))
            start = value_end + 2
            after = value_end + len(delimiter)
            is_next = body.startswith(b"\r\n", after)
        if is_next or not parts or body[after:] not in (b"--", b"--\r\n"):
            raise BadRequestError("bad_form")
        return tuple(parts)

    def _read_fields(self) -> dict[str, msgspec.Raw]:
        fields: dict[str, msgspec.Raw] = {}
        size = 0
        taken = {part.name for part in self._parts if part.is_file}
        for part in self._parts:
            size += part.value_end - part.value_start if part.is_read else 0
            if not part.is_read:
                continue
            if part.name in fields or part.name in taken or size > TEXT_BYTES_MAX:
                raise BadRequestError(param=part.name)
            try:
                text = self._body[part.value_start : part.value_end].decode()
            except UnicodeDecodeError as exc:
                raise BadRequestError(param=part.name) from exc
            fields[part.name] = msgspec.Raw(msgspec.json.encode(text))
        return fields


def _read_head(head: bytes, size: int) -> tuple[str, bool]:
    """Return the name of a part whose value has *size* bytes, and whether it is a file.

    A browser sends one without a name and without a byte for a file that was not chosen.
    """
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n"):
        key, colon, value = line.partition(":")
        key = key.lower()
        if not colon or key in headers or not re.fullmatch("[a-z-]+", key) or _CONTROL.search(value):
            raise BadRequestError("bad_form")
        headers[key] = value.strip()
    parameters = _read_parameters(_DISPOSITION, headers.get("content-disposition", ""))
    name = parameters.get("name", "")
    if "name*" in parameters or not _NAME.fullmatch(name):
        raise BadRequestError("bad_form")
    extended = parameters.get("filename*")
    is_file = "filename" in parameters or extended is not None
    is_named = bool(parameters.get("filename")) if extended is None else _EXTENDED.fullmatch(extended) is not None
    is_encoded = headers.get("content-transfer-encoding", "binary").lower() not in _PLAIN_ENCODINGS
    if (
        is_encoded
        or (is_file != is_named and size)
        or (not is_file and _FOREIGN_CHARSET.search(headers.get("content-type", "")))
    ):
        raise BadRequestError(param=name)
    return name, is_file


def _read_parameters(pattern: re.Pattern[str], value: str) -> dict[str, str]:
    """Return the parameters of a header's *value*, names in lower case; none if one is repeated or malformed."""
    pairs = [(key.lower(), quoted or plain) for key, quoted, plain in _parameters(value)]
    parameters = dict(pairs)
    return parameters if pattern.fullmatch(value) and len(pairs) == len(parameters) else {}


def _text(raw: msgspec.Raw) -> bytes:
    """Return how a form writes a JSON value: a string without its quotes, anything else as it is."""
    value = msgspec.json.decode(raw)
    return value.encode() if isinstance(value, str) else bytes(raw)
