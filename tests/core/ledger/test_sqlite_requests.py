"""What requests do to balances, as tables with every amount written out."""

from fractions import Fraction

import msgspec
import pytest

from relay.core.charge import Charge, ChargeLine
from relay.core.errors import FullHoldNeededError, InsufficientBalanceError, KeyCapError, LedgerUnknownError
from relay.core.ledger.codec import decode
from relay.core.ledger.operations import Extend, Operation, Post, Posted, Reservation, Void, Withdraw

from .books import Books, account, facts, key, record, reservation

NANO = 10**9


def test_a_post_takes_its_charge_and_gives_the_rest_of_the_hold_back(books: Books) -> None:
    """Of a hold of 3 and a charge of 2, the customer pays 2."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3
        balance alice 7
        held alice 3
        post r1 2
        balance alice 8
        held alice 0
        spent alice 2
        book revenue 2
        log r1 complete 2
    """)


def test_a_void_gives_the_whole_hold_back_and_leaves_a_row(books: Books) -> None:
    """A voided request costs nothing and stands in the log."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3
        void r1
        balance alice 10
        held alice 0
        spent alice 0
        log r1 upstream_error 0
    """)


def test_a_void_charges_nothing_whatever_its_record_says(books: Books) -> None:
    """Neither an amount nor a line of a bill is left of it."""
    books.play("account alice gift=5\n reserve r1 alice 3")
    books.do(Void(record=record("r1", "alice", "2", "upstream_error")))
    books.play("balance alice 5\n spent alice 0\n log r1 upstream_error 0")
    assert books.ask("SELECT trace FROM request_log") == [('{"lines":[]}',)]
    assert books.ask("SELECT state, is_recovered FROM reservation") == [("voided", 0)]


@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_key_pays_from_its_account_and_counts_for_itself(books: Books, is_remembered: bool) -> None:
    """Held by the process that posts it, or read from what another wrote: the one's key is not the other's account."""
    books.do(account("alice", gift_nano=10 * NANO))
    books.do(msgspec.structs.replace(key("alice"), key_id="key_1", digest=b"1"))
    books.do(msgspec.structs.replace(key("alice"), key_id="key_2", digest=b"2"))
    asked, own = reservation("r1", "alice", NANO), facts("alice", "key_1")
    principal = msgspec.structs.replace(asked.principal, key_id="key_1")
    books.do(msgspec.structs.replace(asked, principal=principal, facts=own))
    if not is_remembered:
        books.die()
    books.do(Extend(request_id="r1", held_nano=2 * NANO))
    books.do(Post(record=msgspec.structs.replace(record("r1", "alice", "3", "truncated"), facts=own)))
    assert books.ask("SELECT id, spent_nano, held_nano FROM api_key") == [("key_1", 3 * NANO, 0), ("key_2", 0, 0)]
    assert books.ask("SELECT account_id, key_id, price_version FROM request_log") == [("alice", "key_1", "v1")]
    books.play("balance alice 7\n held alice 0")


def test_a_void_of_what_was_never_reserved_does_nothing(books: Books) -> None:
    """There is no hold to release, and no row is written."""
    books.play("account alice gift=5")
    books.do(Void(record=record("r9", "alice", "0", "upstream_error")))
    books.do(Withdraw(request_id="r9"))
    books.play("balance alice 5\n no_log r9")


@pytest.mark.parametrize("fields", [{"account_id": "bob"}, {"account_id": None}, {"key_id": "key_9"}, {"key_id": None}])
def test_a_key_that_is_not_the_accounts_own_holds_nothing(books: Books, fields: dict[str, str]) -> None:
    """Whoever authenticated mixed two up: neither pays, and no row names another account than the key's."""
    books.play("account alice\ntop_up alice 10\naccount bob\ntop_up bob 10 order-2")
    asked = reservation("r1", "alice", 3)
    with pytest.raises(LedgerUnknownError):
        books.do(msgspec.structs.replace(asked, principal=msgspec.structs.replace(asked.principal, **fields)))
    books.play("balance alice 10\nheld alice 0\nbalance bob 10\nheld bob 0")


def test_a_repeated_reserve_holds_once(books: Books) -> None:
    """The same request id reserved twice holds its amount once."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 8
        reserve r1 alice 8
        balance alice 2
        held alice 8
    """)


