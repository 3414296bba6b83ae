"""A whole profile: every problem at once, each at its line and column."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from relay.core.errors import PluginError, ProfileError
from relay.core.profile.loader import BUNDLED, find_profile, for_demo, load_profile, resolve_secrets
from relay.core.profile.structs import Membership
from relay.plugins.channels.openai import OpenAI

from .small import problems, write


def test_a_whole_profile_is_loaded_with_its_exact_numbers(tmp_path: Path) -> None:
    """Numbers are fractions of what the text says, and the implicit membership is there."""
    loaded = load_profile(write(tmp_path))

    assert loaded.profile.prices["gpt-4o"].model_ratio == Fraction(5, 4)
    assert loaded.profile.memberships == {"default": Membership()}
    assert loaded.warnings == ()


CASES = {
    "unknown key": (
        'plain: {ratio: "1"}',
        'plain: {ratoi: "1"}',
        [
            "shop.yaml:6:10: groups.plain: 'ratio' is missing",
            "shop.yaml:6:11: groups.plain.ratoi: unknown key 'ratoi'; did you mean 'ratio'?",
        ],
    ),
    "unknown plugin": (
        "billing.token_ratio",
        "billing.token_ration",
        ["shop.yaml:4:10: plugins[1].use: unknown plugin 'billing.token_ration'; did you mean 'billing.token_ratio'?"],
    ),
    "two unknown plugins": (
        "billing.token_ratio",
        "billing.token_ration\n  - use: auth.api_kay",
        [
            "shop.yaml:4:10: plugins[1].use: unknown plugin 'billing.token_ration'; did you mean 'billing.token_ratio'?",
            "shop.yaml:5:10: plugins[2].use: unknown plugin 'auth.api_kay'; did you mean 'auth.api_key'?",
        ],
    ),
    "unknown setting of a plugin": (
        "billing.token_ratio",
        "billing.token_ratio\n    roundin: exact",
        ["shop.yaml:5:5: plugins[1].roundin: unknown key 'roundin'; did you mean 'rounding'?"],
    ),
    "setting of a channel's plugin beside use": (
        "groups: [plain]",
        "groups: [plain]\n    first_ms: 5",
        [
            "shop.yaml:14:5: channels[0].first_ms: unknown key 'first_ms'; expected one of base_url, deadlines, dialects, "
            "keys, preset, priority, settings, weight; the plugin's own settings belong under 'settings'"
        ],
    ),
    "wrong type": (
        "groups: [plain]",
        "groups: [plain]\n    priority: high",
        ["shop.yaml:14:15: channels[0].priority: expected a whole number, found text"],
    ),
    "out of range": (
        "groups: [plain]",
        "groups: [plain]\n    weight: 0",
        ["shop.yaml:14:13: channels[0].weight: expected a whole number >= 1, found 0"],
    ),
    "group without channel": (
        'plain: {ratio: "1"}',
        'plain: {ratio: "1"}\n  dear: {ratio: "2"}',
        ["shop.yaml:7:3: groups.dear: group 'dear' has no channel; name it in a channel's groups"],
    ),
    "unknown group": (
        "[plain]",
        "[plain, plian]",
        ["shop.yaml:13:21: channels[0].groups[1]: unknown group 'plian'; did you mean 'plain'?"],
    ),
    "unknown model in a plugin's settings": (
        "billing.token_ratio",
        'billing.token_ratio\n  - use: transforms.parameters\n    rules:\n      - {models: [gpt-40], at_most: {top_p: "1"}}',
        ["shop.yaml:7:19: plugins[2].rules[0].models[0]: unknown model 'gpt-40'; did you mean 'gpt-4o'?"],
    ),
    "unknown membership": (
        'plain: {ratio: "1"}',
        'plain: {ratio: "1", memberships: [defualt]}',
        ["shop.yaml:6:37: groups.plain.memberships[0]: unknown membership 'defualt'; did you mean 'default'?"],
    ),
    "unknown endpoint": (
        "shop:",
        "endpoints: [openai_chat, embedings]\nshop:",
        [
            "shop.yaml:1:26: endpoints[1]: expected one of openai_chat, openai_responses, anthropic_messages, "
            "gemini_generate, gemini_interactions, openai_completions, embeddings, images, audio, moderations, rerank, "
            "realtime, models, billing, found text; did you mean 'embeddings'?"
        ],
    ),
    "price of nothing": (
        '{model_ratio: "1.25"}',
        "{}",
        [
            "shop.yaml:8:11: prices.gpt-4o: expected model_ratio, or unit_price for what is sold apiece; "
            "without one every request is refused"
        ],
    ),
    "price of no sizes": (
        '{model_ratio: "1.25"}',
        "{unit_prices: []}",
        [
            "shop.yaml:8:11: prices.gpt-4o: expected model_ratio, or unit_price for what is sold apiece; "
            "without one every request is refused"
        ],
    ),
    "price that only changes one": (
        '{model_ratio: "1.25"}',
        '{completion_ratio: "4"}',
        [
            "shop.yaml:8:11: prices.gpt-4o: expected model_ratio, or unit_price for what is sold apiece; "
            "without one every request is refused"
        ],
    ),
    "price of an empty figure": (
        '{model_ratio: "1.25"}',
        "{model_ratio: ~}",
        [
            "shop.yaml:8:11: prices.gpt-4o: expected model_ratio, or unit_price for what is sold apiece; "
            "without one every request is refused"
        ],
    ),
    "plugin listed twice": (
        "  - use: billing.token_ratio",
        '  - use: billing.token_ratio\n  - use: billing.token_ratio\n    credit_per_quota: "0.000002"',
        [
            "shop.yaml:5:5: plugins[2]: 'billing.token_ratio' is listed twice with the same settings; "
            "it would do everything twice"
        ],
    ),
    "plugin listed twice with settings that can't be read": (
        "  - use: billing.token_ratio",
        "  - {use: billing.token_ratio, rounding: 1}\n  - {use: billing.token_ratio, rounding: 1}",
        [
            "shop.yaml:4:42: plugins[1].rounding: expected one of exact, found 1",
            "shop.yaml:5:42: plugins[2].rounding: expected one of exact, found 1",
        ],
    ),
    "dialect that the channel's plugin does not speak": (
        "groups: [plain]",
        "groups: [plain]\n    dialects: [openai_chat, anthropic_messages]",
        [
            "shop.yaml:14:29: channels[0].dialects[1]: the channel's plugin does not speak anthropic_messages; "
            "expected some of " + ", ".join(OpenAI.dialects)
        ],
    ),
    "dialect that nobody speaks": (
        "groups: [plain]",
        "groups: [plain]\n    dialects: [openai_chats]",
        [
            "shop.yaml:14:16: channels[0].dialects[0]: expected one of openai_chat, openai_responses, anthropic_messages, "
            "gemini_generate, gemini_interactions, openai_completions, embeddings, images, audio, moderations, rerank, "
            "realtime, found text; did you mean 'openai_chat'?"
        ],
    ),
    "setting named twice": (
        'gpt-4o: {model_ratio: "1.25"}',
        'gpt-4o: {model_ratio: "1.25", model_ratio: "0"}',
        ["shop.yaml:8:33: prices.gpt-4o.model_ratio: duplicate key, first on line 8"],
    ),
    "group named twice": (
        "[plain]",
        "[plain, plain]",
        ["shop.yaml:13:21: channels[0].groups[1]: duplicate group 'plain' in one channel"],
    ),
    "day that is none": (
        'plain: {ratio: "1"}',
        'plain: {ratio: "1", reference_date: "2024-13-45"}',
        ['shop.yaml:6:39: groups.plain.reference_date: expected a day such as "2024-09-14", found "2024-13-45"'],
    ),
    "blank in an address": (
        "groups: [plain]",
        'groups: [plain]\n    base_url: "https://exa mple"',
        [
            "shop.yaml:14:15: channels[0].base_url: expected an address such as https://api.example.com, "
            "without user, password or query"
        ],
    ),
    "model without price": (
        "[gpt-4o]",
        "[gpt-4o, gpt-40]",
        ["shop.yaml:12:22: channels[0].models[1]: model 'gpt-40' has no price; did you mean 'gpt-4o'?"],
    ),
    "model with another name upstream and without price": (
        "[gpt-4o]",
        "[gpt-4o, {name: other, upstream: gpt-4o}]",
        [
            "shop.yaml:12:29: channels[0].models[1].name: model 'other' has no price; "
            "add it to prices, or every request for it is refused"
        ],
    ),
    "price of sizes": (
        'gpt-4o: {model_ratio: "1.25"}',
        'gpt-4o: {unit_prices: [{price: "-1"}]}',
        ['shop.yaml:8:34: prices.gpt-4o.unit_prices[0].price: expected at least 0, found "-1"'],
    ),
    "channel in the list of plugins": (
        "  - use: billing.token_ratio",
        "  - use: billing.token_ratio\n  - use: channels.openai",
        [
            f"shop.yaml:5:10: plugins[2].use: plugin 'channels.openai' ({BUNDLED.parent}/plugins/channels/openai.py): "
            "is a channel; name it in a channel's 'use'"
        ],
    ),
    "plugin at a channel": (
        "use: channels.openai",
        "use: auth.api_key",
        [
            f"shop.yaml:11:10: channels[0].use: plugin 'auth.api_key' ({BUNDLED.parent}/plugins/auth/api_key.py): "
            "is no channel; list it under 'plugins'"
        ],
    ),
    "plugin without use": (
        "  - use: billing.token_ratio",
        "  - use: billing.token_ratio\n  - rounding: exact",
        ["shop.yaml:5:5: plugins[2].use: expected the id of a plugin, such as billing.token_ratio"],
    ),
    "octal": (
        "groups: [plain]",
        "groups: [plain]\n    priority: 010",
        [
            "shop.yaml:14:15: channels[0].priority: 010 is octal to some readers of YAML and decimal to others; "
            "leave out the leading zero, or quote it"
        ],
    ),
    "on": (
        "en: Test",
        "en: on",
        [
            "shop.yaml:1:19: shop.name.en: on is true or false to some readers of YAML and text to others; "
            "write true or false, or quote it"
        ],
    ),
    "exponent": (
        '"1.25"',
        "1e-3",
        [
            'shop.yaml:8:25: prices.gpt-4o.model_ratio: expected an exact number as quoted text, such as "1.5" or "4/3", '
            "found 1e-3, which is a number to some readers of YAML and text to others"
        ],
    ),
    "number without quotes": (
        '"1.25"',
        "1.25",
        [
            'shop.yaml:8:25: prices.gpt-4o.model_ratio: expected an exact number as quoted text, such as "1.5" or "4/3", '
            'found 1.25; write "1.25"'
        ],
    ),
    "no number": (
        '"1.25"',
        '"1,25"',
        [
            'shop.yaml:8:25: prices.gpt-4o.model_ratio: expected an exact number as quoted text, such as "1.5" or "4/3", '
            'found "1,25"'
        ],
    ),
    "negative ratio": (
        'plain: {ratio: "1"}',
        'plain: {ratio: "-1"}',
        ['shop.yaml:6:18: groups.plain.ratio: expected at least 0, found "-1"'],
    ),
    "duplicate key": (
        'plain: {ratio: "1"}',
        'plain: {ratio: "1"}\n  plain: {ratio: "2"}',
        ["shop.yaml:7:3: groups.plain: duplicate key, first on line 6"],
    ),
    "number for text": (
        "en: Test",
        "en: 24",
        ["shop.yaml:1:19: shop.name.en: expected text, found 24; quote it"],
    ),
    "a text where plugins are listed": (
        "plugins:\n  - use: auth.api_key\n  - use: billing.token_ratio",
        "plugins: auth.api_key",
        ["shop.yaml:2:10: plugins: expected '- use: ID' for each plugin, found text"],
    ),
    "a number where plugins are listed": (
        "plugins:\n  - use: auth.api_key\n  - use: billing.token_ratio",
        "plugins: 5",
        ["shop.yaml:2:10: plugins: expected a list, found 5"],
    ),
    "a text for a plugin": (
        "  - use: auth.api_key",
        "  - auth.api_key",
        ["shop.yaml:3:5: plugins[0]: expected '- use: ID' for each plugin, found text"],
    ),
    "a text where a list must be": (
        "models: [gpt-4o]",
        "models: gpt-4o",
        ["shop.yaml:12:13: channels[0].models: expected a list, found text; put it in brackets, [...]"],
    ),
    "nothing where a list must be": (
        "models: [gpt-4o]",
        "models:",
        ["shop.yaml:12:12: channels[0].models: expected a list, found nothing"],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), CASES.values(), ids=CASES.keys())
def test_problem_is_named_with_line_and_column(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """Each mistake is reported where it stands, with the nearest name that is known."""
    assert problems(write(tmp_path, old, new)) == expected


def test_duplicate_channel_names_both_lines(tmp_path: Path) -> None:
    """A channel's name must be its own, for it stands on bills."""
    second = "  - {name: openai, use: channels.openai, models: [gpt-4o], groups: [plain]}\n"

    assert problems(write(tmp_path, new=second)) == [
        "shop.yaml:14:12: channels[1].name: duplicate channel 'openai', first on line 10"
    ]


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Nothing hides behind something else: keys, plugins, settings, references, prices."""
    path = tmp_path / "shop.yaml"
    path.write_text(
        "shop: {name: {en: Test}, colour: red}\n"
        "plugins:\n"
        "  - use: auth.api_kee\n"
        '  - {use: billing.token_ratio, credit_per_quota: "-1"}\n'
        "groups: {plain: {ratio: 1}}\n"
        "prices: {}\n"
        "channels:\n"
        "  - {name: a, use: channels.opanai, models: [gpt-4o], groups: [plane]}\n"
    )

    found = [problem.split(": ")[0] for problem in problems(path)]

    assert found == [
        "shop.yaml:1:14",  # zh is missing
        "shop.yaml:1:26",  # unknown key
        "shop.yaml:3:10",  # unknown plugin
        "shop.yaml:4:5",  # the plugin's own check
        "shop.yaml:5:10",  # group without channel
        "shop.yaml:5:25",  # unquoted number
        "shop.yaml:8:20",  # unknown channel plugin
        "shop.yaml:8:46",  # model without price
        "shop.yaml:8:64",  # unknown group
    ]


def test_error_of_a_plugin_is_kept_as_the_cause(tmp_path: Path) -> None:
    """A plugin file that can't be loaded is named, and what it raised can be followed."""
    (tmp_path / "my_rule.py").write_text("import relay\nraise RuntimeError('no licence')\n")
    path = write(tmp_path, "  - use: billing.token_ratio", "  - use: billing.token_ratio\n  - use: ./my_rule.py")

    with pytest.raises(ProfileError) as caught:
        load_profile(path)

    assert caught.value.problems == (
        f"{path}:5:10: plugins[2].use: plugin './my_rule.py' ({tmp_path}/my_rule.py): "
        "cannot be loaded: RuntimeError: no licence (my_rule.py, line 2)",
    )
    assert isinstance(caught.value.__cause__, PluginError)
    assert isinstance(caught.value.__cause__.__cause__, RuntimeError)


