"""The smallest whole profile, to be changed one line at a time."""

from pathlib import Path

import pytest

from relay.core.errors import ProfileError
from relay.core.profile.loader import load_profile

SMALL = """\
shop: {name: {en: Test, zh: 测试}}
plugins:
  - use: auth.api_key
  - use: billing.token_ratio
groups:
  plain: {ratio: "1"}
prices:
  gpt-4o: {model_ratio: "1.25"}
channels:
  - name: openai
    use: channels.openai
    models: [gpt-4o]
    groups: [plain]
"""


def write(folder: Path, old: str = "", new: str = "") -> Path:
    """Write the small profile with *old* replaced by *new*, and return its path."""
    assert old in SMALL
    path = folder / "shop.yaml"
    path.write_text(SMALL.replace(old, new, 1) if old else SMALL + new, encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    """Return the problems of the profile at *path*, without its folder."""
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    return [problem.removeprefix(f"{path.parent}/") for problem in caught.value.problems]
