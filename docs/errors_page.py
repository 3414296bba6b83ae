"""The generated part of errors.md: every code a customer may see, its status and its sentences."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import msgspec

import relay.core.errors
from relay.core.dialects.meaning import CODE_BY_FAILURE, STATUS_BY_FAILURE
from relay.core.errors import RejectedError, RelayError
from relay.core.texts import TEXTS

ROOT = Path(__file__).parent.parent
HEADER = "| code | status | English | Chinese |\n|---|---|---|---|"
AS_UPSTREAM = "upstream_refused"
"""The code of an upstream's refusal, whose status is the upstream's own."""

FALLBACK = "other"
"""Names the sentence for codes that have none of their own: those of plugins."""


class Code(msgspec.Struct, frozen=True, order=True):
    """One code, and a status it comes with; 0 where the status is the upstream's."""

    status: int
    name: str


def table() -> str:
    """Return the table of all codes by status; a code with several sentences has a row for each."""
    rows = [row for code in sorted(codes()) for row in _rows(code)]
    fallback = TEXTS[FALLBACK]
    return "\n".join([HEADER, *rows, f"| any other | its own | {_cell(fallback.en)} | {_cell(fallback.zh)} |"])


def codes() -> set[Code]:
    """Return every code that customers are told something about."""
    found = {Code(0, AS_UPSTREAM)}
    found |= {Code(cls.status, cls.code) for cls in _classes() if issubclass(cls, RejectedError) or cls.code in TEXTS}
    found |= {
        Code(STATUS_BY_FAILURE[failure], code) for failure, code in CODE_BY_FAILURE.items() if failure != "request"
    }
    for folder in ("core", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found |= set(_raised_in(path))
    return found


def _classes() -> list[type[RelayError]]:
    members = vars(relay.core.errors).values()
    return [member for member in members if inspect.isclass(member) and issubclass(member, RelayError)]


def _raised_in(path: Path) -> Iterator[Code]:
    """Yield the codes given by hand where an error is made: ``NotAllowedError("model_not_allowed")``."""
    rejections = {cls.__name__: cls for cls in _classes() if issubclass(cls, RejectedError)}
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        cls = rejections.get(node.func.id)
        if cls is None:
            continue
        for part in ast.walk(node.args[0]):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield Code(cls.status, part.value)


def _rows(code: Code) -> Iterator[str]:
    status = code.status or "the upstream's"
    for name, sentence in TEXTS.items():
        if name.partition(".")[0] == code.name:
            yield f"| `{code.name}` | {status} | {_cell(sentence.en)} | {_cell(sentence.zh)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