def test_price_without_channel_is_a_warning(tmp_path: Path) -> None:
    """A price nobody can pay is odd, not wrong."""
    loaded = load_profile(write(tmp_path, "prices:", 'prices:\n  gpt-5: {model_ratio: "1"}'))

    assert loaded.warnings == (f"{loaded.path}:8:3: prices.gpt-5: no channel sells 'gpt-5'",)


def test_profile_that_refuses_everyone_is_warned_about(tmp_path: Path) -> None:
    """Without a plugin that prices, every request is refused."""
    loaded = load_profile(write(tmp_path, "  - use: billing.token_ratio\n"))

    assert loaded.warnings == (
        f"{loaded.path}:3:3: plugins: no plugin answers 'settle', so every request will be refused",
    )


def test_missing_secret_is_a_warning_to_check_and_an_error_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile can be checked on a machine without its secrets, but not run."""
    monkeypatch.delenv("SHOP_TEST_KEY", raising=False)
    loaded = load_profile(write(tmp_path, "groups: [plain]", 'groups: [plain]\n    keys: ["env:SHOP_TEST_KEY"]'))

    assert loaded.warnings == (
        f"{loaded.path}:14:12: channels[0].keys[0]: environment variable 'SHOP_TEST_KEY' is not set; "
        "`relay run` needs it, except with --demo",
    )
    with pytest.raises(ProfileError) as caught:
        resolve_secrets(loaded)
    assert caught.value.problems == (
        f"{loaded.path}:14:12: channels[0].keys[0]: environment variable 'SHOP_TEST_KEY' is not set; "
        "set it, or run with --demo",
    )


def test_secrets_come_from_environment_and_files_beside_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several references are one pool, in their order."""
    monkeypatch.setitem(os.environ, "SHOP_TEST_KEY", "sk-one")
    (tmp_path / "second.key").write_text("sk-two\n")
    path = write(tmp_path, "groups: [plain]", 'groups: [plain]\n    keys: ["env:SHOP_TEST_KEY", "file:second.key"]')

    assert resolve_secrets(load_profile(path)) == {"openai": ("sk-one", "sk-two")}


