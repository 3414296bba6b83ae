"""The channel: one publisher's models in one location of one project.

Sources: Vertex AI reference, rawPredict, streamRawPredict, generateContent, countTokens, embedContent;
anthropic 2.12 (lib/vertex) for the hosts, the body and the count; wire/DIALECTS.md 1; read 2026-11-24.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from relay import (
    BadRequestError,
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    Dialect,
    PluginConfig,
    PluginError,
    Services,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamStatusError,
    check_forwarded_headers,
)

from .access import Tokens
from .embeddings import is_asked_otherwise, vertex_embeddings

VERSION = msgspec.Raw(b'"vertex-2023-10-16"')
BETAS = (
    "compact-2026-01-12",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "interleaved-thinking-2025-05-14",
    "tool-search-tool-2025-10-19",
    "web-search-2025-03-05",
)
"""The betas that Claude accepts on Vertex: with any other it refuses the request, and Claude Code sends others.

Source: BerriAI/litellm, anthropic_beta_headers_config.json; QuantumNous/new-api#3041; read 2026-11-24.
"""
GLOBAL_HOSTS = {
    "global": "https://aiplatform.googleapis.com",
    "us": "https://aiplatform.us.rep.googleapis.com",
    "eu": "https://aiplatform.eu.rep.googleapis.com",
}
_ACTIONS = {
    ("anthropic", "chat", False): "rawPredict",
    ("anthropic", "chat", True): "streamRawPredict",
    ("anthropic", "count_tokens", False): "rawPredict",
    ("google", "chat", False): "generateContent",
    ("google", "chat", True): "streamGenerateContent",
    ("google", "count_tokens", False): "countTokens",
    ("google", "embeddings", False): "embedContent",
}


class VertexConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.vertex``, in addition to those of every channel."""

    publisher: Annotated[
        Literal["anthropic", "google"],
        Meta(description="Whose models are sold: anthropic (Claude) or google (Gemini); each needs its own channel."),
    ]
    location: Annotated[
        str,
        Meta(description="Region, such as us-east5, or global, us or eu for several.", pattern="^[a-z][a-z0-9-]*$"),
    ] = "global"
    project: Annotated[str | None, Meta(description="Project that pays; if left out, the service account's own.")] = (
        None
    )
    betas: Annotated[
        tuple[str, ...],
        Meta(description="Betas of Claude that customers may use; others are left out of the request."),
    ] = BETAS


class _Account(msgspec.Struct):
    project_id: str


_ACCOUNT = msgspec.json.Decoder(_Account)
_CONTENTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class Vertex(ChannelPlugin[VertexConfig]):
    """Asks the model that ``upstream`` names; a key is the JSON of a service account, as Google gives it."""

    config_type = VertexConfig
    dialects: tuple[Dialect, ...] = ("anthropic_messages", "gemini_generate")

    def __init__(self, config: VertexConfig, services: Services, section: ChannelSection) -> None:
        self.dialects = ("anthropic_messages",) if config.publisher == "anthropic" else ("gemini_generate",)
        super().__init__(config, services, section)
        host = GLOBAL_HOSTS.get(config.location, f"https://{config.location}-aiplatform.googleapis.com")
        base_url = (section.base_url or host).rstrip("/")
        for upstream in section.upstream_names.values():
            if config.publisher == "google" and is_asked_otherwise(upstream):
                problem = "embeds only through :predict, which relay does not speak; sell one of Gemini's own"
                raise ValueError(f"models: '{upstream}' {problem}")
        # Gemini's previews are only in v1beta1, which Google's own SDK uses too; Anthropic's uses v1.
        self._base_url = f"{base_url}/{'v1' if config.publisher == 'anthropic' else 'v1beta1'}"
        self._tokens = Tokens(services.transport, services.clock)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._tokens.close()

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        check_forwarded_headers(request.headers)
        project = self.config.project or _project(api_key)
        url, body = self._url(request, project), self._body(request)
        headers = {"content-type": "application/json", "authorization": f"Bearer {await self._tokens.of(api_key)}"}
        asked = [beta.strip() for beta in request.headers.get("anthropic-beta", "").split(",")]
        if betas := [beta for beta in asked if beta in self.config.betas]:
            headers["anthropic-beta"] = ",".join(betas)
        sent = UpstreamRequest(url=url, headers=headers, body=body)
        response = await self.services.transport.send(sent, self.deadlines)
        if response.status == 401:
            self._tokens.forget(api_key)
        return response

    def _url(self, request: ChannelRequest, project: str) -> str:
        publisher = self.config.publisher
        action = _ACTIONS.get((publisher, request.operation, request.stream))
        if action is None:
            raise UpstreamStatusError("misrouted", 404)
        if request.operation == "embeddings" and "requests" in request.fields:
            action = "batchEmbedContents"
        is_claudes_count = publisher == "anthropic" and request.operation == "count_tokens"
        model = "count-tokens" if is_claudes_count else quote(request.model, safe="@")
        place = f"projects/{quote(project, safe='')}/locations/{self.config.location}/publishers/{publisher}"
        url = f"{self._base_url}/{place}/models/{model}:{action}"
        return f"{url}?{request.query}" if request.query else url

    def _body(self, request: ChannelRequest) -> bytes:
        """Return the body in Vertex's form; the model is in the URL, except when Claude counts tokens."""
        fields = dict(request.fields)
        if request.operation == "embeddings":
            try:
                fields = vertex_embeddings(fields)
            except (ValueError, RecursionError) as exc:  # nested as deep as the request could just be read
                raise BadRequestError() from exc
        elif self.config.publisher == "google":
            fields.pop("model", None)
            _name_roles(fields)
        else:
            fields["anthropic_version"] = VERSION
            if request.operation == "chat":
                fields.pop("model", None)
        return msgspec.structs.replace(request, fields=fields).body()


def _name_roles(fields: dict[str, msgspec.Raw]) -> None:
    """Add the role ``user`` to turns without a role: Gemini's own API accepts them, but Vertex refuses them.

    Source: router-for-me/CLIProxyAPI#17, "Please use a valid role: user, model."; read 2026-11-24.
    """
    try:
        turns = _CONTENTS.decode(fields["contents"])
    except (KeyError, ValueError, RecursionError):
        return  # the upstream can say best what is wrong
    if all("role" in turn for turn in turns):
        return
    named = [turn if "role" in turn else {"role": msgspec.Raw(b'"user"'), **turn} for turn in turns]
    fields["contents"] = msgspec.Raw(msgspec.json.encode(named))


def _project(account: str) -> str:
    try:
        return _ACCOUNT.decode(account).project_id
    except ValueError:
        raise PluginError("channels.vertex: a key is not the JSON of a service account; it names no project") from None
