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
        ("/v1/chat/completions ", CHAT),
        ("/v1 /chat/completions", CHAT),
        ("/ v1/ /chat/completions / ", CHAT),
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


@pytest.mark.parametrize("base", ["/v1", "", "/openai", "/v1/chat/completions/v1", "/openai/deployments/gpt-4o"])
@pytest.mark.parametrize("page", ["subscription", "usage"])
def test_a_path_leads_to_a_page_of_billing(base: str, page: str) -> None:
    """Under every base that leads to an endpoint."""
    found = resolve(f"{base}/dashboard/billing/{page}")
    assert found is not None
    assert (found.rules, found.page, found.endpoint) == (None, page, "billing")


@pytest.mark.parametrize(
    ("path", "name", "deployment"),
    [
        ("/openai/deployments/gpt-4o/chat/completions", CHAT, "gpt-4o"),
        ("/deployments/gpt-4o/chat/completions", CHAT, "gpt-4o"),
        ("/v1/deployments/gpt-4o/chat/completions", CHAT, "gpt-4o"),
        ("/openai/deployments/org/name/chat/completions", CHAT, "org/name"),
        ("/openai/deployments/gpt-4o/chat/completions/chat/completions", CHAT, "gpt-4o"),
        ("/openai/deployments/gpt-4o/v1/embeddings", EMBEDDINGS, "gpt-4o"),
        ("/openai/deployments/v1/chat/completions", CHAT, "v1"),
        ("/openai/v1/chat/completions", CHAT, ""),
        ("/openai/responses", "openai_responses", ""),
        ("/openai/deployments/x/v1beta/models/gemini-2.5-pro:generateContent", GEMINI, ""),
    ],
)
def test_a_path_names_azures_deployment(path: str, name: str, deployment: str) -> None:
    """Between the base and the endpoint; where the endpoint's own path names the model, that counts."""
    found = resolve(path)
    assert found is not None
    assert (found.endpoint, found.deployment) == (name, deployment)


@pytest.mark.parametrize(
    ("path", "answer_id", "methods"),
    [
        ("/v1/responses/resp_1", "resp_1", ["GET", "DELETE"]),
        ("/responses/resp_1", "resp_1", ["GET", "DELETE"]),
        ("/v1/responses/v1/responses/resp_1", "resp_1", ["GET", "DELETE"]),
        ("/v1/responses/resp_1/cancel", "resp_1", ["POST"]),
        ("/v1/responses/resp_1/input_items/", "resp_1", ["GET"]),
        ("/v1beta/interactions/v1_a", "v1_a", ["GET", "DELETE"]),
        ("/v1/interactions/v1_a/cancel", "v1_a", ["POST"]),
    ],
)
def test_a_path_leads_to_a_kept_answer(path: str, answer_id: str, methods: list[str]) -> None:
    """By its id, and to what can be done with it there."""
    found = resolve(path)
    assert found is not None
    assert (found.answer_id, [kept.method for kept in found.kept]) == (answer_id, methods)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/responses/responses", "openai_responses"),
        ("/v1/responses/v1/responses", "openai_responses"),
        ("/v1/responses/input_tokens", "openai_responses"),
        ("/v1/responses/compact", "openai_responses"),
        ("/v1/responses/chat/completions", CHAT),
        ("/v1/responses/messages", MESSAGES),
        ("/v1/responses/embeddings", EMBEDDINGS),
        ("/v1beta/interactions/interactions", "gemini_interactions"),
    ],
)
def test_an_endpoint_behind_another_is_no_answers_id(path: str, name: str) -> None:
    """A full endpoint path used as a base stays one."""
    found = resolve(path)
    assert found is not None
    assert found.rules is not None
    assert (found.rules.name, found.answer_id) == (name, "")


@pytest.mark.parametrize(
    "path", ["/deployments/a" + "/v1" * 670 + "x", "/v1" * 300 + "/deployments/a" + "/v1" * 360 + "x"]
)
def test_a_deployments_path_made_to_be_costly_is_looked_at_once(path: str) -> None:
    """Its name can be read in two ways at most."""
    assert resolve(path) is None


@pytest.mark.parametrize("end", ["\n", "/x\n", "/x\r\n", "\x00", "/" + "a" * 2048])
def test_a_path_made_to_be_costly_is_looked_at_once(end: str) -> None:
    """A pattern that tried every way to read this one would be busy for years."""
    assert resolve("/v1/models/a:generateContent" * 60 + end) is None


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
    assert speaker("/v1/models", {}, is_key_in_query=True) == GEMINI
    assert speaker("/v1beta/openai/models", {"x-goog-api-key": "k"}) == CHAT


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1beta/models/org/name:generateContent", "org/name"),
        ("/v1beta/models/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"),
        ("/v1beta/models/a:generateContent/v1beta/models/b:streamGenerateContent", "b"),
        ("/v1/models/a:streamGenerateContent/models/b:generateContent", "b"),
        ("/v1beta/models/llama3:8b:generateContent", "llama3:8b"),
    ],
)
def test_geminis_paths_name_the_model(path: str, model: str) -> None:
    """Slashes included; Google's prefix and a full endpoint's path before it are not."""
    found = resolve(path)
    assert found is not None
    assert found.model == model
