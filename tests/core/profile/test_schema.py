"""The JSON Schema: what editors complete and refuse."""

import json
from typing import Any

import pytest

from relay.core.finder import built_in_ids
from relay.core.profile.loader import BUNDLED
from relay.core.profile.schema import profile_schema


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(json.dumps(profile_schema(built_in_ids())))  # type: ignore[no-any-return]


def settings(schema: dict[str, Any], use: str) -> dict[str, Any]:
    cases = schema["$defs"]["Profile"]["properties"]["plugins"]["items"]["allOf"]
    return {case["if"]["properties"]["use"]["const"]: case["then"] for case in cases}[use]  # type: ignore[no-any-return]


def test_bundled_schema_is_what_the_command_prints(schema: dict[str, Any]) -> None:
    """Renew it with: relay profile schema > profiles/profile.schema.json."""
    assert json.loads((BUNDLED / "profile.schema.json").read_text(encoding="utf-8")) == schema


def test_exact_number_is_text_with_a_pattern(schema: dict[str, Any]) -> None:
    """Editors ask for quotes too."""
    assert schema["$defs"]["Membership"]["properties"]["ratio"] == {
        "description": "Multiplier on the charges of members; it is checked, but not applied yet.",
        "type": "string",
        "pattern": r"^-?\d{1,30}(\.\d{1,30})?(/[1-9]\d{0,29})?$",
        "default": "1",
    }


def test_settings_of_a_plugin_go_by_its_use(schema: dict[str, Any]) -> None:
    """Beside ``use: billing.token_ratio`` its settings are offered, and nothing else."""
    found = settings(schema, "billing.token_ratio")

    assert list(found["properties"]) == ["use", "credit_per_quota", "rounding"]
    assert found["properties"]["credit_per_quota"]["default"] == "0.000002"
    assert found["additionalProperties"] is False


def test_plugins_and_channels_are_offered_apart(schema: dict[str, Any]) -> None:
    """A channel's ``use`` offers channels alone; any other text is allowed, for plugins from elsewhere."""
    plugins = schema["$defs"]["Profile"]["properties"]["plugins"]["items"]["properties"]["use"]["anyOf"]
    channels = schema["$defs"]["ChannelSection"]["properties"]["use"]["anyOf"]

    assert channels == [
        {
            "enum": [
                "channels.anthropic",
                "channels.azure_openai",
                "channels.bedrock",
                "channels.gemini",
                "channels.openai",
                "channels.simulator",
                "channels.vertex",
            ]
        },
        {"type": "string"},
    ]
    assert "billing.token_ratio" in plugins[0]["enum"]
    assert not set(plugins[0]["enum"]) & set(channels[0]["enum"])


def test_every_field_is_described(schema: dict[str, Any]) -> None:
    """The reference page is made of these descriptions."""
    silent = [
        f"{name}.{field}"
        for name, struct in schema["$defs"].items()
        for field, value in struct.get("properties", {}).items()
        if not value.get("description")
    ]

    assert silent == []
