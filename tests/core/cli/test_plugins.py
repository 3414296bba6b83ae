"""``relay plugins list``."""

import json
from hashlib import sha256
from pathlib import Path

from click.testing import CliRunner

from relay.core.cli import main
from tests.core.profile.small import write

RULE = """\
from relay import Plugin, PluginConfig, hookimpl


class RuleConfig(PluginConfig, frozen=True, kw_only=True):
    pass


class Rule(Plugin[RuleConfig]):
    config_type = RuleConfig

    @hookimpl
    async def post_check(self, record): ...
"""


def test_list_shows_every_plugin_with_file_version_and_hooks(tmp_path: Path) -> None:
    """An array in the order of the profile, a plugin from a file by its source's SHA-256."""
    (tmp_path / "rule.py").write_text(RULE)
    path = write(tmp_path, "  - use: auth.api_key", "  - use: ./rule.py\n  - use: auth.api_key")

    result = CliRunner().invoke(main, ["plugins", "list", "--profile", str(path), "--json"])
    rows = json.loads(result.stdout)

    assert [row["use"] for row in rows] == ["./rule.py", "auth.api_key", "billing.token_ratio", "channels.openai"]
    assert rows[0] == {
        "use": "./rule.py",
        "file": str(tmp_path / "rule.py"),
        "version": sha256(RULE.encode()).hexdigest(),
        "hooks": ["post_check"],
        "channel": None,
    }


def test_table_has_a_line_for_each(tmp_path: Path) -> None:
    """A head and three plugins."""
    result = CliRunner().invoke(main, ["plugins", "list", "--profile", str(write(tmp_path))])

    assert [line.split()[:3] for line in result.stdout.splitlines()] == [
        ["plugin", "channel", "version"],
        ["auth.api_key", "-", "0.1.0"],
        ["billing.token_ratio", "-", "0.1.0"],
        ["channels.openai", "openai", "0.1.0"],
    ]


def test_list_without_a_profile_is_a_usage_error() -> None:
    """Exit 2."""
    assert CliRunner().invoke(main, ["plugins", "list"]).exit_code == 2