def test_a_key_in_the_profile_is_refused_and_never_printed(tmp_path: Path) -> None:
    """Keys stand in no profile, and no message repeats one."""
    found = problems(write(tmp_path, "groups: [plain]", "groups: [plain]\n    keys: [sk-secret-0123456789]"))

    assert found == [
        "shop.yaml:14:12: channels[0].keys[0]: expected a reference such as env:NAME or file:PATH; "
        "a key itself never stands in a profile"
    ]


def test_demo_replaces_every_channel_by_the_simulator(tmp_path: Path) -> None:
    """Models, groups and prices stay; what would reach an upstream goes."""
    path = write(
        tmp_path,
        "groups: [plain]",
        'groups: [plain]\n    base_url: https://api.example\n    keys: ["env:SHOP_TEST_KEY"]\n    dialects: [openai_chat]',
    )

    (channel,) = for_demo(load_profile(path).profile).channels

    assert (channel.use, channel.base_url, channel.keys, channel.settings) == ("channels.simulator", None, (), {})
    assert (channel.name, channel.models, channel.groups) == ("openai", ("gpt-4o",), ("plain",))
    assert channel.dialects == ("openai_chat",)


def test_demo_leaves_a_simulator_its_settings(tmp_path: Path) -> None:
    """A shop that misbehaves on purpose does so in a demo, too."""
    behaves = "use: channels.simulator\n    settings: {behaviour: empty}"
    path = write(tmp_path, "use: channels.openai", behaves)

    (channel,) = for_demo(load_profile(path).profile).channels

    assert (channel.use, channel.settings) == ("channels.simulator", {"behaviour": "empty"})


