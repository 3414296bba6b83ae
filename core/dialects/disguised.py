"""Errors inside an answer of status 200: as an event of a stream, or as the whole body."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from ..errors import UpstreamBrokenError, UpstreamStatusError
from ..failures import classify

AnswerT = TypeVar("AnswerT")


def read_document(decode: Callable[[bytes], AnswerT], body: bytes, expected: str) -> AnswerT:
    """Return *body*, a whole answer of status 200, as *decode* reads it.

    *expected* names it in errors, with an article.

    Raises:
        UpstreamStatusError: It is another document: an error dressed as success.
        UpstreamBrokenError: It is no JSON.
    """
    try:
        return decode(body)
    except msgspec.ValidationError as exc:
        raise disguised_error(body) from exc
    except (ValueError, RecursionError) as exc:
        raise UpstreamBrokenError(f"expected {expected}, found no JSON document") from exc


def disguised_error(document: bytes) -> UpstreamStatusError:
    """Return the error in *document*, which was received with status 200.

    If the customer's request seems to be at fault, the document is read again as the 400 it should have
    been: vendors report problems with our key in the same form, and no 200 may reach the customer.
    """
    error = classify(200, {}, document)
    return classify(400, {}, document) if error.failure == "request" else error