def test_a_repeated_post_moves_money_once(books: Books) -> None:
    """The second post of a request changes nothing, whatever it says."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3
        post r1 2
        post r1 2
        post r1 3
        void r1
        balance alice 8
        book revenue 2
        log r1 complete 2
    """)


def test_a_repeated_post_returns_the_first_result(books: Books) -> None:
    """Whoever repeats a post learns what the first one moved."""
    books.play("""
        account alice
        top_up alice 2
        reserve r1 alice 1
        post r1 5
    """)
    first = Posted(request_id="r1", charge_nano=2_000_000_000, overrun_nano=3_000_000_000)
    assert books.do(Post(record=record("r1", "alice", "5"))) == first


def test_a_closed_request_can_not_be_reserved_again(books: Books) -> None:
    """A request id is good for one reservation."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 3
        post r1 2
        reserve r1 alice 3 -> ledger_conflict
        balance alice 8
    """)


def test_a_charge_above_the_hold_takes_from_what_is_available(books: Books) -> None:
    """A charge of 5 on a hold of 1 takes 4 more from the account."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 1
        post r1 5
        balance alice 5
        log r1 complete 5
    """)


def test_holds_and_charges_are_exact_to_a_nano_credit(books: Books) -> None:
    """One more is held, one more is taken beyond the hold, and one is left of a lot that lapsed."""
    books.play("""
        account alice gift=5 lapses_in_h=1
        reserve r1 alice 1
        extend r1 1.000000001
        held alice 1.000000001
        post r1 1.000000002
        log r1 complete 1.000000002
        balance alice 3.999999998
        reserve r2 alice 2
        wait_h 2
        post r2 1.999999999
        book breakage 0.000000001
    """)


def test_what_nobody_can_pay_is_the_shop_s_overrun(books: Books) -> None:
    """A charge of 5 with 2 in the account costs the customer 2 and the shop 3."""
    books.play("""
        account alice
        top_up alice 2
        reserve r1 alice 1
        post r1 5
        balance alice 0
        log r1 complete 2 3
        book overrun -3
        book revenue 5
        spent alice 5
    """)


def test_the_shop_swallows_no_more_than_its_books_can_hold(books: Books) -> None:
    """Ten upstreams that tell figures without end would take a sum past 64 bits, where SQLite goes on in floats."""
    books.play("""
        account alice gift=1
        reserve r1 alice 0
        post r1 999999999
        log r1 complete 1 999999998
        reserve r2 alice 0
        post r2 5
        log r2 complete 0 2
        reserve r3 alice 0
        post r3 5
        log r3 complete 0 0
    """)
    books.play("reserve r4 alice 0\n withdraw r4\n post r4 5")  # too late
    assert books.ask("SELECT debit_nano FROM book WHERE name = 'overrun'") == [(10**18,)]
    assert books.ask("SELECT spent_nano FROM api_key") == [(10**18 + 10**9,)]
    [(trace,)] = books.ask("SELECT trace FROM request_log WHERE request_id = 'r2'")
    assert decode(str(trace), Charge).lines[1:] == (
        ChargeLine(rule="ledger", item="unbooked", count=-3_000_000_000, factors=(("nano", Fraction(1, 10**9)),)),
    )


def test_an_overrun_never_touches_what_other_requests_hold(books: Books) -> None:
    """A charge above its hold leaves the holds of the account's other requests alone."""
    books.play("""
        account alice
        top_up alice 10
        reserve r1 alice 1
        reserve r2 alice 8
        post r1 5
        log r1 complete 2 3
        held alice 8
        post r2 8
        log r2 complete 8
        balance alice 0
    """)


def test_overruns_are_counted_by_account_and_day_of_the_shop(books: Books) -> None:
    """Two overruns on one day of the shop's zone add up; the next day begins anew."""
    books.play("""
        account alice gift=1
        reserve r1 alice 0.5
        post r1 2
        reserve r4 alice 0
        post r4 0.5
        wait_h 3.5
        account bob gift=1
        reserve r2 bob 1
        post r2 1.5
        wait_h 1
        reserve r3 bob 0
        post r3 0.25
    """)
    assert books.ask("SELECT * FROM overrun_day ORDER BY account_id, day") == [
        ("alice", "2026-11-23", 1_500_000_000),
        ("bob", "2026-11-23", 500_000_000),
        ("bob", "2026-11-24", 250_000_000),
    ]