def test_demo_leaves_nothing_of_a_preset(tmp_path: Path) -> None:
    """The simulator has a vendor's dialects only where the channel itself names them."""
    path = write(tmp_path, "groups: [plain]", "groups: [plain]\n    preset: vllm")

    (channel,) = for_demo(load_profile(path).profile).channels

    assert (channel.use, channel.preset, channel.base_url, channel.dialects) == ("channels.simulator", None, None, ())


def test_existing_path_wins_over_a_bundled_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop's own pumpkin.yaml is not replaced by ours."""
    monkeypatch.chdir(tmp_path)
    assert find_profile("pumpkin.yaml") == BUNDLED / "pumpkin.yaml"

    Path("pumpkin.yaml").write_text("")

    assert find_profile("pumpkin.yaml") == Path("pumpkin.yaml")


@pytest.mark.parametrize("name", ["pumkin.yaml", "./pumpkin.yaml"])
def test_unknown_file_names_the_bundled_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file that is not there is told apart from a profile with problems; a path never means a bundled one."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ProfileError) as caught:
        find_profile(name)

    assert caught.value.problems == (
        f"{name}: no such file; bundled profiles are juhe.yaml, minimal.yaml, peiqi.yaml, pumpkin.yaml",
    )


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("KeyError('q')", "KeyError: 'q'"),
        ("SystemExit(0)", "SystemExit: 0"),
        ("type('Panic', (BaseException,), {})(1)", "Panic: 1"),
    ],
)
def test_a_plugin_that_fails_at_its_settings_is_named_with_its_file(tmp_path: Path, raised: str, told: str) -> None:
    """Whatever it raises, it stands at its place in the profile, and the rest is checked as well."""
    source = (
        "from relay import Plugin, PluginConfig\n\n\n"
        "class OddConfig(PluginConfig, frozen=True, kw_only=True):\n"
        f"    def __post_init__(self):\n        raise {raised}\n\n\n"
        "class Odd(Plugin[OddConfig]):\n    config_type = OddConfig\n"
    )
    (tmp_path / "odd.py").write_text(source)
    path = write(tmp_path, "  - use: auth.api_key\n", "  - use: auth.api_key\n  - use: ./odd.py\n    a: 1\n")
    assert problems(path) == [
        f"shop.yaml:4:5: plugins[1]: OddConfig ({tmp_path}/odd.py) can't check these settings: {told}",
        "shop.yaml:5:5: plugins[1].a: unknown key 'a'",
    ]


