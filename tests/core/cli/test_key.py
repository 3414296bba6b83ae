"""``relay key``: a key is shown once, listed without itself, revoked and moved at once."""

import asyncio
import re
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from relay import Charge
from relay.core.errors import StaleKeyError
from relay.core.keys import api_key_digest
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.profile.structs import Keys
from tests.books import CREDIT, account, key, record, reserve
from tests.core.cli.counter import Counter
from tests.services import SetClock


def make(counter: Counter, *words: str) -> str:
    """Open alice's account and make her a key; return its id."""
    counter.open_account()
    return str(counter.ask("key", "create", "--account", "alice", *words)["id"])


def stored(counter: Counter, column: str) -> object:
    """One column of the only key."""
    with sqlite3.connect(counter.data / "relay.db") as connection:
        (value,) = connection.execute(f"SELECT {column} FROM api_key").fetchone()
    connection.close()
    return value


def test_a_new_key_is_printed_this_once(counter: Counter) -> None:
    """With everything a listing shows; the database keeps its digest and its last four characters."""
    counter.open_account()
    made = counter.ask("key", "create", "--account", "alice", "--name", "laptop", "--cap", "2.5")
    api_key = made.pop("key")
    assert re.fullmatch(r"ak-[A-Za-z0-9]{48}", api_key)
    assert re.fullmatch(r"key_[0-9a-f]{32}", made.pop("id"))
    assert made == {
        "name": "laptop",
        "account": "alice",
        "group": "hyacinth",
        "cap": "2.5",
        "spent": "0",
        "expires_at": None,
        "revoked": False,
        "last4": api_key[-4:],
    }
    assert stored(counter, "digest") == api_key_digest(api_key, Keys(prefix="ak-"))
    assert api_key[3:] not in (counter.data / "relay.db").read_bytes().decode("latin-1")


def test_people_are_told_to_keep_the_key(counter: Counter) -> None:
    """The key stands on a line of its own, the advice on stderr."""
    counter.open_account()
    result = counter.run("key", "create", "--account", "alice")
    assert re.search(r"^key +ak-[A-Za-z0-9]{48}$", result.stdout, re.MULTILINE)
    assert "keep the key now" in result.stderr


def test_a_key_can_be_bound_to_models_addresses_and_time(counter: Counter) -> None:
    """A single address is a network of one; a span counts from now."""
    make(counter, "--models", "fast, gpt-4o", "--ips", "10.1.2.3/8,192.0.2.7", "--expires", "3d")
    assert stored(counter, "models") == '["fast","gpt-4o"]'
    assert stored(counter, "ips") == '["10.0.0.0/8","192.0.2.7/32"]'
    in_3_days = datetime.now(UTC) + timedelta(days=3)
    expires_at = datetime.fromisoformat(counter.ask("key", "list")[0]["expires_at"])
    assert timedelta(0) <= in_3_days - expires_at < timedelta(minutes=1)


def test_an_expiry_is_printed_as_it_was_given(counter: Counter) -> None:
    """RFC 3339, in UTC."""
    make(counter, "--expires", "2999-12-01T08:00:00+08:00")
    assert counter.ask("key", "list")[0]["expires_at"] == "2999-12-01T00:00:00Z"


def test_keys_are_listed_without_themselves(counter: Counter) -> None:
    """An array for programs, a table for people, of one account or all."""
    key_id = make(counter, "--group", "plain", "--name", "laptop")
    counter.open_account("bob")
    (listed,) = counter.ask("key", "list", "--account", "alice")
    assert "key" not in listed
    assert listed["id"] == key_id
    assert counter.ask("key", "list", "--account", "bob") == []
    assert counter.run("key", "list").stdout == (
        f"{'id':36}  name    account  group  cap  spent  expires_at  revoked  last4\n"
        f"{key_id}  laptop  alice    plain  -    0      -           no       {listed['last4']}\n"
    )
    assert counter.run("key", "list", "--account", "bob").stdout == (
        "no keys; make one with: relay key create --account NAME\n"
    )


def test_a_revoked_key_has_a_new_version(counter: Counter) -> None:
    """So that a running server refuses it at the next reservation; revoking again changes nothing."""
    key_id = make(counter)
    assert counter.ask("key", "revoke", key_id)["revoked"] is True
    assert counter.ask("key", "revoke", key_id)["revoked"] is True
    assert stored(counter, "version") == 2


