"""Embeddings as Vertex takes them: what is wished for beside a content stands in an object of its own.

The answer has the form of Gemini's own API. Source: google-genai 3.4, what ``embed_content`` sends
to Vertex (``models.py``) and by which models (``t_is_vertex_embed_content_model``), read 2026-11-29.
"""

import msgspec

CONFIG = "embedContentConfig"
_WISHES = ("taskType", "task_type", "title", "outputDimensionality", "output_dimensionality")
"""Beside the content in Gemini's own API, in either spelling."""
_CONFIG = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_REQUESTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def is_asked_otherwise(model: str) -> bool:
    """Say whether *model* embeds by ``:predict`` alone, whose requests and answers have another form.

    >>> is_asked_otherwise("text-embedding-005"), is_asked_otherwise("gemini-embedding-001")
    (True, False)
    """
    return "embedding" in model and "gemini" not in model


def vertex_embeddings(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return the body of ``embedContent``, or of ``batchEmbedContents`` where there are several requests.

    The model stands in the address. What is of no known form is Google's to refuse.
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
