"""The code blocks of the pages, so that tests can run them."""

import re
from itertools import pairwise
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"use: \./(?P<name>\w+\.py)")


class Block(msgspec.Struct, frozen=True):
    """One block: where it stands, what language it says it is, and its text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where to look when a test of it fails."""
        return f"{self.page}:{self.line}"


class Example(msgspec.Struct, frozen=True):
    """A plugin shown on a page: its file, and the piece of a profile that uses it."""

    name: str
    source: Block
    profile: Block

    @property
    def place(self) -> str:
        """Where to look when a test of it fails."""
        return self.source.place


def blocks(*languages: str) -> list[Block]:
    """Return every block in one of *languages*, page by page; all of them where none is given."""
    found: list[Block] = []
    for page in PAGES:
        text = page.read_text()
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(str(page.relative_to(ROOT)), line, match["language"], match["text"]))
    return [block for block in found if not languages or block.language in languages]


def examples() -> list[Example]:
    """Return each Python block that a YAML block right after it uses, with the file name it gives it."""
    found = blocks("python", "yaml")
    return [
        Example(match["name"], source, profile)
        for source, profile in pairwise(found)
        if (source.language, profile.language, source.page) == ("python", "yaml", profile.page)
        if (match := _FILE.search(profile.text))
    ]
