"""What Gemini fetches by itself: files at public addresses, where it is told of what kind they are.

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
"""The kinds that it fetches, by how the names of such files end."""
_FETCHES_NOTHING = re.compile(r"gemini-(?:1|2\.0)")


def media_type_of(link: Link, model: str) -> str | None:
    """Return of what kind the file at *link* is; None where *model* would not fetch it, or nothing tells.

    An address has no media type in the other dialects, so the end of its path tells it; one that
    came from Gemini's own form brings it along.

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
