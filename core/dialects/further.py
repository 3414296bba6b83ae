"""Models that may take part in an answer besides the one asked for, and what is asked of them.

``fallbacks`` follow a refusal; a tool such as the advisor, or one that draws, asks a model of its own. Sources:
anthropic-sdk-python 2.12.0 types/beta, openai-python 3.54.0 types/responses/tool_param.py, read 2026-11-30.
"""

import msgspec

from ..errors import BadRequestError
from ..raw_search import has_escaped_letter, mentions
from .dearer import refuse_dearer
from .fields import Fields, read_int


class _Named(msgspec.Struct):
    model: str | None = None
    svg: "_Named | None" = None


class _Turn(msgspec.Struct):
    """Of Responses: it may bring tools along."""

    tools: list[_Named] | None = None


_read_turns = msgspec.json.Decoder(list[_Turn] | str | None).decode
_read_named = msgspec.json.Decoder(list[_Named] | None).decode
_read_entries = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None).decode


_OF_FALLBACK = frozenset({"model", "max_tokens", "output_config", "speed", "thinking"})
"""All fields that Claude takes in an entry. LiteLLM would obey others, such as ``fallbacks`` that name any model."""


def further_models(fields: Fields) -> tuple[tuple[str, str], ...]:
    """Return the models that may answer besides the one asked for, each with the field that names it.

    Raises:
        BadRequestError: The vendor may choose the model.
    """
    named: list[tuple[str, str]] = []
    for param in ("fallbacks", "tools", "input"):
        raw = bytes(fields.get(param, b"null"))
        if param != "fallbacks" and not (mentions(raw, b'"model"') or has_escaped_letter(raw)):
            continue  # as nearly always: decoding long tools and turns only for this would be a waste
        try:
            read = _named_in_turns(raw) if param == "input" else _read_named(raw) or []
        except msgspec.ValidationError as exc:
            raise BadRequestError("not_offered", param=param) from exc
        for one in read:
            named += [(param, part.model) for part in (one, one.svg) if part is not None and part.model is not None]
    return tuple(named)


def _named_in_turns(raw: bytes) -> list[_Named]:
    turns = _read_turns(raw)
    return [tool for turn in turns for tool in turn.tools or ()] if isinstance(turns, list) else []


def check_fallbacks(fields: Fields, output_tokens_asked: int) -> None:
    """Refuse fallbacks for which more is asked than for the request itself: they have fields of their own.

    Raises:
        BadRequestError: One is to be faster than what is sold, may write more than is held for, or has other fields.
    """
    for entry in _read_entries(bytes(fields.get("fallbacks", b"null"))) or ():
        try:
            refuse_dearer(entry)
            is_longer = (read_int(entry, "max_tokens") or 0) > output_tokens_asked
        except BadRequestError as exc:
            raise BadRequestError("not_offered", param=f"fallbacks.{exc.param}") from exc
        if is_longer:
            raise BadRequestError("not_offered", param="fallbacks.max_tokens")
        if not entry.keys() <= _OF_FALLBACK:
            raise BadRequestError("not_offered", param="fallbacks")
