"""Exchanges over real sockets: what the customer got, what the upstream saw, what the ledger holds."""

from pathlib import Path

from tests.shops import serving
from tests.upstreams import Upstream, document

CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}


def balances(rows: list[dict[str, int]]) -> tuple[int, int]:
    """Return what is left on the lots, and what of it is held."""
    return sum(row["credit_nano"] - row["debit_nano"] for row in rows), sum(row["pending_nano"] for row in rows)


LOTS = "select credit_nano, debit_nano, pending_nano from book where account_id = 'acc_alice'"


async def test_a_plain_answer_passes_byte_for_byte_and_is_posted(tmp_path: Path) -> None:
    """1000 tokens in and 500 out at ratio 1 and 4 cost 0.006 credits."""
    async with Upstream(lambda _: document(CHAT)).opened() as upstream, serving(tmp_path, upstream.url) as shop:
        response = await shop.chat(temperature=0.5)
        log = await shop.log()
        assert (response.status_code, response.json()) == (200, CHAT)
        assert upstream.received[0].document["temperature"] == 0.5
        assert [(row["outcome"], row["charge_nano"], row["input_tokens"], row["output_tokens"]) for row in log] == [
            ("complete", 6_000_000, 1000, 500)
        ]
        assert balances(shop.rows(LOTS)) == (9_994_000_000, 0)
