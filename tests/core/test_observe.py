"""Logging: listed events with listed fields, and never a word of a request."""

import ast
import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.core.errors import PluginError
from relay.core.finder import find_plugin
from relay.core.observe import EVENTS, FIELDS, emit, emit_exception, kinds_of, log_to_stderr

RULE = """\
from relay import Plugin, PluginConfig


class Rule(Plugin[PluginConfig]):
    config_type = PluginConfig
"""
CORE = Path(__file__).parent.parent.parent / "core"


@pytest.fixture(autouse=True)
def _restored_logger() -> Iterator[None]:
    """Leave the process's logger as it was."""
    logger = logging.getLogger("relay")
    before = (logger.handlers, logger.level, logger.propagate)
    yield
    logger.handlers, logger.level, logger.propagate = before[0], before[1], before[2]


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def emitted() -> list[tuple[str, str, set[str]]]:
    """Every event that core emits: where, its name, its fields."""
    found = []
    for path in CORE.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("emit"):
                event = node.args[0].value if isinstance(node.args[0], ast.Constant) else "not a literal"
                names = {word.arg or "**" for word in node.keywords}
                found.append((f"{path.name}:{node.lineno}", str(event), names))
    return found


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level and name, then its fields."""
    log_to_stderr()
    emit("request.failed", request_id="req_1", code="plugin_error")
    (line,) = logged(capsys)
    assert line.pop("at") != ""
    assert line == {"level": "info", "event": "request.failed", "request_id": "req_1", "code": "plugin_error"}


def test_what_an_operator_has_to_look_at_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """A shop that refuses every request for want of room is found by the level of its log."""
    log_to_stderr()
    emit("admission.closed", free_bytes=1)
    emit("admission.opened", free_bytes=1)
    assert [(line["event"], line["level"]) for line in logged(capsys)] == [
        ("admission.closed", "warning"),
        ("admission.opened", "info"),
    ]


def test_an_exception_is_logged_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Its types and the lines it passed through; a message may quote a prompt."""
    log_to_stderr()
    try:
        try:
            raise KeyError("a prompt that must not be kept")
        except KeyError as exc:
            raise RuntimeError("nor this") from exc
    except RuntimeError as exc:
        emit_exception("request.crashed", exc, request_id="req_1")
    (line,) = logged(capsys)
    assert line["error"] == "RuntimeError from KeyError"
    assert str(line["where"]).rpartition("/")[2].startswith("test_observe.py:")
    assert "kept" not in json.dumps(line)
    assert "nor this" not in json.dumps(line)


def test_a_plugin_that_failed_is_named_with_its_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With what is wrong in relay's words, as a wrong answer leaves no line of the plugin's among the places."""
    (tmp_path / "rule.py").write_text(RULE)
    failed = find_plugin("./rule.py", tmp_path).failure("in settle: expected Charge or None, found str")
    log_to_stderr()

    emit_exception("request.failed", failed, request_id="req_1", code="plugin_error")

    (line,) = logged(capsys)
    assert (line["plugin"], line["file"], line["error"]) == ("./rule.py", str(tmp_path / "rule.py"), "PluginError")
    assert line["problem"] == "in settle: expected Charge or None, found str"


def test_what_a_plugin_says_itself_is_not_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It may quote a prompt, whichever error it is the message of."""
    (tmp_path / "rule.py").write_text(RULE)
    failed = find_plugin("./rule.py", tmp_path).failure("in settle: raised PluginError")
    failed.__cause__ = PluginError("a prompt that must not be kept")
    log_to_stderr()

    emit_exception("request.failed", failed, request_id="req_1", code="plugin_error")

    assert "kept" not in json.dumps(logged(capsys))


def test_a_databases_error_is_named_by_its_code() -> None:
    """``OperationalError`` could be anything, and its message could hold a value."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA query_only=1")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("CREATE TABLE secret (a)")
    assert kinds_of(caught.value) == "SQLITE_READONLY"


def test_what_failed_in_a_group_of_tasks_is_logged_as_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    """The group is raised where it ends, which tells nothing."""
    log_to_stderr()
    try:
        raise ValueError("a prompt")
    except ValueError as exc:
        failed = exc
    line = failed.__traceback__.tb_lineno if failed.__traceback__ is not None else 0
    emit_exception("task.failed", ExceptionGroup("a prompt", [failed, KeyError()]))
    event = json.loads(capsys.readouterr().err)
    assert (event["error"], event["where"]) == ("ExceptionGroup from ValueError", f"{__file__}:{line}")


def test_a_long_value_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """What a customer chose, such as a name, can't fill the disk; the end is the telling part of a place."""
    log_to_stderr()
    emit("request.failed", code="x" * 100_000 + "end")
    assert logged(capsys)[0]["code"] == "x" * 297 + "end"


def test_an_unlisted_field_is_refused() -> None:
    """There is no way to pass a body or a header by mistake."""
    with pytest.raises(ValueError, match=r"field 'body' of event 'request\.failed' is not listed"):
        emit("request.failed", request_id="req_1", body="a prompt")


def test_an_unlisted_event_is_refused() -> None:
    """Names of events live in one place."""
    with pytest.raises(ValueError, match="event 'something happened' is not listed"):
        emit("something happened")


@pytest.mark.parametrize(("where", "event", "names"), emitted())
def test_what_core_emits_is_listed(where: str, event: str, names: set[str]) -> None:
    """So that no event fails when it is first needed."""
    assert event in EVENTS
    assert names <= FIELDS


def test_nothing_is_listed_that_nobody_emits() -> None:
    """The lists are what an operator can rely on finding."""
    found = emitted()
    assert {event for _, event, _ in found} == EVENTS
    assert {"error", "problem", "where"}.union(*(names for _, _, names in found)) == FIELDS
