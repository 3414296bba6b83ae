"""Base URLs as customers write them: the host, with /v1, or a whole endpoint's address."""

import anthropic
import openai
import pytest
from google import genai

from tests.sdk.shop import Shop


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/chat/completions"])
def test_openais_sdk_gets_through_by_any_base_url(shop: Shop, path: str) -> None:
    """The SDK appends /chat/completions to whatever it is given."""
    with openai.OpenAI(base_url=shop.url + path, api_key=shop.api_key) as client:
        completion = client.chat.completions.create(model="gpt-sim", messages=[{"role": "user", "content": "hi"}])
        assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/messages"])
def test_anthropics_sdk_gets_through_by_any_base_url(shop: Shop, path: str) -> None:
    """The SDK appends /v1/messages to whatever it is given."""
    with anthropic.Anthropic(base_url=shop.url + path, api_key=shop.api_key) as client:
        message = client.messages.create(
            model="claude-sim", max_tokens=100, messages=[{"role": "user", "content": "hi"}]
        )
        assert message.stop_reason == "end_turn"


@pytest.mark.parametrize("path", ["", "/v1", "/v1/embeddings"])
def test_embeddings_and_models_are_found_by_any_base_url(shop: Shop, path: str) -> None:
    """One base URL serves every endpoint of the dialect."""
    with openai.OpenAI(base_url=shop.url + path, api_key=shop.api_key) as client:
        assert client.embeddings.create(model="embedding-sim", input="hello").usage.prompt_tokens == 2
        assert "gpt-sim" in [model.id for model in client.models.list()]


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1beta", "/v1beta/models/any:generateContent"])
def test_googles_sdk_gets_through_by_any_base_url(shop: Shop, path: str) -> None:
    """The SDK appends /v1beta/models/MODEL:generateContent to whatever it is given."""
    with genai.Client(api_key=shop.api_key, http_options={"base_url": shop.url + path}) as client:
        answer = client.models.generate_content(model="gpt-sim", contents="hi")
        assert answer.text == "You said: hi This is the simulator speaking; no model was asked."
