"""Parses a profile's text into a tree of nodes, each with its position.

Strict: UTF-8, one document, no tags, no tabs. Anchors, aliases and merge keys work; what they
expand to is bounded, so no file can blow up in memory.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

import msgspec
import yaml

from .scalars import Value, read_plain

FILE_BYTES_MAX = 1024 * 1024
NODES_MAX = 100_000
"""Most nodes a profile may have with its aliases written out."""
DEPTH_MAX = 32


class SourceMark(NamedTuple):
    """A position in the file: line and column, both from 1, the column in characters."""

    line: int
    column: int


class Scalar(msgspec.Struct, frozen=True):
    """A single value. ``trap`` says why its spelling is ambiguous; "" if it is not."""

    mark: SourceMark
    text: str
    value: Value
    is_quoted: bool
    trap: str = ""
    size: int = 1
    height: int = 1


class Sequence(msgspec.Struct, frozen=True):
    """A list. ``size`` counts its nodes, ``height`` its levels, aliases written out."""

    mark: SourceMark
    items: tuple["Node", ...]
    size: int
    height: int


class Mapping(msgspec.Struct, frozen=True):
    """Names with values, in the file's order. Each name occurs once; ``duplicates`` are repeated names, left out."""

    mark: SourceMark
    entries: tuple[tuple[Scalar, "Node"], ...]
    duplicates: tuple[Scalar, ...]
    size: int
    height: int


Node: TypeAlias = Scalar | Sequence | Mapping


class DocumentError(Exception):
    """The text can't be read as a profile at all."""

    def __init__(self, mark: SourceMark, message: str) -> None:
        self.mark = mark
        super().__init__(message)


def read_document(path: Path) -> Node:
    """Return the tree of the file at *path*.

    Raises:
        DocumentError: Unreadable, or not in the subset of YAML that a profile may use.
    """
    text = _read_text(path)
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise DocumentError(_mark(mark) if mark else SourceMark(1, 1), f"not YAML: {_reason_of(exc)}") from exc
    except yaml.reader.ReaderError as exc:
        message = "a control character cannot stand in a profile"
        raise DocumentError(_mark_of(text, exc.position), message) from exc


def _reason_of(exc: yaml.MarkedYAMLError) -> str:
    """Return what the parser says, with the line where what it was reading begins: a bracket or quote left open."""
    context = exc.context
    if context and exc.context_mark and exc.problem_mark and exc.context_mark.line != exc.problem_mark.line:
        context += f" that begins on line {exc.context_mark.line + 1}"
    return ", ".join(part for part in (context, exc.problem) if part)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as exc:
        raise DocumentError(SourceMark(1, 1), f"cannot be read: {exc.strerror}") from exc
    if len(data) > FILE_BYTES_MAX:
        raise DocumentError(SourceMark(1, 1), f"larger than {FILE_BYTES_MAX} bytes")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        mark = _mark_of(data[: exc.start].decode(), exc.start)
        raise DocumentError(mark, "expected UTF-8, found a byte that is not; save the file as UTF-8") from exc
    if "\t" in text:
        raise DocumentError(_mark_of(text, text.index("\t")), "a tab; YAML indents with spaces")
    return text


def _mark_of(text: str, position: int) -> SourceMark:
    before = text[:position]
    return SourceMark(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class _ParserMark(Protocol):
    line: int
    column: int


def _mark(mark: _ParserMark | None) -> SourceMark:
    assert mark is not None, "the parser marks every event"
    return SourceMark(mark.line + 1, mark.column + 1)


class _Builder:
    """Builds nodes from the parser's events, bounding what they expand to."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._built_count = 0

    def document(self) -> Node:
        next(self._events)
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            raise DocumentError(SourceMark(1, 1), "the file is empty")
        root = self._node(next(self._events), 1)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise DocumentError(_mark(after.start_mark), "a second document; a profile is only one")
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), mark, depth)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent), "nothing else begins a node"
        if depth > DEPTH_MAX:
            raise DocumentError(mark, f"more than {DEPTH_MAX} levels deep")
        if event.tag is not None:
            raise DocumentError(mark, f"tag '{event.tag}'; a profile has no tags, quote what is text")
        node = self._tagless(event, mark, depth)
        self._bound(mark, 1, node.size)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _bound(self, mark: SourceMark, built_count: int, size: int) -> None:
        """Refuse a file that builds, or with its aliases written out has, too many nodes."""
        self._built_count += built_count
        if max(self._built_count, size) > NODES_MAX:
            raise DocumentError(mark, f"expands to more than {NODES_MAX} nodes")

    def _alias(self, anchor: str, mark: SourceMark, depth: int) -> Node:
        node = self._anchors.get(anchor)
        if node is None:
            raise DocumentError(mark, f"alias '*{anchor}' without an anchor '&{anchor}' that ended before it")
        if depth + node.height - 1 > DEPTH_MAX:
            raise DocumentError(mark, f"more than {DEPTH_MAX} levels deep")
        return node

    def _tagless(self, event: yaml.Event, mark: SourceMark, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(mark, depth)
        return self._mapping(mark, depth)

    def _sequence(self, mark: SourceMark, depth: int) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Sequence(mark, tuple(items), *_extent(items))

    def _mapping(self, mark: SourceMark, depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: list[tuple[Scalar, Node]] = []
        duplicates: list[Scalar] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(name, Scalar):
                raise DocumentError(name.mark, "expected a name, found a list or mapping in its place")
            if name.text == "<<" and not name.is_quoted:
                merged += self._merged(value, name.mark)
            elif name.text in entries:
                duplicates.append(name)
            else:
                entries[name.text] = (name, value)
        for name, value in merged:
            entries.setdefault(name.text, (name, value))
        extent = _extent([value for _, value in entries.values()])
        return Mapping(mark, tuple(entries.values()), tuple(duplicates), *extent)

    def _merged(self, value: Node, mark: SourceMark) -> list[tuple[Scalar, Node]]:
        """Return what ``<<: value`` brings in: a mapping's entries, or those of several, the first first."""
        entries: list[tuple[Scalar, Node]] = []
        for source in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(source, Mapping):
                raise DocumentError(source.mark, "expected a mapping to merge, or a list of them")
            self._bound(mark, len(source.entries), 0)
            entries += source.entries
        return entries


def _scalar(event: yaml.ScalarEvent, mark: SourceMark) -> Scalar:
    if not event.implicit[0]:
        return Scalar(mark, event.value, event.value, True)
    value, trap = read_plain(event.value)
    return Scalar(mark, event.value, value, False, trap)


def _extent(children: list[Node]) -> tuple[int, int]:
    """Return size and height of a node with these *children*."""
    return 1 + sum(child.size for child in children), 1 + max((child.height for child in children), default=0)
