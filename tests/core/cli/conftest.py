"""Fixtures of the command line's tests."""

import shutil
from pathlib import Path

import pytest

from relay.core.ledger.database import prepare_database
from relay.core.profile.loader import load_profile
from relay.core.profile.record import write_record
from tests.core.cli.counter import Counter


@pytest.fixture
def fresh_counter(tmp_path: Path) -> Counter:
    """A shop that was never run."""
    return Counter(tmp_path)


@pytest.fixture(scope="session")
def prepared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a shop that was run leaves it; made once, as migrations take their time."""
    counter = Counter(tmp_path_factory.mktemp("prepared"))
    prepare_database(counter.data, is_demo=False)
    write_record(counter.data, load_profile(counter.profile))
    return counter.data


@pytest.fixture
def counter(tmp_path: Path, prepared_data: Path) -> Counter:
    """A shop that was run, with nobody in its books."""
    counter = Counter(tmp_path)
    shutil.copytree(prepared_data, counter.data)
    return counter
