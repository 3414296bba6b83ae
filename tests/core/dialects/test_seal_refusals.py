"""What is sent instead of a request that was refused for another account's seals."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.core.dialects.seal_refusals import unsealed
from relay.core.exchange import ChannelRequest, Dialect
from relay.core.failures import classify
from tests.chats import MESSAGE
from tests.core.dialects.replay import answer_bytes
from tests.shops import reselling
from tests.upstreams import Received, Step, document

THINKING = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
REDACTED = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
REASONING = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gA"}
FUNCTION_CALL = {"functionCall": {"name": "f", "args": {}}}


def request(dialect: Dialect, **fields: Any) -> ChannelRequest:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return ChannelRequest(dialect=dialect, operation="chat", model="m", fields=raw, headers={}, stream=False)


CASES: list[tuple[str, ChannelRequest, dict[str, Any]]] = [
    (
        "documented/anthropic-400-invalid-signature",
        request(
            "anthropic_messages",
            thinking={"type": "enabled"},
            messages=[{"role": "assistant", "content": [THINKING, REDACTED]}, {"role": "assistant", "content": [THINKING, CALL]}],
        ),
        {"thinking": {"type": "enabled"}, "messages": [{"role": "assistant", "content": [CALL]}]},
    ),
    (
        "documented/anthropic-400-thinking-expected",
        request("anthropic_messages", thinking={"type": "enabled"}, messages=[{"role": "assistant", "content": [CALL]}]),
        {"messages": [{"role": "assistant", "content": [CALL]}]},
    ),
    (
        "documented/responses-400-encrypted-content",
        request("openai_responses", input=[REASONING, {"role": "user", "content": "Hi"}]),
        {"input": [{"role": "user", "content": "Hi"}]},
    ),
    (
        "documented/gemini-400-missing-signature",
        request("gemini_generate", contents=[{"role": "model", "parts": [{"text": "a", "thoughtSignature": "b"}, FUNCTION_CALL, FUNCTION_CALL]}]),
        {
            "contents": [
                {
                    "role": "model",
                    "parts": [
                        {"text": "a"},
                        {**FUNCTION_CALL, "thoughtSignature": "skip_thought_signature_validator"},
                        FUNCTION_CALL,
                    ],
                }
            ]
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "refused", "instead"), CASES, ids=[name for name, _, _ in CASES])
def test_seals_are_taken_out_where_the_upstream_complains_of_them(
    name: str, refused: ChannelRequest, instead: dict[str, Any]
) -> None:
    """By the words in which each vendor does; a turn that held nothing else goes."""
    assert unsealed(refused, classify(400, {}, answer_bytes(name)))
    assert json.loads(refused.body()) == instead


@pytest.mark.parametrize(("name", "refused", "_"), CASES, ids=[name for name, _, _ in CASES])
def test_asking_the_same_again_is_not_worth_it(name: str, refused: ChannelRequest, _: dict[str, Any]) -> None:
    """Once the seals are out, the same complaint is the customer's."""
    unsealed(refused, classify(400, {}, answer_bytes(name)))
    assert not unsealed(refused, classify(400, {}, answer_bytes(name)))


@pytest.mark.parametrize(
    "complaint",
    [
        "'messages.1' : property 'reasoning_details' is unsupported",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "Function call is missing a thought_signature in functionCall parts",
    ],
)
def test_a_host_of_chat_is_asked_without_what_openrouter_sealed(complaint: str) -> None:
    """It does not know the field, or whom it hands the talk to can't use what is in it."""
    said = {"role": "assistant", "content": "Hm", "reasoning_content": "Hm"}
    made = request("openai_chat", messages=[{"role": "user", "content": "Hi"}, {**said, "reasoning_details": [{}]}])
    error = classify(400, {}, json.dumps({"error": {"message": complaint}}).encode())
    assert unsealed(made, error)
    assert json.loads(made.body()) == {"messages": [{"role": "user", "content": "Hi"}, said]}
    assert not unsealed(made, error)


def test_another_complaint_changes_nothing() -> None:
    """Only what the vendors say of seals counts."""
    made = request("anthropic_messages", messages=[{"role": "assistant", "content": [THINKING]}])
    assert not unsealed(made, classify(400, {}, answer_bytes("anthropic/err-400-context")))


async def test_a_talk_that_moved_is_asked_once_more_without_them(tmp_path: Path) -> None:
    """The customer sees the answer alone; the log shows both attempts, and one charge."""
    refusal = json.loads(answer_bytes("documented/anthropic-400-invalid-signature"))

    def script(_: Received) -> list[Step]:
        return document(refusal, status=400) if len(upstream.received) == 1 else document(MESSAGE)

    async with reselling(tmp_path, script) as (upstream, shop):
        turns = [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [THINKING, {"type": "text", "text": "Hm"}]},
            {"role": "user", "content": "And?"},
        ]
        response = await shop.messages(messages=turns)
        [row] = await shop.log()
        assert response.json()["content"] == [{"type": "text", "text": "Hi"}]
        again = json.loads(upstream.received[1].body)
        assert again["messages"][1]["content"] == [{"type": "text", "text": "Hm"}]
        assert (row["outcome"], row["attempt_count"]) == ("complete", 2)
        attempts = shop.rows("select status, failure from attempt order by attempt_index")
        assert attempts == [{"status": 400, "failure": "request"}, {"status": 200, "failure": None}]


@pytest.mark.parametrize("odd", [b"1e400", b"[" * 5000 + b"]" * 5000])
def test_turns_that_can_not_be_read_are_left_as_they_are(odd: bytes) -> None:
    """A number beyond any float, or what is nested too deep: the refusal stands."""
    made = request("anthropic_messages")
    made.fields["messages"] = msgspec.Raw(b'[{"role":"user","content":' + odd + b"}]")
    error = classify(400, {}, answer_bytes("documented/anthropic-400-invalid-signature"))
    assert not unsealed(made, error)
