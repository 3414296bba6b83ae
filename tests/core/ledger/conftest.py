from collections.abc import Iterator
from pathlib import Path

import pytest

from .books import Books


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    books = Books(tmp_path / "data")
    yield books
    books.close()
