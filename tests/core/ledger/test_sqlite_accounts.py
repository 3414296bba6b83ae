"""What the operator does to accounts and keys, with every amount written out."""

import json

import msgspec
import pytest

from relay.core.clock import from_ms
from relay.core.errors import InsufficientBalanceError, LedgerConflictError
from relay.core.ledger.operations import CreateAccount, CreateKey, PublishPrices
from relay.core.ledger.verify import verify

from .books import Books, account, key, top_up


def test_a_gift_comes_out_of_the_promotions(books: Books) -> None:
    """A new account's gift of 5 is a gift lot, and the promotions' expense."""
    books.play("""
        account alice gift=5
        balance alice 5
        lots alice gift=5
        book promo -5
    """)


def test_a_top_up_is_booked_once_for_each_reference(books: Books) -> None:
    """The same payment announced three times is credited once."""
    books.play("""
        account alice
        top_up alice 10 order-1
        top_up alice 10 order-1
        top_up alice 10 order-1
        top_up alice 3 order-2
        balance alice 13
        lots alice cash=10 cash=3
        book clearing -13
    """)


def test_a_top_up_beyond_what_the_books_can_count_is_refused(books: Books) -> None:
    """Two billion credits may come from one provider; what comes after moves nothing, and is refused again."""
    books.play("""
        account alice
        account bob
        top_up alice 999999999.999999999 order-1
        top_up bob 999999999.999999999 order-2
        top_up bob 0.000000003 order-3 -> ledger_full
        top_up bob 0.000000003 order-3 -> ledger_full
        top_up bob 0.000000002 order-4
        top_up alice 999999999.999999999 order-1
        balance alice 999999999.999999999
        balance bob 1000000000.000000001
        book clearing -2000000000
    """)


def test_a_gift_beyond_what_the_books_can_count_is_refused(books: Books) -> None:
    """The account is not opened then."""
    books.play("""
        account alice gift=999999999
        account bob gift=999999999
        account carol gift=999999999 -> ledger_full
        account carol gift=2
        balance carol 2
        book promo -2000000000
    """)


def test_a_reference_can_not_stand_for_another_amount(books: Books) -> None:
    """The same reference with another amount is a conflict, and moves nothing."""
    books.play("""
        account alice
        top_up alice 10 order-1
        top_up alice 11 order-1 -> ledger_conflict
        balance alice 10
    """)


def test_a_reference_can_not_stand_for_another_account(books: Books) -> None:
    """The same reference for another account is a conflict, and moves nothing."""
    books.play("""
        account alice
        account bob
        top_up alice 10 order-1
        top_up bob 10 order-1 -> ledger_conflict
        balance bob 0
    """)


def test_the_same_reference_twice_in_one_group_is_booked_once(books: Books) -> None:
    """Two top-ups of one reference that meet in a transaction credit once."""
    books.play("account alice")
    same = top_up("alice", 10_000_000_000, "order-1")
    assert books.store.commit([], [same, same]) == [None, None]
    books.play("balance alice 10")


def test_money_for_nobody_is_refused(books: Books) -> None:
    """A top-up of an account that does not exist moves nothing."""
    books.play("top_up nobody 10 -> ledger_unknown")


def test_a_name_belongs_to_one_account(books: Books) -> None:
    """Another account under a name that is taken is a conflict; the same one again is not."""
    books.do(account("alice"))
    books.do(account("alice"))
    with pytest.raises(LedgerConflictError):
        books.do(CreateAccount(account_id="other", name="alice", actor="operator"))


def test_a_key_is_stored_once(books: Books) -> None:
    """The same key again changes nothing; its id or digest for another is a conflict."""
    books.do(account("alice"))
    books.do(key("alice"))
    books.do(key("alice"))
    with pytest.raises(LedgerConflictError):
        books.do(msgspec.structs.replace(key("alice"), digest=b"other"))
    with pytest.raises(LedgerConflictError):
        books.do(msgspec.structs.replace(key("alice"), key_id="other"))
    assert books.ask("SELECT COUNT(*) FROM api_key") == [(1,)]