def test_revenue_has_a_book_for_each_day_of_the_shop(books: Books) -> None:
    """Midnight in the shop's zone, 16:00 UTC in Shanghai, begins another revenue book."""
    books.play("""
        account alice gift=10
        reserve r1 alice 1
        post r1 1
        wait_h 4
        reserve r2 alice 2
        post r2 2
    """)
    rows = books.ask("SELECT name, credit_nano FROM book WHERE kind = 'revenue' ORDER BY name")
    assert rows == [
        (f"revenue:2026-11-23:{books.boot.id}", 1_000_000_000),
        (f"revenue:2026-11-24:{books.boot.id}", 2_000_000_000),
    ]


def test_a_charge_of_nothing_is_posted_without_a_transfer(books: Books) -> None:
    """A request with an explicit usage of 0 is posted, and moves nothing."""
    books.play("""
        account alice gift=1
        reserve r1 alice 1
        post r1 0
        balance alice 1
        log r1 complete 0
    """)
    assert books.ask("SELECT state FROM reservation") == [("posted",)]


def test_lots_are_spent_by_expiry_then_gifts_before_cash(books: Books) -> None:
    """What lapses goes first, then gifts, then compensation, cash last."""
    books.play("""
        account alice gift=1 lapses_in_h=72
        top_up alice 5
        give g1 alice 2
        reserve r1 alice 2.5
        post r1 2.5
        lots alice gift=0 cash=5 gift=0.5
        reserve r2 alice 4
        post r2 1
        lots alice gift=0 cash=4.5 gift=0
    """)


def test_a_hold_keeps_its_split_over_lots(books: Books) -> None:
    """The lots that a hold was taken from are written down with their parts."""
    books.play("""
        account alice gift=1 lapses_in_h=72
        top_up alice 5
        reserve r1 alice 3
    """)
    assert books.ask("SELECT held_nano FROM reservation_lot WHERE request_id = 'r1' ORDER BY lot_id") == [
        (1_000_000_000,),
        (2_000_000_000,),
    ]


def test_a_lapsed_lot_is_not_spent(books: Books) -> None:
    """Credit that lapsed an hour ago covers nothing."""
    books.play("""
        account alice gift=5 lapses_in_h=72
        top_up alice 1
        wait_h 73
        balance alice 1
        reserve r1 alice 2 -> insufficient_user_quota
        reserve r2 alice 1
    """)


def test_a_lot_that_lapses_under_a_hold_honours_it_and_the_rest_goes_to_breakage(books: Books) -> None:
    """Of 5 held on a lot that lapsed meanwhile, the charge of 2 is paid and 3 do not come back."""
    books.play("""
        account alice gift=5 lapses_in_h=1
        top_up alice 1
        reserve r1 alice 5
        wait_h 2
        post r1 2
        book revenue 2
        book breakage 3
        lots alice gift=0 cash=1
        balance alice 1
    """)


def test_a_lot_that_lapses_under_a_hold_may_be_spent_to_the_end(books: Books) -> None:
    """Nothing is left of it that could come back, or be booked to breakage."""
    books.play("""
        account alice gift=5 lapses_in_h=1
        reserve r1 alice 5
        wait_h 2
        post r1 5
        book revenue 5
        lots alice gift=0
    """)
    assert books.ask("SELECT kind, request_id FROM transfer WHERE kind <> 'gift'") == [("post", "r1")]


def test_a_void_on_a_lapsed_lot_is_breakage(books: Books) -> None:
    """A hold released on a lapsed lot does not come back either."""
    books.play("""
        account alice gift=5 lapses_in_h=1
        reserve r1 alice 4
        wait_h 2
        void r1
        book breakage 4
        lots alice gift=1
    """)
    assert books.ask("SELECT id, request_id FROM transfer WHERE kind = 'breakage'") == [("breakage:r1:1", "r1")]


def test_a_hold_above_the_balance_says_what_remains_and_what_was_needed(books: Books) -> None:
    """The refusal carries both amounts in credits."""
    books.play("""
        account alice
        top_up alice 2.5
        reserve r1 alice 1
    """)
    with pytest.raises(InsufficientBalanceError) as caught:
        books.do(reservation("r2", "alice", 2_000_000_000))
    assert caught.value.params == {"remaining": "1.5", "needed": "2"}


