"""``channels.simulator``: an upstream inside the process, for demos, tests and load.

A real server on a free port of the loopback that speaks every dialect: OpenAI's chat, Responses
and completions, Anthropic's messages, Gemini and its interactions, whole and streamed; embeddings,
moderations, rankings, speech, transcriptions, pictures, and Realtime. It counts honestly (`answer`
says how), keeps nothing, and misbehaves on request: in all answers by the setting ``behaviour``, or
for one model by its upstream name, ``any-model+empty``. Behaviours that change what is said only
work for conversations; Realtime only has those that are a status.

===================== =======================================================================
empty                 an end without output
thinking-cut          thinking that reaches the limit before the answer
refusal               the model refuses
length                the output limit cuts the text
usage-missing         no figures
usage-zero            figures that say 0 for the output; usage-negative, usage-huge (2**63) and
                      usage-text ("many") likewise
model-swapped         another model's name in the answer
big-event             one event of 6 MiB
400, 401, 402, 403,   that status, with the vendors' words; 429 names a retry-after of 2 s
404, 413, 429, 500,
503, 529
context               400, the prompt is too long
403-policy            403, a refusal of the content
quota                 429, no money left at the upstream
html, 200-html        a proxy's page, with 502 or with 200
200-error             an error document with status 200
redirect              302 to elsewhere
error-first           a stream that begins with an error event
error-midway          a stream that ends with one in the middle
cut-text              half the answer, then an orderly end
cut-event             the same, within an event
cut-end               all but the end mark
garbage-event         an event in the middle that is not JSON
keep-alive            comments, pings or blank lines between events
slow, slow-first      200 ms between events, or before the head
slow-loris            the body byte by byte; slow-loris-head: the head
hang, hang-head,      silence from the start, after the head, or from the middle on
hang-midway
shut, shut-midway     the connection closed before the head, or in the middle
reset, reset-midway   the connection reset before the head, or in the middle
garbage               bytes that are not HTTP
bad-status            status 999
bad-chunk             a chunk without a size
big-head              a header of 1 MB
overrun               another answer after the end of this one
short-length          a body shorter than its content-length
two-lengths           content-length and chunked at once
gzip                  an encoding that was not asked for
===================== =======================================================================
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, get_args
from urllib.parse import quote

from msgspec import Meta

from relay import (
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    Dialect,
    PluginConfig,
    Services,
    UpstreamRequest,
    check_forwarded_headers,
)
from relay.plugins.channels.simulator.behaviours import NAMES
from relay.plugins.channels.simulator.server import SimulatorServer

__all__ = ["Simulator", "SimulatorConfig", "SimulatorServer"]

_PATHS = {
    ("openai_chat", "chat"): "/v1/chat/completions",
    ("openai_responses", "chat"): "/v1/responses",
    ("anthropic_messages", "chat"): "/v1/messages",
    ("openai_responses", "compact"): "/v1/responses/compact",
    ("openai_responses", "kept_answer"): "/v1/responses",
    ("openai_completions", "completion"): "/v1/completions",
    ("gemini_generate", "chat"): "/v1beta/models/{model}:{action}",
    ("gemini_generate", "embeddings"): "/v1beta/models/{model}:{action}",
    ("gemini_interactions", "chat"): "/v1beta/interactions",
    ("gemini_interactions", "kept_answer"): "/v1beta/interactions",
    ("embeddings", "embeddings"): "/v1/embeddings",
    ("images", "image_generation"): "/v1/images/generations",
    ("images", "image_edit"): "/v1/images/edits",
    ("audio", "speech"): "/v1/audio/speech",
    ("audio", "transcription"): "/v1/audio/transcriptions",
    ("audio", "translation"): "/v1/audio/translations",
    ("moderations", "moderation"): "/v1/moderations",
    ("rerank", "rerank"): "/v1/rerank",
    ("realtime", "realtime"): "/v1/realtime",
}


class SimulatorConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``channels.simulator``."""

    behaviour: Annotated[
        str | None,
        Meta(
            description="What every answer does wrong, such as empty, 429 or cut-text; absent: nothing. For one model "
            "alone, put it into its upstream name: any-model+empty. The source lists them."
        ),
    ] = None
    first_ms: Annotated[int, Meta(description="Wait before an answer, in milliseconds.", ge=0)] = 0
    pace_ms: Annotated[int, Meta(description="Wait between two events of a stream, in milliseconds.", ge=0)] = 0
    chunk_count: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Text pieces of an answer; absent: the question is echoed."),
    ] = None

    def __post_init__(self) -> None:
        if self.behaviour is not None and self.behaviour not in NAMES:
            raise ValueError(f"behaviour: expected one of {', '.join(sorted(NAMES))}; found '{self.behaviour}'")


def server_of(config: SimulatorConfig) -> SimulatorServer:
    """Return a server that answers as *config* says."""
    return SimulatorServer(
        behaviour=config.behaviour,
        first_s=config.first_ms / 1000,
        pace_s=config.pace_ms / 1000,
        chunk_count=config.chunk_count,
    )


class Simulator(ChannelPlugin[SimulatorConfig]):
    """A channel whose upstream starts and stops with it; it accepts any key."""

    config_type = SimulatorConfig
    dialects = get_args(Dialect)

    def __init__(self, config: SimulatorConfig, services: Services, section: ChannelSection) -> None:
        super().__init__(config, services, section)
        self.server = server_of(config)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        async with self.server.running():
            yield

    def build(self, request: ChannelRequest, api_key: str) -> UpstreamRequest:
        check_forwarded_headers(request.headers)
        path = _PATHS[request.dialect, request.operation].format(
            model=quote(request.model, safe=""), action=_action(request)
        )
        query = f"?{request.query}" if request.query else ""
        return UpstreamRequest(
            method=request.method,
            url=f"{self.server.url}{path}{request.subpath}{query}",
            headers={**request.headers, "content-type": request.content_type},
            body=request.body(),
        )


def _action(request: ChannelRequest) -> str:
    """Return the method in Gemini's URL."""
    if request.operation == "embeddings":
        return "batchEmbedContents" if "requests" in request.fields else "embedContent"
    return "streamGenerateContent" if request.stream else "generateContent"
