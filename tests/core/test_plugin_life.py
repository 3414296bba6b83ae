"""Plugins that do not open, do not close, or fail while the shop is open."""

import asyncio
from pathlib import Path

import pytest

from relay.core import plugin_life
from relay.core.errors import PluginError
from tests.core.test_registry import LIFE, registry, write

NEVER = """\
    @asynccontextmanager
    async def lifespan(self):
        import asyncio

        await asyncio.Event().wait()
        yield
"""


async def test_plugin_that_never_opens_is_named_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """First in the log, while the shop waits for it; then in the error by which the shop gives up."""
    monkeypatch.setattr(plugin_life, "OPEN_NOTICE_S", 0.0)
    monkeypatch.setattr(plugin_life, "OPEN_S", 0.1)
    write(tmp_path, NEVER)
    made = registry(tmp_path, {"use": "./rule.py"})
    file = tmp_path / "rule.py"
    with caplog.at_level("INFO", logger="relay"), pytest.raises(PluginError) as caught:
        async with made.opened():
            pass
    assert str(caught.value) == f"plugin './rule.py' ({file}): cannot be opened: gave no answer in 0.1 s"
    [record] = caplog.records
    assert (record.message, vars(record)["fields"]) == ("plugin.awaited", {"plugin": "./rule.py", "file": str(file)})


DEAF = """for _ in "ab":
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass"""
"""Takes no notice of being cancelled, until the test's own loop ends."""
CLOSES = """\
    @asynccontextmanager
    async def lifespan(self):
        import asyncio

        yield
        if self.config.name == "bad":
            {ending}
        self.said.append(self.config.name)
"""


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("raise OSError('a prompt')", "in lifespan: raised OSError"),
        ("raise SystemExit(0)", "in lifespan: raised SystemExit"),
        ("await asyncio.Event().wait()", "in lifespan: did not close in 0.1 s"),
        (DEAF, "in lifespan: did not close in 0.1 s"),
        ("yield", "in lifespan: raised RuntimeError"),
    ],
)
async def test_plugin_that_cannot_be_closed_is_logged_and_the_others_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, ending: str, told: str
) -> None:
    """What it did is settled: an orderly end stays one."""
    monkeypatch.setattr(plugin_life, "CLOSE_S", 0.1)
    write(tmp_path, CLOSES.format(ending=ending))
    said: list[str] = []
    made = registry(tmp_path, *({"use": "./rule.py", "name": name} for name in ("first", "bad", "last")))
    for _, plugin in made.plugins():
        plugin.said = said  # type: ignore[attr-defined]  # the file's class is not known here
    with caplog.at_level("INFO", logger="relay"):
        async with made.opened():
            pass
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert said == ["last", "first"]
    assert (record.message, fields["plugin"], fields["file"]) == ("plugin.failed", "./rule.py", f"{tmp_path}/rule.py")
    assert (fields["hook"], fields["problem"]) == ("lifespan", told)
    assert "a prompt" not in str(vars(record))


FAILS_LATER = """\
    @asynccontextmanager
    async def lifespan(self):
        import asyncio

        async def fail():
            raise OSError("a prompt")

        try:
            async with {watch}:
                asyncio.get_running_loop().call_soon({later})
                yield
        finally:
            self.ended.set()
"""


@pytest.mark.parametrize(
    ("watch", "later", "told"),
    [
        ("asyncio.TaskGroup() as group", "lambda: group.create_task(fail())", "ExceptionGroup"),
        ("asyncio.timeout(None) as limit", "limit.reschedule, 0", "TimeoutError"),
    ],
)
async def test_plugin_whose_lifespan_fails_while_the_shop_is_open_is_logged_and_the_shop_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, watch: str, later: str, told: str
) -> None:
    """A task group cancels the task that opened it, which is not the shop's; the others close in their turn."""
    write(tmp_path, FAILS_LATER.format(watch=watch, later=later))
    write(tmp_path, LIFE, "other.py")
    said: list[str] = []
    ended = asyncio.Event()
    made = registry(tmp_path, {"use": "./other.py"}, {"use": "./rule.py"})
    for _, plugin in made.plugins():
        vars(plugin).update(said=said, ended=ended)
    with caplog.at_level("INFO", logger="relay"):
        async with made.opened():
            await ended.wait()
            said.append("open")
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert said == ["default opens", "open", "default closes"]
    assert (record.message, fields["plugin"], fields["file"]) == ("plugin.failed", "./rule.py", f"{tmp_path}/rule.py")
    assert (fields["hook"], fields["problem"]) == ("lifespan", f"in lifespan: raised {told}")
    assert "a prompt" not in str(vars(record))


TIDY = """\
    @asynccontextmanager
    async def lifespan(self):
        import asyncio

        try:
            self.begun.set()
            await asyncio.Event().wait()
            yield
        finally:
            self.said.append("cleans up")
"""


async def test_plugin_that_is_opening_when_the_start_is_given_up_cleans_up(tmp_path: Path) -> None:
    """Whoever opens the shop is cancelled: nothing of the plugin's is left behind."""
    write(tmp_path, TIDY)
    said: list[str] = []
    begun = asyncio.Event()
    made = registry(tmp_path, {"use": "./rule.py"})
    for _, plugin in made.plugins():
        vars(plugin).update(said=said, begun=begun)
    start = asyncio.create_task(made.opened().__aenter__())
    await begun.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert said == ["cleans up"]
