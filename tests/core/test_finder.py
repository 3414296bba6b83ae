"""How a profile's ``use`` leads to a class, and what is said when it doesn't."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

import relay
from relay.core.errors import PluginError
from relay.core.finder import built_in_ids, find_plugin

PLUGIN = """\
from relay import Plugin, PluginConfig


class RuleConfig(PluginConfig, frozen=True, kw_only=True):
    pass


class Rule(Plugin[RuleConfig]):
    config_type = RuleConfig
"""


def failure(use: str, folder: Path) -> str:
    with pytest.raises(PluginError) as caught:
        find_plugin(use, folder)
    return str(caught.value)


def test_built_in_is_found_by_its_place(tmp_path: Path) -> None:
    """``billing.token_ratio`` is the class TokenRatio of plugins/billing/token_ratio.py."""
    found = find_plugin("billing.token_ratio", tmp_path)

    assert (found.plugin_type.__module__, found.plugin_type.__name__) == (
        "relay.plugins.billing.token_ratio",
        "TokenRatio",
    )
    assert (found.version, found.is_channel, found.file.name) == (relay.__version__, False, "token_ratio.py")


def test_every_built_in_is_found(tmp_path: Path) -> None:
    """Each file of the plugins' folder keeps the naming rule, packages included."""
    ids = built_in_ids()

    assert {"auth.api_key", "channels.simulator", "transforms.parameters"} <= set(ids)
    assert [find_plugin(use, tmp_path).use for use in ids] == ids


def test_looking_for_one_plugin_imports_no_other() -> None:
    """A shop that does not simulate never loads the simulator."""
    program = (
        "import sys; from pathlib import Path; from relay.core.finder import find_plugin; "
        "find_plugin('auth.api_key', Path()); "
        "print([name for name in sys.modules if name.startswith('relay.plugins.')])"
    )

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert output == "['relay.plugins.auth', 'relay.plugins.auth.api_key']\n"


def test_file_beside_the_profile_is_found(tmp_path: Path) -> None:
    """Its version is the SHA-256 of its source."""
    (tmp_path / "rule.py").write_text(PLUGIN)

    found = find_plugin("./rule.py", tmp_path)

    assert found.plugin_type.__name__ == "Rule"
    assert found.version == sha256(PLUGIN.encode()).hexdigest()
    assert found.file == tmp_path / "rule.py"


def test_same_file_is_loaded_once_and_a_changed_one_anew(tmp_path: Path) -> None:
    """Checking a profile and running it see one class; an edit is another plugin."""
    file = tmp_path / "rule.py"
    file.write_text(PLUGIN)
    first = find_plugin("./rule.py", tmp_path).plugin_type
    assert find_plugin("./rule.py", tmp_path).plugin_type is first

    file.write_text(PLUGIN + "\nCHANGED = True\n")

    assert find_plugin("./rule.py", tmp_path).plugin_type is not first


def test_files_of_one_name_in_two_shops_are_two_plugins(tmp_path: Path) -> None:
    """Two profiles live in one process without meeting."""
    for shop in ("a", "b"):
        (tmp_path / shop).mkdir()
        (tmp_path / shop / "rule.py").write_text(PLUGIN)

    types = {find_plugin("./rule.py", tmp_path / shop).plugin_type for shop in ("a", "b")}

    assert len(types) == 2


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("auth.api_kee", "unknown plugin 'auth.api_kee'; did you mean 'auth.api_key'?"),
        ("Auth.Api_Key", "unknown plugin 'Auth.Api_Key'; did you mean 'auth.api_key'?"),
        ("auth.__init__", "unknown plugin 'auth.__init__'"),
        ("os.path", "unknown plugin 'os.path'"),
    ],
)
def test_unknown_id_is_refused_with_the_nearest(tmp_path: Path, use: str, message: str) -> None:
    """Nothing outside the built-in and installed plugins is ever imported by name."""
    assert failure(use, tmp_path).startswith(message)