def test_a_refused_hold_leaves_nothing_behind(books: Books) -> None:
    """After a refusal no reservation and no hold exists."""
    books.play("""
        account alice gift=1
        reserve r1 alice 2 -> insufficient_user_quota
        held alice 0
        balance alice 1
        no_log r1
    """)
    assert books.ask("SELECT * FROM reservation") == []


def test_a_hold_above_the_key_s_cap_says_what_remains(books: Books) -> None:
    """A key with a cap of 5, 2 spent and 2 held can hold 1 more."""
    books.play("""
        account alice cap=5
        top_up alice 100
        reserve r1 alice 3
        post r1 2
        reserve r2 alice 2
    """)
    with pytest.raises(KeyCapError) as caught:
        books.do(reservation("r3", "alice", 1_500_000_000))
    assert caught.value.params == {"remaining": "1", "needed": "1.5"}


def test_what_a_key_has_spent_counts_toward_its_cap_at_once(books: Books) -> None:
    """Also where the key is remembered from the request before: of 10, 1 and 4 are spent."""
    books.play("""
        account alice gift=20 cap=10
        reserve r1 alice 1
        post r1 1
        reserve r2 alice 4
        post r2 4
        reserve r3 alice 6 -> pre_consume_token_quota_failed
        reserve r4 alice 5
        void r4
        reserve r5 alice 5
    """)


def test_a_post_is_never_refused_for_a_cap(books: Books) -> None:
    """A charge above the cap is posted whole, and the key is then used up."""
    books.play("""
        account alice cap=5
        top_up alice 100
        reserve r1 alice 5
        post r1 8
        spent alice 8
        balance alice 92
        reserve r2 alice 0.1 -> pre_consume_token_quota_failed
    """)


def test_a_revoked_key_holds_nothing_more(books: Books) -> None:
    """A key revoked after authentication is refused as such."""
    books.play("""
        account alice gift=5
        revoke alice
        reserve r1 alice 1 -> api_key_revoked
        authenticate alice
        reserve r1 alice 1 -> api_key_revoked
    """)


def test_a_key_that_lapsed_is_stale(books: Books) -> None:
    """A key whose expiry passed after authentication is stale."""
    books.play("""
        account alice gift=5 key_lapses_in_h=1
        reserve r1 alice 1
        wait_h 1
        reserve r2 alice 1 -> stale_key
    """)


def test_a_switched_group_makes_the_key_stale_once(books: Books) -> None:
    """After a switch the key must be authenticated afresh, and then works."""
    books.play("""
        account alice gift=5
        set_group alice agave
        reserve r1 alice 1 -> stale_key
        authenticate alice
        reserve r1 alice 1
    """)


def test_an_extension_raises_the_hold(books: Books) -> None:
    """A hold of 1 extended to 4 holds 4."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        extend r1 4
        held alice 4
        post r1 3.5
        balance alice 1.5
    """)


def test_only_an_open_hold_is_extended(books: Books) -> None:
    """Neither what was never reserved nor what is closed holds more."""
    books.play("""
        account alice gift=5
        extend r9 2 -> ledger_unknown
        reserve r1 alice 1
        post r1 1
        extend r1 2 -> ledger_unknown
        held alice 0
        balance alice 4
    """)


def test_an_extension_to_less_changes_nothing(books: Books) -> None:
    """A hold is never lowered."""
    books.play("account alice gift=5")
    books.do(reservation("r1", "alice", 3_000_000_000))
    extended = books.do(Extend(request_id="r1", held_nano=2_000_000_000))
    assert extended == Reservation(request_id="r1", held_nano=3_000_000_000)
    books.play("held alice 3")


def test_a_refused_extension_leaves_the_hold_as_it_was(books: Books) -> None:
    """Beyond balance or cap an extension is refused, and the hold stays."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        extend r1 6 -> insufficient_user_quota
        held alice 3
        account bob gift=5 cap=4
        reserve r2 bob 3
        extend r2 4.5 -> pre_consume_token_quota_failed
        held bob 3
    """)


def test_a_revoked_key_can_not_extend_but_a_switched_one_can(books: Books) -> None:
    """A running request keeps its group; only a revocation reaches into it."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        set_group alice agave
        extend r1 2
        revoke alice
        extend r1 3 -> api_key_revoked
        post r1 2
        balance alice 3
    """)


def test_a_withdrawn_hold_leaves_no_row(books: Books) -> None:
    """A hold granted to nobody is released without a log row, once."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        withdraw r1
        withdraw r1
        balance alice 5
        no_log r1
    """)


