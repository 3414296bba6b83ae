"""The faults of upstreams, rows 1 to 30 of field/reliability.md 3, each with what must come of it.

A fault that fails before anything was committed is tried on both channels, one after the other.
"""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.answers import Wire
from tests.upstreams import Step, document

Script = Callable[[Wire], Sequence[Step]]

UNTIL_CUT_S = 30.0
HTML = b"<html><body>Bad gateway, openresty at 10.0.0.7</body></html>"
FOREIGN = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"foreign":true}'


@dataclass(frozen=True)
class Failed:
    """Nothing was committed: what the customer is told, and the class of each attempt."""

    status: int
    code: str
    failure: str = "sick"
    is_retried: bool = True
    is_heard: bool = True
    """The upstream could read the request."""


@dataclass(frozen=True)
class Ended:
    """An answer was committed: how it ended and what it cost, in nano-credits.

    2 000 nano for a token of input, 8 000 for one of output.
    """

    outcome: str
    openai_nano: int
    anthropic_nano: int
    source: str = "upstream"
    code: str | None = None
    """Of the error event at its end."""


@dataclass(frozen=True)
class Fault:
    """One fault. ``channels`` are those of a set of deadlines or addresses, see `PROFILE`."""

    script: Script
    stream: Failed | Ended | None
    whole: Failed | Ended | None
    channels: str = "plain"
    dialects: tuple[str, ...] = ("chat", "messages")


BROKEN = Failed(502, "upstream_error")
LATE = Failed(504, "upstream_timeout")
UNHEARD = Failed(502, "upstream_error", is_heard=False)
UNSHAKEN = Failed(504, "upstream_timeout", is_heard=False)
REFUSED_KEY = Failed(503, "upstream_unavailable", "key_dead")
THROTTLED = Failed(429, "upstream_throttled", "throttled")
BUSY = Failed(503, "upstream_overloaded", "overloaded")
MISROUTED = Failed(503, "upstream_unavailable", "misrouted")
COMPLETE = Ended("complete", 6_000_000, 6_000_000)
CUT = Ended("truncated", 58_000, 2_032_000, "estimated", "upstream_error")
"""13 tokens of input by its 45 bytes, or the 1 000 that Anthropic told at once; 4 of output."""
CUT_SHORT = Ended("truncated", 58_000, 2_032_000, "estimated", "upstream_overloaded")
CUT_LATE = Ended("truncated", 58_000, 2_032_000, "estimated", "upstream_timeout")

DISPUTED = Ended("complete", 1_152_000, 1_220_000, "disputed")
"""512 tokens and half of the 41 or 44 bytes as input; 8 for the answer, for a block too, and 3 as output."""
DISPUTED_STREAM = Ended("complete", 1_164_000, 1_232_000, "disputed")
"""The same with 45 or 48 bytes, and 2 tokens for either piece of text."""


def refused(status: int, code: str) -> Failed:
    """A complaint about the request itself: told in the upstream's words, never tried again."""
    return Failed(status, code, "request", is_retried=False)


def _error(kind: str, status: int, *headers: str) -> Script:
    return lambda wire: wire.error(kind, status, *headers)


def _head(line: str, *headers: str) -> Script:
    return lambda wire: ["\r\n".join([line, *headers, "", ""]).encode() + wire.raw, "shut"]


def _events(change: Callable[[Wire], str | bytes]) -> Script:
    return lambda wire: wire.streamed(change(wire))


def _drip_head(wire: Wire) -> Sequence[Step]:
    return [step for byte in b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1000 for step in (bytes([byte]), 0.02)]


def _drip_body(wire: Wire) -> Sequence[Step]:
    drips = [step for _ in range(500) for step in (b"1\r\n \r\n" if wire.is_stream else b" ", 0.02)]
    return wire.begun(*drips)


def _pings(wire: Wire) -> Sequence[Step]:
    return wire.begun(*[step for _ in range(500) for step in (b"8\r\n: ping\n\n\r\n", 0.02)])


def _said(output_tokens: str | None) -> Script:
    def script(wire: Wire) -> Sequence[Step]:
        if wire.is_stream:
            return wire.streamed(wire.begin + wire.output + wire.stop(output_tokens) + wire.end)
        return document(wire.body(output_tokens=output_tokens))

    return script


def _empty(wire: Wire) -> Sequence[Step]:
    if wire.is_stream:
        return wire.streamed(wire.begin + wire.stop("0") + wire.end)
    return document(wire.body("", "0"))


