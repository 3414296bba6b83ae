"""Finds the media types of public URLs, which Gemini needs to fetch the files by itself.

Source: ai.google.dev file-input-methods, "External HTTP / Signed URLs" and "Supported content types"
(as vercel/ai#16751 lists them; vercel/ai#16757 for the models), read 2026-11-29.
"""

import re
from urllib.parse import urlsplit

from ..conversation import Link

_KINDS = {
    "bmp": "image/bmp",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "pdf": "application/pdf",
    "rtf": "text/rtf",
    "txt": "text/plain",
    "xml": "text/xml",
}
"""The media types that it fetches, by file name extension."""
_FETCHES_NOTHING = re.compile(r"gemini-(?:1|2\.0)")


def media_type_of(link: Link, model: str) -> str | None:
    """Return the media type of the file at *link*; None if *model* would not fetch it, or the type is unknown.

    The other dialects give a URL without a media type, so it is found from the end of the path; a
    URL from Gemini's own form has one.

    >>> media_type_of(Link("https://a.example/b.PNG?size=2"), "gemini-3-pro")
    'image/png'
    """
    if link.media_type:
        return link.media_type
    if _FETCHES_NOTHING.match(model):
        return None
    try:
        address = urlsplit(link.url)
    except ValueError:
        return None
    name = address.path.rpartition("/")[2]
    return _KINDS.get(name.rpartition(".")[2].lower()) if address.scheme == "https" and "." in name else None
