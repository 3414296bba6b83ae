"""Errors inside an answer of status 200: as an event of a stream, or as the whole body."""

from ..errors import UpstreamStatusError
from ..failures import classify


def disguised_error(document: bytes) -> UpstreamStatusError:
    """Return the error that *document*, received with status 200, is.

    Where the customer's request seems to blame, the document is read again as the 400 it should
    have been: vendors speak of our key in the same shape, and no 200 may reach the customer.
    """
    error = classify(200, {}, document)
    return classify(400, {}, document) if error.failure == "request" else error
