"""An answer that was paid for, and lost with the process: it is given back."""

import asyncio
import random
import socket
from pathlib import Path

import pytest

from tests.torture.books import read_books
from tests.torture.purchases import INPUT_NANO, OUTPUT_NANO
from tests.torture.relays import Account, open_shop, running
from tests.upstreams import Upstream, document

BODY = b'{"model": "gpt-sim", "messages": [{"role": "user", "content": "hi"}]}'
CONTENT_BYTES = 16_000_000
"""More than the kernel takes for a connection: 4 MiB on the way out, 64 KiB set for the way in."""


def ask(url: str, api_key: str) -> socket.socket:
    """Ask, and take nothing of the answer."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.connect((host, int(port)))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {api_key}\r\n"
    connection.sendall(f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY)
    return connection


async def billed(data: Path) -> None:
    """Wait until the one request is in the log."""
    async with asyncio.timeout(20):
        while True:
            if read_books(data).bills:
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_an_answer_half_taken_when_the_process_dies_is_given_back(tmp_path: Path) -> None:
    """A customer who had a part of a large answer is charged for it, and gets it back at the next start."""
    usage = {"prompt_tokens": 5, "completion_tokens": 50}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x" * CONTENT_BYTES}, "finish_reason": "stop"}
    answer = document({"object": "chat.completion", "choices": [choice], "usage": usage})
    async with Upstream(lambda _: answer).opened() as upstream:
        [customer] = await open_shop(tmp_path, upstream.url, [Account("alice", 10**9, 1)], random.Random(0))
        async with running(tmp_path) as relay:
            with ask(relay.url, customer.api_key):
                await billed(tmp_path / "data")
                # Whatever is going to be noted of the delivery is noted by now: 0.25 s at the latest.
                await asyncio.sleep(0.5)
                await relay.die_within(0)
        async with running(tmp_path):
            books = read_books(tmp_path / "data")
    charge_nano = 5 * INPUT_NANO + 50 * OUTPUT_NANO
    assert ([*books.paid.values()], [*books.refunded.values()]) == ([charge_nano], [charge_nano])
    assert books.balances == {"acc_alice": 10**9}
