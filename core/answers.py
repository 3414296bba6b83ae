"""How a failure is told to the customer: status, headers, and a sentence in their language."""

from collections.abc import Mapping

from .dialects.dialect import DialectRules
from .dialects.meaning import code_of, retry_after_s, status_of
from .errors import (
    LedgerError,
    MethodNotAllowedError,
    PluginError,
    RejectedError,
    RelayError,
    UpgradeRequiredError,
    UpstreamStatusError,
)
from .exchange import Exchange
from .observe import emit_exception
from .sink import Sink
from .texts import text

JSON = (b"content-type", b"application/json")
ASK_AGAIN_S_MAX = 120
"""Seconds; nobody is told to ask again after a longer wait. Anthropic's SDK for Python sleeps for as long as it is told,
even an hour; OpenAI's gives up by itself if it is longer than this. Source: anthropic 2.12.0 and openai 3.54.0,
_base_client.py, read 2026-11-30.
"""
_PROTOCOLS: Mapping[str, bytes] = {"websocket_expected": b"websocket", "plain_http_expected": b"HTTP/1.1"}
"""The protocol that the endpoint speaks, by code; an answer of status 426 must name it (RFC 9110, 15.5.22 and 7.8)."""


def sentence(error: RelayError, locale: str) -> str:
    """Return the sentence for the customer; the upstream's own words only where they are about the request."""
    if isinstance(error, UpstreamStatusError) and error.failure == "request":
        return error.message or text("upstream_refused", locale, {})
    params = {"wait_s": str(retry_after_s(error))}
    if isinstance(error, RejectedError):
        params = {**error.params, "param": error.param or ""}
    return text(code_of(error), locale, params)


def failure_headers(error: RelayError) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell a client whether to ask again, and when.

    OpenAI's and Anthropic's SDKs and Claude Code obey ``x-should-retry``; without it Claude
    Code repeats a 401 eleven times. Source: wire/DIALECTS.md 7.4, read 2026-11-23.
    """
    wait_s = retry_after_s(error)
    is_worth_waiting = wait_s is not None and wait_s <= ASK_AGAIN_S_MAX
    headers = [JSON, (b"x-should-retry", b"true" if is_worth_waiting else b"false")]
    if wait_s is not None:
        headers.append((b"retry-after", str(wait_s).encode()))
    if isinstance(error, MethodNotAllowedError):
        headers.append((b"allow", error.params["expected"].encode()))  # a 405 must have it (RFC 9110, 15.5.6)
    if isinstance(error, UpgradeRequiredError):
        headers += [(b"upgrade", _PROTOCOLS[error.reason]), (b"connection", b"upgrade")]
    return headers


def answerable(exc: BaseException, request_id: str) -> RelayError:
    """Return the error to answer *exc* with; what the shop has to mend is logged, as its customer learns only the id.

    The error has no traceback: its frames could refer back to the error, and so keep the request in memory.
    """
    if not isinstance(exc, RelayError):
        emit_exception("request.crashed", exc, request_id=request_id)
        return RelayError("internal error")
    if isinstance(exc, PluginError | LedgerError):
        emit_exception("request.failed", exc, request_id=request_id, code=exc.code)
    return exc.with_traceback(None)


async def answer_with_error(sink: Sink, exchange: Exchange, rules: DialectRules, error: RelayError) -> None:
    """Write *error* as the whole answer, or as the last event of a stream that has begun; after its end, nothing.

    Where the dialect has no error event nothing is written either: the server then closes the connection
    without ending the answer.
    """
    if sink.is_ended:
        return
    words = sentence(error, exchange.locale)
    if sink.is_head_sent:
        if event := rules.render_error_event(error, words, exchange.id):
            await sink.end(event)
    else:
        await sink.whole(status_of(error), failure_headers(error), rules.render_error(error, words, exchange.id))