def test_a_hold_of_nothing_is_withdrawn_too(books: Books) -> None:
    """No money moves, and the request is closed all the same."""
    books.play("""
        account alice
        reserve r1 alice 0
        withdraw r1
    """)
    assert books.ask("SELECT state FROM reservation") == [("voided",)]


def test_a_post_of_what_was_never_reserved_is_an_error(books: Books) -> None:
    """Nothing is charged without a reservation."""
    books.play("""
        account alice gift=5
        post r9 1 -> ledger_unknown
        balance alice 5
    """)


def test_a_claim_is_kept_once_for_each_request_and_rule(books: Books) -> None:
    """The same rule's second claim on a request changes nothing."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        claim r1 1 0.5 -> ledger_unknown
        post r1 1 empty
        claim r1 1 1
        claim r1 1/2 0.5
        claims r1 1
    """)
    assert books.ask("SELECT share, amount_nano, state FROM claim") == [("1", 1_000_000_000, "filed")]


def test_a_mark_after_the_post_changes_nothing(books: Books) -> None:
    """A note that comes too late is dropped."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        post r1 1
        mark r1 0.5
    """)
    assert books.ask("SELECT mark FROM reservation") == [(None,)]


def test_a_mark_goes_with_the_delivery_of_what_was_posted(books: Books) -> None:
    """Nobody needs it any more, and it is the largest part of its row; a request that is still open keeps its own."""
    books.play("""
        account alice gift=5
        reserve r1 alice 1
        reserve r2 alice 1
        mark r1 0.5
        mark r2 0.5
        post r1 1
        delivered r1
        delivered r2
    """)
    assert books.ask("SELECT request_id, mark IS NULL FROM reservation ORDER BY request_id") == [("r1", 1), ("r2", 0)]


def test_one_group_refuses_only_what_can_not_be_covered(books: Books) -> None:
    """In one transaction the second of three holds is refused alone."""
    books.play("account alice gift=5")
    results = books.store.commit(
        [],
        [
            reservation("r1", "alice", 3_000_000_000),
            reservation("r2", "alice", 3_000_000_000),
            reservation("r3", "alice", 2_000_000_000),
        ],
    )
    assert [type(result).__name__ for result in results] == ["Reservation", "InsufficientBalanceError", "Reservation"]
    books.play("held alice 5")


def test_one_group_holds_no_more_than_the_key_s_cap(books: Books) -> None:
    """In one transaction the second of two holds finds what the first left of the cap."""
    books.play("account alice gift=9 cap=5")
    group = [reservation("r1", "alice", 3_000_000_000), reservation("r2", "alice", 3_000_000_000)]
    results = books.store.commit([], group)
    assert [type(result).__name__ for result in results] == ["Reservation", "KeyCapError"]
    books.play("held alice 3")


def test_one_group_reserves_what_it_gave_back_before(books: Books) -> None:
    """In one transaction a hold can take what a void and a post before it released."""
    books.play("""
        account alice gift=5
        reserve r1 alice 3
        reserve r2 alice 2
    """)
    group: list[Operation] = [
        Void(record=record("r1", "alice", "0")),
        Post(record=record("r2", "alice", "1")),
        reservation("r3", "alice", 4_000_000_000),
    ]
    results = books.store.commit([], group)
    assert results[2] == Reservation(request_id="r3", held_nano=4_000_000_000)
    books.play("held alice 4\n balance alice 0")


def test_an_account_that_overran_its_holds_today_must_hold_in_full(books: Books) -> None:
    """Overruns of 2 a day with 2 allowed: a hold that may be short is refused, one that can't be is taken."""
    books.play("""
        account alice
        top_up alice 3
        reserve r1 alice 1
        post r1 5
        book overrun -2
        top_up alice 10 order-2
    """)
    short = msgspec.structs.replace(reservation("r2", "alice", 1_000_000_000), overrun_max_nano=2_000_000_000)
    with pytest.raises(FullHoldNeededError):
        books.do(short)
    books.play("held alice 0")
    full = msgspec.structs.replace(short, amount_nano=4_000_000_000, overrun_max_nano=None)
    assert books.do(full) == Reservation(request_id="r2", held_nano=4_000_000_000)
    lenient = msgspec.structs.replace(short, request_id="r3", overrun_max_nano=2_000_000_001)
    assert books.do(lenient) == Reservation(request_id="r3", held_nano=1_000_000_000)
