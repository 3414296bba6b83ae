"""The contract of a channel, rule by rule; ``docs/testing.md`` has a section for each."""

from typing import Literal, NoReturn, get_args

import pytest

Rule = Literal[
    "answered", "well_formed", "words", "end", "usage", "charge", "outcome", "broken", "failed", "hang_up",
    "request", "secrets", "books",
]  # fmt: skip

RULES: tuple[Rule, ...] = get_args(Rule)
CONTRACT: dict[Rule, str] = {
    "answered": "what the upstream answers reaches the customer with status 200",
    "well_formed": "every answer is well formed in the customer's dialect",
    "words": "the customer gets the upstream's words, thinking and calls, and nothing else",
    "end": "the customer is told why the answer ended, and its end mark comes last",
    "usage": "the upstream's figures reach the customer and the books",
    "charge": "a charge is the counted tokens at their price, exactly; a failure costs nothing",
    "outcome": "the log tells how the answer ended",
    "broken": "what broke never ends in order: an error event comes, or the connection breaks",
    "failed": "an upstream's failure is an error in the customer's dialect, with a code and a status of 5xx",
    "hang_up": "a customer who leaves takes the upstream's connection along within a second",
    "request": "what the customer asks for reaches the upstream once and whole, their key never",
    "secrets": "no answer holds the upstream's address or keys",
    "books": "the ledger verifies",
}
PAGE = "docs/testing.md"


def require(is_kept: bool, rule: Rule, found: object) -> None:
    """Fail the test with what the contract is and what was *found*, unless the *rule* is kept."""
    if not is_kept:
        fail(rule, found)


def fail(rule: Rule, found: object) -> NoReturn:
    """Fail the test with what the contract is and what was *found*."""
    pytest.fail(f"{CONTRACT[rule]} ({PAGE}#{rule.replace('_', '-')})\nfound: {found}", pytrace=False)
