"""Places in a profile: a node and the path to it, at which problems are reported."""

import re
from collections.abc import Collection, Iterator
from collections.abc import Mapping as Map
from typing import Literal

from ..hint import nearest_name
from .document import Mapping, Node, Scalar, Sequence, SourceMark

Names = Map[str, tuple[str, ...]]
"""What a profile's texts may name, by kind: ``groups``, ``memberships``, ``models``, ``presets``."""

_SIMPLE = re.compile(r"[A-Za-z0-9_-]+")


class Report:
    """Collects every problem and warning of one file, each ``file:line:column: path: what``."""

    def __init__(self, file: str, names: Names) -> None:
        self._file = file
        self.names = names
        self._found: list[tuple[SourceMark, Literal["problem", "warning"], str]] = []
        self.cause: Exception | None = None
        """What the first failing plugin raised."""

    def problem(self, mark: SourceMark, path: str, message: str) -> None:
        """Report a problem: the profile can't be used."""
        self._add(mark, "problem", self.line(mark, path, message))

    def warning(self, mark: SourceMark, path: str, message: str) -> None:
        """Report a warning: something odd that is allowed."""
        self._add(mark, "warning", self.line(mark, path, message))

    def _add(self, mark: SourceMark, kind: Literal["problem", "warning"], line: str) -> None:
        if (mark, kind, line) not in self._found:
            self._found.append((mark, kind, line))

    def line(self, mark: SourceMark, path: str, message: str) -> str:
        """Return *message* about the place as one line, even if it quotes several lines of the file."""
        text = f"{self._file}:{mark.line}:{mark.column}: {path or 'profile'}: {message}"
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)

    def has_problem_at(self, mark: SourceMark) -> bool:
        """Say whether a problem was reported at exactly this place."""
        return any(found == mark and kind == "problem" for found, kind, _ in self._found)

    def problems(self) -> tuple[str, ...]:
        """Return all problems in the file's order."""
        return self._of("problem")

    def warnings(self) -> tuple[str, ...]:
        """Return all warnings in the file's order."""
        return self._of("warning")

    def _of(self, wanted: Literal["problem", "warning"]) -> tuple[str, ...]:
        return tuple(line for _, kind, line in sorted(self._found, key=lambda entry: entry[0]) if kind == wanted)


class Place:
    """A node, the path that leads to it, and where to report what is wrong with it."""

    def __init__(self, node: Node, path: str, report: Report) -> None:
        self.node = node
        self.path = path
        self.report = report

    def problem(self, message: str) -> None:
        """Report what is wrong with the node."""
        self.report.problem(self.node.mark, self.path, message)

    def warning(self, message: str) -> None:
        """Report what is odd about the node."""
        self.report.warning(self.node.mark, self.path, message)

    def name_problem(self, name: Scalar, message: str) -> None:
        """Report what is wrong with one of the node's own names."""
        self.report.problem(name.mark, self.path_to(name.text), message)

    def name_warning(self, name: Scalar, message: str) -> None:
        """Report what is odd about one of the node's own names."""
        self.report.warning(name.mark, self.path_to(name.text), message)

    def path_to(self, name: str) -> str:
        """Return the path of the entry called *name*."""
        if not _SIMPLE.fullmatch(name):
            return f'{self.path}["{name[:60]}"]'
        return f"{self.path}.{name}" if self.path else name

    def entries(self) -> Iterator[tuple[Scalar, "Place"]]:
        """Yield the names and values of a mapping; nothing for any other node."""
        if isinstance(self.node, Mapping):
            for name, value in self.node.entries:
                yield name, Place(value, self.path_to(name.text), self.report)

    def items(self) -> Iterator["Place"]:
        """Yield the items of a list; nothing for any other node."""
        if isinstance(self.node, Sequence):
            for index, item in enumerate(self.node.items):
                yield Place(item, f"{self.path}[{index}]", self.report)

    def entry(self, name: str) -> "Place":
        """Return the entry called *name*, or an empty place where there is none."""
        found = next((place for key, place in self.entries() if key.text == name), None)
        return found or Place(Scalar(self.node.mark, "", None, False), self.path_to(name), self.report)

    def names(self) -> tuple[str, ...]:
        """Return the names of a mapping; nothing for any other node."""
        return tuple(name.text for name, _ in self.entries())

    @property
    def text(self) -> str | None:
        """The node's text, or None for anything that is not text."""
        value = self.node.value if isinstance(self.node, Scalar) else None
        return value if isinstance(value, str) else None


def nearest(name: str, known: Collection[str]) -> str:
    """Return what to say about *name*, which is none of *known*.

    >>> nearest("hyacint", ["lily", "hyacinth"]), nearest("x", ["lily", "hyacinth"]), nearest("x", [])
    ("; did you mean 'hyacinth'?", '; expected one of hyacinth, lily', '')
    """
    shown = sorted(known)
    if meant := nearest_name(name, shown):
        return f"; did you mean '{meant}'?"
    if not known:
        return ""
    return "; expected one of " + ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
