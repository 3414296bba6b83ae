"""Errors inside an answer of status 200: as an event of a stream, or as the whole body."""

from ..errors import UpstreamStatusError
from ..failures import classify


def disguised_error(document: bytes) -> UpstreamStatusError:
    """Return the error that *document*, received with status 200, is.

    Where the customer's request is to blame, the status becomes 400: the 200 it came with must
    not reach the customer.
    """
    error = classify(200, {}, document)
    if error.failure == "request":
        error.upstream_status = 400
    return error