FILES = {
    "missing": (None, "cannot be read: No such file or directory"),
    "syntax": ("class Rule(:\n", "cannot be loaded: SyntaxError: invalid syntax (rule.py, line 1)"),
    "raises": ("raise OSError('no licence')\n", "cannot be loaded: OSError: no licence (rule.py, line 1)"),
    "exits": ("import sys\nsys.exit(0)\n", "cannot be loaded: SystemExit: 0 (rule.py, line 2)"),
    "panics": (
        "class Panic(BaseException): pass\nraise Panic('no licence')\n",
        "cannot be loaded: Panic: no licence (rule.py, line 2)",
    ),
    "raises in code without a name": (
        "exec(\"raise OSError('no licence')\", {})\n",
        "cannot be loaded: OSError: no licence (rule.py, line 1)",
    ),
    "none": ("x = 1\n", "expected one Plugin class, found none"),
    "several": (
        PLUGIN + "\n\nclass Other(Plugin[RuleConfig]):\n    config_type = RuleConfig\n",
        "expected one Plugin class, found Rule, Other",
    ),
    "no config": (
        "from relay import Plugin\nclass Rule(Plugin): pass\n",
        "Rule names no config_type; set it to its PluginConfig",
    ),
    "no dialects": (
        PLUGIN.replace("Plugin[RuleConfig]", "ChannelPlugin[RuleConfig]").replace(
            "import P", "import ChannelPlugin, P"
        ),
        "Rule names no dialects",
    ),
}


@pytest.mark.parametrize(("source", "message"), FILES.values(), ids=FILES.keys())
def test_file_that_is_no_plugin_is_refused_by_name(tmp_path: Path, source: str | None, message: str) -> None:
    """The error names the plugin and its file, and says what was expected."""
    if source is not None:
        (tmp_path / "rule.py").write_text(source)

    assert failure("./rule.py", tmp_path) == f"plugin './rule.py' ({tmp_path}/rule.py): {message}"


def test_imported_plugins_do_not_count(tmp_path: Path) -> None:
    """A rule may build on another plugin; the one it defines is meant."""
    (tmp_path / "rule.py").write_text(PLUGIN + "\nfrom relay.plugins.auth.api_key import ApiKey\nAlias = Rule\n")

    assert find_plugin("./rule.py", tmp_path).plugin_type.__name__ == "Rule"


def install(folder: Path, module: str) -> None:
    """Put a package into *folder*, as pip would, that offers ``billing.rule``."""
    (folder / f"{module}.py").write_text(PLUGIN)
    information = folder / f"{module}-1.2.3.dist-info"
    information.mkdir()
    name = module.replace("_", "-")
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")
    (information / "entry_points.txt").write_text(f"[relay.plugins]\nbilling.rule = {module}:Rule\n")


def test_plugin_that_two_packages_offer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of two prices is charged must not depend on the order of folders."""
    install(tmp_path, "shop_rules")
    install(tmp_path, "other_rules")
    monkeypatch.syspath_prepend(tmp_path)

    assert failure("billing.rule", tmp_path) == (
        "plugin 'billing.rule': expected one package that offers it, found other-rules, shop-rules; uninstall the others"
    )


def test_installed_plugin_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id is the entry point's name, its version that of its distribution."""
    install(tmp_path, "shop_rules")
    monkeypatch.syspath_prepend(tmp_path)

    found = find_plugin("billing.rule", tmp_path)

    assert (found.plugin_type.__name__, found.version, found.file) == ("Rule", "1.2.3", tmp_path / "shop_rules.py")


def test_installed_plugin_that_cannot_be_loaded_is_told_by_its_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line may be in another file of its package."""
    install(tmp_path, "failing_rules")
    (tmp_path / "failing_rules.py").unlink()
    package = tmp_path / "failing_rules"
    package.mkdir()
    (package / "__init__.py").write_text("from .licence import Rule\n")
    (package / "licence.py").write_text("\nraise OSError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert failure("billing.rule", tmp_path) == (
        f"plugin 'billing.rule' ({package}/__init__.py): cannot be loaded: OSError: no licence (licence.py, line 2)"
    )


def test_installed_plugin_that_is_gone_is_told_by_its_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file to name."""
    install(tmp_path, "gone_rules")
    (tmp_path / "gone_rules.py").unlink()
    monkeypatch.syspath_prepend(tmp_path)

    told = "cannot be loaded: ModuleNotFoundError: No module named 'gone_rules'"
    assert failure("billing.rule", tmp_path) == f"plugin 'billing.rule' (gone_rules): {told}"


@pytest.mark.parametrize(
    ("annotation", "told"), [("'Nowhere'", "NameError: name 'Nowhere'"), ("'int |'", "SyntaxError")]
)
def test_settings_that_cannot_be_read_are_told_by_file(tmp_path: Path, annotation: str, told: str) -> None:
    """As where a name is imported for type checkers only."""
    (tmp_path / "rule.py").write_text(PLUGIN.replace("    pass\n", f"    share: {annotation}\n"))

    expected = f"plugin './rule.py' ({tmp_path}/rule.py): RuleConfig can't be read: {told}"
    assert failure("./rule.py", tmp_path).startswith(expected)