def test_a_channel_may_know_only_once_it_is_made_what_it_speaks(tmp_path: Path) -> None:
    """A profile's dialects are then the made channel's to judge."""
    (tmp_path / "odd.py").write_text(
        "from relay import ChannelPlugin, PluginConfig\n\n\nclass OddConfig(PluginConfig, frozen=True): ...\n\n\n"
        "class Odd(ChannelPlugin[OddConfig]):\n    config_type = OddConfig\n\n"
        "    @property\n    def dialects(self):\n        return ('openai_chat',)\n\n"
        "    def build(self, request, api_key): ...\n"
    )
    path = write(tmp_path, "use: channels.openai", "use: ./odd.py\n    dialects: [openai_chat]")
    assert load_profile(path).profile.channels[0].dialects == ("openai_chat",)


@pytest.mark.parametrize("use", ["use: billing.token_rati", "usw: x"])
def test_traps_among_the_settings_of_an_unknown_plugin_are_told_with_it(tmp_path: Path, use: str) -> None:
    """Nobody knows their types, but 010 is two numbers in any case."""
    path = write(tmp_path, "use: billing.token_ratio", f"{use}\n    share: 010")
    told = problems(path)
    assert "shop.yaml:5:12: plugins[1].share: 010 is octal to some readers of YAML" in " ".join(told)
    assert any(line.startswith("shop.yaml:4:") for line in told)
