"""``relay profile``: check, schema, explain."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.core.cli import main
from relay.core.profile.loader import BUNDLED
from tests.core.profile.small import write


def relay(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["profile", *arguments], catch_exceptions=False)


def test_check_of_a_good_profile_is_silent_on_stderr(tmp_path: Path) -> None:
    """Exit 0, and one line that says what was checked."""
    result = relay("check", str(write(tmp_path)))

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "ok: 2 plugins, 1 groups, 1 channels\n"


def test_check_prints_every_problem_on_stderr(tmp_path: Path) -> None:
    """Exit 1, a line for each, as editors and other programs read them."""
    path = write(tmp_path, "[gpt-4o]", "[gpt-4o, gpt-40]\n    weight: 0")

    result = relay("check", str(path))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"{path}:12:22: channels[0].models[1]: model 'gpt-40' has no price; did you mean 'gpt-4o'?\n"
        f"{path}:13:13: channels[0].weight: expected a whole number >= 1, found 0\n"
    )


def test_check_says_what_every_plugin_that_cannot_be_made_says(tmp_path: Path) -> None:
    """As `relay run` would, each at its place: an address that one channel alone needs, and a licence."""
    (tmp_path / "paid.py").write_text(
        "from relay import Plugin, PluginConfig\n\n\nclass PaidConfig(PluginConfig, frozen=True): ...\n\n\n"
        "class Paid(Plugin[PaidConfig]):\n    config_type = PaidConfig\n\n"
        "    def __init__(self, config, services):\n        raise OSError('no licence')\n"
    )
    path = write(tmp_path, "channels.openai", "channels.azure_openai")
    path.write_text(path.read_text().replace("groups:\n", "  - use: ./paid.py\ngroups:\n", 1))
    result = relay("check", str(path))
    assert result.exit_code == 1
    licence, address = result.stderr.splitlines()
    file = tmp_path / "paid.py"
    told = "cannot be made: OSError: no licence (paid.py, line 11)"
    assert licence == f"{path}:5:10: plugins[2].use: plugin './paid.py' ({file}): {told}"
    assert address.startswith(f"{path}:12:10: channels[0].use: plugin 'channels.azure_openai' (")
    # A plain ValueError refuses the settings: a line of the plugin is nothing to go by.
    assert address.endswith("base_url: expected the address of an Azure resource, found none")


def test_check_takes_a_missing_secret_for_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 0: the secret may well be there where the shop runs."""
    monkeypatch.delenv("SHOP_TEST_KEY", raising=False)
    path = write(tmp_path, "groups: [plain]", 'groups: [plain]\n    keys: ["env:SHOP_TEST_KEY"]')

    result = relay("check", str(path))

    assert result.exit_code == 0
    assert result.stderr == (
        f"warning: {path}:14:12: channels[0].keys[0]: environment variable 'SHOP_TEST_KEY' is not set; "
        "`relay run` needs it, except with --demo\n"
    )


def test_check_says_what_a_missing_secret_is_beside_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of the command says everything."""
    monkeypatch.delenv("SHOP_TEST_KEY", raising=False)
    path = write(tmp_path, "groups: [plain]", 'groups: [plian]\n    keys: ["env:SHOP_TEST_KEY"]')

    result = relay("check", str(path))

    assert result.exit_code == 1
    assert [line.removeprefix(f"{path}:").split(": ")[:2] for line in result.stderr.splitlines()] == [
        ["6:3", "groups.plain"],
        ["13:14", "channels[0].groups[0]"],
        ["warning", f"{path}:14:12"],
    ]


def test_check_as_json_says_whether_it_is_ok(tmp_path: Path) -> None:
    """Exit 1 with the problems, exit 0 without, on stdout both times."""
    bad = relay("check", str(write(tmp_path, "[gpt-4o]", "[gpt-40]")), "--json")
    good = relay("check", str(write(tmp_path)), "--json")

    found = json.loads(bad.stdout)
    assert (bad.exit_code, bad.stderr, found["ok"], len(found["problems"])) == (1, "", False, 1)
    assert (good.exit_code, json.loads(good.stdout)) == (0, {"ok": True, "problems": [], "warnings": []})


def test_bare_name_is_a_bundled_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``minimal.yaml`` works from any folder."""
    monkeypatch.chdir(tmp_path)

    assert relay("check", "minimal.yaml").stdout == "ok: 2 plugins, 1 groups, 1 channels\n"


