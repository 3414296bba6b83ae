"""What programs named on the shops' pages send, read in their own public sources on 2026-11-29.

Every entry names the repository, the commit and the file; only facts are written down here: paths, headers,
fields. ``KEY`` stands for the customer's key; the values of fields that the user sets are ours. Where the file
hands the request to a library, the entry is what that library sent to a socket when it was given the file's
arguments, and names its version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MODEL, CLAUDE, GEMINI, DALLE = "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "dall-e-3"
HELLO = [{"role": "user", "content": "ping"}]
JSON = {"content-type": "application/json"}
KEY = {"authorization": "Bearer KEY"}
BEARER = {**JSON, **KEY}
CHAT, PICTURES = "/v1/chat/completions", "/v1/images/generations"
USAGE = {"stream_options": {"include_usage": True}}


@dataclass(frozen=True)
class Ask:
    """A request that costs: its path with the query, its headers and its body."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    deployment: str = ""
    """The model that the path names in Azure's way, and the upstream must get."""


@dataclass(frozen=True)
class Look:
    """A request that costs nothing: its path with the query, and its headers."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Client:
    """A program; ``origin`` is where its browser says it comes from."""

    source: str
    asks: tuple[Ask, ...] = ()
    origin: str = ""
    models: tuple[Look, ...] = ()
    balance: tuple[Look, ...] = ()


def _chat(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": HELLO, **fields}


def _drawing(**fields: Any) -> dict[str, Any]:
    return {"model": DALLE, "prompt": "Cat", "n": 1, **fields}


SAMPLING = {"temperature": 0.5, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
ANTHROPIC = {**JSON, "anthropic-version": "2023-06-01", "x-api-key": "KEY"}

NEXT = {**BEARER, "accept": "application/json"}
NEXT_AZURE = {**JSON, "accept": "application/json", "api-key": "KEY"}
NEXT_DALLE = {"response_format": "b64_json", "size": "1024x1024", "quality": "standard", "style": "vivid"}

BOX_CLAUDE = {**ANTHROPIC, "anthropic-dangerous-direct-browser-access": "true"}
BOX = {"stream": True, "max_tokens": 2000}

# A browser sends its own name instead; the desktop program sends this one.
TRANSLATOR = {
    **BEARER,
    "user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "chatall/1.29.40 Chrome/114.0.5735.134 Safari/537.36",
}
STRICT = {"temperature": 0, "top_p": 1, "frequency_penalty": 1, "presence_penalty": 1}

STAINLESS = {
    "x-stainless-retry-count": "0",
    "x-stainless-lang": "js",
    "x-stainless-package-version": "6.49.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "node",
    "x-stainless-runtime-version": "v20.20.2",
}
"""What every SDK of OpenAI and Anthropic adds; a browser has to ask for each of them beforehand."""
LOBE = {"frequency_penalty": 0, "presence_penalty": 0, "temperature": 1, "top_p": 1, **USAGE}

TAVERN_CLAUDE = {
    "messages": [{"role": "user", "content": "ping"}, {"role": "assistant", "content": "Ada:"}],
    "model": CLAUDE,
    "max_tokens": 300,
    "stop_sequences": ["\nUser:"],
    "temperature": 1,
    "top_p": 1,
    "top_k": 0,
    "system": "You are Ada.",
}
"""SillyTavern leaves the model to go on with words put into its mouth: the last turn is the assistant's."""
TAVERN_CACHED = {
    **TAVERN_CLAUDE,
    "system": [{"type": "text", "text": "You are Ada.", "cache_control": {"type": "ephemeral"}}],
}
STEP = {
    "type": "object",
    "properties": {"explanation": {"type": "string"}, "output": {"type": "string"}},
    "required": ["explanation", "output"],
    "additionalProperties": False,
}
REASONING = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": STEP}, "final_answer": {"type": "string"}},
    "required": ["steps", "final_answer"],
    "additionalProperties": False,
}
HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")
CONTENTS = {
    "contents": [{"role": "user", "parts": [{"text": "ping"}]}],
    "safetySettings": [{"category": f"HARM_CATEGORY_{harm}", "threshold": "BLOCK_NONE"} for harm in HARMS],
    "generationConfig": {
        "stopSequences": [],
        "candidateCount": 1,
        "maxOutputTokens": 300,
        "temperature": 1,
        "topP": 0.95,
    },
    "system_instruction": {"parts": [{"text": "You are Ada."}]},
}
OF_GEMINI = f"/v1beta/models/{GEMINI}"

