"""All bundled profiles: they load without a warning but for secrets, and need none for a demo."""

from pathlib import Path

import pytest

from relay.core.dispatch import Dispatch
from relay.core.profile.loaded import Loaded
from relay.core.profile.loader import bundled_profiles, find_profile, for_demo, load_profile
from relay.core.registry import Registry
from tests.services import services

NAMES = ["juhe.yaml", "minimal.yaml", "peiqi.yaml", "pumpkin.yaml"]


def test_four_profiles_are_bundled() -> None:
    """The three shops, and the smallest that runs."""
    assert bundled_profiles() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_profile_is_clean_but_for_its_secrets(name: str) -> None:
    """No price without a channel, no plugin missing."""
    others = [line for line in load_profile(find_profile(name)).warnings if "environment variable" not in line]

    assert others == []


@pytest.mark.parametrize("name", NAMES)
async def test_demo_of_a_profile_can_be_made(name: str) -> None:
    """Every plugin and the simulator take their settings, and a price answers."""
    loaded = load_profile(find_profile(name))
    demo = Loaded(profile=for_demo(loaded.profile), path=loaded.path)

    registry = Registry(demo, services(demo.profile))

    assert {plugin.section.use for plugin in registry.channels.values()} == {"channels.simulator"}
    assert registry.implementations("settle")[0].plugin.use == "billing.token_ratio"
    assert Dispatch(registry.implementations).failure_counts == {}


@pytest.mark.parametrize("name", NAMES)
def test_editors_find_the_schema_beside_the_profile(name: str) -> None:
    """The first line names it."""
    text = Path(find_profile(name)).read_text(encoding="utf-8")

    assert text.startswith("# yaml-language-server: $schema=./profile.schema.json\n")
