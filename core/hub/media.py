"""Reads and writes media: ``data:`` URLs, base64 and the names of media types."""

from base64 import b64decode, b64encode

from ..errors import BadRequestError
from .conversation import Inline, Link

AUDIO_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/opus",
    "pcm16": "audio/pcm",
}
"""OpenAI's short names of audio formats. Source: OpenAI API reference, ``input_audio``, read 2026-11-24."""


_SAME = {"image/jpg": "image/jpeg"}
"""Names that some clients use and no vendor knows.

Source: `Base64ImageSourceParam` of anthropic 2.12.0; Gemini's list of types, docs.cloud.google.com
models/gemini/3-flash; read 2026-11-30.
"""


_STANDARD = str.maketrans("-_", "+/")


def in_standard_base64(data: str) -> str:
    """Return base64 in the standard alphabet, which vendors other than Google require, and padded.

    Google's own SDK writes the URL-safe alphabet. Source: ``_common.py`` and ``types.py`` of google-genai 3.4.0, read
    2026-11-30.

    >>> in_standard_base64("d2h5Pz53aGF0Pz8-Cg"), in_standard_base64("_w=="), in_standard_base64("aGk=")
    ('d2h5Pz53aGF0Pz8+Cg==', '/w==', 'aGk=')
    """
    if "-" in data or "_" in data:
        data = data.translate(_STANDARD)
    missing = -len(data) % 4
    # Base64 with line breaks, or of an impossible length, is left to the upstream to judge.
    return data + "=" * missing if missing in (1, 2) and "\n" not in data else data


def read_address(url: str) -> Inline | Link:
    """Return the media inside *url*, if it is a ``data:`` URL in base64, else a link to it.

    >>> read_address("data:image/png;base64,aGk=")
    Inline(media_type='image/png', data='aGk=')
    >>> read_address("https://a.example/b.png")
    Link(url='https://a.example/b.png', media_type='')
    >>> read_address("data:image/jpg;base64,aGk=").media_type
    'image/jpeg'
    """
    head, separator, data = url.partition(";base64,")
    if separator and head.startswith("data:"):
        media_type = head.removeprefix("data:").partition(";")[0]
        return Inline(_SAME.get(media_type, media_type), data)
    return Link(url)


def write_address(source: Inline | Link) -> str:
    """Return *source* as one URL; the reverse of `read_address`."""
    if isinstance(source, Link):
        return source.url
    return f"data:{source.media_type};base64,{source.data}"


def inline_text(text: str) -> Inline:
    """Return plain text as media.

    >>> inline_text("hi")
    Inline(media_type='text/plain', data='aGk=')
    """
    return Inline("text/plain", b64encode(text.encode()).decode())


def text_of(source: Inline) -> str:
    """Return the text in *source*, whatever its media type.

    Raises:
        BadRequestError: Not base64, or not UTF-8.

    >>> text_of(Inline("text/csv", "aGk="))
    'hi'
    """
    try:
        return b64decode(source.data, validate=True).decode()
    except ValueError as exc:
        raise BadRequestError(param="messages.content.file") from exc


def is_text(source: Inline) -> bool:
    """Return whether *source* has a text type: some vendors only accept other types as files."""
    return source.media_type.startswith("text/")


def audio_format(media_type: str) -> str | None:
    """Return OpenAI's short name of an audio format; None if it has no name for it."""
    return next((name for name, known in AUDIO_TYPES.items() if known == media_type), None)
