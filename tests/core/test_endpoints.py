"""Whatever customers write into the base URL field, the last endpoint in the path counts."""

import pytest

from relay.core.endpoints import resolve, speaker

CHAT, MESSAGES, EMBEDDINGS, GEMINI = "openai_chat", "anthropic_messages", "embeddings", "gemini_generate"


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/chat/completions", CHAT),
        ("/chat/completions", CHAT),
        ("/v1/chat/completions/", CHAT),
        ("//v1//chat/completions", CHAT),
        ("/v1/v1/chat/completions", CHAT),
        ("/v1/chat/completions/chat/completions", CHAT),
        ("/v1/chat/completions/v1/chat/completions", CHAT),
        ("/v1/messages", MESSAGES),
        ("/messages", MESSAGES),
        ("/v1/messages/v1/messages", MESSAGES),
        ("/v1/chat/completions/embeddings", EMBEDDINGS),
        ("/v1/embeddings", EMBEDDINGS),
        ("/v1beta/models/gemini-2.5-flash:generateContent", GEMINI),
        ("/v1/models/org/name:streamGenerateContent", GEMINI),
        ("/v1beta/openai/chat/completions", CHAT),
    ],
)
def test_a_path_leads_to_its_last_endpoint(path: str, dialect: str) -> None:
    """With and without /v1, doubled, or appended to a full endpoint path."""
    found = resolve(path)
    assert found is not None
    assert found.rules is not None
    assert found.rules.name == dialect


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/models", ""),
        ("/models/", ""),
        ("/v1/chat/completions/models", ""),
        ("/v1/models/gpt-4o", "gpt-4o"),
        ("/v1/models/org/name", "org/name"),
    ],
)
def test_a_path_leads_to_the_list_or_to_one_model(path: str, model: str) -> None:
    """What follows /models is a model's name, slashes included."""
    found = resolve(path)
    assert found is not None
    assert (found.rules, found.model) == (None, model)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/chat", "/v2/chat/completions", "/v1/chat/completionsx", "/x/v1/models"]
)
def test_another_path_leads_nowhere(path: str) -> None:
    """Nothing is guessed from half an endpoint."""
    assert resolve(path) is None


def test_the_anthropic_version_header_tells_the_speaker() -> None:
    """A list of models is answered in the form of who asks."""
    assert speaker("/v1/models", {"anthropic-version": "2023-06-01"}) == MESSAGES
    assert speaker("/v1/models", {}) == CHAT
    assert speaker("/v1/models", {"x-goog-api-key": "k"}) == GEMINI
    assert speaker("/v1beta/models", {}) == GEMINI


def test_geminis_paths_name_the_model() -> None:
    """Slashes included."""
    found = resolve("/v1beta/models/org/name:generateContent")
    assert found is not None
    assert found.model == "org/name"
