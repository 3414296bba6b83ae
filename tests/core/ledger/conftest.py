from collections.abc import Iterator
from pathlib import Path

import pytest

from .books import Books, copy_empty_shop


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    copy_empty_shop(tmp_path / "data")
    books = Books(tmp_path / "data")
    yield books
    books.close()
