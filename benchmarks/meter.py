"""What reading along a stream costs: CPU per event, against splitting the same bytes and nothing more.

    .venv/bin/python benchmarks/meter.py

Prints microseconds of CPU per event for small content chunks, one event a read, as a paced
stream arrives.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from relay.core.dialects import RULES
from relay.core.exchange import Dialect, Exchange

EVENT_COUNT = 20_000
ROUND_COUNT = 5

CHAT = (
    'data: {"id":"chatcmpl-ASv9ejXDUtAhGOJJxWuw026zdinc4","object":"chat.completion.chunk","created":1731456250,'
    '"model":"gpt-4o-2024-08-06","system_fingerprint":"fp_c82faf3ca0","choices":[{"index":0,"delta":{"content":"%s"},'
    '"logprobs":null,"finish_reason":null}],"usage":null}\n\n'
)
OBFUSCATED = CHAT.replace('"usage":null', '"usage":null,"obfuscation":"%s"')
TOOLS = CHAT.replace('{"content":"%s"}', '{"tool_calls":[{"index":0,"function":{"arguments":"%s"}}]}')
MESSAGES = (
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    '"delta":{"type":"text_delta","text":"%s"}%s}\n\n'
)
WORDS = ["Hello", " there", "!", " How", " can", " I", " help", " you", " today", "?", " 你好", "，", "世界", "\\n\\n"]


def events(template: str) -> list[bytes]:
    """Return a stream of *template* filled with words, and with padding where it has a second place."""
    fill: Callable[[int], object] = (
        (lambda i: (WORDS[i % 14], "x" * (i % 17) if "obfuscation" in template else " " * (i % 17)))
        if template.count("%s") == 2
        else (lambda i: WORDS[i % 14])
    )
    return [(template % fill(i)).encode() for i in range(EVENT_COUNT)]


def reader_feed(dialect: Dialect) -> Callable[[bytes], object]:
    """Return the feed of a fresh reader."""
    exchange = Exchange(
        id="bench", dialect=dialect, operation="chat", headers={}, received_at=datetime.now(UTC), started_s=0.0
    )
    return RULES[dialect].stream_reader(exchange).feed


def cost_us(make: Callable[[], Callable[[bytes], object]], stream: list[bytes]) -> float:
    """Return the best CPU time per event over some rounds."""
    best = float("inf")
    for _ in range(ROUND_COUNT):
        feed = make()
        started = time.process_time()
        for event in stream:
            feed(event)
        best = min(best, time.process_time() - started)
    return best / len(stream) * 1e6


def main() -> None:
    """Print one line per kind of stream."""
    print(f"{'stream':<24}{'split us':>10}{'feed us':>10}{'ratio':>8}")
    for name, dialect, template in (
        ("chat", "openai_chat", CHAT),
        ("chat, obfuscated", "openai_chat", OBFUSCATED),
        ("chat, tool arguments", "openai_chat", TOOLS),
        ("messages", "anthropic_messages", MESSAGES),
    ):
        stream = events(template)
        split = cost_us(lambda: lambda data: data.split(b"\n\n"), stream)
        feed = cost_us(lambda dialect=dialect: reader_feed(dialect), stream)  # type: ignore[misc]  # mypy infers no type for the default
        print(f"{name:<24}{split:>10.2f}{feed:>10.2f}{feed / split:>8.1f}")


if __name__ == "__main__":
    main()
