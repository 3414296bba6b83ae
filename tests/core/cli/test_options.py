"""Which data folder and which profile a command means."""

from pathlib import Path

import click
import pytest

from relay.core.cli.options import resolve_data, resolve_profile
from relay.core.errors import ProfileError
from relay.core.profile.loader import load_profile
from relay.core.profile.record import write_record
from tests.core.profile.small import write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RELAY_DATA", raising=False)
    return tmp_path


def test_what_is_said_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--data`` is taken as it is, whatever else is set."""
    monkeypatch.setenv("RELAY_DATA", "elsewhere")

    assert resolve_data(Path("here"), "pumpkin.yaml") == Path("here")


def test_named_profile_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes by the profile's name, before the environment; a demo's stands apart."""
    monkeypatch.setenv("RELAY_DATA", "elsewhere")

    assert resolve_data(None, "shops/pumpkin.yaml") == Path("var/pumpkin")
    assert resolve_data(None, Path("pumpkin.yaml"), is_demo=True) == Path("var/pumpkin-demo")


def test_environment_names_the_folder_of_the_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """``$RELAY_DATA`` is for those who work on one shop all day."""
    Path("var/one").mkdir(parents=True)
    monkeypatch.setenv("RELAY_DATA", "/srv/shop")

    assert resolve_data(None) == Path("/srv/shop")


def test_only_folder_is_meant() -> None:
    """Where there is one shop, nobody has to name it; files beside it do not count."""
    Path("var/pumpkin-demo").mkdir(parents=True)
    Path("var/notes.txt").write_text("")

    assert resolve_data(None) == Path("var/pumpkin-demo")


def test_several_folders_are_listed() -> None:
    """A usage error, exit 2: a command never guesses whose money it moves."""
    Path("var/juhe").mkdir(parents=True)
    Path("var/pumpkin").mkdir()

    with pytest.raises(click.UsageError, match=r"folders in \./var: var/juhe, var/pumpkin$") as caught:
        resolve_data(None)

    assert caught.value.exit_code == 2


def test_no_folder_is_said() -> None:
    """Nothing was ever run here."""
    with pytest.raises(click.UsageError, match=r"folders in \./var: none$"):
        resolve_data(None)


def test_profile_is_the_recorded_one_unless_another_is_named(folder: Path) -> None:
    """Commands check against what the shop runs with."""
    write_record(folder, load_profile(write(folder)))
    assert list(resolve_profile(folder, None).groups) == ["plain"]

    assert list(resolve_profile(folder, "minimal.yaml").groups) == ["standard"]


def test_folder_without_a_shop_has_no_profile(folder: Path) -> None:
    """Then one must be named."""
    with pytest.raises(ProfileError, match="no shop was ever run here"):
        resolve_profile(folder, None)
