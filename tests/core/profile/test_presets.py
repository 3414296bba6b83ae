"""Presets: what a channel gets of one, what it keeps, and where a problem stands."""

from pathlib import Path

import pytest

from relay.core.profile.document import read_document
from relay.core.profile.loader import for_demo, load_profile
from relay.core.profile.presets import load_preset, preset_names, with_presets
from relay.core.profile.schema import profile_schema
from relay.core.profile.structs import ChannelModel, ChannelSection
from relay.core.registry import Registry
from relay.plugins.channels.openai import OpenAIConfig
from tests.core.profile.small import problems, write
from tests.services import services

VENDORS = (
    "deepseek", "groq", "hunyuan", "mistral", "moonshot", "ollama", "openrouter", "qianfan", "qihoo360", "qwen",
    "siliconflow", "spark", "vllm", "xai", "zhipu",
)  # fmt: skip


def channel(folder: Path, lines: str) -> ChannelSection:
    """Return the channel of the small profile with *lines* added to it."""
    (found,) = load_profile(write(folder, "    groups: [plain]", f"    groups: [plain]\n{lines}")).profile.channels
    return found


def test_every_vendor_has_its_file() -> None:
    """A name is a file's."""
    assert preset_names() == VENDORS


@pytest.mark.parametrize("name", VENDORS)
async def test_a_channel_of_every_preset_can_be_made(tmp_path: Path, name: str) -> None:
    """Its file is in order, and the channel's plugin takes what it brings."""
    preset = load_preset(name)
    loaded = load_profile(write(tmp_path, "    groups: [plain]", f"    groups: [plain]\n    preset: {name}"))
    (section,) = loaded.profile.channels
    assert (section.base_url, section.dialects, section.settings) == (preset.base_url, preset.dialects, preset.settings)
    made = Registry(loaded, services(loaded.profile)).channels["openai"]
    assert isinstance(made.config, OpenAIConfig)


def test_what_the_channel_says_itself_wins(tmp_path: Path) -> None:
    """Field by field, and setting by setting."""
    lines = """\
    preset: deepseek
    base_url: https://mirror.example
    dialects: [openai_chat]
    settings: {developer_role: true, refused_fields: [user]}
"""
    found = channel(tmp_path, lines)
    assert (found.base_url, found.dialects) == ("https://mirror.example", ("openai_chat",))
    assert found.settings == {
        "developer_role": True,
        "refused_fields": ["user"],
        "output_limit": "max_tokens",
        "reasoning_content_default": "",
    }


def test_customers_names_become_the_vendors_own(tmp_path: Path) -> None:
    """A model that says its upstream itself keeps it, and an unknown one its name."""
    path = write(
        tmp_path,
        "models: [gpt-4o]",
        "preset: qianfan\n    models: [ERNIE-Bot, {name: ERNIE-Bot-4, upstream: x}, gpt-4o]",
    )
    prices = '  ERNIE-Bot: {model_ratio: "1"}\n  ERNIE-Bot-4: {model_ratio: "1"}\n'
    path.write_text(path.read_text().replace("channels:", f"{prices}channels:"))
    (found,) = load_profile(path).profile.channels
    assert found.models == (
        ChannelModel(name="ERNIE-Bot", upstream="ernie-3.5-8k"),
        ChannelModel(name="ERNIE-Bot-4", upstream="x"),
        "gpt-4o",
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("preset: deepsek", "shop.yaml:14:13: channels[0].preset: unknown preset 'deepsek'; did you mean 'deepseek'?"),
        ("preset: [deepseek]", "shop.yaml:14:13: channels[0].preset: expected text, found a list"),
        (
            "preset: deepseek\n    settings: {developer_rol: true}",
            "shop.yaml:15:16: channels[0].settings.developer_rol: unknown key 'developer_rol'",
        ),
        (
            "preset: deepseek\n    settings: [1]",
            "shop.yaml:15:15: channels[0].settings: expected a mapping, found a list",
        ),
        ("preset: qianfan\n    keys: env:KEY", "shop.yaml:15:11: channels[0].keys: expected a list, found text"),
    ],
)
def test_a_problem_is_found_where_it_was_written(tmp_path: Path, lines: str, expected: str) -> None:
    """In the profile, with the nearest name."""
    found = problems(write(tmp_path, "    groups: [plain]", f"    groups: [plain]\n    {lines}"))
    assert [each[: len(expected)] for each in found] == [expected]


def test_models_that_are_no_list_are_a_problem_of_their_own(tmp_path: Path) -> None:
    """The preset's names are for models in a list."""
    path = write(tmp_path, "models: [gpt-4o]", "preset: qianfan\n    models: gpt-4o")
    assert problems(path) == [
        "shop.yaml:13:13: channels[0].models: expected a list, found text; put it in brackets, [...]"
    ]


@pytest.mark.parametrize("plugin", ["channels.anthropic", "channels.simulator", "channels.azure_openai"])
def test_a_preset_of_another_plugins_channel_is_one_problem(tmp_path: Path, plugin: str) -> None:
    """It brings nothing that does not fit, and is told what it is for."""
    path = write(tmp_path, "use: channels.openai", f"use: {plugin}\n    preset: deepseek")
    assert problems(path) == [
        "shop.yaml:12:13: channels[0].preset: presets are for channels.openai; write that as 'use', or leave the preset out"
    ]


def test_a_plugin_of_the_shops_own_may_have_a_preset(tmp_path: Path) -> None:
    """It may have the settings; whether it has, only it knows."""
    (tmp_path / "own.py").write_text(
        "from relay.plugins.channels.openai import OpenAI\n\n\nclass Own(OpenAI):\n    pass\n"
    )
    path = write(tmp_path, "use: channels.openai", "use: ./own.py\n    preset: deepseek")
    (found,) = load_profile(path).profile.channels
    assert (found.base_url, found.settings) == (load_preset("deepseek").base_url, load_preset("deepseek").settings)


def test_a_preset_beside_a_plugin_that_is_no_name_is_one_problem(tmp_path: Path) -> None:
    """That of the plugin."""
    path = write(tmp_path, "use: channels.openai", "use: [channels.openai]\n    preset: deepseek")
    assert problems(path) == ["shop.yaml:11:10: channels[0].use: expected text, found a list"]


def test_a_demo_forgets_the_preset(tmp_path: Path) -> None:
    """The simulator speaks as it can."""
    path = write(tmp_path, "    groups: [plain]", "    groups: [plain]\n    preset: xai")
    (found,) = for_demo(load_profile(path).profile).channels
    assert (found.preset, found.base_url, found.dialects, found.settings) == (None, None, (), {})


@pytest.mark.parametrize(
    "text", ["a: 1", "channels: 1", "channels: [1, {preset: {}}]", "[]", "channels: [{preset: a}]"]
)
def test_what_is_no_profile_is_left_for_others_to_report(tmp_path: Path, text: str) -> None:
    """Whatever stands there stays as it is."""
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    root = read_document(path)
    assert with_presets(root) == root


def test_editors_know_the_presets_by_name() -> None:
    """And that a channel may have none."""
    section = profile_schema(["channels.openai"])["$defs"]["ChannelSection"]
    assert section["properties"]["preset"]["anyOf"] == [{"enum": list(VENDORS)}, {"type": "null"}]