def test_unknown_file_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1, with the names there are."""
    monkeypatch.chdir(tmp_path)

    result = relay("check", "nope.yaml")

    assert result.exit_code == 1
    assert result.stderr.startswith("nope.yaml: no such file; bundled profiles are ")


def test_missing_argument_is_a_usage_error() -> None:
    """Exit 2, as for every command line that makes no sense."""
    assert relay("check").exit_code == 2


def test_schema_is_the_bundled_one() -> None:
    """What an editor finds beside the profiles is what this version checks."""
    assert relay("schema").stdout == (BUNDLED / "profile.schema.json").read_text(encoding="utf-8")


def test_explanation_as_json_names_plugins_hooks_and_offers(tmp_path: Path) -> None:
    """One object: where each plugin comes from, who is asked in which order, what is sold where."""
    path = write(tmp_path, "models: [gpt-4o]", "models: [{name: gpt-4o, upstream: gpt-4o-2024-08-06}]\n    priority: 3")

    explained = json.loads(relay("explain", str(path), "--json").stdout)

    assert [(row["use"], row["version"], row["channel"], row["hooks"]) for row in explained["plugins"]] == [
        ("auth.api_key", "0.1.0", None, ["authenticate"]),
        ("billing.token_ratio", "0.1.0", None, ["settle"]),
        ("channels.openai", "0.1.0", "openai", []),
    ]
    assert explained["plugins"][0]["file"].endswith("plugins/auth/api_key.py")
    assert explained["hooks"] == {
        "authenticate": ["auth.api_key"],
        "select_channel": [],
        "transform_request": [],
        "meter_stream": [],
        "settle": ["billing.token_ratio"],
        "post_check": [],
    }
    assert explained["offers"] == [
        {
            "group": "plain",
            "model": "gpt-4o",
            "channel": "openai",
            "model_sent": "gpt-4o-2024-08-06",
            "priority": 3,
            "weight": 1,
            "group_ratio": "1",
            "model_ratio": "1.25",
            "completion_ratio": "1",
            "passed": [
                "openai_chat",
                "openai_responses",
                "openai_completions",
                "embeddings",
                "images",
                "audio",
                "moderations",
                "rerank",
                "realtime",
            ],
            "translated": {"anthropic_messages": "openai_chat", "gemini_generate": "openai_chat"},
        }
    ]


PEOPLE = """\
plugin               channel  version  hooks         file
auth.api_key         -        0.1.0    authenticate  PLUGINS/auth/api_key.py
billing.token_ratio  -        0.1.0    settle        PLUGINS/billing/token_ratio.py
channels.openai      openai   0.1.0    -             PLUGINS/channels/openai.py

hook               asked in this order
authenticate       auth.api_key
select_channel     -
transform_request  -
meter_stream       -
settle             billing.token_ratio
post_check         -

group  model   channel  sent as  priority  weight  group ratio  model ratio  completion
plain  gpt-4o  openai   gpt-4o   0         2       1            1.25         1

