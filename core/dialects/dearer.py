"""Options for which the vendor charges more than the shop's prices cover: they are not offered.

The customer would choose, and the shop pay: twice or more for a faster tier, a tenth more for a region.
Sources, read 2026-11-29: openai.com/api-priority-processing, openai-python 3.54.0
types/chat/completion_create_params.py (``fast`` is ``priority``); platform.claude.com build-with-claude/fast-mode;
docs.aws.amazon.com claude-platform data-residency; ai.google.dev gemini-api/docs/priority-inference. And, read
2026-11-30, openrouter.ai guides/routing/model-fallbacks: of several ``models`` the one that answers is billed;
vercel.com/docs/ai-gateway: of ``providerOptions``, likewise. OpenRouter's ``provider`` passes, though one may be dearer:
its customers name one to find their cached prompts again (recordings openrouter/cache-write, content-filter-refusal).
"""

from collections.abc import Callable, Mapping

import msgspec

from ..errors import BadRequestError
from ..exchange import Dialect
from .fields import Fields, is_given

_read_value = msgspec.json.Decoder(str | int | float | None).decode


def _is_fast_tier(value: str) -> bool:
    # Google's enums may be numbers; no other vendor's tier is one.
    return value == "fast" or "priority" in value or value.replace(".", "").isdigit()


_DEARER: Mapping[str, Callable[[str], bool]] = {
    "service_tier": _is_fast_tier,
    "serviceTier": _is_fast_tier,
    "speed": lambda value: value == "fast",
    "inference_geo": lambda value: value != "global",
}
_NO_FALLBACKS = frozenset({"disable_fallbacks"})
_OF_CLAUDE = _NO_FALLBACKS | {"fallbacks", "fallback_credit_token"}
"""Claude's field for a token, given with an earlier refusal, that makes the prompt cheaper.

Source: platform.claude.com fallback credit, read 2026-11-30.
"""


def refuse_dearer(fields: Fields) -> None:
    """Refuse what costs the shop more than it charges.

    Raises:
        BadRequestError: Names the field.
    """
    for name in ("models", "providerOptions"):
        if is_given(fields, name, b"[]", b"{}"):
            raise BadRequestError("not_offered", param=name)
    for name, is_dearer in _DEARER.items():
        text = _text(fields[name]) if name in fields else None
        if text is not None and is_dearer(text):
            raise BadRequestError("not_offered", param=name)


def refuse_gateways_own(fields: Fields, dialect: Dialect) -> None:
    """Refuse what LiteLLM does where any request says so: let other models answer, or ask again, both unseen.

    It follows ``mock_testing_fallbacks`` even if nothing fails. Only Messages tells which model answered.
    Source: docs.litellm.ai docs/proxy/client_side_fallbacks and reliability, read 2026-11-30.

    Raises:
        BadRequestError: Names the field, or ``fallbacks`` for any of them.
    """
    harmless = _OF_CLAUDE if dialect == "anthropic_messages" else _NO_FALLBACKS
    for name in fields:
        if "fallback" in name and name not in harmless and is_given(fields, name, b"[]", b"{}", b"false"):
            raise BadRequestError("not_offered", param="fallbacks")
    for name in ("num_retries", "max_retries"):
        if is_given(fields, name, b"0"):
            raise BadRequestError("not_offered", param=name)


def _text(raw: msgspec.Raw) -> str | None:
    """Return a value as it is compared; None for null, which leaves the field out, and for what no vendor takes."""
    try:
        value = _read_value(raw)
    except ValueError:
        return None
    return None if value is None else str(value).casefold()
