"""What all tests share."""

import asyncio
import contextlib
import gc
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import httpx
import pytest
import uvloop

from relay.core.ledger import database
from tests import preloaded_disk


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the loop that a shop is served on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the migrations once for all tests: each new database is a copy of the first.

    The steps run in a process of their own, which takes half a second; the tests make hundreds
    of databases. Servers in processes of their own still migrate for themselves.
    """
    first = database.prepare_database(tmp_path_factory.mktemp("first"), is_demo=False)

    def copy_first(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(first)) as source, contextlib.closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
            copy.execute("DELETE FROM meta")
            copy.commit()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_migrate", copy_first)
        yield


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Let the HTTP clients of all tests share what they trust.

    Each would read the system's certificates for itself, which takes longer than to open a shop.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(autouse=True)
def _no_group_is_refused(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where the ledger had to do a group again, one by one, and the test is not about that.

    What breaks a rule in a group alone goes well the second time: without this no test would see it.
    """
    yield
    if request.node.get_closest_marker("breaks_a_rule") is None:
        logged = [record.msg for when in ("setup", "call") for record in caplog.get_records(when)]
        assert "group.refused" not in logged


@pytest.fixture
def nothing_fails_in_a_callback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where the event loop logged an exception: what a timer or a protocol raises reaches no caller."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"] == []


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Leave alone what only the collector would free, for as long as the test runs; what was there before is not seen."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.fixture(scope="session")
def slow_sync(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that slows the disk down for a process that preloads it."""
    return preloaded_disk.build(tmp_path_factory.mktemp("slow"), preloaded_disk.SLOW)