channel  asked in     by customers of                                                     models
openai   openai_chat  openai_chat, openai_responses, anthropic_messages, gemini_generate  all
openai   embeddings   embeddings                                                          all
"""
PRESETS = """
channel  preset    field                               value                   said by
openai   deepseek  base_url                            https://mirror.example  the channel
openai   deepseek  settings.output_limit               "max_tokens"            the preset
openai   deepseek  settings.developer_role             false                   the preset
openai   deepseek  settings.reasoning_content_default  ""                      the preset
"""


@pytest.mark.parametrize(
    ("preset", "expected"),
    [("", PEOPLE), ("\n    preset: deepseek\n    base_url: https://mirror.example", PEOPLE + PRESETS)],
)
def test_explanation_for_people_is_tables(tmp_path: Path, preset: str, expected: str) -> None:
    """The same, in columns."""
    lines = f"    groups: [plain]\n    weight: 2\n    dialects: [openai_chat, embeddings]{preset}"
    shown = relay("explain", str(write(tmp_path, "    groups: [plain]", lines))).stdout

    assert shown.replace(str(BUNDLED.parent / "plugins"), "PLUGINS") == expected


def test_a_model_that_is_asked_in_another_dialect_than_its_neighbour_is_explained_by_name(tmp_path: Path) -> None:
    """GPT-5.6 takes tools in Responses alone; where a channel asks all its models alike, they are not named."""
    profile = write(tmp_path, "models: [gpt-4o]", "models: [gpt-5.6, gpt-4o]")
    profile.write_text(profile.read_text().replace("prices:\n", 'prices:\n  gpt-5.6: {model_ratio: "1"}\n'))
    lines = relay("explain", str(profile)).stdout.splitlines()

    assert lines[-11:-6] == [
        "openai   openai_chat         openai_chat                                            gpt-5.6",
        "openai   openai_chat         openai_chat, anthropic_messages, gemini_generate       gpt-4o",
        "openai   openai_responses    openai_responses, anthropic_messages, gemini_generate  gpt-5.6",
        "openai   openai_responses    openai_responses                                       gpt-4o",
        "openai   openai_completions  openai_completions                                     all",
    ]


def test_channels_of_a_group_are_explained_in_the_order_of_priority() -> None:
    """Hyacinth is served from GCP first, then from AWS."""
    offers = json.loads(relay("explain", "pumpkin.yaml", "--json").stdout)["offers"]

    channels = [row["channel"] for row in offers if (row["group"], row["model"]) == ("hyacinth", "claude-sonnet-4-5")]

    assert channels == ["gcp-claude", "aws-claude"]


def test_what_a_preset_brought_is_told_apart_from_what_the_channel_says(tmp_path: Path) -> None:
    """Field by field: whose value holds."""
    lines = "    groups: [plain]\n    preset: deepseek\n    base_url: https://mirror.example"
    explained = json.loads(relay("explain", str(write(tmp_path, "    groups: [plain]", lines)), "--json").stdout)

    assert [(row["field"], row["value"], row["is_brought"]) for row in explained["presets"]] == [
        ("base_url", "https://mirror.example", False),
        ("settings.output_limit", '"max_tokens"', True),
        ("settings.developer_role", "false", True),
        ("settings.reasoning_content_default", '""', True),
    ]
    assert {(row["channel"], row["preset"]) for row in explained["presets"]} == {("openai", "deepseek")}


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("", "openai_chat, openai_responses, openai_completions, embeddings, audio, rerank"),
        ("\n    dialects: [openai_chat, rerank]", "openai_chat, rerank"),
    ],
)
def test_the_dialects_of_a_preset_are_explained_with_it(tmp_path: Path, own: str, shown: str) -> None:
    """Where it says any, and whether they are the channel's."""
    path = write(tmp_path, "    groups: [plain]", f"    groups: [plain]\n    preset: vllm{own}")
    explained = json.loads(relay("explain", str(path), "--json").stdout)

    assert [(row["field"], row["value"], row["is_brought"]) for row in explained["presets"]] == [
        ("base_url", "http://127.0.0.1:8000", True),
        ("dialects", shown, not own),
    ]


def test_what_is_sold_apiece_has_no_ratio(tmp_path: Path) -> None:
    """A dash stands in its place."""
    path = write(tmp_path, '{model_ratio: "1.25"}', '{unit_price: "0.04"}')
    shown = relay("explain", str(path)).stdout.splitlines()
    assert "plain  gpt-4o  openai   gpt-4o   0         1       1            -            1" in shown
