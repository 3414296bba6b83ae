from datetime import UTC, datetime

import pytest

from relay import Exchange, Principal
from relay.core.errors import NoPriceError, RelayError, StaleKeyError
from relay.core.fresh import run_fresh


class Passage:
    """A passage that ends in *error*, if there is one."""

    def __init__(self, error: RelayError | None, *, has_reserved: bool = False) -> None:
        self._error = error
        self.has_reserved = has_reserved

    async def run(self) -> str:
        if self._error is not None:
            raise self._error
        return "answer"


def exchange(*, is_remembered: bool) -> Exchange:
    asked = Exchange(
        id="req_1", dialect="openai_chat", operation="chat", headers={}, received_at=datetime.now(UTC), started_s=0.0
    )
    asked.principal = Principal(
        account_id="a", key_id="k", key_version=1, group="g", membership="default", is_remembered=is_remembered
    )
    return asked


async def test_a_key_that_was_remembered_is_looked_up_once_more() -> None:
    """The second passage runs afresh, and its answer is the answer."""
    asked, passages = exchange(is_remembered=True), [Passage(StaleKeyError("stale")), Passage(None)]
    assert await run_fresh(asked, lambda: passages.pop(0)) == "answer"
    assert asked.is_fresh_authentication


@pytest.mark.parametrize(
    ("is_remembered", "passage"),
    [
        (False, Passage(StaleKeyError("stale"))),
        (True, Passage(StaleKeyError("stale"), has_reserved=True)),
        (True, Passage(NoPriceError())),
    ],
    ids=["looked up just now", "something is held", "nothing to do with the key"],
)
async def test_what_no_fresh_look_mends_is_raised(is_remembered: bool, passage: Passage) -> None:
    """There is no second passage."""
    passages = [passage]
    with pytest.raises(RelayError):
        await run_fresh(exchange(is_remembered=is_remembered), lambda: passages.pop(0))
    assert passages == []


async def test_a_second_refusal_is_final() -> None:
    """Looked up afresh and refused again: two passages, no third."""
    passages = [Passage(StaleKeyError("stale")), Passage(StaleKeyError("stale"))]
    with pytest.raises(StaleKeyError):
        await run_fresh(exchange(is_remembered=True), lambda: passages.pop(0))
    assert passages == []
