"""What the torture's upstream answers, in both dialects: steps for `tests.upstreams.Upstream`."""

import sqlite3
from collections.abc import Iterator

import msgspec

from tests.torture.purchases import PIECE, Arrival, Plan, Purchase
from tests.upstreams import Received, Step, document

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_OPEN = "SELECT 1 FROM reservation WHERE key_id = ? AND state = 'open' AND delivered_at IS NULL AND state <> 'voided'"
"""What has an index to answer it."""
_TAKEN = "SELECT 1 FROM reservation WHERE key_id = ? AND at >= ?"


class Answers:
    """Answers each purchase by its plan, and writes down what came in and what went out."""

    books: sqlite3.Connection
    """Opened when there are books, which is after the shop has learnt the upstream's address."""

    def __init__(self) -> None:
        self.purchases: dict[str, Purchase] = {}
        """By marker; customers enter theirs before they ask."""

    def __call__(self, request: Received) -> Iterator[Step]:
        """Return the steps of one answer; see `Script`."""
        purchase = self.purchases[_Request.read(request.body).messages[0].content]
        purchase.arrivals.append(Arrival(is_held=self._is_held(purchase)))
        plan = purchase.plan
        if len(purchase.arrivals) <= plan.refusal_count:
            return iter(document({"error": {"message": "down", "type": "server_error"}}, status=500))
        return _stream(purchase) if plan.is_stream else _whole(plan)

    def _is_held(self, purchase: Purchase) -> bool:
        """Say whether a hold is in the books; of a process that died since, it may have been recovered."""
        if self.books.execute(_OPEN, (purchase.key_id,)).fetchone():
            return True
        return self.books.execute(_TAKEN, (purchase.key_id, int(purchase.asked_at * 1000))).fetchone() is not None


def _whole(plan: Plan) -> Iterator[Step]:
    yield plan.pause_s
    yield from document(_anthropic_document(plan) if plan.is_anthropic else _openai_document(plan))


def _stream(purchase: Purchase) -> Iterator[Step]:
    plan = purchase.plan
    yield HEAD
    start, piece, end = _anthropic_events(plan) if plan.is_anthropic else _openai_events(plan)
    yield _chunk(start)
    # A cut may fall after the first piece at the earliest: before it, relay would ask again.
    count = plan.piece_count if plan.ending == "whole" else 1 + plan.piece_count // 2
    for _ in range(count):
        yield plan.pause_s
        purchase.pieces_sent += 1
        yield _chunk(piece)
    yield _chunk(end) + b"0\r\n\r\n" if plan.ending == "whole" else plan.ending


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _event(body: object, name: str = "") -> bytes:
    prefix = b"event: %b\n" % name.encode() if name else b""
    return prefix + b"data: %b\n\n" % msgspec.json.encode(body)


def _openai_usage(plan: Plan) -> dict[str, int]:
    total = plan.input_tokens + plan.output_tokens
    return {"prompt_tokens": plan.input_tokens, "completion_tokens": plan.output_tokens, "total_tokens": total}


def _openai_document(plan: Plan) -> object:
    message = {"role": "assistant", "content": PIECE * plan.piece_count}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "model": "sim", "choices": [choice], "usage": _openai_usage(plan)}


def _openai_events(plan: Plan) -> tuple[bytes, bytes, bytes]:
    """Return the events before the pieces, of a piece, and after the pieces."""

    def chunk(delta: object, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event({"id": "c", "object": "chat.completion.chunk", "model": "sim", "choices": [choice]})

    usage = {"id": "c", "object": "chat.completion.chunk", "model": "sim", "choices": [], "usage": _openai_usage(plan)}
    end = chunk({}, "stop") + _event(usage) + b"data: [DONE]\n\n"
    return chunk({"role": "assistant", "content": ""}), chunk({"content": PIECE}), end


def _anthropic_document(plan: Plan, **changes: object) -> dict[str, object]:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "sim",
        "content": [{"type": "text", "text": PIECE * plan.piece_count}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": plan.input_tokens, "output_tokens": plan.output_tokens},
        **changes,
    }


def _anthropic_events(plan: Plan) -> tuple[bytes, bytes, bytes]:
    """Return the events before the pieces, of a piece, and after the pieces."""

    def event(name: str, **fields: object) -> bytes:
        return _event({"type": name, **fields}, name)

    usage = {"input_tokens": plan.input_tokens, "output_tokens": 1}
    message = _anthropic_document(plan, content=[], stop_reason=None, usage=usage)
    start = event("message_start", message=message)
    start += event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    piece = event("content_block_delta", index=0, delta={"type": "text_delta", "text": PIECE})
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    end = event("content_block_stop", index=0)
    end += event("message_delta", delta=stop, usage={"output_tokens": plan.output_tokens}) + event("message_stop")
    return start, piece, end


class _Message(msgspec.Struct):
    content: str


class _Request(msgspec.Struct):
    """What the upstream reads of a request: the marker is all that the customer says."""

    messages: list[_Message]

    @classmethod
    def read(cls, body: bytes) -> "_Request":
        return msgspec.json.decode(body, type=cls)
