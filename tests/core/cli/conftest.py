"""Fixtures of the command line's tests."""

from pathlib import Path

import pytest

from tests.core.cli.counter import Counter


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """A shop that was never run."""
    return Counter(tmp_path)
