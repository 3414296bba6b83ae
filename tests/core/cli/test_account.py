"""``relay account``: what is printed, what is booked, what is refused."""

import sqlite3

import pytest

from tests.core.cli.counter import Counter


def test_a_new_account_starts_with_its_gift(counter: Counter) -> None:
    """``--credit`` books a gift lot."""
    made = counter.ask("account", "create", "alice", "--credit", "1.5", "--membership", "vip")
    assert made == {"name": "alice", "membership": "vip", "balance": "1.5", "held": "0", "available": "1.5"}
    assert lots(counter) == [("gift", 1_500_000_000)]


def test_an_account_without_credit_has_none(counter: Counter) -> None:
    """No lot is opened for nothing."""
    counter.open_account()
    assert lots(counter) == []


def test_the_first_command_keeps_the_profile_for_the_next(fresh_counter: Counter) -> None:
    """A folder made by a command is as good as one that was run."""
    fresh_counter.ask("account", "create", "alice", "--profile", str(fresh_counter.profile))
    assert fresh_counter.ask("account", "create", "bob", "--membership", "vip")["membership"] == "vip"


def test_money_paid_in_is_cash_and_taken_once(counter: Counter) -> None:
    """The same reference again moves nothing; with another amount it is refused."""
    counter.open_account("alice", "--credit", "1")
    once = counter.ask("account", "top-up", "alice", "10.25", "--reference", "order-7")
    again = counter.ask("account", "top-up", "alice", "10.25", "--reference", "order-7")
    assert once == again
    assert again["balance"] == "11.25"
    assert lots(counter) == [("cash", 10_250_000_000), ("gift", 1_000_000_000)]
    assert counter.refused("account", "top-up", "alice", "11", "--reference", "order-7") == (
        1,
        "error: reference 'order-7' booked 10.25 credits for 'alice' before; use another one",
    )


def test_an_account_is_shown_to_people_as_a_small_table(counter: Counter) -> None:
    """A field a line."""
    counter.open_account("金瓜", "--credit", "0.000000001")
    assert counter.run("account", "show", "金瓜").stdout == (
        "name        金瓜\nmembership  default\nbalance     0.000000001\nheld        0\navailable   0.000000001\n"
    )


def test_accounts_are_listed_by_name_each_as_it_is_shown(counter: Counter) -> None:
    """One without money among them; where there is none, how to open one is told."""
    assert counter.ask("account", "list") == []
    assert counter.run("account", "list").stdout == "no accounts; open one with: relay account create NAME\n"
    counter.open_account("bob", "--credit", "1.5")
    counter.open_account("alice", "--membership", "vip")
    assert counter.ask("account", "list") == [counter.ask("account", "show", name) for name in ("alice", "bob")]
    assert counter.run("account", "list").stdout == (
        "name   membership  balance  held  available\n"
        "alice  vip         0        0     0\n"
        "bob    default     1.5      0     1.5\n"
    )


def test_an_unknown_account_is_refused_with_the_nearest_name(counter: Counter) -> None:
    """Showing and topping up alike."""
    counter.open_account()
    error = (1, "error: unknown account 'Alcie'; did you mean 'alice'?")
    assert counter.refused("account", "show", "Alcie") == error
    assert counter.refused("account", "top-up", "Alcie", "1", "--reference", "r") == error


def test_a_name_is_taken_once(counter: Counter) -> None:
    """A second account of the name is an error, not the first."""
    counter.open_account()
    assert counter.refused("account", "create", "alice") == (
        1,
        "error: account 'alice' exists already; choose another name",
    )


def test_an_unknown_membership_is_refused_with_the_nearest(counter: Counter) -> None:
    """Memberships are the profile's, and ``default``."""
    counter.open_account()
    assert counter.refused("account", "create", "bob", "--membership", "vpi") == (
        1,
        "error: unknown membership 'vpi'; did you mean 'vip'?",
    )


def test_a_folder_that_no_shop_used_is_refused(fresh_counter: Counter) -> None:
    """Reading makes no database, and changing needs to know the shop."""
    data = fresh_counter.data
    assert fresh_counter.refused("account", "show", "alice") == (
        1,
        f"error: no database in '{data}'; start the shop with: relay run --profile FILE --data {data}",
    )
    assert fresh_counter.refused("account", "create", "alice") == (
        1,
        f"{data}: no shop was ever run here; name its profile with --profile",
    )
    assert not data.exists()


def test_a_top_up_makes_no_books(fresh_counter: Counter) -> None:
    """Where there are none, nobody has an account: it is the wrong folder."""
    data = fresh_counter.data
    named = ("--profile", str(fresh_counter.profile))
    assert fresh_counter.refused("account", "top-up", "alice", "1", "--reference", "r", *named) == (
        1,
        f"error: no database in '{data}'; start the shop with: relay run --profile FILE --data {data}",
    )
    assert not (data / "relay.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("top-up", "alice", "0", "--reference", "r"),
        ("top-up", "alice", "1e3", "--reference", "r"),
        ("top-up", "alice", "0.0000000001", "--reference", "r"),
        ("top-up", "alice", "1"),
        ("create", " bob"),
        ("create",),
    ],
)
def test_what_is_written_wrongly_is_a_usage_error(counter: Counter, words: tuple[str, ...]) -> None:
    """Exit code 2, whatever the books say."""
    counter.open_account()
    assert counter.refused("account", *words)[0] == 2


def test_a_profile_that_is_named_must_be_there(counter: Counter) -> None:
    """Also for a command that could do without it."""
    counter.open_account()
    code, error = counter.refused("account", "show", "alice", "--profile", "nix.yaml")
    assert (code, error.startswith("nix.yaml: no such file; bundled profiles are ")) == (1, True)


def lots(counter: Counter) -> list[tuple[str, int]]:
    """Kind and content of every customer's lot."""
    with sqlite3.connect(counter.data / "relay.db") as connection:
        rows = connection.execute(
            "SELECT kind, credit_nano - debit_nano FROM book WHERE account_id IS NOT NULL ORDER BY kind"
        ).fetchall()
    connection.close()
    return rows
