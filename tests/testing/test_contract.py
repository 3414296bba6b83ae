"""What breaks the contract is noticed, and the failure says which rule it broke."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay import testing
from relay.core.errors import ProfileError
from relay.core.transport import Deadlines
from relay.testing import Reply, Scene, UpstreamCall, checks, customer, play, write_down
from relay.testing.bench import Bench, Played, Subject
from relay.testing.contract import CONTRACT, RULES
from relay.testing.reading import Heard
from relay.testing.scenes import ENDINGS, TASKS, Ending, Task, scenes
from relay.testing.upstream import UnknownUpstreamError

replaced = msgspec.structs.replace

CHANNEL = """
from relay import BytesResponse, ChannelRequest, UpstreamResponse
from relay.plugins.channels.openai import OpenAI


class Bad(OpenAI):
    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
{body}
"""
MENDS = """
        response = await super().send(request, api_key)
        body = b""
        while data := await response.read():
            body += data
        return BytesResponse(200, {"content-type": "text/event-stream"}, body + b"data: [DONE]\\n\\n")
"""
ASKS_TWICE = """
        (await super().send(request, api_key)).close()
        return await super().send(request, api_key)
"""
FORGETS = """
        request.fields.pop("tools", None)
        return await super().send(request, api_key)
"""
HANGS = """
        import asyncio
        await asyncio.sleep(30)
"""
SILENT = """
        raise RuntimeError("the channel is broken")
"""


def scene(ending: Ending = "stop", task: Task = "text", *, stream: bool = False) -> Scene:
    return Scene(dialect="openai_chat", stream=stream, task=task, ending=ending)


def bench_of(folder: Path, *scenes: Scene, use: str = "channels.openai", handler: Any = play) -> Bench:
    models = {one.model: f"model-{one.model}" for one in scenes}
    section = {"base_url": "{url}"}
    return Bench(Subject(use=use, section=section, keys=("key-1",), secrets=(), models=models, handler=handler), folder)


def failure(check: Callable[[], object]) -> str:
    """What the failed check says."""
    with pytest.raises(pytest.fail.Exception) as caught:
        check()
    return str(caught.value)


def broken_rule(check: Callable[[], object]) -> str | None:
    """The rule that the check finds broken; None where it passes."""
    try:
        check()
    except pytest.fail.Exception as failed:
        return rule_of(str(failed))
    return None


def rule_of(message: str) -> str:
    """The rule that a failure names, which must be told in words as well."""
    (rule,) = [rule for rule in RULES if f"#{rule.replace('_', '-')})" in message]
    assert message.startswith(CONTRACT[rule])
    return rule


@pytest.mark.parametrize(
    ("body", "bad", "check", "rule"),
    [
        (MENDS, scene("cut", stream=True), checks.check_truncated, "well_formed"),
        (ASKS_TWICE, scene(), lambda played: checks.check_whole(played, "stop", "complete"), "request"),
        (FORGETS, scene(task="tools"), lambda played: checks.check_whole(played, "stop", "complete"), "request"),
        (SILENT, scene(), lambda played: checks.check_whole(played, "stop", "complete"), "answered"),
    ],
)
def test_a_bad_channel_fails(tmp_path: Path, body: str, bad: Scene, check: Callable[[Played], None], rule: str) -> None:
    """One that ends what broke, asks twice, leaves out the tools, or raises."""
    (tmp_path / "bad.py").write_text(CHANNEL.format(body=body))
    with bench_of(tmp_path, bad, use=str(tmp_path / "bad.py")) as bench:
        played = bench.play(bad)
    assert rule_of(failure(lambda: check(played))) == rule


def lying(**changes: Any) -> Callable[[UpstreamCall, Scene], Reply]:
    """An upstream that says something else than the scene."""

    def handler(call: UpstreamCall, scene: Scene) -> Reply:
        said = msgspec.structs.replace(scene.answer("openai_chat", "m"), **changes)
        return write_down(said, stream=scene.stream)

    return handler


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"text": "Something else."}, "words"),
        ({"tool_name": "f", "tool_arguments": "{}"}, "words"),
        ({"stop": "length"}, "end"),
        ({"input_tokens": 7}, "usage"),
        ({"usage_lie": 7}, "usage"),
        ({"is_usage_given": False}, "usage"),
    ],
)
def test_an_answer_changed_on_the_way_fails(tmp_path: Path, changes: dict[str, Any], rule: str) -> None:
    """Its words, its end or its figures."""
    with bench_of(tmp_path, scene(), handler=lying(**changes)) as bench:
        played = bench.play(scene())
    assert rule_of(failure(lambda: checks.check_whole(played, "stop", "complete"))) == rule


GOOD = scene(stream=True)
LEFT = scene("hang_up", stream=True)
FAILED = scene("error_before")
CUT = scene("cut", stream=True)
Checks = dict[str, Callable[[Played], None]]
CHECKS: Checks = {
    GOOD.ending: lambda played: checks.check_whole(played, "stop", "complete"),
    LEFT.ending: checks.check_left,
    FAILED.ending: checks.check_failed,
    CUT.ending: checks.check_truncated,
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """What came of four cells, as it should."""
    cells = (GOOD, LEFT, FAILED, CUT)
    with bench_of(tmp_path_factory.mktemp("good"), *cells) as bench:
        return {one.ending: bench.play(one) for one in cells}


def with_answer(**changes: Any) -> Callable[[Played], Played]:
    return lambda played: replaced(played, answer=replaced(played.answer, **changes))


def with_entry(**changes: Any) -> Callable[[Played], Played]:
    def spoil(played: Played) -> Played:
        assert played.entry is not None
        return replaced(played, entry=replaced(played.entry, **changes))

    return spoil


def with_heard(**changes: Any) -> Callable[[Played], Played]:
    def spoil(played: Played) -> Played:
        heard = Heard(status=played.heard.status)
        vars(heard).update({**vars(played.heard), **changes})
        return replaced(played, heard=heard)

    return spoil


def with_call(**changes: Any) -> Callable[[Played], Played]:
    def spoil(played: Played) -> Played:
        assert played.calls is not None
        return replaced(played, calls=[replaced(played.calls[0], **changes)])

    return spoil


@pytest.mark.parametrize("ending", CHECKS)
def test_what_is_as_it_should_be_passes(good: dict[str, Played], ending: str) -> None:
    """Else the next test would show nothing."""
    assert broken_rule(lambda: CHECKS[ending](good[ending])) is None


@pytest.mark.parametrize(
    ("ending", "spoil", "rule"),
    [
        ("stop", with_answer(status=400), "answered"),
        ("stop", with_heard(error_code="x"), "answered"),
        ("stop", with_heard(faults=["x"]), "well_formed"),
        ("stop", with_heard(is_ended=False), "end"),
        ("stop", with_heard(is_broken=True), "end"),
        ("stop", with_heard(output_tokens=1), "usage"),
        ("stop", with_heard(input_tokens=None), "usage"),
        ("stop", with_entry(charge_nano=1), "charge"),
        ("stop", with_entry(outcome="empty"), "outcome"),
        ("stop", lambda played: replaced(played, entry=None), "outcome"),
        ("stop", lambda played: replaced(played, calls=[]), "request"),
        ("stop", lambda played: replaced(played, calls=[*played.calls * 2]), "request"),
        ("stop", with_answer(headers={"server": "key-1"}), "secrets"),
        ("hang_up", lambda played: replaced(played, is_upstream_left=False), "hang_up"),
        ("hang_up", with_entry(outcome="complete"), "outcome"),
        ("error_before", with_answer(status=400), "failed"),
        ("error_before", with_heard(error_code=None), "failed"),
        ("error_before", with_entry(charge_nano=8_000), "charge"),
        ("cut", with_heard(error_code=None), "broken"),
        ("cut", with_heard(error_code=None, is_ended=True), "broken"),
        ("cut", with_entry(outcome="complete"), "outcome"),
        ("cut", with_heard(text="Another sky"), "words"),
        ("cut", with_entry(output_tokens=9, charge_nano=9 * 8_000), "charge"),
    ],
)
def test_what_is_not_as_it_should_be_fails(
    good: dict[str, Played], ending: str, spoil: Callable[[Played], Played], rule: str
) -> None:
    """Whichever part of a cell it is."""
    assert rule_of(failure(lambda: CHECKS[ending](spoil(good[ending])))) == rule


def test_the_customer_s_key_may_not_go_upstream(good: dict[str, Played]) -> None:
    """In no header."""
    played = good["stop"]
    spoilt = with_call(headers={"x": played.api_key})(played)
    assert rule_of(failure(lambda: CHECKS["stop"](spoilt))) == "request"


def test_a_channel_that_never_answers_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the author has lost patience."""
    monkeypatch.setattr(customer, "DEADLINES", Deadlines(first_event_s=0.2))
    (tmp_path / "bad.py").write_text(CHANNEL.format(body=HANGS))
    with bench_of(tmp_path, GOOD, use=str(tmp_path / "bad.py")) as bench:
        assert rule_of(failure(lambda: bench.play(GOOD))) == "answered"


