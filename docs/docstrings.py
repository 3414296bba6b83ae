"""Docstrings as Markdown: paragraphs as they stand, the sections ``Args`` and the like as lists."""

import inspect
import re

SECTIONS = ("Args", "Attributes", "Returns", "Raises")
_ENTRY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_., ]*): +(?P<text>.*)", re.DOTALL)


def first_sentence(subject: object) -> str:
    """Return the first line of *subject*'s docstring, as Markdown; empty where it has none."""
    return _inline((inspect.getdoc(subject) or "").partition("\n")[0])


def to_markdown(subject: object) -> str:
    """Return *subject*'s docstring as Markdown; its sections become lists under a bold word."""
    parts: list[str] = []
    for paragraph in (inspect.getdoc(subject) or "").split("\n\n"):
        title = paragraph.partition("\n")[0].removesuffix(":")
        if title in SECTIONS:
            parts.append(_section(title, paragraph))
        else:
            parts.append(_inline(paragraph))
    return "\n\n".join(part for part in parts if part)


def entries(subject: object, title: str) -> dict[str, str]:
    """Return what the section *title* of *subject*'s docstring says, by name.

    >>> def price(count: int) -> int:
    ...     '''Price it.
    ...
    ...     Args:
    ...         count: How many,
    ...             at least 1.
    ...     '''
    >>> entries(price, "Args")
    {'count': 'How many, at least 1.'}
    """
    for paragraph in (inspect.getdoc(subject) or "").split("\n\n"):
        if paragraph.startswith(f"{title}:\n"):
            matches = (_ENTRY.fullmatch(item) for item in _items(paragraph))
            return {match["name"]: _inline(match["text"]) for match in matches if match}
    return {}


def _section(title: str, paragraph: str) -> str:
    if title == "Returns":
        return f"**{title}:** {_inline(' '.join(_items(paragraph)))}"
    lines = []
    for item in _items(paragraph):
        match = _ENTRY.fullmatch(item)
        lines.append(f"- `{match['name']}`: {_inline(match['text'])}" if match else f"- {_inline(item)}")
    return "\n".join([f"**{title}:**", "", *lines])


def _items(paragraph: str) -> list[str]:
    """Return the entries of a section, each on one line: a deeper indent continues an entry."""
    lines = inspect.cleandoc(paragraph.partition("\n")[2]).splitlines()
    items: list[str] = []
    for line in lines:
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
    return items


def _inline(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.replace("``", "`")).strip()
