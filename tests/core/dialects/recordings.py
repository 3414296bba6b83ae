"""What each recording of chat, messages and embeddings says, written out by hand.

Usage is disjoint, as relay keeps it, and notes follow it, of which ``cost`` is what the upstream says it costs, in
nano-USD; ``outcome`` is how the exchange ends.
Figures were taken from the recordings' INDEX.md and made disjoint by DIALECTS.md 3.2, not by
running the code that is tested with them. Where the upstream gave no figures, ``usage`` is None.
"""

from dataclasses import dataclass

from relay.core.exchange import Dialect, Outcome
from relay.core.usage import Iteration, Usage

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True)
class Expected:
    """What reading one recording gives.

    ``added`` is what relay writes after an upstream that sends no end mark of its own.
    """

    name: str
    outcome: Outcome
    usage: Usage | None
    dialect: Dialect = "openai_chat"
    is_reasoning_beside_output: bool = False
    added: str = ""


def _chat(
    name: str,
    outcome: Outcome,
    fresh: int,
    output: int,
    *,
    read: int = 0,
    write: int = 0,
    reasoning: int = 0,
    audio: int = 0,
    searches: int = 0,
    beside: bool = False,
    added: str = "",
    cost: int | None = None,
) -> Expected:
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_5m_tokens=write,
        output_tokens=output,
        reasoning_tokens=reasoning,
        upstream_cost_nano=cost,
        audio_input_tokens=audio,
        web_search_count=searches,
    )
    return Expected(name, outcome, usage, is_reasoning_beside_output=beside, added=added)


def _message(
    name: str,
    outcome: Outcome,
    fresh: int,
    output: int,
    *,
    read: int = 0,
    write: int = 0,
    write_1h: int = 0,
    thinking: int = 0,
    searches: int = 0,
    iterations: tuple[Iteration, ...] = (),
) -> Expected:
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_5m_tokens=write,
        cache_write_1h_tokens=write_1h,
        output_tokens=output,
        reasoning_tokens=thinking,
        web_search_count=searches,
        iterations=iterations,
    )
    return Expected(name, outcome, usage, dialect="anthropic_messages")


def _response(
    name: str,
    outcome: Outcome,
    fresh: int,
    output: int,
    *,
    read: int = 0,
    write: int = 0,
    reasoning: int = 0,
    searches: int = 0,
    containers: int = 0,
    cost: int | None = None,
) -> Expected:
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_5m_tokens=write,
        output_tokens=output,
        reasoning_tokens=reasoning,
        upstream_cost_nano=cost,
        web_search_count=searches,
        tool_counts={"code_interpreter": containers} if containers else {},
    )
    return Expected(name, outcome, usage, dialect="openai_responses")


def _gemini(
    name: str,
    outcome: Outcome,
    fresh: int,
    output: int,
    *,
    read: int = 0,
    thoughts: int = 0,
    searches: int = 0,
    seen: int = 0,
    drawn: int = 0,
) -> Expected:
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        output_tokens=output,
        reasoning_tokens=thoughts,
        web_search_count=searches,
        image_input_tokens=seen,
        image_output_tokens=drawn,
    )
    return Expected(name, outcome, usage, dialect="gemini_generate")


