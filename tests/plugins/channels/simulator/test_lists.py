"""Vectors, verdicts, rankings and talks made short: each an honest document."""

import base64
import json
import struct
from typing import Any

import pytest

from relay.plugins.channels.simulator.answer import UnreadableError
from relay.plugins.channels.simulator.questions import read_question
from relay.plugins.channels.simulator.singles import SINGLES


def told(path: str, **fields: Any) -> Any:
    question = read_question(path, json.dumps({"model": "m", **fields}, separators=(",", ":")).encode(), None)
    return json.loads(SINGLES[question.kind](question).body)


def test_vectors_are_the_same_in_both_encodings() -> None:
    """One vector per text, as floats or as base64 of them."""
    plain = told("/v1/embeddings", input=["a", "b"])
    packed = told("/v1/embeddings", input=["a", "b"], encoding_format="base64")
    assert [each["index"] for each in plain["data"]] == [0, 1]
    for one, other in zip(plain["data"], packed["data"], strict=True):
        assert list(struct.unpack("<8f", base64.b64decode(other["embedding"]))) == one["embedding"]
    assert plain["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_tokens_as_input_are_one_vector() -> None:
    """A list of numbers is one text, already in tokens."""
    assert len(told("/v1/embeddings", input=[1, 2, 3])["data"]) == 1


def test_gemini_embeds_one_content_or_several() -> None:
    """The model stands in the path; the input is what was sent of it."""
    content = {"parts": [{"text": "hi"}]}
    one = told("/v1beta/models/m:embedContent", content=content)
    several = told("/v1beta/models/m:batchEmbedContents", requests=[{"content": content}, {"content": {}}])
    assert one["embedding"] == several["embeddings"][0]
    assert (len(several["embeddings"]), one["usageMetadata"]) == (2, {"promptTokenCount": 7})


def test_the_word_flag_is_flagged() -> None:
    """Each input is judged by itself."""
    results = told("/v1/moderations", input=["fine", "a flag"])["results"]
    assert [each["flagged"] for each in results] == [False, True]
    assert results[1]["categories"]["harassment"] is True


def test_documents_are_ranked_by_the_querys_words() -> None:
    """One search unit, however many."""
    ranked = told("/v1/rerank", query="big cat", documents=["dog", {"text": "a big cat"}, "big dog"], top_n=2)
    assert ranked["results"] == [{"index": 1, "relevance_score": 1.0}, {"index": 2, "relevance_score": 0.5}]
    assert ranked["meta"]["billed_units"] == {"search_units": 1}


@pytest.mark.parametrize("fields", [{}, {"query": "q"}, {"query": 1, "documents": []}])
def test_a_ranking_of_nothing_is_unreadable(fields: dict[str, Any]) -> None:
    """By what, or of what?"""
    with pytest.raises(UnreadableError):
        told("/v1/rerank", **fields)


def test_a_talk_is_made_one_sealed_item() -> None:
    """Whose size is its output."""
    compacted = told("/v1/responses/compact", input="hi")
    assert [item["type"] for item in compacted["output"]] == ["compaction"]
    assert (compacted["usage"]["input_tokens"], compacted["usage"]["output_tokens"]) == (1, 11)
