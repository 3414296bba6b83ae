"""The price version changes with everything a charge depends on, and with nothing else."""

import json
from pathlib import Path

import pytest

from relay.core.prices import price_document, price_version
from relay.core.profile.loader import load_profile
from relay.core.registry import Registry
from tests.core.profile.small import SMALL
from tests.services import services

RULE = """\
from relay import Plugin, PluginConfig, hookimpl


class RuleConfig(PluginConfig, frozen=True, kw_only=True):
    share: int = 1


class Rule(Plugin[RuleConfig]):
    config_type = RuleConfig

    @hookimpl
    def settle(self, charge):
        return charge
"""


def version(folder: Path, text: str = SMALL) -> str:
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load_profile(path)
    return price_version(price_document(loaded, Registry(loaded, services(loaded.profile))))


async def test_document_says_everything_a_charge_depends_on(tmp_path: Path) -> None:
    """Defaults are written out, names sorted, numbers exact."""
    path = tmp_path / "shop.yaml"
    path.write_text(SMALL, encoding="utf-8")
    loaded = load_profile(path)

    document = json.loads(price_document(loaded, Registry(loaded, services(loaded.profile))))

    assert document == {
        "groups": {"plain": "1"},
        "memberships": {"default": "1"},
        "plugins": [
            {
                "settings": {"credit_per_quota": "0.000002", "rounding": "exact"},
                "use": "billing.token_ratio",
                "version": "0.1.0",
            }
        ],
        "prices": {
            "gpt-4o": {
                "audio_completion_ratio": None,
                "audio_ratio": None,
                "cache_read_ratio": "1",
                "cache_write_1h_ratio": None,
                "cache_write_ratio": "1.25",
                "completion_ratio": "1",
                "model_ratio": "1.25",
                "output_tokens_max": None,
                "unit_price": None,
                "unit_prices": [],
                "image_ratio": None,
                "image_completion_ratio": None,
                "web_search_price": None,
                "tool_prices": {},
            }
        },
    }


CHANGES = {
    "price": ('"1.25"', '"1.26"'),
    "group": ('{ratio: "1"}', '{ratio: "1.1"}'),
    "membership": ("prices:", 'memberships: {vip: {ratio: "0.95"}}\nprices:'),
    "setting": ("billing.token_ratio", 'billing.token_ratio\n    credit_per_quota: "0.000003"'),
    "another policy": ("  - use: billing.token_ratio", "  - use: billing.token_ratio\n  - use: ./rule.py"),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES.keys())
async def test_what_changes_a_charge_changes_the_version(tmp_path: Path, old: str, new: str) -> None:
    """Each of them alone."""
    (tmp_path / "rule.py").write_text(RULE)

    assert version(tmp_path, SMALL.replace(old, new, 1)) != version(tmp_path)


async def test_edit_of_a_policy_in_a_file_changes_the_version(tmp_path: Path) -> None:
    """The version of a file is its source."""
    text = SMALL.replace("  - use: billing.token_ratio", "  - use: billing.token_ratio\n  - use: ./rule.py")
    (tmp_path / "rule.py").write_text(RULE)
    before = version(tmp_path, text)

    (tmp_path / "rule.py").write_text(RULE.replace("return charge", "return None"))

    assert version(tmp_path, text) != before


SAME = {
    "spelling": ('{ratio: "1"}', "{ratio: '1.0'}"),
    "default written out": ("billing.token_ratio", "billing.token_ratio\n    rounding: exact"),
    "label": ('{ratio: "1"}', '{ratio: "1", label: {en: Plain, zh: 普通}}'),
    "routing": ("  - use: billing.token_ratio", "  - use: routing.priority_weighted\n  - use: billing.token_ratio"),
    "channel": ("    models:", "    priority: 5\n    models:"),
}


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME.keys())
async def test_what_changes_no_charge_keeps_the_version(tmp_path: Path, old: str, new: str) -> None:
    """A reservation is still explained by the same document."""
    assert version(tmp_path, SMALL.replace(old, new, 1)) == version(tmp_path)
