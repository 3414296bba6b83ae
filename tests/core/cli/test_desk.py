"""What the commands on the books share."""

import fcntl
from typing import Any

import click
import pytest

from relay.core.cli import desk
from relay.core.ledger.database import database_path, is_made
from relay.core.profile.record import RECORD
from tests.core.cli.counter import Counter


def test_a_command_that_waits_for_its_turn_says_so(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process may keep the turn for hours; the command goes on as soon as it is given back."""
    with (counter.data / "ledger.turn").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        echo = click.echo

        def say(words: str, **how: Any) -> None:
            echo(words, **how)
            fcntl.flock(turn, fcntl.LOCK_UN)

        monkeypatch.setattr(desk, "PATIENCE_S", 0.05)
        monkeypatch.setattr(click, "echo", say)
        result = counter.run("account", "create", "alice", "--credit", "1")
    reason = f"another process is writing the books in '{counter.data}', or they are being put in order after a crash"
    notice = f"still waiting: {reason}\n"
    assert (result.exit_code, result.stderr) == (0, notice)


def test_a_command_that_makes_the_books_blames_nobody(fresh_counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine takes seconds to make a new database, which is no other process's doing."""
    database = database_path(fresh_counter.data)
    was_made = []
    monkeypatch.setattr(desk, "PATIENCE_S", 0)
    monkeypatch.setattr(click, "echo", lambda words, **_: was_made.append((words[:13], is_made(database))))
    fresh_counter.run("account", "create", "alice", "--profile", str(fresh_counter.profile), "--json")
    assert was_made[0] == ("still waiting", True)


def test_a_profile_named_for_one_command_is_not_the_shops(counter: Counter) -> None:
    """The record says what was served; a command made against another file leaves it as it was."""
    before = (counter.data / RECORD).read_bytes()
    other = counter.profile.with_name("other.yaml")
    other.write_text(counter.profile.read_text().replace("en: Test", "en: Other"))
    counter.ask("account", "create", "alice", "--profile", str(other))
    assert (counter.data / RECORD).read_bytes() == before


def test_a_group_for_members_names_them(counter: Counter) -> None:
    """All of its memberships, and the account's own."""
    text = counter.profile.read_text().replace("memberships: [vip]}", "memberships: [vip, agent]}")
    counter.profile.write_text(text.replace('ratio: "0.9"}', 'ratio: "0.9"}\n  agent: {ratio: "0.8"}'))
    named = ("--profile", str(counter.profile))
    counter.open_account("alice")
    refused = counter.refused("key", "create", "--account", "alice", "--group", "members", *named)
    assert refused == (1, "error: group 'members' is for members of vip, agent, and the account is 'default'")
