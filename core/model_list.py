"""Lists the models that a key may use, in the form that its client expects; or shows one of them."""

from urllib.parse import parse_qsl

from .dialects.model_lists import MODEL_LISTS, ModelEntry
from .errors import NotFoundError
from .exchange import Exchange, Principal
from .shop import Shop

_CHAT_METHODS = ("generateContent", "streamGenerateContent", "countTokens")
_NO_CHATS = (
    "dall-e", "gpt-image", "imagen", "moderation", "realtime", "rerank", "transcribe", "tts", "whisper",
)  # fmt: skip
"""Parts of the names of models that can't chat.

Source: the model lists of OpenAI, Google and Cohere, read 2026-11-24.
"""


async def list_models(shop: Shop, exchange: Exchange, name: str) -> bytes:
    """Return the list, or only the model *name* if that is not empty.

    Raises:
        NotFoundError: There is no such model, or the key may not use it.
        RejectedError: The key is refused, or a parameter is malformed.
    """
    exchange.is_fresh_authentication = True  # no reservation follows that would notice a revoked key
    principal = await shop.dispatch.authenticate(exchange)
    form = MODEL_LISTS[exchange.dialect]
    entries = [_entry(shop, principal, model) for model in shop.catalog.models(principal)]
    if not name:
        return form.render_page(entries, dict(parse_qsl(exchange.query)))
    entry = next((entry for entry in entries if entry.name == name), None)
    if entry is None:
        raise NotFoundError("unknown_model", param="model", model=name[:100])
    return form.render_model(entry)


def _entry(shop: Shop, principal: Principal, model: str) -> ModelEntry:
    price = shop.profile.prices.get(model)
    return ModelEntry(
        name=model,
        created_at=shop.opened_s,
        output_tokens_max=price.output_tokens_max if price is not None else None,
        methods=_gemini_methods(shop, principal, model),
    )


def _gemini_methods(shop: Shop, principal: Principal, model: str) -> tuple[str, ...]:
    """Return the methods of Gemini's API that work with *model*; its kind is guessed from its name."""
    ways = shop.catalog.ways(principal.group, model, "gemini_generate")
    if "embed" in model.lower():
        return ("embedContent",) if any(way.dialect == "gemini_generate" for way in ways) else ()
    if not ways or any(part in model.lower() for part in _NO_CHATS):
        return ()
    return _CHAT_METHODS
