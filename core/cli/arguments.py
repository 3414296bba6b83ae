"""The types of the commands' arguments: amounts, times, names, networks."""

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ..money import parse_amount

_SPAN = re.compile(r"([0-9]{1,6})([dhms])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Times in between can be stored and shown in any time zone without leaving Python's range of years."""
NAME_LENGTH_MAX = 64


class Amount(click.ParamType[int]):
    """Credits as a plain decimal, turned into nano-credits."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the nano-credits that *value* names."""
        try:
            nano = parse_amount(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)
        if nano < 0:
            self.fail(f"expected an amount of 0 or more, found {value}", param, ctx)
        return nano


class Time(click.ParamType[datetime | timedelta]):
    """A moment by RFC 3339, or a span such as ``3d``, ``12h``, ``30m``, ``45s``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime | timedelta:
        """Return an aware moment, or the span, which each command counts from a moment of its own."""
        if span := _SPAN.fullmatch(value):
            return timedelta(**{_UNITS[span[2]]: int(span[1])})
        try:
            moment = datetime.fromisoformat(value.upper()) if _MOMENT.fullmatch(value) else None
            if moment is not None and _EARLIEST <= moment < _LATEST:
                return moment
            raise ValueError
        except ValueError:
            expected = 'a time such as "2026-12-01T00:00:00Z", from 1970 to 9998, or a span such as "3d"'
            self.fail(f'expected {expected}, found "{value}"', param, ctx)


class Name(click.ParamType[str]):
    """A name: short, printable, without blanks around it."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value*, if it can be a name."""
        if not value or value != value.strip() or not value.isprintable() or len(value) > NAME_LENGTH_MAX:
            self.fail(f"expected 1 to {NAME_LENGTH_MAX} printable characters without blanks around them", param, ctx)
        return str(value)


class Names(click.ParamType[tuple[str, ...]]):
    """Names, separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the names, each once, in their order."""
        names = [name.strip() for name in value.split(",")]
        if not all(names):
            self.fail(f'expected names such as "a,b", found "{value}"', param, ctx)
        return tuple(dict.fromkeys(names))


class Networks(click.ParamType[tuple[str, ...]]):
    """Addresses and networks, separated by commas."""

    name = "networks"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the networks as CIDR text; a single address is a network of one."""
        networks = []
        for text in value.split(","):
            try:
                networks.append(str(ipaddress.ip_network(text.strip(), strict=False)))
            except ValueError:
                self.fail(f'expected networks such as "10.0.0.0/8,192.0.2.7", found "{text}"', param, ctx)
        return tuple(dict.fromkeys(networks))


def moment_after(now: datetime, time: datetime | timedelta) -> datetime:
    """Return the moment *time* names, a span counted from *now* on."""
    return now + time if isinstance(time, timedelta) else time


def moment_before(now: datetime, time: datetime | timedelta) -> datetime:
    """Return the moment *time* names, a span counted back from *now*, at most to 1970."""
    if not isinstance(time, timedelta):
        return time
    return now - time if time < now - _EARLIEST else _EARLIEST
