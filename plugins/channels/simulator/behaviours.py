"""Everything that the simulator can do wrong, each a small function named in a table.

There are three kinds, by what they change: the answer (`ANSWERS`), the reply (`REPLIES`), and how its
bytes are sent (`WIRES`). Each covers rows of the fault catalogue, field/reliability.md 3.
"""

import gzip
from collections.abc import Callable

import msgspec

from relay.plugins.channels.simulator.answer import THINKING, Answer
from relay.plugins.channels.simulator.dialects import DIALECTS
from relay.plugins.channels.simulator.reply import Reply, Step, chunk, error_reply, head, honest

SLOW_S = 0.2
DRIP_S = 0.02
BIG_BYTES = 6 * 1024 * 1024
FOREIGN = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"foreign":true}'

# The answer


def _changed(**changes: object) -> Callable[[Answer], Answer]:
    return lambda answer: msgspec.structs.replace(answer, **changes)


_SILENT = {"text": "", "tool_name": "", "tool_arguments": ""}

ANSWERS: dict[str, Callable[[Answer], Answer]] = {
    "empty": _changed(**_SILENT, thinking="", stop="end"),
    "thinking-cut": _changed(**_SILENT, thinking=THINKING, stop="length"),
    "refusal": _changed(**_SILENT | {"text": "I can't help with that."}, stop="refusal"),
    "length": lambda answer: msgspec.structs.replace(answer, text=answer.text[:16], stop="length"),
    "usage-missing": _changed(is_usage_given=False),
    "usage-zero": _changed(usage_lie=0),
    "usage-negative": _changed(usage_lie=-5),
    "usage-huge": _changed(usage_lie=2**63),
    "usage-text": _changed(usage_lie="many"),
    "model-swapped": _changed(model="a-cheaper-model"),
    "big-event": _changed(text="x" * BIG_BYTES, tool_name="", tool_arguments="", stop="end"),
}

# The reply


def _error(status: int, name: str, message: str, *headers: str) -> Callable[[Reply], Reply]:
    return lambda reply: error_reply(reply.kind, status, name, message, *headers)


def _page(status: int) -> Callable[[Reply], Reply]:
    page = b"<html><head><title>Bad gateway</title></head><body>nginx</body></html>\n"
    return lambda reply: Reply(status=status, content_type="text/html", pieces=[page])


def _failing(reply: Reply, pieces: list[bytes]) -> Reply:
    """Return a stream that fails after *pieces*; any other reply becomes an error with status 200."""
    if not reply.is_stream:
        return msgspec.structs.replace(_error(500, "server_error", "The server had an error")(reply), status=200)
    return msgspec.structs.replace(reply, pieces=[*pieces, DIALECTS[reply.kind].error_event(len(pieces))])


