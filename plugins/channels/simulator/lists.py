"""The simulator's answers that are one document: embeddings, moderations, rankings, compacted conversations.

Shapes: w:openai-other/embeddings and moderation, w:gemini/embed-batch, w:compat/rerank-cohere,
openai/openai-python types/responses/compacted_response.py, read 2026-11-29.
"""

import base64
import hashlib
import struct
from typing import Any

import msgspec

from relay.plugins.channels.simulator import openai
from relay.plugins.channels.simulator.answer import Question, UnreadableError, tokens
from relay.plugins.channels.simulator.asked import items
from relay.plugins.channels.simulator.reply import Reply

DIMENSIONS = 8
CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


def embeddings(question: Question) -> Reply:
    """Return a vector per input, as floats or base64."""
    asked = question.fields.get("input")
    inputs = asked if isinstance(asked, list) and asked and not isinstance(asked[0], int) else [asked]
    is_packed = question.fields.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(text) if is_packed else vector(text)}
        for index, text in enumerate(inputs)
    ]
    counts = {"prompt_tokens": question.input_tokens, "total_tokens": question.input_tokens}
    return _document({"object": "list", "data": data, "model": question.model, "usage": counts})


def gemini_embeddings(question: Question) -> Reply:
    """Return a vector per content, in Gemini's form for one content or for several."""
    counts = {"usageMetadata": {"promptTokenCount": question.input_tokens}}
    if "requests" not in question.fields:
        return _document({"embedding": {"values": vector(question.fields.get("content"))}, **counts})
    asked = [each.get("content") for each in items(question.fields["requests"])]
    return _document({"embeddings": [{"values": vector(content)} for content in asked], **counts})


def moderation(question: Question) -> Reply:
    """Find nothing wrong with any input, unless it has the word "flag"."""
    asked = question.fields.get("input")
    inputs = asked if isinstance(asked, list) else [asked]
    results = []
    for each in inputs:
        is_flagged = b"flag" in msgspec.json.encode(each)
        categories = dict.fromkeys(CATEGORIES, False) | {"harassment": is_flagged}
        scores = {name: 0.9 if is_wrong else 0.01 for name, is_wrong in categories.items()}
        results.append({"flagged": is_flagged, "categories": categories, "category_scores": scores})
    return _document({"id": "modr-sim", "model": question.model, "results": results})


def rerank(question: Question) -> Reply:
    """Rank documents by how many of the query's words they have.

    Raises:
        UnreadableError: No query, or no documents.
    """
    query, documents = question.fields.get("query"), question.fields.get("documents")
    if not isinstance(query, str) or not isinstance(documents, list):
        raise UnreadableError("expected a query and documents")
    wanted = set(query.lower().split())
    texts = [each if isinstance(each, str) else str((each or {}).get("text", "")) for each in documents]
    scores = [len(wanted & set(text.lower().split())) / max(1, len(wanted)) for text in texts]
    best = sorted(range(len(scores)), key=lambda index: -scores[index])[: question.fields.get("top_n") or None]
    results = [{"index": index, "relevance_score": scores[index]} for index in best]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return _document({"id": "rerank-sim", "results": results, "meta": meta})


def compact(question: Question) -> Reply:
    """Return a conversation as one sealed item."""
    sealed = base64.b64encode(hashlib.sha256(msgspec.json.encode(question.fields.get("input"))).digest()).decode()
    output_tokens = tokens(sealed)
    usage = {
        "input_tokens": question.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": question.input_tokens + output_tokens,
    }
    item = {"id": "cmp_sim", "type": "compaction", "encrypted_content": sealed}
    return _document(
        {
            "id": "resp_sim",
            "object": "response.compaction",
            "created_at": openai.CREATED_AT,
            "model": question.model,
            "output": [item],
            "usage": usage,
        }
    )


def vector(text: Any) -> list[float]:
    """Return eight numbers, the same for the same text."""
    return [(byte - 128) / 128 for byte in hashlib.sha256(msgspec.json.encode(text)).digest()[:DIMENSIONS]]


def _packed(text: Any) -> str:
    return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector(text))).decode()


def _document(document: dict[str, Any]) -> Reply:
    return Reply(pieces=[msgspec.json.encode(document)])