def test_books_that_are_wrong_are_told(tmp_path: Path) -> None:
    """By what `relay ledger verify` says."""
    with bench_of(tmp_path, GOOD) as bench:
        bench.play(GOOD)
        assert bench.problems() == []
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "relay.db")) as connection:
            connection.execute("update book set debit_nano = debit_nano + 1")
            connection.commit()
        assert bench.problems() != []


def test_a_path_of_no_known_dialect_is_named(tmp_path: Path) -> None:
    """The author reads what to do, not that a connection broke."""
    with bench_of(tmp_path, GOOD, handler=unknown) as bench, pytest.raises(UnknownUpstreamError, match="'/talk'"):
        bench.play(GOOD)


def unknown(call: UpstreamCall, scene: Scene) -> Reply:
    return play(replaced(call, target="/talk?x=1"), scene)


def test_the_public_names_are_sorted_and_there() -> None:
    """What authors import from ``relay.testing``."""
    assert list(testing.__all__) == sorted(testing.__all__)
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []


@pytest.mark.parametrize(
    ("given", "what"), [({"tasks": ("txt",)}, "tasks"), ({"endings": ("stop", "cutt")}, "endings")]
)
def test_a_misspelt_cell_is_named(given: dict[str, Any], what: str) -> None:
    """Else it would be a test less, and nobody would know."""
    with pytest.raises(ValueError, match=f"{what}: expected some of "):
        scenes(**{"tasks": TASKS, "endings": ENDINGS, "streams": (True,), **given})


def test_a_profile_s_problem_is_the_author_s_to_read(tmp_path: Path) -> None:
    """With the nearest name."""
    bench = bench_of(tmp_path, GOOD, use="channels.opena")
    with pytest.raises(ProfileError, match=r"did you mean 'channels[.]openai'"), bench:
        pass
