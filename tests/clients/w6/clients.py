"""What programs named on the shops' pages send, read in their own public sources on 2026-11-24.

Every entry names the repository, the commit and the file; only facts are written down here: paths, headers,
fields. ``KEY`` stands for the customer's key; the values of fields that the user sets are ours. Where the file
hands the request to a library, the fields it gives to the library are here, and the library has tests of its own
(`tests/sdk`, `tests/wire`).
"""

from dataclasses import dataclass
from typing import Any

HELLO = [{"role": "user", "content": "ping"}]
JSON = {"content-type": "application/json"}
BEARER = {**JSON, "authorization": "Bearer KEY"}
CHAT = "/v1/chat/completions"
WEB = "https://chat.example"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"


@dataclass(frozen=True)
class Ask:
    """A request that costs: its path with the query, its headers and its body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Client:
    """A program; ``origin`` is where its browser says it comes from, ``lists`` ask for the models it may use."""

    source: str
    asks: tuple[Ask, ...] = ()
    origin: str = ""
    lists: tuple[tuple[str, dict[str, str]], ...] = ()


def _chat(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": HELLO, **fields}


SAMPLING = {"temperature": 0.5, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
NEXT = {**BEARER, "x-requested-with": "XMLHttpRequest"}
STRICT = {"temperature": 0, "top_p": 1, "frequency_penalty": 1, "presence_penalty": 1}
ANTHROPIC = {**JSON, "anthropic-version": "2023-06-01", "x-api-key": "KEY"}
PREFILLED = {
    "system": [{"type": "text", "text": "You are Ada."}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "ping"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Ada:"}]},
    ],
    "model": "claude-sonnet-4-5",
    "max_tokens": 300,
    "stop_sequences": ["\nUser:"],
    "temperature": 1,
    "top_k": 0,
}
"""SillyTavern leaves the model to go on with words put into its mouth: the last turn is the assistant's."""
TAVERN = {**ANTHROPIC, "anthropic-beta": "output-128k-2025-02-19"}
CONTENTS = {
    "contents": [{"role": "user", "parts": [{"text": "ping"}]}],
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "generationConfig": {"candidateCount": 1, "maxOutputTokens": 300, "temperature": 1, "topP": 0.95},
    "systemInstruction": {"parts": [{"text": "You are Ada."}]},
}
GEMINI = "/v1beta/models/gemini-2.5-pro"

CLIENTS = {
    "nextchat": Client(
        "ChatGPTNextWeb/ChatGPT-Next-Web 025366fb1bd5 app/client/platforms/openai.ts, app/client/api.ts",
        (Ask(CHAT, NEXT, _chat(stream=True, **SAMPLING)), Ask(CHAT, NEXT, _chat(stream=False, **SAMPLING))),
        origin=WEB,
        lists=(("/v1/models", NEXT),),
    ),
    "chatgptbox": Client(
        "ChatGPTBox-dev/chatGPTBox 9595b9b5568e src/services/apis/test-connection.mjs: its test of a connection",
        (
            Ask(CHAT, BEARER, _chat(max_tokens=1, temperature=1, stream=False)),
            Ask(
                "/v1/messages",
                {**ANTHROPIC, "anthropic-dangerous-direct-browser-access": "true"},
                {
                    "model": "claude-sonnet-4-5",
                    "messages": HELLO,
                    "max_tokens": 1,
                    "temperature": 1,
                    "stream": False,
                },
            ),
        ),
        origin=EXTENSION,
    ),
    "openai-translator": Client(
        "openai-translator/openai-translator 06672185a598 src/common/engines/abstract-openai.ts",
        (Ask(CHAT, BEARER, _chat(stream=True, **STRICT)),),
        origin=EXTENSION,
        lists=(("/v1/models", BEARER),),
    ),
    "gpt-academic": Client(
        "binary-husky/gpt_academic 02bcf2fce992 request_llms/bridge_chatgpt.py: the address is the whole endpoint's",
        (Ask(CHAT, BEARER, _chat(temperature=1, top_p=1, n=1, stream=True, presence_penalty=0, frequency_penalty=0)),),
    ),
    "chatgpt-web-midjourney-proxy": Client(
        "Dooy/chatgpt-web-midjourney-proxy 00e63ecd4e55 src/api/openapi.ts: reads choices[0] of every chunk, so that "
        "one of usage, which it did not ask for, would break it",
        (
            Ask(
                CHAT,
                {**BEARER, "accept": "text/event-stream"},
                _chat(stream=True, max_tokens=1024, top_p=1, presence_penalty=0, frequency_penalty=0),
            ),
        ),
        origin=WEB,
    ),
    "chatall": Client(
        "ai-shifu/ChatALL 04f1188affc2 src/bots/openai/OpenAIAPIBot.js: LangChain, which adds the endpoint's path",
        (Ask(CHAT, BEARER, _chat(temperature=0.8, stream=True)),),
    ),
    "chatbox": Client(
        "chatboxai/chatbox c855455073f8 src/shared/models/openai-compatible.ts: base with /v1, and /models after it",
        (Ask(CHAT, BEARER, _chat(temperature=0.7, stream=True, stream_options={"include_usage": True})),),
        origin=WEB,
        lists=(("/v1/models", BEARER),),
    ),
    "fastgpt": Client(
        "labring/FastGPT 03316b89cea8 packages/service/core/ai/config.ts: npm openai",
        (Ask(CHAT, BEARER, _chat(temperature=0, stream=True)), Ask(CHAT, BEARER, _chat(stream=False))),
    ),
    "librechat": Client(
        "danny-avila/LibreChat 003bf57e7857 packages/api/src/endpoints/models.ts: base with /v1, OpenAI's and Anthropic's",
        lists=(
            ("/v1/models", {"authorization": "Bearer KEY"}),
            ("/v1/models", {"x-api-key": "KEY", "anthropic-version": "2023-06-01"}),
        ),
    ),
    "sillytavern": Client(
        "SillyTavern/SillyTavern 000b092f2bf0 src/endpoints/backends/chat-completions.js: a proxy's address with "
        "/v1, and without, where the parser of addresses leaves two slashes",
        (
            Ask("/chat/completions", BEARER, _chat(stream=True, max_tokens=300, **SAMPLING)),
            Ask("/v1/messages", TAVERN, {**PREFILLED, "stream": False}),
            Ask("//messages", TAVERN, {**PREFILLED, "stream": True}),
            Ask(f"{GEMINI}:generateContent?key=KEY", JSON, CONTENTS),
            Ask(f"{GEMINI}:streamGenerateContent?key=KEY&alt=sse", JSON, CONTENTS),
        ),
        lists=(("/models", {"authorization": "Bearer KEY"}),),
    ),
}