STREAMS: tuple[Expected, ...] = (
    _gemini("gemini/max-tokens-stream", "complete", 40, 2 + 44, thoughts=44),
    _gemini("gemini/stream", "complete", 8, 8),
    _gemini("gemini/stream-thoughts-tokens", "complete", 11, 2 + 21, thoughts=21),
    _gemini("gemini/stream-two-finishes", "complete", 91 + 574, 93 + 211, thoughts=211),
    _gemini("gemini/thought-parts-stream", "complete", 9, 5 + 62, thoughts=62),
    _gemini("gemini/tools-parallel-stream", "complete", 70, 40 + 61, thoughts=61),
    _gemini("gemini/tools-signature-stream", "complete", 168, 20 + 34, thoughts=34),
    _gemini("gemini/tools-stream", "complete", 238, 29),
    _gemini("gemini/vertex-stream", "complete", 19, 28 + 57, thoughts=57),
    _gemini("documented/gemini-stream-safety-midway", "refused", 10, 2),
    _response("openai-responses/background-queued-stream", "complete", 15, 9),
    _response("openai-responses/cached-stream", "complete", 125, 8, read=1390),
    _response("openai-responses/code-interpreter-stream", "complete", 527, 347, read=3200, reasoning=128, containers=1),
    _response("openai-responses/codex-backend-stream", "complete", 28, 10),
    _response("openai-responses/image-generation-stream", "complete", 1021, 1249, read=1920, reasoning=1024),
    _response("openai-responses/incomplete-stream", "empty", 13, 0),
    _response("openai-responses/keepalive-stream", "complete", 140, 7),
    _response("openai-responses/reasoning-summary-stream", "complete", 63, 121, reasoning=64),
    _response("openai-responses/refusal-stream", "refused", 54, 11),
    _response("openai-responses/stream", "complete", 11, 5),
    _response("openai-responses/tools-parallel-stream", "complete", 160, 49),
    _response("openai-responses/tools-stream", "complete", 58, 17),
    _response("openai-responses/web-search-stream", "complete", 8234, 79, reasoning=34, searches=1),
    _response("deepseek/responses-stream", "complete", 95, 14, reasoning=12),
    _response("xai/responses-stream", "complete", 71, 160, read=128, reasoning=152, cost=514_350),
    Expected("derived/responses-cut", "truncated", None, dialect="openai_responses"),
    Expected("derived/responses-no-completed", "truncated", None, dialect="openai_responses"),
    _chat("openai-chat/cached-stream", "complete", 140, 100, read=1280),
    _chat("openai-chat/json-schema-stream", "complete", 95, 281, reasoning=256),
    _chat("openai-chat/length-stream", "empty", 13, 50, reasoning=50),
    _chat("openai-chat/logprobs-stream", "complete", 7, 10),
    _chat("openai-chat/reasoning-stream", "complete", 19, 75, reasoning=64),
    _chat("openai-chat/refusal-stream", "refused", 64, 12),
    Expected("openai-chat/stream-no-usage", "complete", None),
    _chat("openai-chat/stream-obfuscation", "complete", 26, 4),
    _chat("openai-chat/stream-usage", "complete", 12, 5),
    _chat("openai-chat/tools-parallel-stream", "complete", 75, 51),
    _chat("openai-chat/tools-stream", "complete", 147, 13),
    _chat("openai-chat/tools-truncated-stream", "complete", 101, 16),
    Expected("azure/chat-stream", "complete", None),
    _chat("deepseek/reasoning-stream", "complete", 17, 47, reasoning=34),
    _chat("deepseek/reasoning-tools-stream", "complete", 297, 35, reasoning=7),
    _chat("deepseek/stream", "complete", 11, 8),
    _chat("xai/reasoning-stream", "complete", 21, 200, read=192, reasoning=198, beside=True, cost=308_040),
    _chat("xai/stream", "complete", 1, 131, read=164, reasoning=129, beside=True, cost=73_900),
    _chat("mistral/stream", "complete", 22, 8),
    _chat("mistral/tools-stream", "complete", 31, 28, read=128),
    Expected("groq/err-stream-tool-use-failed", "truncated", None),
    _chat("groq/reasoning-tools-stream", "complete", 304, 49, reasoning=23),
    _chat("groq/stream-x-groq-usage", "complete", 12, 24),
    _chat("groq/stream", "complete", 20, 4),
    _chat("openrouter/glm-tools-stream", "complete", 45, 33, read=128, reasoning=19, cost=216_720),
    _chat("openrouter/kimi-stream", "complete", 61, 97, read=64, reasoning=56, cost=234_920),
    _chat("openrouter/reasoning-stream", "complete", 626, 106, reasoning=54, cost=1_156_000),
    _chat("openrouter/stream-error-midway", "truncated", 43, 10, reasoning=11, cost=0),
    _chat("openrouter/stream", "complete", 15, 9, cost=60_000),
    _chat("zhipu/stream", "complete", 13, 564, reasoning=561),
    _chat("zhipu/tools-stream", "complete", 1, 87, read=172, reasoning=63),
    _chat("qwen/ollama-qwen3-tools-stream", "complete", 195, 140),
    _chat("qwen/tools-stream", "complete", 295, 22),
    _chat("moonshot/kimi-avian-tools-stream", "complete", 12, 47, read=64, reasoning=34, cost=123_200),
    _chat("moonshot/stream", "complete", 9, 12, reasoning=7),
    _chat("compat/ollama-stream", "complete", 74, 45),
    _chat("compat/perplexity-stream", "complete", 8, 5, searches=1, added=DONE, cost=5_010_000),
    _chat("compat/vercel-gateway-stream", "complete", 9, 2, reasoning=25, cost=70_200),
    Expected("derived/openai-chat-cut-before-usage", "truncated", None),
    Expected("derived/openai-chat-cut-in-text", "truncated", None),
    Expected("derived/openai-chat-cut-mid-event", "truncated", None),
    _chat("derived/openai-chat-empty", "empty", 12, 0),
    _chat("derived/openai-chat-no-done", "complete", 12, 5, added=DONE),
    Expected("derived/openai-chat-tool-cut", "truncated", None),
    Expected("documented/openai-stream-error-midway", "truncated", None),
    _chat("documented/spark-http-stream", "complete", 6, 3),
    _message("anthropic/cache-mixed-stream", "complete", 3, 10, read=17269, write=37),
    _message("anthropic/cache-read-stream", "complete", 11, 100, read=1031),
    _message("anthropic/cache-write-stream", "complete", 4, 201, write=1165),
    _message("anthropic/citations-stream", "complete", 672, 39),
    _message(
        "anthropic/compaction-stream",
        "complete",
        281,
        91,
        read=55096,
        iterations=(
            Iteration(input_tokens=100, cache_read_tokens=55096, output_tokens=83),
            Iteration(input_tokens=181, output_tokens=8),
        ),
    ),
    _message("anthropic/max-tokens-stream", "complete", 15, 50),
    _message("anthropic/pause-turn-stream", "complete", 404500, 943, thinking=261, searches=10),
    _message("anthropic/redacted-thinking-stream", "complete", 92, 189),
    _message("anthropic/refusal-stream", "refused", 28, 106, thinking=67),
    _message("anthropic/stop-sequence-stream", "complete", 16, 28),
    _message("anthropic/stream", "complete", 10, 4),
    _message(
        "anthropic/thinking-signature-only-stream",
        "complete",
        4954,
        163,
        thinking=47,
        iterations=(
            Iteration(input_tokens=1128, output_tokens=135),
            Iteration(input_tokens=2543, output_tokens=18, model="claude-opus-4-8"),
            Iteration(input_tokens=1283, output_tokens=10),
        ),
    ),
    _message("anthropic/thinking-stream", "complete", 45, 44),
    _message("anthropic/thinking-tools-stream", "complete", 598, 92, thinking=53),
    _message("anthropic/tools-parallel-stream", "complete", 700, 70),
    _message("anthropic/tools-stream", "complete", 543, 40),
    _message("anthropic/tools-text-then-tool-stream", "complete", 506, 153),
    _message("anthropic/vertex-stream", "complete", 16, 16),
    _message("anthropic/web-search-stream", "complete", 2254, 110, write=17269, searches=1),
    _message("derived/anthropic-cut-after-thinking", "truncated", 45, 1),
    _message("derived/anthropic-cut-in-text", "truncated", 45, 1),
    _message("derived/anthropic-cut-in-thinking", "truncated", 45, 1),
    _message("derived/anthropic-empty", "empty", 10, 4),
    _message("derived/anthropic-no-message-stop", "truncated", 45, 44),
    Expected("documented/anthropic-stream-overloaded-first", "upstream_error", None, dialect="anthropic_messages"),
    _message("documented/anthropic-stream-overloaded-midway", "truncated", 12, 1),
)
"""Streams. Of those that were cut in a Messages answer, the output is ``message_start``'s, not final."""

