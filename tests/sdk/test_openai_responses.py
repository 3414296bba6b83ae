"""What OpenAI's SDK makes of Responses, on models that other APIs serve."""

import openai
import pytest
from openai.types.responses import FunctionToolParam
from pydantic import BaseModel

from tests.sdk.scripted import CITIES
from tests.sdk.shop import Shop

SAID = "You said: hi This is the simulator speaking; no model was asked."
WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class City(BaseModel):
    name: str


@pytest.mark.parametrize("model", ["gpt-sim", "claude-sim"])
def test_a_plain_answer_costs_its_tokens(shop: Shop, openai_client: openai.OpenAI, model: str) -> None:
    """The same text, figures and charge as through the model's own API."""
    response = openai_client.responses.create(model=model, input="hi")
    assert (response.status, response.output_text) == ("completed", SAID)
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (8, 16)
    row = shop.row(response._request_id)
    assert (row["dialect"], row["outcome"], row["charge_nano"]) == ("openai_responses", "complete", 144_000)


@pytest.mark.parametrize("model", ["gpt-sim", "claude-sim"])
def test_a_stream_is_added_up_by_the_sdk(openai_client: openai.OpenAI, model: str) -> None:
    """Every event in its order: the SDK's accumulator is strict about them."""
    with openai_client.responses.stream(model=model, input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == SAID
    assert final.usage is not None
    assert final.usage.output_tokens == 16


@pytest.mark.parametrize("model", ["gpt-scripted", "claude-scripted"])
def test_tools_called_in_parallel_arrive_whole(openai_client: openai.OpenAI, model: str) -> None:
    """Streamed or not."""
    whole = openai_client.responses.create(model=model, input="Weather?", tools=[WEATHER])
    with openai_client.responses.stream(model=model, input="Weather?", tools=[WEATHER]) as stream:
        streamed = stream.get_final_response()
    for response in (whole, streamed):
        calls = [item for item in response.output if item.type == "function_call"]
        assert [call.arguments.replace(": ", ":") for call in calls] == [f'{{"city":"{city}"}}' for city in CITIES]


def test_an_answer_of_another_dialect_is_kept_nowhere(openai_client: openai.OpenAI) -> None:
    """Going on from it is refused by the field's name, and the conversation can be sent whole."""
    first = openai_client.responses.create(model="claude-sim", input="hi")
    with pytest.raises(openai.NotFoundError) as refused:
        openai_client.responses.create(model="claude-sim", input="And?", previous_response_id=first.id)
    assert (refused.value.code, refused.value.param) == ("unknown_answer", "previous_response_id")


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("gpt-429", openai.RateLimitError),
        ("gpt-500", openai.InternalServerError),
        ("claude-529", openai.InternalServerError),
    ],
)
def test_failures_are_the_sdks_own_errors(shop: Shop, model: str, kind: type[openai.APIStatusError]) -> None:
    """Whatever the upstream's own words were."""
    with openai.OpenAI(base_url=f"{shop.url}/v1", api_key=shop.api_key, max_retries=0) as client, pytest.raises(kind):
        client.responses.create(model=model, input="hi")


def test_a_stream_that_broke_upstream_raises(openai_client: openai.OpenAI) -> None:
    """By the event `error`."""
    stream = openai_client.responses.create(model="claude-cut-text", input="hi", stream=True)
    with pytest.raises(openai.APIError):
        list(stream)