def _half(reply: Reply) -> list[bytes]:
    """Return the first half of a stream's events, or of a body's bytes."""
    if reply.is_stream:
        return reply.pieces[: len(reply.pieces) // 2]
    return [reply.body[: len(reply.body) // 2]]


def _cut_event(reply: Reply) -> Reply:
    *whole, last = _half(reply) or reply.pieces
    return msgspec.structs.replace(reply, pieces=[*whole, last[: len(last) // 2]])


def _cut_end(reply: Reply) -> Reply:
    return msgspec.structs.replace(reply, pieces=reply.pieces[:-1] if reply.is_stream else _half(reply))


def _garbage_event(reply: Reply) -> Reply:
    half = _half(reply)
    return msgspec.structs.replace(reply, pieces=[*half, b'data: {"choices":[{\n\n', *reply.pieces[len(half) :]])


def _keep_alive(reply: Reply) -> Reply:
    if not reply.is_stream:
        return msgspec.structs.replace(reply, pieces=[b"\n\n\n", *reply.pieces])
    note = DIALECTS[reply.kind].KEEP_ALIVE
    return msgspec.structs.replace(reply, pieces=[piece for event in reply.pieces for piece in (note, event)])


REPLIES: dict[str, Callable[[Reply], Reply]] = {
    "400": _error(400, "invalid_request_error", "temperature: expected at most 2"),
    "context": _error(400, "context_length_exceeded", "prompt is too long: 300000 tokens > 200000 maximum"),
    "401": _error(401, "authentication_error", "invalid x-api-key sk-canary-1234567890"),
    "402": _error(402, "billing_error", "Insufficient Balance"),
    "403": _error(403, "permission_error", "Your API key does not have permission"),
    "403-policy": _error(403, "content_policy_violation", "flagged by our content policy"),
    "404": _error(404, "not_found_error", "no such model"),
    "413": _error(413, "request_too_large", "Request exceeds the maximum size"),
    "429": _error(429, "rate_limit_error", "slow down", "retry-after: 2"),
    "quota": _error(429, "insufficient_quota", "You exceeded your current quota"),
    "500": _error(500, "server_error", "Internal server error"),
    "503": _error(503, "server_error", "overloaded"),
    "529": _error(529, "overloaded_error", "Overloaded"),
    "html": _page(502),
    "200-html": _page(200),
    "200-error": lambda reply: msgspec.structs.replace(_error(500, "server_error", "failed")(reply), status=200),
    "redirect": lambda reply: Reply(status=302, headers=("location: http://127.0.0.1:9/elsewhere",), pieces=[b""]),
    "error-first": lambda reply: _failing(reply, []),
    "error-midway": lambda reply: _failing(reply, _half(reply)),
    "cut-text": lambda reply: msgspec.structs.replace(reply, pieces=_half(reply)),
    "cut-event": _cut_event,
    "cut-end": _cut_end,
    "garbage-event": _garbage_event,
    "keep-alive": _keep_alive,
}

# How the bytes are sent


def _half_sent(reply: Reply) -> list[Step]:
    """Return the steps that send half a reply, and leave its framing unfinished."""
    if reply.is_stream:
        return [head(reply, "transfer-encoding: chunked"), *(chunk(piece) for piece in _half(reply))]
    return [head(reply, f"content-length: {len(reply.body)}"), *_half(reply)]


def _whole(reply: Reply, missing_count: int = 0) -> bytes:
    """Return head and body; *missing_count* bytes fewer come than the head says."""
    return head(reply, f"content-length: {len(reply.body) + missing_count}") + reply.body


def _two_lengths(reply: Reply) -> list[Step]:
    return [
        head(reply, f"content-length: {len(reply.body)}\r\ntransfer-encoding: chunked") + chunk(reply.body),
        "close",
    ]


def _gzip(reply: Reply) -> list[Step]:
    packed = gzip.compress(reply.body)
    return [head(reply, f"content-encoding: gzip\r\ncontent-length: {len(packed)}") + packed]


def _drip(reply: Reply) -> list[Step]:
    """Return the head and then the body byte by byte, so slowly that no line is ever completed."""
    steps: list[Step] = [head(reply, f"content-length: {len(reply.body)}")]
    for byte in reply.body:
        steps += [bytes([byte]), DRIP_S]
    return steps


def _drip_head(reply: Reply) -> list[Step]:
    steps: list[Step] = []
    for byte in head(reply, "content-length: 0"):
        steps += [bytes([byte]), DRIP_S]
    return steps


WIRES: dict[str, Callable[[Reply], list[Step]]] = {
    "slow": lambda reply: honest(reply, pace_s=SLOW_S),
    "slow-first": lambda reply: honest(reply, first_s=SLOW_S),
    "slow-loris": _drip,
    "slow-loris-head": _drip_head,
    "hang": lambda reply: ["hang"],
    "hang-head": lambda reply: [head(reply, "transfer-encoding: chunked"), "hang"],
    "hang-midway": lambda reply: [*_half_sent(reply), "hang"],
    "shut": lambda reply: ["close"],
    "shut-midway": lambda reply: [*_half_sent(reply), 0.01, "close"],
    "reset": lambda reply: ["reset"],
    "reset-midway": lambda reply: [*_half_sent(reply), 0.01, "reset"],
    "garbage": lambda reply: [b"\x00\x01garbage\r\n\r\n", "close"],
    "bad-chunk": lambda reply: [*_half_sent(msgspec.structs.replace(reply, is_stream=True)), 0.01, b"zz\r\n"],
    "bad-status": lambda reply: honest(msgspec.structs.replace(reply, status=999)),
    "big-head": lambda reply: honest(msgspec.structs.replace(reply, headers=("x-big: " + "x" * 1_000_000,))),
    "overrun": lambda reply: [_whole(reply) + FOREIGN],
    "short-length": lambda reply: [_whole(reply, missing_count=100), 0.01, "close"],
    "two-lengths": _two_lengths,
    "gzip": _gzip,
}

NAMES = frozenset(ANSWERS) | frozenset(REPLIES) | frozenset(WIRES)
