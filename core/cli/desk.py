"""What the commands on accounts, keys, log and ledger share: one data folder and its shop's profile.

They work beside a running server, through the same ledger, and take effect there at once.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ..clock import SystemClock
from ..ledger.database import database_path, is_made, prepare_database
from ..ledger.sqlite import SqliteLedger
from ..profile.loader import find_profile, load_profile
from ..profile.place import nearest
from ..profile.record import RECORD, write_record
from ..profile.structs import Profile
from ..storage import Account, Storage
from . import Failure
from .options import data_option, profile_option, resolve_data, resolve_profile

PATIENCE_S = 3.0
"""After so long a command says what it waits for."""
ACTOR = "cli"
"""The actor that the audit names."""

T = TypeVar("T")


class Desk:
    """Changes and reads the books of one shop for an operator."""

    def __init__(self, data: Path, profile_file: str | None) -> None:
        self.data = data
        self._profile_file = profile_file

    @functools.cached_property
    def profile(self) -> Profile:
        """The shop's profile; loaded at first use, because reading the books needs none."""
        return resolve_profile(self.data, self._profile_file)

    def change(self, work: Callable[[SqliteLedger, Storage], Awaitable[T]]) -> T:
        """Run *work* with the ledger open and return its result, which is durable by then."""
        timezone = self.profile.shop.timezone
        if not is_made(database_path(self.data)):
            prepare_database(self.data, is_demo=None)  # before the notice below, which would blame another process

        async def changing() -> T:
            notice = asyncio.get_running_loop().call_later(PATIENCE_S, self._say_what_it_waits_for)
            try:
                async with (
                    SqliteLedger.open(self.data, timezone=timezone) as ledger,
                    Storage.open(self.data) as storage,
                ):
                    return await work(ledger, storage)
            finally:
                notice.cancel()

        result = asyncio.run(changing())
        if self._profile_file is not None and not (self.data / RECORD).exists():
            # This command made the folder: the next one need not name the profile again.
            write_record(self.data, load_profile(find_profile(self._profile_file)))
        return result

    def _say_what_it_waits_for(self) -> None:
        """Tell the operator on stderr why nothing happens: for example, a stopped process has the lock."""
        reason = f"another process is writing the books in '{self.data}', or they are being put in order after a crash"
        click.echo(f"still waiting: {reason}", err=True)

    def read(self, work: Callable[[Storage], Awaitable[T]]) -> T:
        """Run *work* with the database open for reading, and return its result."""
        self.check_database()

        async def reading() -> T:
            async with Storage.open(self.data) as storage:
                return await work(storage)

        return asyncio.run(reading())

    def check_database(self) -> None:
        """Refuse a folder without a database, or with one of a newer relay."""
        if not is_made(database_path(self.data)):
            raise Failure(
                f"error: no database in '{self.data}'; start the shop with: relay run --profile FILE --data {self.data}"
            )

    def check_group(self, group: str, membership: str) -> None:
        """Refuse a group that the shop does not have, or that members of *membership* may not use."""
        check_known("group", group, self.profile.groups)
        allowed = self.profile.groups[group].memberships
        if allowed and membership not in allowed:
            raise Failure(
                f"error: group '{group}' is for members of {', '.join(allowed)}, and the account is '{membership}'"
            )

    def check_models(self, models: Collection[str]) -> None:
        """Refuse a model that no channel of the shop sells."""
        sold = {model for channel in self.profile.channels for model in channel.upstream_names}
        for model in models:
            check_known("model", model, sold)


def with_desk(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options ``--data`` and ``--profile``, and a desk made from them as its first argument."""

    # Click passes all other arguments on to the command: the border where Any is allowed.
    @functools.wraps(command)
    def with_options(*, data: Path | None, profile: str | None, **arguments: Any) -> None:
        desk = Desk(resolve_data(data, profile), profile)
        if profile is not None:
            _ = desk.profile  # a named profile must be valid, even if the command does not need it
        command(desk, **arguments)

    return data_option(profile_option(with_options))


def check_known(what: str, name: str, known: Collection[str]) -> None:
    """Refuse a name that is not among *known*; suggest the nearest one that is."""
    if name not in known:
        raise Failure(f"error: unknown {what} '{name}'{nearest(name, known)}")


async def find_account(storage: Storage, name: str) -> Account:
    """Return the account *name* as of now; refuse an unknown name and suggest the nearest one."""
    found = await storage.find_account(name, now())
    if found is None:
        names = await storage.account_names()
        raise Failure(f"error: unknown account '{name}'{nearest(name, names) or '; there are none yet'}")
    return found


def now() -> datetime:
    """Return the time by the machine's clock."""
    return SystemClock().now()