CLIENTS = {
    "curl": Client(
        "Juhe's page, the sample of a structured request",
        (
            Ask(
                CHAT,
                {**BEARER, "user-agent": "curl/8.5.0", "accept": "*/*"},
                _chat(
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": "math_reasoning", "schema": REASONING, "strict": True},
                    }
                ),
            ),
        ),
    ),
    "requests": Client(
        "Juhe's page, the program with requests and the script that shows a balance: requests 2.32",
        (
            Ask(
                CHAT,
                {**BEARER, "user-agent": "python-requests/2.32.5", "accept": "*/*"},
                _chat(
                    messages=[
                        {"role": "system", "content": "你是一个机器人助理"},
                        {"role": "user", "content": "你是谁?"},
                    ]
                ),
            ),
        ),
        balance=(Look("/v1/dashboard/billing/subscription", BEARER), Look("/v1/dashboard/billing/usage", BEARER)),
    ),
    "nextchat": Client(
        "ChatGPTNextWeb/ChatGPT-Next-Web f7cde1791938 app/client/platforms/openai.ts, app/client/api.ts, app/constant.ts",
        (
            Ask(CHAT, NEXT, _chat(stream=True, **SAMPLING)),
            Ask(CHAT, NEXT, _chat(stream=False, **SAMPLING)),
            Ask(PICTURES, NEXT, _drawing(**NEXT_DALLE)),
            Ask(
                f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-02-01",
                NEXT_AZURE,
                _chat(stream=True, **SAMPLING),
                deployment=MODEL,
            ),
            Ask(
                f"/openai/deployments/{DALLE}/images/generations?api-version=2024-02-01",
                NEXT_AZURE,
                _drawing(**NEXT_DALLE),
                deployment=DALLE,
            ),
        ),
        origin="https://app.nextchat.dev",
        models=(Look("/v1/models", NEXT),),
        balance=(
            Look("/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-30", NEXT),
            Look("/dashboard/billing/subscription", NEXT),
        ),
    ),
    "chatgptbox": Client(
        "ChatGPTBox-dev/chatGPTBox 0d01aed30d52 src/services/apis: openai-compatible-core.mjs, claude-api.mjs, "
        "azure-openai-api.mjs, which names no model",
        (
            Ask(CHAT, BEARER, _chat(**BOX)),
            Ask("/v1/messages", BOX_CLAUDE, {"model": CLAUDE, "messages": HELLO, **BOX}),
            Ask(
                f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-02-01",
                {**JSON, "api-key": "KEY"},
                {"messages": HELLO, **BOX},
                deployment=MODEL,
            ),
        ),
        origin="chrome-extension://eobbhoofkanlmddnplfhnmkfbnlhpbbo",
    ),
    "openai-translator": Client(
        "openai-translator/openai-translator c3bc4bb5de74 src/common/engines/abstract-openai.ts",
        (Ask(CHAT, TRANSLATOR, _chat(stream=True, **STRICT)),),
        origin="chrome-extension://ogjibjphoadhljaoicdnjnmgokohngcc",
        models=(Look("/v1/models", BEARER),),
    ),
    "gpt-academic": Client(
        "binary-husky/gpt_academic 0aa0472da44e request_llms/bridge_chatgpt.py, bridge_all.py: the address is the whole "
        "endpoint's; to Azure with both headers, and a name of its own for the model",
        (
            Ask(CHAT, BEARER, _chat(temperature=1.0, top_p=1.0, n=1, stream=True)),
            Ask(
                f"/openai/deployments/{MODEL}/chat/completions?api-version=2023-05-15",
                {**BEARER, "api-key": "KEY"},
                {**_chat(temperature=1.0, top_p=1.0, n=1, stream=True), "model": "azure-gpt-4"},
                deployment=MODEL,
            ),
        ),
    ),
    "chatgpt-web-midjourney-proxy": Client(
        "Dooy/chatgpt-web-midjourney-proxy 969a9e538c72 src/api/openapi.ts: reads choices[0] of every chunk, so that "
        "one of usage, which it did not ask for, would break it",
        (
            Ask(
                CHAT,
                {**BEARER, "accept": "text/event-stream"},
                _chat(max_tokens=1024, stream=True, **SAMPLING),
            ),
            Ask(PICTURES, BEARER, _drawing(size="1024x1024")),
        ),
        origin="https://vercel.ddaiai.com",
        balance=(
            Look("/v1/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-30", BEARER),
            Look("/v1/dashboard/billing/subscription", BEARER),
        ),
    ),
    "chatall": Client(
        "ai-shifu/ChatALL 6d089c2ab72d src/bots/openai/OpenAIAPIBot.js: @langchain/openai, here 0.5.18",
        (Ask(CHAT, {**BEARER, **STAINLESS}, _chat(temperature=0.8, stream=True, **USAGE)),),
    ),
    "chatbox": Client(
        "chatboxai/chatbox 0d3139e5bf16 src/shared/providers/definitions/models: openai.ts, custom-openai.ts, "
        "src/shared/models/openai-compatible.ts: ai 6.0.326, @ai-sdk/openai 3.0.141, @ai-sdk/openai-compatible 2.0.92",
        (
            Ask(CHAT, BEARER, _chat(stream=True)),
            Ask(CHAT, BEARER, _chat(stream=True, **USAGE)),
            Ask(PICTURES, BEARER, _drawing(response_format="b64_json")),
        ),
        origin="https://web.chatboxai.app",
        models=(Look("/v1/models", KEY),),
    ),
    "fastgpt": Client(
        "labring/FastGPT 00f7afe304ba packages/service/core/ai/llm/request.ts: npm openai",
        (
            Ask(CHAT, {**BEARER, "accept": "application/json, text/plain, */*"}, _chat(temperature=0, stream=True)),
            Ask(CHAT, {**BEARER, "accept": "application/json, text/plain, */*"}, _chat(stream=False)),
        ),
    ),
    "lobechat": Client(
        "lobehub/lobe-chat 013f7307ea2d packages/model-runtime/src/core/openaiCompatibleFactory/index.ts, 3c7f18669a25 "
        "createImage.ts beside it, 003aebcf0e27 src/services/chat/index.ts, 23bc8f52372b "
        "packages/const/src/settings/agent.ts: npm openai 6.49.0, in the browser too; its check of a connection is a chat",
        (
            Ask(
                CHAT,
                {**BEARER, **STAINLESS, "accept": "*/*"},
                {**_chat(stream=True, **LOBE), "messages": [{"content": "hello", "role": "user"}]},
            ),
            Ask(
                PICTURES,
                {**BEARER, **STAINLESS},
                _drawing(response_format="b64_json", size="1024x1024"),
            ),
        ),
        origin="https://lobechat.com",
        models=(Look("/v1/models", {**KEY, **STAINLESS}),),
    ),
    "librechat": Client(
        "danny-avila/LibreChat f026545cf967 packages/api/src/endpoints/models.ts: base with /v1, OpenAI's and "
        "Anthropic's; 37d31ec25f2a api/app/clients/tools/structured/DALLE3.js: npm openai; LibreChat-AI/agents 3.9.2 "
        "src/llm/openai/index.ts: @langchain/openai 1.5.8, for a chat streamed, for its title not",
        (
            Ask(CHAT, {**BEARER, **STAINLESS}, _chat(user="66f0", stream=True, **USAGE)),
            Ask(CHAT, {**BEARER, **STAINLESS}, _chat(user="66f0", stream=False)),
            Ask(
                PICTURES,
                {**BEARER, **STAINLESS},
                _drawing(quality="standard", style="vivid", size="1024x1024"),
            ),
        ),
        models=(
            Look("/v1/models", KEY),
            Look("/v1/models", {"x-api-key": "KEY", "anthropic-version": "2023-06-01"}),
        ),
    ),
    "vpet": Client(
        "LorisYounger/VPet.Plugin.Demo 4a53d8b822f4 VPet.Plugin.ChatGPT/winSetting.xaml.cs; "
        "LorisYounger/ChatGPT.API.Framework 958da90675a0 Completions.cs: the address is the whole endpoint's",
        tuple(
            Ask(
                CHAT,
                {**KEY, "content-type": "application/json; charset=utf-8"},
                _chat(
                    temperature=1.0,
                    max_tokens=2048,
                    presence_penalty=1.0,
                    frequency_penalty=0.2,
                    n=1,
                    user="vpet",
                    stream=is_stream,
                ),
            )
            for is_stream in (True, False)
        ),
    ),
    "sillytavern": Client(
        "SillyTavern/SillyTavern ba6f7b7a98cf src/endpoints/backends/chat-completions.js: a proxy's address with "
        "/v1, and without, where the parser of addresses leaves two slashes; Gemini of the address's host alone",
        (
            Ask(
                "/v1/chat/completions",
                BEARER,
                _chat(stream=True, max_tokens=300, stop=[], logit_bias={}, **SAMPLING),
            ),
            Ask("//chat/completions", BEARER, _chat(stream=False, max_tokens=300, stop=[], **SAMPLING)),
            Ask("/v1/messages", ANTHROPIC, {**TAVERN_CLAUDE, "stream": False}),
            Ask(
                "//messages",
                {**ANTHROPIC, "anthropic-beta": "prompt-caching-2024-07-31"},
                {**TAVERN_CACHED, "stream": True},
            ),
            Ask(f"{OF_GEMINI}:generateContent?key=KEY", JSON, CONTENTS),
            Ask(f"{OF_GEMINI}:streamGenerateContent?key=KEY&alt=sse", JSON, CONTENTS),
        ),
        models=(Look("/v1/models", KEY), Look("//models", KEY)),
    ),
}
