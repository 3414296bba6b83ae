"""What the class for Azure of OpenAI's own SDK makes of the shop: deployments are models."""

from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.sdk.shop import Shop

HI: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
SAID = "You said: hi This is the simulator speaking; no model was asked."
VERSION = "2024-10-21"


@pytest.fixture
def client(shop: Shop) -> Iterator[openai.AzureOpenAI]:
    """The shop's host is the resource, its key the resource's."""
    with openai.AzureOpenAI(azure_endpoint=shop.url, api_key=shop.api_key, api_version=VERSION) as opened:
        yield opened


def test_a_model_is_a_deployment(shop: Shop, client: openai.AzureOpenAI) -> None:
    """Plain, at the same price."""
    completion = client.chat.completions.create(model="gpt-sim", messages=HI)
    row = shop.row(completion._request_id)
    assert completion.choices[0].message.content == SAID
    assert (row["model"], row["outcome"], row["charge_nano"]) == ("gpt-sim", "complete", 144_000)


def test_a_stream_comes_whole(client: openai.AzureOpenAI) -> None:
    """Chunk by chunk."""
    stream = client.chat.completions.create(model="gpt-sim", messages=HI, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == SAID


def test_a_deployment_of_the_client_counts_and_not_the_model(shop: Shop) -> None:
    """As on Azure: what a request calls the model changes neither the model nor the price."""
    with openai.AzureOpenAI(
        azure_endpoint=shop.url, azure_deployment="gpt-sim", api_key=shop.api_key, api_version=VERSION
    ) as client:
        completion = client.chat.completions.create(model="anything", messages=HI)
    assert shop.row(completion._request_id)["model"] == "gpt-sim"


def test_claude_is_a_deployment_too(client: openai.AzureOpenAI) -> None:
    """The hub translates as for any client of chat."""
    assert client.chat.completions.create(model="claude-sim", messages=HI).choices[0].message.content == SAID


def test_texts_are_embedded(client: openai.AzureOpenAI) -> None:
    """The other endpoints have deployments as well."""
    assert len(client.embeddings.create(model="embedding-sim", input=["a", "b"]).data) == 2


def test_responses_name_the_model_in_the_body(client: openai.AzureOpenAI) -> None:
    """They have no deployment in their path."""
    assert client.responses.create(model="gpt-sim", input="hi").output_text == SAID


def test_models_are_listed(client: openai.AzureOpenAI) -> None:
    """As OpenAI's."""
    assert "gpt-sim" in [model.id for model in client.models.list()]


def test_an_unknown_deployment_is_told_the_nearest(client: openai.AzureOpenAI) -> None:
    """In the shape that the SDK reads."""
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="gpt-simm", messages=HI)
    assert (caught.value.status_code, caught.value.code, caught.value.param) == (503, "model_not_found", "model")
    assert "'gpt-sim'" in caught.value.message


def test_a_wrong_key_is_told_from_others(shop: Shop) -> None:
    """In the header of Azure."""
    with (
        openai.AzureOpenAI(azure_endpoint=shop.url, api_key="sk-wrong", api_version=VERSION) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model="gpt-sim", messages=HI)
    assert caught.value.code == "invalid_api_key"
