"""The contract of a channel, rule by rule; ``docs/testing.md`` has a section for each."""

from typing import Literal, NoReturn, get_args

import pytest

Rule = Literal[
    "answered", "well_formed", "words", "end", "usage", "charge", "outcome", "broken", "failed", "hang_up",
    "request", "secrets", "books",
]  # fmt: skip

RULES: tuple[Rule, ...] = get_args(Rule)
CONTRACT: dict[Rule, str] = {
    "answered": "the upstream's answer reaches the customer with status 200",
    "well_formed": "every answer is well formed in the customer's dialect",
    "words": "the customer gets the upstream's text, thinking and calls, and nothing else",
    "end": "the customer is told why the answer ended, and its end mark comes last",
    "usage": "the upstream's figures reach the customer and the books",
    "charge": "a charge is the counted tokens at their price, exactly; a failure costs nothing",
    "outcome": "the log tells how the answer ended",
    "broken": "a broken answer never looks complete: it ends in an error event, or the connection breaks",
    "failed": "an upstream's failure is an error in the customer's dialect, with a code and a status of 5xx",
    "hang_up": "when a customer leaves, the upstream's connection is closed within a second",
    "request": "the customer's request reaches the upstream once and complete, and their key never does",
    "secrets": "no answer contains the upstream's address or keys",
    "books": "the ledger passes the checks of relay ledger verify",
}
PAGE = "docs/testing.md"


def require(is_kept: bool, rule: Rule, found: object) -> None:
    """Fail the test unless *is_kept*, with the *rule* of the contract and what was *found* instead."""
    if not is_kept:
        fail(rule, found)


def fail(rule: Rule, found: object) -> NoReturn:
    """Fail the test, with the *rule* of the contract and what was *found* instead."""
    pytest.fail(f"{CONTRACT[rule]} ({PAGE}#{rule.replace('_', '-')})\nfound: {found}", pytrace=False)
