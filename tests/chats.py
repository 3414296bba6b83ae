"""Answers to chats as upstreams give them, and what to look for in the books."""

CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}

MESSAGE = {
    "type": "message",
    "model": "claude",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 10, "output_tokens": 2},
}


def balances(rows: list[dict[str, int]]) -> tuple[int, int]:
    """Return what is left on the lots, and what of it is held."""
    return sum(row["credit_nano"] - row["debit_nano"] for row in rows), sum(row["pending_nano"] for row in rows)


LOTS = "select credit_nano, debit_nano, pending_nano from book where account_id = 'acc_alice'"


CHUNK = 'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'


ROLE = CHUNK % ('{"role":"assistant","content":""}', "null")


STOP = CHUNK % ("{}", '"stop"')


USAGE = 'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500}}\n\n'


DONE = "data: [DONE]\n\n"


def words(*texts: str) -> str:
    """Return a content chunk for each text."""
    return "".join(CHUNK % (f'{{"content":"{text}"}}', "null") for text in texts)
