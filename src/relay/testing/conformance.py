"""The suite itself: a class of tests that every channel inherits, a test for each cell."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from relay.testing import checks
from relay.testing.bench import Bench, Played, Subject
from relay.testing.contract import require
from relay.testing.scenes import ENDINGS, TASKS, Ending, Scene, Task, scenes
from relay.testing.upstream import UpstreamHandler, play

UPSTREAM_KEY = "upstream-canary-key-0123456789"


class ChannelConformance:
    """Tests of one channel; a subclass says which. ``docs/testing.md`` explains all of it.

    Attributes:
        use: The plugin: its id, or the path of its file, relative to the test file.
        section: The rest of the channel's section of a profile; ``{url}`` is the upstream's address.
        keys: The upstream's keys; they must reach no customer. ``{url}`` in one is the upstream's address.
        secrets: Other words that must reach no customer, such as a resource's name.
        upstream: Answers the channel's requests; by default it plays the dialect that the path belongs to. None for a
            channel that answers by itself.
        tasks: What the channel can be asked for.
        endings: How its answers can end.
        streams: Whether it answers whole, as a stream, or both.
    """

    use: ClassVar[str]
    section: ClassVar[Mapping[str, Any]] = {"base_url": "{url}"}
    keys: ClassVar[Sequence[str]] = (UPSTREAM_KEY,)
    secrets: ClassVar[Sequence[str]] = ()
    upstream: ClassVar[UpstreamHandler | None] = staticmethod(play)
    tasks: ClassVar[Sequence[Task]] = TASKS
    endings: ClassVar[Sequence[Ending]] = ENDINGS
    streams: ClassVar[Sequence[bool]] = (False, True)

    @classmethod
    def upstream_model(cls, scene: Scene) -> str:
        """Return the upstream's name of the model that is asked for in *scene*; no two scenes may share one."""
        return f"model-{scene.model}"

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of every cell."""
        if "scene" in metafunc.fixturenames:
            ending = metafunc.function.__name__.removeprefix("test_")
            cells = [scene for scene in self._scenes() if scene.ending == ending]
            metafunc.parametrize("scene", cells, ids=[scene.name for scene in cells])

    @pytest.fixture(scope="class")
    @classmethod
    def bench(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
        """Open a shop with the channel, once for all cells."""
        subject = Subject(
            use=str(Path(inspect.getfile(cls)).parent / cls.use) if cls.use.endswith(".py") else cls.use,
            section=cls.section,
            keys=cls.keys,
            secrets=cls.secrets,
            models={scene.model: cls.upstream_model(scene) for scene in cls._scenes()},
            handler=cls.upstream,
        )
        with Bench(subject, tmp_path_factory.mktemp("conformance")) as bench:
            yield bench

    @pytest.fixture
    def played(self, bench: Bench, scene: Scene) -> Played:
        """Play the cell."""
        return bench.play(scene)

    def test_stop(self, played: Played) -> None:
        """An answer that comes to its end is complete, and costs what its usage says."""
        checks.check_whole(played, "stop", "complete")

    def test_length(self, played: Played) -> None:
        """An answer that reached its limit says so, and is complete."""
        checks.check_whole(played, "length", "complete")

    def test_tool_call(self, played: Played) -> None:
        """A call has its name and arguments, and is complete."""
        checks.check_whole(played, "tool_call", "complete")

    def test_refusal(self, played: Played) -> None:
        """A refusal is recognisable as one, and costs what its usage says."""
        checks.check_whole(played, "refusal", "refused")

    def test_empty(self, played: Played) -> None:
        """An answer without words ends in order; claims depend on its outcome."""
        checks.check_whole(played, "stop", "empty")

    def test_cut(self, played: Played) -> None:
        """A stream that was cut off never ends in order; a body that was cut off is no answer."""
        check = checks.check_truncated if played.scene.stream else checks.check_failed
        check(played)

    def test_error_before(self, played: Played) -> None:
        """If the upstream fails before its first byte, the customer pays nothing and gets an error in their dialect."""
        checks.check_failed(played)

    def test_error_midway(self, played: Played) -> None:
        """An error in the middle of a stream is an error to the customer too."""
        checks.check_truncated(played)

    def test_hang_up(self, played: Played) -> None:
        """When a customer leaves, the upstream's connection is closed, and what came is paid for."""
        checks.check_left(played)

    def test_books(self, bench: Bench) -> None:
        """After all cells that ran, the ledger is right."""
        problems = bench.problems()
        require(not problems, "books", "; ".join(problems))

    @classmethod
    def _scenes(cls) -> list[Scene]:
        return scenes(cls.tasks, cls.endings, cls.streams)
