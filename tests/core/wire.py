"""Recordings of real exchanges, from the folder in RELAY_WIRE or ../shared/wire."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("RELAY_WIRE") or Path(__file__).resolve().parents[3] / "shared" / "wire")


def load(name: str) -> dict[str, Any]:
    """Return the response of recording *name*, its body as bytes under ``bytes``."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no recordings at {FOLDER}; set RELAY_WIRE to their folder")
    response: dict[str, Any] = json.loads(path.read_text())["response"]
    text = response.get("body_text") or response.get("text") or response.get("sse")
    response["bytes"] = (text if text is not None else json.dumps(response["body"])).encode()
    return response