BODIES: tuple[Expected, ...] = (
    Expected(
        "openai-other/image-dalle3-url",
        "complete",
        Usage(input_tokens=1000, unit_count=1, source="estimated"),
        dialect="images",
    ),
    Expected(
        "openai-other/image-gpt-image-b64",
        "complete",
        Usage(
            input_tokens=10,
            output_tokens=4160,
            image_output_tokens=4160,
            unit_count=1,
            size="1024x1024",
            quality="high",
        ),
        dialect="images",
    ),
    Expected(
        "openai-other/moderation",
        "complete",
        Usage(input_tokens=14, unit_count=1, source="estimated"),
        dialect="moderations",
    ),
    Expected("compat/rerank-cohere", "complete", Usage(unit_count=1), dialect="rerank"),
    _gemini("gemini/cached-content", "complete", 13, 35 + 136, read=9609, thoughts=136),
    _gemini("gemini/finish-unexpected-tool-call", "complete", 22, 3 + 134, thoughts=134),
    _gemini("gemini/grounding", "complete", 10 + 73, 30 + 109, thoughts=109, searches=1),
    _gemini("gemini/image-input", "complete", 272, 86 + 641, thoughts=641, seen=258),
    _gemini("gemini/image-output", "complete", 4, 1290, drawn=1290),
    _gemini("gemini/max-tokens", "complete", 9, 1 + 45, thoughts=45),
    _gemini("gemini/max-tokens-no-content", "empty", 15, 2, thoughts=2),
    _gemini("gemini/plain", "complete", 12, 2),
    Expected("gemini/prompt-block-empty-candidates", "refused", None, dialect="gemini_generate"),
    _gemini("gemini/response-schema", "complete", 2, 13 + 58, thoughts=58),
    _gemini("gemini/safety-block", "refused", 14, 0),
    _gemini("gemini/thought-parts", "complete", 9, 7 + 33, thoughts=33),
    _gemini("gemini/thoughts-tokens", "complete", 11, 2 + 24, thoughts=24),
    _gemini("gemini/tool-result", "complete", 156, 11),
    _gemini("gemini/tools", "complete", 70, 15),
    _gemini("gemini/tools-parallel", "complete", 72, 30 + 66, thoughts=66),
    _gemini("documented/gemini-prompt-blocked", "refused", 10, 0),
    _response("openai-responses/cache-write", "complete", 3, 100, write=1217, reasoning=54),
    _response("openai-responses/cached", "complete", 125, 8, read=1390),
    _response("openai-responses/custom-tool", "complete", 159, 275, reasoning=256),
    _response("openai-responses/file-input", "complete", 26, 12),
    _response("openai-responses/image-input", "complete", 269, 21),
    _response("openai-responses/incomplete", "complete", 14, 50),
    _response("openai-responses/incomplete-zero-output", "empty", 14, 0),
    _response("openai-responses/json-schema", "complete", 82, 14),
    _response("openai-responses/plain", "complete", 27, 11),
    _response("openai-responses/previous-response-id", "complete", 64, 14),
    _response("openai-responses/reasoning", "complete", 19, 214, reasoning=192),
    _response("openai-responses/reasoning-encrypted-tools", "complete", 88, 65, reasoning=45),
    _response("openai-responses/tool-result", "complete", 89, 18),
    _response("openai-responses/tools", "complete", 75, 23),
    _chat("openai-chat/audio-input", "complete", 42, 10, audio=25),
    _chat("openai-chat/cache-write", "empty", 3, 100, write=1217, reasoning=100),
    _chat("openai-chat/cached", "complete", 125, 261, read=1024),
    _chat("openai-chat/json-schema", "complete", 127, 93),
    _chat("openai-chat/legacy-function-call", "complete", 62, 14),
    _chat("openai-chat/length-reasoning-empty", "empty", 13, 50, reasoning=50),
    _chat("openai-chat/n2", "complete", 12, 10),
    _chat("openai-chat/plain", "complete", 12, 5),
    _chat("openai-chat/reasoning", "complete", 19, 84, reasoning=64),
    _chat("openai-chat/refusal", "refused", 65, 13),
    _chat("openai-chat/tool-result", "complete", 146, 3),
    _chat("openai-chat/tools-parallel", "complete", 75, 51),
    _chat("openai-chat/tools", "complete", 218, 22),
    _chat("openai-chat/vision-base64", "complete", 232, 163, reasoning=128),
    _chat("openai-chat/vision-url", "complete", 267, 106),
    _chat("openai-chat/web-search", "complete", 13, 197, searches=1),
    _chat("azure/chat", "complete", 15, 24),
    _chat("azure/content-filter-output", "refused", 15, 19),
    _chat("deepseek/cache-hit", "complete", 103, 25, read=256),
    _chat("deepseek/length-empty-tool-args", "complete", 99, 16, read=256),
    _chat("deepseek/plain", "complete", 12, 1),
    _chat("deepseek/reasoning", "complete", 97, 17, reasoning=15),
    _chat("xai/plain", "complete", 9, 127, read=156, reasoning=125, beside=True, cost=73_100),
    _chat("mistral/plain", "complete", 22, 8),
    _chat("mistral/tools", "complete", 72, 14),
    _chat("openrouter/cache-write", "complete", 3, 63, write=2569, cost=10_587_750),
    _chat("openrouter/content-filter-refusal", "refused", 43, 13, cost=190_000),
    _chat("openrouter/leading-blank-lines", "complete", 129, 86, reasoning=51, cost=228_760),
    _chat("zhipu/tools", "complete", 130, 88, read=43, reasoning=62),
    _chat("qwen/reasoning", "complete", 24, 1668, reasoning=1353),
    _chat("qwen/tools", "complete", 295, 22),
    _chat("moonshot/reasoning", "complete", 10, 30, read=10, reasoning=22),
    _chat("compat/perplexity-plain", "complete", 9, 12, searches=1, cost=5_020_000),
    _chat("gemini/openai-compat-tools", "complete", 35, 74, beside=True),
    _chat("documented/spark-http-plain", "complete", 6, 3),
    _message("anthropic/cache-read", "complete", 10, 4, read=7351),
    _message("anthropic/cache-write-1h", "complete", 17, 100, write_1h=2056),
    _message("anthropic/cache-write", "complete", 10, 4, write=7351),
    _message("anthropic/document-pdf", "complete", 1598, 14),
    _message("anthropic/empty-end-turn", "empty", 697, 2),
    _message("anthropic/image", "complete", 27, 65),
    _message("anthropic/output-format", "complete", 211, 41),
    _message("anthropic/plain", "complete", 17, 6),
    _message("anthropic/redacted-thinking", "complete", 92, 196),
    _message("anthropic/thinking-adaptive-tokens", "complete", 19, 25, thinking=20),
    _message("anthropic/thinking-tools", "complete", 424, 110),
    _message("anthropic/thinking", "complete", 45, 39, thinking=23),
    _message("anthropic/tool-result", "complete", 606, 6),
    _message("anthropic/tools-parallel", "complete", 507, 137),
    _message("anthropic/tools", "complete", 574, 37, thinking=9),
    Expected("openai-other/embeddings", "complete", Usage(input_tokens=2), dialect="embeddings"),
    Expected("openai-other/embeddings-base64", "complete", Usage(input_tokens=2), dialect="embeddings"),
)
"""Whole answers of status 200."""

DISGUISED = {
    "azure/content-filter-prompt-400": "request",
    "documented/relay-200-error-body": "sick",
}
"""Errors recorded with status 200, and their failure class."""
