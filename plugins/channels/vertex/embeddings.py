"""Converts requests for embeddings to Vertex's form, in which the settings are in an object of their own.

The answer has the form of Gemini's own API. Source: google-genai 3.4, what ``embed_content`` sends
to Vertex (``models.py``) and by which models (``t_is_vertex_embed_content_model``), read 2026-11-29.
"""

import msgspec

CONFIG = "embedContentConfig"
_WISHES = ("taskType", "task_type", "title", "outputDimensionality", "output_dimensionality")
"""Settings that are beside the content in Gemini's own API, in either spelling."""
_CONFIG = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_REQUESTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def is_asked_otherwise(model: str) -> bool:
    """Say whether *model* embeds only by ``:predict``, whose requests and answers have another form.

    >>> is_asked_otherwise("text-embedding-005"), is_asked_otherwise("gemini-embedding-001")
    (True, False)
    """
    return "embedding" in model and "gemini" not in model


def vertex_embeddings(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return the body of ``embedContent``, or of ``batchEmbedContents`` for several requests.

    The model is in the URL. Unknown members are kept, for Google to judge.
    """
    if "requests" not in fields:
        return _one(fields)
    requests = [_one(each) for each in _REQUESTS.decode(fields["requests"])]
    return {"requests": msgspec.Raw(msgspec.json.encode(requests))}


def _one(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    written = {name: value for name, value in fields.items() if name not in (*_WISHES, CONFIG, "model")}
    config = _CONFIG.decode(fields.get(CONFIG, b"null")) or {}
    config |= {name: fields[name] for name in _WISHES if name in fields}
    return {**written, CONFIG: msgspec.Raw(msgspec.json.encode(config))} if config else written
