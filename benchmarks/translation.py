"""What translating a stream costs: CPU per event beside reading the same stream natively, and memory.

    .venv/bin/python -m benchmarks translation

Prints, for small content chunks one event a read, microseconds of CPU per event of the native
reader and of the translated one, and the bytes that a stream of 20 000 events leaves behind.
"""

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

from relay.core.dialects import RULES
from relay.core.exchange import Dialect, Exchange
from relay.core.hub.codec import Opening
from relay.core.hub.codecs import CODECS
from relay.core.hub.conversation import Request
from relay.core.hub.translation import TranslatedReader

EVENT_COUNT = 20_000
ROUND_COUNT = 5
WORDS = ["Hello", " there", "!", " How", " can", " I", " help", " you", " today", "?", " 你好", "，", "世界", "\\n\\n"]

Stream = tuple[bytes, str]
STREAMS: dict[Dialect, Stream] = {
    "openai_chat": (
        b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}\n\n',
        'data: {"id":"chatcmpl-ASv9ejXDUtAhGOJJxWuw026zdinc4","object":"chat.completion.chunk","created":1731456250,'
        '"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n',
    ),
    "anthropic_messages": (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"c","usage":{}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n',
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"%s"}}\n\n',
    ),
    "openai_responses": (
        b'data: {"type":"response.created","response":{"id":"r","model":"m"}}\n\n',
        'data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"%s"}\n\n',
    ),
    "gemini_generate": (
        b"",
        'data: {"candidates":[{"content":{"parts":[{"text":"%s"}],"role":"model"},"index":0}],"modelVersion":"g"}\n\n',
    ),
}
"""What opens a stream of each dialect, and one piece of its text."""


def exchange(dialect: Dialect) -> Exchange:
    """Return an exchange as one that asked for a stream."""
    made = Exchange(
        id="bench", dialect=dialect, operation="chat", headers={}, received_at=datetime.now(UTC), started_s=0.0
    )
    made.query, made.stream = "alt=sse", True
    return made


def native(channel: Dialect) -> Callable[[bytes], bytes]:
    """Return the feed of a reader for a customer of the channel's own dialect."""
    return RULES[channel].stream_reader(exchange(channel)).feed


def translated(channel: Dialect, customer: Dialect) -> Callable[[bytes], bytes]:
    """Return the feed of a reader for a customer of another dialect."""
    request = Request(model="m", messages=())
    opening = Opening(id="1", model="m", created_at_s=1, input_tokens=1, request=request, query="alt=sse")
    reader = RULES[channel].stream_reader(exchange(channel))
    decoder, encoder = CODECS[channel].stream_decoder(), CODECS[customer].stream_encoder(opening)
    return TranslatedReader(reader, decoder, encoder, 1).feed


def events(channel: Dialect) -> list[bytes]:
    """Return the pieces of a stream of small words."""
    return [(STREAMS[channel][1] % WORDS[index % len(WORDS)]).encode() for index in range(EVENT_COUNT)]


def cost_us(make: Callable[[], Callable[[bytes], bytes]], channel: Dialect) -> float:
    """Return the best CPU time per event over some rounds."""
    pieces, best = events(channel), float("inf")
    for _ in range(ROUND_COUNT):
        feed = make()
        feed(STREAMS[channel][0])
        started = time.process_time()
        for piece in pieces:
            feed(piece)
        best = min(best, time.process_time() - started)
    return best / len(pieces) * 1e6


def left_bytes(channel: Dialect, customer: Dialect) -> int:
    """Return what a long stream leaves in memory before its end."""
    feed, pieces = translated(channel, customer), events(channel)
    feed(STREAMS[channel][0] + pieces[0])
    tracemalloc.start()
    for piece in pieces:
        feed(piece)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return left


def main() -> None:
    """Print one line for each channel's dialect and customer's."""
    print(f"{'channel':<20}{'customer':<20}{'native us':>10}{'translated us':>15}{'left bytes':>12}")
    for channel in STREAMS:
        beside = cost_us(lambda channel=channel: native(channel), channel)  # type: ignore[misc]  # mypy infers no type for the default
        for customer in STREAMS:
            if customer == channel:
                continue
            cost = cost_us(lambda channel=channel, customer=customer: translated(channel, customer), channel)  # type: ignore[misc]  # as above
            print(f"{channel:<20}{customer:<20}{beside:>10.2f}{cost:>15.2f}{left_bytes(channel, customer):>12}")


if __name__ == "__main__":
    main()