FAULTS: dict[str, Fault] = {
    "1 refuses the connection": Fault(lambda wire: [], UNHEARD, UNHEARD, "alone"),
    "2 never ends its TLS hand-shake": Fault(lambda wire: [], UNSHAKEN, UNSHAKEN, "https"),
    "3 resets before a head": Fault(lambda wire: ["reset"], BROKEN, BROKEN),
    "4 shuts within a head": Fault(lambda wire: [b"HTTP/1.1 200 OK\r\ncont", "shut"], BROKEN, BROKEN),
    "5 hangs before a head": Fault(lambda wire: [UNTIL_CUT_S], LATE, LATE, "first"),
    "5 hangs after a head": Fault(lambda wire: [*wire.sized(b"", length=9), UNTIL_CUT_S], LATE, LATE, "first"),
    "6 hangs in the middle": Fault(lambda wire: wire.begun(UNTIL_CUT_S), CUT_LATE, LATE, "inner"),
    "7 drips its head": Fault(_drip_head, LATE, LATE, "first"),
    "7 drips its body": Fault(_drip_body, CUT_LATE, LATE, "inner"),
    "7 pings for ever": Fault(_pings, CUT_LATE, None, "total"),
    "8 shuts in the middle": Fault(lambda wire: wire.begun("shut"), CUT, BROKEN),
    "8 resets in the middle": Fault(lambda wire: wire.begun(0.01, "reset"), CUT, BROKEN),
    "8 shuts before the output": Fault(lambda wire: [*wire.streamed(wire.begin)[:-1], "shut"], BROKEN, None),
    "8 tells too long a length": Fault(lambda wire: [*wire.sized(wire.raw, length=5000), "shut"], COMPLETE, BROKEN),
    "9 sends more than its length": Fault(
        lambda wire: wire.sized(wire.raw + FOREIGN, length=len(wire.raw)), COMPLETE, COMPLETE
    ),
    "10 tells two lengths": Fault(lambda wire: wire.sized(wire.raw, "content-length: 7"), BROKEN, BROKEN),
    "10 tells a length and chunks": Fault(
        lambda wire: wire.sized(wire.raw, "transfer-encoding: chunked"), BROKEN, BROKEN
    ),
    "10 breaks a chunk": Fault(lambda wire: wire.begun(0.02, b"zz\r\n"), CUT, None),
    "10 sends a megabyte of headers": Fault(lambda wire: wire.sized(wire.raw, "x: " + "x" * 1_000_000), BROKEN, BROKEN),
    "10 speaks no HTTP": Fault(_head("\x00\x01garbage"), BROKEN, BROKEN),
    "10 answers 999": Fault(_head("HTTP/1.1 999 X", "content-length: 1"), BROKEN, BROKEN),
    "10 answers 101": Fault(_head("HTTP/1.1 101 X"), BROKEN, BROKEN),
    "11 answers a page": Fault(lambda wire: document(HTML, 200, ("content-type: text/html",)), BROKEN, BROKEN),
    "11 answers nothing": Fault(lambda wire: wire.sized(b""), BROKEN, BROKEN),
    "12 fails as success": Fault(_error("server_error", 200), BROKEN, BROKEN),
    "12 fails in the first event": Fault(_events(lambda wire: wire.error_event("server_error")), BROKEN, None),
    "12 fails after the role": Fault(
        _events(lambda wire: wire.begin.encode() + wire.error_event("server_error")), BROKEN, None
    ),
    "13 fails after the output": Fault(
        _events(lambda wire: (wire.begin + wire.output).encode() + wire.error_event("overloaded_error")),
        CUT_SHORT,
        None,
    ),
    "13 goes on after an error": Fault(
        _events(
            lambda wire: (
                (wire.begin + wire.output).encode()
                + wire.error_event("overloaded_error")
                + (wire.output + wire.stop() + wire.end).encode()
            )
        ),
        CUT_SHORT,
        None,
    ),
    "14 throttles": Fault(_error("rate_limit_error", 429, "retry-after: 7"), THROTTLED, THROTTLED),
    "15 refuses our key": Fault(_error("authentication_error", 401), REFUSED_KEY, REFUSED_KEY),
    "15 forbids": Fault(_error("permission_error", 403), REFUSED_KEY, REFUSED_KEY),
    "15 wants our money": Fault(_error("billing_error", 402), REFUSED_KEY, REFUSED_KEY),
    "15 has no quota left": Fault(_error("insufficient_quota", 429), REFUSED_KEY, REFUSED_KEY),
    "16 refuses a field": Fault(
        _error("invalid_request_error", 400),
        refused(400, "invalid_request_error"),
        refused(400, "invalid_request_error"),
    ),
    "16 finds it too large": Fault(
        _error("request_too_large", 413), refused(413, "request_too_large"), refused(413, "request_too_large")
    ),
    "16 can't process it": Fault(
        _error("invalid_request_error", 422),
        refused(422, "invalid_request_error"),
        refused(422, "invalid_request_error"),
    ),
    "16 has no such model": Fault(_error("not_found_error", 404), MISROUTED, MISROUTED),
    "17 fails with 500": Fault(_error("server_error", 500), BROKEN, BROKEN),
    "17 fails with 503": Fault(_error("server_error", 503), BUSY, BUSY),
    "17 is overloaded": Fault(_error("overloaded_error", 529), BUSY, BUSY),
    "17 fails with a page": Fault(lambda wire: document(HTML, 502, ("content-type: text/html",)), BROKEN, BROKEN),
    "18 sends us elsewhere": Fault(_error("x", 302, "location: http://127.0.0.1:9/"), BROKEN, BROKEN),
    "18 sends us elsewhere for good": Fault(_error("x", 308, "location: /v1/messages"), BROKEN, BROKEN),
    "19 says nothing": Fault(_empty, Ended("empty", 2_000_000, 2_000_000), Ended("empty", 2_000_000, 2_000_000)),
    "20 ends without its end": Fault(_events(lambda wire: wire.begin + wire.output), CUT, None),
    "20 ends within an event": Fault(_events(lambda wire: wire.begin + wire.output + wire.stop()[:40]), CUT, None),
    "20 ends before the output": Fault(_events(lambda wire: wire.begin), BROKEN, None),
    "21 stops without [DONE]": Fault(
        _events(lambda wire: wire.begin + wire.output + wire.stop()), COMPLETE, None, dialects=("chat",)
    ),
    "21 stops without message_stop": Fault(
        _events(lambda wire: wire.begin + wire.output + wire.stop()),
        Ended("truncated", 0, 6_000_000, code="upstream_error"),
        None,
        dialects=("messages",),
    ),
    "22 goes on after its end": Fault(_events(lambda wire: wire.events + wire.output), COMPLETE, None),
    "23 tells no usage": Fault(
        _said(None), Ended("complete", 58_000, 2_032_000, "estimated"), Ended("complete", 56_000, 58_000, "estimated")
    ),
    "24 tells a negative usage": Fault(_said("-5"), DISPUTED_STREAM, DISPUTED),
    "24 tells its usage in words": Fault(_said('"many"'), DISPUTED_STREAM, DISPUTED),
    "24 tells 2^63": Fault(_said(str(2**63)), DISPUTED_STREAM, DISPUTED),
    "24 tells a fraction": Fault(_said("500.5"), DISPUTED_STREAM, DISPUTED),
    "24 tells zero": Fault(
        _said("0"), Ended("complete", 2_000_000, 2_000_000), Ended("complete", 2_000_000, 2_000_000)
    ),
    "25 tells its usage twice": Fault(
        _events(lambda wire: wire.begin + wire.output + wire.stop("400") + wire.stop() + wire.end), COMPLETE, None
    ),
    "26 packs what nobody asked it to": Fault(
        lambda wire: wire.sized(gzip.compress(wire.raw), "content-encoding: gzip"), BROKEN, BROKEN
    ),
    "27 ends its lines by CR LF": Fault(_events(lambda wire: wire.events.replace("\n", "\r\n")), COMPLETE, None),
    "27 sends comments, ids and retries": Fault(
        _events(lambda wire: ": hi\nretry: 5\n\nid: 7\n\n" + wire.events), COMPLETE, None
    ),
    "27 sends an event of 5 MB": Fault(_events(lambda wire: "data: " + "x" * 5_000_000), BROKEN, None),
    "28 sends an event that is no JSON": Fault(
        _events(lambda wire: wire.begin + wire.output + "data: {]\n\n" + wire.stop() + wire.end), COMPLETE, None
    ),
    "28 answers what is no JSON": Fault(lambda wire: document(wire.body()[:-1]), None, BROKEN),
    "29 sends invalid UTF-8": Fault(
        _events(lambda wire: wire.begin.encode() + b"data: \xff\n\n" + (wire.output + wire.stop() + wire.end).encode()),
        COMPLETE,
        None,
    ),
}
