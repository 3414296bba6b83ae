"""Installs a single file as a package that offers a plugin, without asking the network."""

import shutil
import subprocess
import sys
from pathlib import Path

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.0"

[project.entry-points."relay.plugins"]
"{plugin_id}" = "{module}:{plugin}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""


def install(source: Path, plugin_id: str, plugin: str, folder: Path) -> Path:
    """Install *source* under the entry point *plugin_id*; return the folder to put on the path."""
    project, site = folder / "project", folder / "site"
    project.mkdir()
    shutil.copy(source, project)
    name = f"shop-{source.stem.replace('_', '-')}"
    (project / "pyproject.toml").write_text(
        PYPROJECT.format(name=name, plugin_id=plugin_id, module=source.stem, plugin=plugin)
    )
    options = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(project)]
    subprocess.run(command, check=True, capture_output=True)
    return site
