"""How the three families of clients want models listed, page by page where they ask for pages.

Source: wire/DIALECTS.md 8; anthropics/anthropic-sdk-python resources/models.py and
types/model_info.py, ai.google.dev api/models, read 2026-11-24.
"""

from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from ..errors import BadRequestError
from ..exchange import Dialect

Query = Mapping[str, str]
LIMIT_MAX = 1000


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One model that a key may ask for.

    Attributes:
        name: As customers ask for it.
        created_at: Seconds since 1970.
        output_tokens_max: The most output of one answer, where the shop knows it.
        methods: Gemini's methods by which it can be asked.
    """

    name: str
    created_at: int
    output_tokens_max: int | None = None
    methods: tuple[str, ...] = ()


class ModelList(ABC):
    """One form of such a list."""

    @abstractmethod
    def render_page(self, models: Sequence[ModelEntry], query: Query) -> bytes:
        """Return that part of *models* which *query* asks for.

        Raises:
            BadRequestError: A parameter that can't be; names it.
        """

    @abstractmethod
    def describe(self, model: ModelEntry) -> dict[str, object]:
        """Return what is told of one model."""

    def render_model(self, model: ModelEntry) -> bytes:
        """Return one model."""
        return msgspec.json.encode(self.describe(model))


class OpenAIModels(ModelList):
    """Everything at once."""

    def render_page(self, models: Sequence[ModelEntry], query: Query) -> bytes:
        """Return *models*; there are no pages."""
        return msgspec.json.encode({"object": "list", "data": [self.describe(model) for model in models]})

    def describe(self, model: ModelEntry) -> dict[str, object]:
        return {"id": model.name, "object": "model", "created": model.created_at, "owned_by": "relay"}


class AnthropicModels(ModelList):
    """Pages that begin after one model, or end before one."""

    limit: ClassVar[int] = 20

    def render_page(self, models: Sequence[ModelEntry], query: Query) -> bytes:
        """Return the page that ``limit``, ``after_id`` and ``before_id`` ask for."""
        limit = _read_limit(query, "limit", self.limit, least=1, most=LIMIT_MAX)
        if "before_id" in query and "after_id" in query:
            raise BadRequestError(param="before_id")
        if "before_id" in query:
            end = _place(models, query["before_id"], "before_id")
            page, has_more = models[max(0, end - limit) : end], end > limit
        else:
            start = _place(models, query["after_id"], "after_id") + 1 if "after_id" in query else 0
            page, has_more = models[start : start + limit], start + limit < len(models)
        return msgspec.json.encode(
            {
                "data": [self.describe(model) for model in page],
                "has_more": has_more,
                "first_id": page[0].name if page else None,
                "last_id": page[-1].name if page else None,
            }
        )

    def describe(self, model: ModelEntry) -> dict[str, object]:
        created_at = datetime.fromtimestamp(model.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        entry: dict[str, object] = {"type": "model", "id": model.name, "display_name": model.name}
        entry |= {"created_at": created_at, "lifecycle": "active"}
        return entry | ({"max_tokens": model.output_tokens_max} if model.output_tokens_max is not None else {})


class GeminiModels(ModelList):
    """Pages that continue from the token of the previous page."""

    limit: ClassVar[int] = 50

    def render_page(self, models: Sequence[ModelEntry], query: Query) -> bytes:
        """Return the page that ``pageSize`` and ``pageToken`` ask for; a size above the highest is the highest."""
        limit = _read_limit(query, "pageSize", 0, least=0, most=None) or self.limit
        token = query.get("pageToken", "")
        start = _place(models, _decode_token(token), "pageToken") + 1 if token else 0
        end = start + min(limit, LIMIT_MAX)
        page: dict[str, object] = {"models": [self.describe(model) for model in models[start:end]]}
        if end < len(models):
            page["nextPageToken"] = urlsafe_b64encode(models[end - 1].name.encode()).decode()
        return msgspec.json.encode(page)

    def describe(self, model: ModelEntry) -> dict[str, object]:
        entry: dict[str, object] = {"name": f"models/{model.name}", "displayName": model.name}
        if model.output_tokens_max is not None:
            entry["outputTokenLimit"] = model.output_tokens_max
        return entry | {"supportedGenerationMethods": model.methods}


def _read_limit(query: Query, name: str, default: int, *, least: int, most: int | None) -> int:
    text = query.get(name, str(default))
    # Ten digits are more models than there are; int() takes much more than digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRequestError(param=name)
    if int(text) < least or (most is not None and int(text) > most):
        raise BadRequestError(param=name)
    return int(text)


def _place(models: Sequence[ModelEntry], name: str, param: str) -> int:
    place = next((place for place, model in enumerate(models) if model.name == name), None)
    if place is None:
        raise BadRequestError(param=param)
    return place


def _decode_token(token: str) -> str:
    try:
        return urlsafe_b64decode(token).decode()
    except ValueError as exc:
        raise BadRequestError(param="pageToken") from exc


MODEL_LISTS: Mapping[Dialect, ModelList] = {
    "openai_chat": OpenAIModels(),
    "anthropic_messages": AnthropicModels(),
    "gemini_generate": GeminiModels(),
}
"""The forms, by the dialect that `endpoints.speaker` returns."""