def test_a_key_is_moved_to_another_group(counter: Counter) -> None:
    """With a new version, for the same reason."""
    key_id = make(counter)
    assert counter.ask("key", "set-group", key_id, "plain")["group"] == "plain"
    assert stored(counter, "version") == 2


def test_unknown_names_are_refused_with_the_nearest(counter: Counter) -> None:
    """Groups and models are the profile's, accounts and keys the database's."""
    key_id = make(counter)
    alice = ("key", "create", "--account", "alice")
    assert counter.refused(*alice, "--group", "hyacint") == (
        1,
        "error: unknown group 'hyacint'; did you mean 'hyacinth'?",
    )
    assert counter.refused(*alice, "--models", "GPT-4o") == (1, "error: unknown model 'GPT-4o'; did you mean 'gpt-4o'?")
    assert counter.refused("key", "create", "--account", "alise") == (
        1,
        "error: unknown account 'alise'; did you mean 'alice'?",
    )
    assert counter.refused("key", "list", "--account", "alise")[0] == 1
    assert counter.refused("key", "set-group", key_id, "plane") == (
        1,
        "error: unknown group 'plane'; did you mean 'plain'?",
    )
    assert counter.refused("key", "revoke", "key_x") == (1, "error: unknown key 'key_x'; relay key list shows the ids")


def test_an_empty_group_is_not_the_default(counter: Counter) -> None:
    """A script whose variable is empty is told so; its key would be one of another price."""
    counter.open_account()
    assert counter.refused("key", "create", "--account", "alice", "--group", "") == (
        2,
        "Error: Invalid value for '--group': expected 1 to 64 printable characters without blanks around them",
    )


def test_a_group_for_members_is_refused_to_others(counter: Counter) -> None:
    """When the key is made, and when it is moved."""
    key_id = make(counter)
    error = (1, "error: group 'members' is for members of vip, and the account is 'default'")
    assert counter.refused("key", "create", "--account", "alice", "--group", "members") == error
    assert counter.refused("key", "set-group", key_id, "members") == error
    counter.ask("account", "create", "vera", "--membership", "vip")
    assert counter.ask("key", "create", "--account", "vera", "--group", "members")["group"] == "members"


@pytest.mark.parametrize(
    "words",
    [
        ("--expires", "tomorrow"),
        ("--expires", "2020-01-01T00:00:00Z"),
        ("--expires", "2999-01-01T00:00:00"),
        ("--cap", "-1"),
        ("--ips", "10.0.0.0/8,nonsense"),
        ("--models", "gpt-4o,,fast"),
    ],
)
def test_what_is_written_wrongly_is_a_usage_error(counter: Counter, words: tuple[str, ...]) -> None:
    """Exit code 2, and nothing is made."""
    counter.open_account()
    assert counter.refused("key", "create", "--account", "alice", *words)[0] == 2
    assert counter.ask("key", "list") == []


async def test_a_command_takes_effect_beside_a_running_server(counter: Counter) -> None:
    """A key revoked by the command line holds nothing more on the ledger that a server has open."""
    async with SqliteLedger.open(counter.data, clock=SetClock()) as ledger:
        await ledger.create_account(account("alice", gift_nano=CREDIT))
        await ledger.create_key(key("key_1"))
        await ledger.reserve(reserve("req_1", 1))
        revoke = ("key", "revoke", "key_1", "--profile", str(counter.profile))
        assert (await asyncio.to_thread(counter.ask, *revoke))["revoked"] is True
        with pytest.raises(StaleKeyError):
            await ledger.reserve(reserve("req_2", 1))
        await ledger.void(record("req_1", outcome="upstream_error", charge=Charge()))


@pytest.mark.parametrize("words", [("create", "--account", "alice"), ("revoke", "k"), ("set-group", "k", "plain")])
def test_no_command_makes_books(fresh_counter: Counter, words: tuple[str, ...]) -> None:
    """Where there are none, there are no keys: it is the wrong folder."""
    data, profile = fresh_counter.data, str(fresh_counter.profile)
    assert fresh_counter.refused("key", *words, "--profile", profile) == (
        1,
        f"error: no database in '{data}'; start the shop with: relay run --profile FILE --data {data}",
    )
    assert not (data / "relay.db").exists()
