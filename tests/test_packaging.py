"""What an installation promises: the import names, the version, the locks."""

import importlib.metadata
import re
import runpy
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
