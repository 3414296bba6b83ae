"""Errors inside an answer of status 200: as an event of a stream, or as the whole body."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from ..errors import UpstreamBrokenError, UpstreamStatusError
from ..failures import classify

AnswerT = TypeVar("AnswerT")


def read_document(decode: Callable[[bytes], AnswerT], body: bytes, expected: str) -> AnswerT:
    """Return a whole answer of status 200, as *decode* reads it; *expected* is what it should be, with its article.

    Raises:
        UpstreamStatusError: A document of another form: an error dressed as success.
        UpstreamBrokenError: No JSON.
    """
    try:
        return decode(body)
    except msgspec.ValidationError as exc:
        raise disguised_error(body) from exc
    except (ValueError, RecursionError) as exc:
        raise UpstreamBrokenError(f"expected {expected}, found no JSON document") from exc


def disguised_error(document: bytes) -> UpstreamStatusError:
    """Return the error that *document*, received with status 200, is.

    Where the customer's request seems to blame, the document is read again as the 400 it should
    have been: vendors speak of our key in the same shape, and no 200 may reach the customer.
    """
    error = classify(200, {}, document)
    return classify(400, {}, document) if error.failure == "request" else error
