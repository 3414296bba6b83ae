"""What an installation promises: the import names, the version, the locks."""

import importlib.metadata
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import relay

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("folder", ["core", "plugins"])
def test_a_bare_folder_refuses_to_be_imported(folder: str) -> None:
    """The folders' own names belong to whoever runs the program, so ours are refused with the right name."""
    with pytest.raises(ImportError, match=f"imported as 'relay.{folder}', not as '{folder}'"):
        runpy.run_path(str(ROOT / folder / "__init__.py"), run_name=folder)


def test_the_distribution_has_the_version_of_the_package() -> None:
    """The version stands in two places and is the same in both."""
    assert importlib.metadata.version("relayshop") == relay.__version__


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_place_to_download_from(lock: str) -> None:
    """A lock holds names, versions and hashes; where they come from is the installer's choice."""
    assert re.findall(r"\w+://\S+|^-.*", (ROOT / lock).read_text(), re.MULTILINE) == []


def test_both_locks_pin_the_same_versions() -> None:
    """What the tests ran with is what a shop installs."""
    runtime = set(re.findall(r"^\S+==\S+", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    development = set(re.findall(r"^\S+==\S+", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))

    assert runtime
    assert runtime <= development


def test_a_system_without_time_zones_opens_the_demo_s_shop() -> None:
    """A small container has none; PumpkinAPI's days begin in Shanghai all the same."""
    relay_command = Path(sys.executable).parent / "relay"
    done = subprocess.run(
        [relay_command, "profile", "check", "pumpkin.yaml"], env={"PYTHONTZPATH": ""}, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "ok: 6 plugins, 7 groups, 8 channels\n")
