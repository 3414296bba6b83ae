"""The generated part of architecture.md: the engine's layers, as the import contracts define them."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
CORE = "relay.core."


def layers() -> str:
    """Return the layers, the uppermost first, a line each."""
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (each["layers"] for each in contracts if each["id"] == "layers")
    lines = (layer.replace(CORE, "").replace(" : ", ", ") for layer in found)
    return "\n".join(["```text", *lines, "```"])
