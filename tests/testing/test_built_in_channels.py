"""The channels that come with relay keep the contract of channels, cell by cell."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from relay.testing import ChannelConformance, Reply, Scene, UpstreamCall, UpstreamHandler, play
from tests.plugins.channels.bedrock.frames import chunk, exception
from tests.plugins.channels.vertex.accounts import account

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


def play_aws(call: UpstreamCall, scene: Scene) -> Reply:
    """Say what Anthropic would, each event in a frame of AWS, an error as an exception."""
    reply = play(call, scene, "anthropic_messages")
    if not reply.is_stream:
        return reply
    documents = [piece.partition(b"data: ")[2].strip().decode() for piece in reply.pieces]
    frames = [
        exception("internalServerException", "down") if '"type":"error"' in document else chunk(document)
        for document in documents
    ]
    return msgspec.structs.replace(reply, pieces=frames, content_type="application/vnd.amazon.eventstream")


def play_google_cloud(call: UpstreamCall, scene: Scene) -> Reply:
    """Exchange the service account for a token; say to its bearer what the path's dialect says."""
    if call.target == "/token":
        return Reply(pieces=[b'{"access_token":"ya29.canary","expires_in":3600,"token_type":"Bearer"}'])
    assert call.headers["authorization"] == "Bearer ya29.canary"
    return play(call, scene)


class TestAnthropic(ChannelConformance):
    use = "channels.anthropic"


class TestAzureOpenAI(ChannelConformance):
    use = "channels.azure_openai"


class TestBedrock(ChannelConformance):
    use = "channels.bedrock"
    section: ClassVar[Mapping[str, Any]] = {"base_url": "{url}", "settings": {"region": "us-east-1"}}
    upstream: ClassVar[UpstreamHandler | None] = staticmethod(play_aws)


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


class TestVertexWithClaude(ChannelConformance):
    use = "channels.vertex"
    section: ClassVar[Mapping[str, Any]] = {
        "base_url": "{url}",
        "settings": {"publisher": "anthropic", "location": "us-east5"},
    }
    keys = (account("{url}"),)
    secrets = ("ya29.canary",)
    upstream: ClassVar[UpstreamHandler | None] = staticmethod(play_google_cloud)


class TestVertexWithGemini(TestVertexWithClaude):
    section: ClassVar[Mapping[str, Any]] = {
        "base_url": "{url}",
        "settings": {"publisher": "google", "location": "us-east5"},
    }
