"""An answer that an upstream keeps belongs to the account that got it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.core.answer_store import AnswerStore, KeptAnswer
from relay.core.exchange import Principal
from relay.core.ledger.sqlite import SqliteLedger
from tests.books import FACTS, account, key, record, reserve
from tests.services import SetClock


@pytest.fixture
async def answers(tmp_path: Path) -> AsyncIterator[AnswerStore]:
    """Open a shop's books in which alice got the answer resp_1 by the first key of a channel."""
    async with SqliteLedger.open(tmp_path, clock=SetClock()) as ledger, AnswerStore.open(tmp_path) as store:
        await ledger.create_account(account("alice", gift_nano=5 * 10**9))
        await ledger.create_key(key("key_1"))
        await ledger.reserve(reserve("r1", 10**9))
        await ledger.post(record("r1", answer_id="resp_1"))
        yield store


async def test_an_answer_is_found_for_the_account_that_got_it(answers: AnswerStore) -> None:
    """With the channel and the key that keep it."""
    assert await answers.find("acct_alice", "resp_1") == KeptAnswer(FACTS.channel, "one#0", FACTS.model)


async def test_an_answer_is_unknown_to_every_other_account(answers: AnswerStore) -> None:
    """To the upstream all customers are one account: here they are not."""
    assert await answers.find("acct_bob", "resp_1") is None


@pytest.mark.parametrize(
    ("account_id", "models", "is_found"),
    [
        ("acct_alice", None, True),
        ("acct_alice", frozenset({FACTS.model}), True),
        ("acct_alice", frozenset({"another"}), False),
        ("acct_bob", None, False),
    ],
)
async def test_an_answer_is_found_for_keys_that_may_ask_for_its_model(
    answers: AnswerStore, account_id: str, models: frozenset[str] | None, is_found: bool
) -> None:
    """A reseller's customers share an account, and not their talks."""
    principal = Principal(
        account_id=account_id, key_id="k", key_version=1, group="g", membership="default", models=models
    )
    assert (await answers.find_for(principal, "resp_1") is not None) == is_found


async def test_an_id_nobody_got_is_unknown(answers: AnswerStore) -> None:
    """Nothing is guessed."""
    assert await answers.find("acct_alice", "resp_2") is None
