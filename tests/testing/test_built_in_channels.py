"""The channels that come with relay keep the contract of channels, cell by cell."""

from collections.abc import Mapping
from typing import Any, ClassVar

from relay.testing import ChannelConformance, Scene

BEHAVIOURS = {
    "length": "length",
    "refusal": "refusal",
    "empty": "empty",
    "cut": "cut-text",
    "error_before": "500",
    "error_midway": "error-midway",
    "hang_up": "hang-midway",
}
"""What the simulator has to do wrong for an answer to end so; what is not here ends so by itself."""


class TestAnthropic(ChannelConformance):
    use = "channels.anthropic"


class TestAzureOpenAI(ChannelConformance):
    use = "channels.azure_openai"


class TestGemini(ChannelConformance):
    use = "channels.gemini"


class TestOpenAI(ChannelConformance):
    use = "channels.openai"


class TestOpenAIWithResponses(ChannelConformance):
    use = "channels.openai"
    section: ClassVar[Mapping[str, Any]] = {"base_url": "{url}", "dialects": ["openai_responses"]}


class TestSimulator(ChannelConformance):
    use = "channels.simulator"
    section: ClassVar[Mapping[str, Any]] = {}
    keys = ()
    upstream = None

    @classmethod
    def upstream_model(cls, scene: Scene) -> str:
        return f"{scene.model}+{BEHAVIOURS.get(scene.ending, '')}"