def test_each_change_of_a_key_raises_its_version_once(books: Books) -> None:
    """A switch and a revocation raise the version; repeated, they do not."""
    books.play("""
        account alice
        set_group alice agave
        set_group alice agave
        revoke alice
        revoke alice
    """)
    assert books.ask('SELECT version, "group", is_revoked FROM api_key') == [(3, "agave", 1)]


def test_a_key_that_does_not_exist_can_not_be_changed(books: Books) -> None:
    """Revoking or moving an unknown key is an error."""
    books.play("""
        revoke nobody -> ledger_unknown
        set_group nobody agave -> ledger_unknown
    """)


def test_a_correction_is_a_new_entry_made_once(books: Books) -> None:
    """Giving 3 and taking 2, each announced twice, leaves 11 of 10."""
    books.play("""
        account alice
        top_up alice 10
        give a1 alice 3
        give a1 alice 3
        take a2 alice 2
        take a2 alice 2
        give a1 alice 4 -> ledger_conflict
        balance alice 11
        lots alice cash=10 gift=1
        book adjustment -1
    """)


def test_a_correction_takes_no_more_than_is_free(books: Books) -> None:
    """What is held can't be taken."""
    books.play("""
        account alice gift=5
        reserve r1 alice 4
        take a1 alice 2 -> insufficient_user_quota
        balance alice 1
    """)


@pytest.mark.parametrize("amount_nano", [0, -1, 10**18 + 1])
def test_an_amount_no_entry_may_move_is_refused(books: Books, amount_nano: int) -> None:
    """Nothing, less than nothing and more than a billion credits are refused."""
    books.do(account("alice"))
    (result,) = books.store.commit([], [top_up("alice", amount_nano, "order-1")])
    assert isinstance(result, Exception)
    books.play("balance alice 0")


def test_every_deed_is_in_the_audit_once(books: Books) -> None:
    """The audit says who did what to whom; repetitions leave no second row."""
    books.play("""
        account alice gift=1
        top_up alice 10 order-1
        top_up alice 10 order-1
        set_group alice agave
        revoke alice
        give a1 alice 3
    """)
    assert books.ask("SELECT actor, action, subject FROM audit ORDER BY id") == [
        ("operator", "account.created", "alice"),
        ("operator", "key.created", "alice"),
        ("operator", "account.topped_up", "alice"),
        ("operator", "key.group_set", "alice"),
        ("operator", "key.revoked", "alice"),
        ("operator", "account.adjusted", "a1"),
    ]


def test_the_audit_says_what_a_key_was_made_with(books: Books) -> None:
    """Everything but its digest: it is named by its last four characters."""
    books.play("account alice")
    bound = CreateKey(
        key_id="bound",
        account="alice",
        name="narrow",
        digest=b"d" * 32,
        last4="9c1e",
        group="hyacinth",
        cap_nano=5,
        expires_at=from_ms(1_000),
        models=("gpt-4o", "星"),
        ips=("10.0.0.0/8",),
        actor="test",
    )
    books.do(bound)
    found = books.ask("SELECT details FROM audit WHERE action = 'key.created' ORDER BY id")
    free: dict[str, object] = {"cap_nano": None, "expires_at": None, "models": None, "ips": []}
    narrow: dict[str, object] = {"cap_nano": 5, "expires_at": 1_000, "models": ["gpt-4o", "星"], "ips": ["10.0.0.0/8"]}
    assert [json.loads(str(details)) for (details,) in found] == [
        {"account": "alice", "name": "main", "group": "hyacinth", "last4": "4f2a", **free},
        {"account": "alice", "name": "narrow", "group": "hyacinth", "last4": "9c1e", **narrow},
    ]
    assert verify(books.data) == []


def test_a_price_document_is_kept_once(books: Books) -> None:
    """A version published twice is one row."""
    books.do(PublishPrices(price_version="abc", document='{"prices":{}}'))
    books.do(PublishPrices(price_version="abc", document='{"prices":{}}'))
    assert books.ask("SELECT id, document FROM price_version") == [("abc", '{"prices":{}}')]


def test_a_refused_correction_says_both_amounts(books: Books) -> None:
    """Taking 2 where 1 is free names both."""
    books.play("account alice gift=1")
    with pytest.raises(InsufficientBalanceError) as caught:
        books._take("a1", "alice", "2")
    assert caught.value.params == {"remaining": "1", "needed": "2"}
