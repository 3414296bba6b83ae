"""The profile a data folder remembers."""

from pathlib import Path

import pytest

from relay.core.errors import ProfileError
from relay.core.profile.loader import find_profile, load_profile
from relay.core.profile.record import RECORD, read_record, write_record


@pytest.mark.parametrize("name", ["minimal.yaml", "pumpkin.yaml", "juhe.yaml", "peiqi.yaml"])
def test_record_is_the_profile_again(tmp_path: Path, name: str) -> None:
    """Exact numbers, texts and the order of groups survive."""
    loaded = load_profile(find_profile(name))

    write_record(tmp_path, loaded)

    kept = read_record(tmp_path)
    assert kept.profile == loaded.profile
    assert list(kept.profile.groups) == list(loaded.profile.groups)
    assert kept.path == loaded.path.resolve()


def test_record_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps the references, as the profile does."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")

    write_record(tmp_path, load_profile(find_profile("pumpkin.yaml")))

    text = (tmp_path / RECORD).read_text(encoding="utf-8")
    assert "env:OPENAI_API_KEY" in text
    assert "canary" not in text


def test_record_is_replaced_whole(tmp_path: Path) -> None:
    """The second shop's record takes the first one's place, and no draft stays behind."""
    write_record(tmp_path, load_profile(find_profile("pumpkin.yaml")))
    write_record(tmp_path, load_profile(find_profile("minimal.yaml")))

    assert read_record(tmp_path).profile.shop.name.en == "Minimal"
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]


def test_a_record_that_is_right_already_is_left_alone(tmp_path: Path) -> None:
    """On a full disk nothing could be written, and the shop must open all the same."""
    loaded = load_profile(find_profile("minimal.yaml"))
    write_record(tmp_path, loaded)
    before = (tmp_path / RECORD).stat()
    write_record(tmp_path, loaded)
    assert (tmp_path / RECORD).stat() == before


def test_a_record_that_can_not_be_written_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one stands as it was."""
    write_record(tmp_path, load_profile(find_profile("pumpkin.yaml")))

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        write_record(tmp_path, load_profile(find_profile("minimal.yaml")))
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]
    assert read_record(tmp_path).profile.shop.name.en == "PumpkinAPI"


def test_folder_without_record_says_what_to_do(tmp_path: Path) -> None:
    """No shop was ever run there."""
    with pytest.raises(ProfileError, match="no shop was ever run here; name its profile with --profile"):
        read_record(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"path": "x", "profile": {"shop": 1}}'])
def test_record_of_another_version_is_refused(tmp_path: Path, text: str) -> None:
    """What cannot be read is never guessed at."""
    (tmp_path / RECORD).write_text(text)

    with pytest.raises(ProfileError, match="not a profile of this version; name one with --profile"):
        read_record(tmp_path)
