"""What a request may ask for at a higher price of the vendor's than the shop's own prices say: it is not offered.

The customer would choose, and the shop pay: twice or more for a faster tier, a tenth more for a place.
Sources, read 2026-11-29: openai.com/api-priority-processing, openai-python 3.54.0
types/chat/completion_create_params.py (``fast`` is ``priority``); platform.claude.com build-with-claude/fast-mode;
docs.aws.amazon.com claude-platform data-residency; ai.google.dev gemini-api/docs/priority-inference. And, read
2026-11-30, openrouter.ai guides/routing: of several ``models`` the one that answers is billed, and a ``provider`` that
is asked for at its own price (model-fallbacks, provider-routing); vercel.com/docs/ai-gateway, likewise by
``providerOptions``.
"""

from collections.abc import Callable, Mapping

import msgspec

from ..errors import BadRequestError
from .fields import Fields, is_given

_read_value = msgspec.json.Decoder(str | int | float | None).decode


def _is_fast_tier(value: str) -> bool:
    # Google's enums may be numbers, and no tier of another's is one.
    return value == "fast" or "priority" in value or value.replace(".", "").isdigit()


_DEARER: Mapping[str, Callable[[str], bool]] = {
    "service_tier": _is_fast_tier,
    "serviceTier": _is_fast_tier,
    "speed": lambda value: value == "fast",
    "inference_geo": lambda value: value != "global",
}


def refuse_dearer(fields: Fields) -> None:
    """Refuse what costs the shop more than it charges.

    Raises:
        BadRequestError: Names the field.
    """
    for name in ("models", "provider", "providerOptions"):
        if is_given(fields, name, b"[]", b"{}"):
            raise BadRequestError("not_offered", param=name)
    for name, is_dearer in _DEARER.items():
        text = _text(fields[name]) if name in fields else None
        if text is not None and is_dearer(text):
            raise BadRequestError("not_offered", param=name)


def _text(raw: msgspec.Raw) -> str | None:
    """Return a value as it is compared; None for null, which leaves the field out, and for what no vendor takes."""
    try:
        value = _read_value(raw)
    except ValueError:
        return None
    return None if value is None else str(value).casefold()
