"""The channel: sends requests to bedrock-runtime, and converts its answers to Anthropic's form.

Sources: Amazon Bedrock API reference, InvokeModel, InvokeModelWithResponseStream and CountTokens;
its user guide, "Anthropic Claude Messages API"; wire/DIALECTS.md 1 and 2.1; read 2026-11-24.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from relay import (
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    PluginConfig,
    Reframed,
    Services,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamStatusError,
    check_forwarded_headers,
)

from .event_stream import EventStream
from .refusals import REFUSAL_BYTES_MAX, meaning_of, message_of, render_error
from .signing import sign

VERSION = msgspec.Raw(b'"bedrock-2023-05-31"')
BETAS = (
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "interleaved-thinking-2025-05-14",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
)
"""The betas that Bedrock accepts: with any other it refuses the request, and Claude Code sends others.

Source: AWS user guide as BerriAI/litellm#19877 lists it, anthropics/claude-code#49370; read 2026-11-24.
"""
_CHOSEN = ("application-inference-profile/", "provisioned-model/", "custom-model-deployment/")
"""Parts of ARNs that end in a name chosen by the account's owner.

Source: API reference, InvokeModel, ``modelId``, read 2026-11-29.
"""
BODY_BYTES_AT_ONCE = 64 * 1024
"""A larger body is hashed in a thread."""


_NOT_OF_ITS_BODY = frozenset({"anthropic_beta", "model", "stream"})
"""Fields that are not taken over from the customer's body.

Bedrock has the model and the stream in the URL; of betas, only those of the header count, if the shop allows them.
"""


class BedrockConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.bedrock``, in addition to those of every channel."""

    region: Annotated[str, Meta(description="AWS region, such as us-east-1.", pattern="^[a-z]{2}(-[a-z]+)+-[0-9]+$")]
    betas: Annotated[
        tuple[str, ...], Meta(description="Betas that customers may use; others are left out of the request.")
    ] = BETAS


class Bedrock(ChannelPlugin[BedrockConfig]):
    """Invokes the model that ``upstream`` names: an id, an inference profile or an ARN.

    A key is an API key of Bedrock, or ``ID:SECRET`` or ``ID:SECRET:SESSION_TOKEN`` of AWS, which signs
    the request. If ``base_url`` is left out, it is that of the region.
    """

    config_type = BedrockConfig
    dialects = ("anthropic_messages",)

    def __init__(self, config: BedrockConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        base_url = section.base_url or f"https://bedrock-runtime.{config.region}.amazonaws.com"
        self._base_url = base_url.rstrip("/")

    def is_deployment(self, model_sent: str) -> bool:
        return any(kind in model_sent for kind in _CHOSEN)

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        action, body = self._action_and_body(request)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if ":" not in api_key:
            headers["authorization"] = f"Bearer {api_key}"
        url = f"{self._base_url}/model/{quote(request.model, safe='')}/{action}"
        return UpstreamRequest(url=url, headers=headers, body=body)

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        built = self.build(request, api_key)
        if ":" in api_key:
            if len(built.body) > BODY_BYTES_AT_ONCE:
                built = await asyncio.to_thread(sign, built, self.config.region, api_key)
            else:
                built = sign(built, self.config.region, api_key)
        response = await self.services.transport.send(built, self.deadlines)
        if not 200 <= response.status < 300:
            return _refusal(response)
        if request.operation == "count_tokens":
            return Reframed(response, Gathered(_count), "application/json")
        if response.headers.get("content-type", "").startswith("application/vnd.amazon.eventstream"):
            return Reframed(response, EventStream().feed, "text/event-stream")
        return response

    def _action_and_body(self, request: ChannelRequest) -> tuple[str, bytes]:
        fields = {name: value for name, value in request.fields.items() if name not in _NOT_OF_ITS_BODY}
        fields["anthropic_version"] = VERSION
        asked = [beta.strip() for beta in request.headers.get("anthropic-beta", "").split(",")]
        if betas := [beta for beta in asked if beta in self.config.betas]:
            fields["anthropic_beta"] = msgspec.Raw(msgspec.json.encode(betas))
        sent = msgspec.structs.replace(request, fields=fields)
        match request.operation:
            case "chat":
                return "invoke-with-response-stream" if request.stream else "invoke", sent.body()
            case "count_tokens":
                # Bedrock counts a whole request to invoke, so it needs a limit, which a count does not have.
                fields.setdefault("max_tokens", msgspec.Raw(b"1"))
                body = b64encode(sent.body()).decode()
                return "count-tokens", msgspec.json.encode({"input": {"invokeModel": {"body": body}}})
            case _:
                raise UpstreamStatusError("misrouted", 404)


class Gathered:
    """Gathers a short body, and at its end replaces it by what *convert* returns. All beyond 64 KiB is cut off."""

    def __init__(self, convert: Callable[[bytes], bytes]) -> None:
        self._convert = convert
        self._body = bytearray()

    def __call__(self, data: bytes) -> bytes:
        self._body += data[: REFUSAL_BYTES_MAX - len(self._body)]
        return b"" if data else self._convert(bytes(self._body))


class _Counted(msgspec.Struct):
    input_tokens: int = msgspec.field(name="inputTokens")


def _count(body: bytes) -> bytes:
    try:
        return msgspec.json.encode({"input_tokens": msgspec.json.decode(body, type=_Counted).input_tokens})
    except (ValueError, RecursionError):
        raise UpstreamStatusError("sick", 200) from None


def _refusal(response: UpstreamResponse) -> UpstreamResponse:
    """Return a refusal of AWS with the status and the form of body that Anthropic would have sent."""
    status, error_type = meaning_of(response.headers.get("x-amzn-errortype", ""), response.status)

    def convert(body: bytes) -> bytes:
        # A proxy in front of AWS, or the model itself, answers in a form of its own, which is passed on.
        message = message_of(body)
        return body if message is None else render_error(error_type, message)

    refusal = Reframed(response, Gathered(convert), "application/json")
    refusal.status = status
    return refusal
