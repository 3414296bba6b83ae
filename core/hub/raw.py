"""Fields that are passed on as they stand."""

import msgspec


def given(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Return a copy of *raw*; None where the field was absent, which `msgspec` leaves empty, or null.

    >>> given(msgspec.Raw()), given(msgspec.Raw(b"null"))
    (None, None)
    """
    value = bytes(raw)
    return msgspec.Raw(value) if value not in (b"", b"null") else None
