"""The tree of errors is drawn as the classes stand."""

import inspect
import re

from relay.core import errors
from relay.core.errors import RelayError

TREE = inspect.getdoc(errors) or ""
LINE = re.compile(r"^ +(?P<name>\w+Error)\b *(?P<status>\d{3})?", re.MULTILINE)


def drawn() -> list[tuple[str, str]]:
    """Return each error of the drawing behind its parent, the root behind nothing."""
    pairs, above = [], {0: ""}
    for line in LINE.finditer(TREE):
        indent = line.start("name") - line.start()
        parent = above[max(place for place in above if place < indent)]
        above = {place: name for place, name in above.items() if place < indent} | {indent: line["name"]}
        pairs.append((parent, line["name"]))
    return pairs


def classes(kind: type[RelayError]) -> list[tuple[str, str]]:
    """Return each error below *kind* behind its parent."""
    below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return [pair for each in below for pair in [(kind.__name__, each.__name__), *classes(each)]]


def test_every_error_is_drawn_below_its_parent() -> None:
    """Once."""
    assert sorted(drawn()) == sorted([("", "RelayError"), *classes(RelayError)])


def test_the_drawing_tells_the_true_status() -> None:
    """Where it tells one."""
    told = {line["name"]: int(line["status"]) for line in LINE.finditer(TREE) if line["status"]}
    assert len(told) > 10
    assert told == {name: getattr(errors, name).status for name in told}
