"""What Google's own SDK makes of the shop's models, all of which another vendor's API serves."""

from collections.abc import Iterator

import pytest
from google import genai
from google.genai import errors, types

from tests.sdk.scripted import CITIES
from tests.sdk.shop import Shop

SAID = "You said: hi This is the simulator speaking; no model was asked."
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
        )
    ]
)
BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)


def client_of(shop: Shop, api_key: str) -> genai.Client:
    """Return a client as Google's documentation makes one, with the shop's address."""
    return genai.Client(api_key=api_key, http_options=types.HttpOptions(base_url=shop.url))


@pytest.fixture
def google_client(shop: Shop) -> Iterator[genai.Client]:
    with client_of(shop, shop.api_key) as client:
        yield client


@pytest.mark.parametrize("model", ["gpt-sim", "claude-sim"])
def test_a_plain_answer_costs_its_tokens(google_client: genai.Client, model: str) -> None:
    """The same text and figures as through the model's own API."""
    answer = google_client.models.generate_content(model=model, contents="hi")
    assert answer.text == SAID
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.prompt_token_count, answer.usage_metadata.candidates_token_count) == (8, 16)


@pytest.mark.parametrize("model", ["gpt-sim", "claude-sim"])
def test_a_stream_comes_whole(shop: Shop, google_client: genai.Client, model: str) -> None:
    """In several pieces, the last with the reason and the usage; the row is the customer's dialect."""
    pieces = list(google_client.models.generate_content_stream(model=model, contents="hi"))
    assert len(pieces) > 2
    assert "".join(piece.text or "" for piece in pieces) == SAID
    last = pieces[-1]
    assert last.usage_metadata is not None
    assert last.usage_metadata.candidates_token_count == 16
    [row] = shop.rows("select * from request_log where dialect = 'gemini_generate' order by at desc limit 1")
    assert (row["outcome"], row["charge_nano"], row["stream"]) == ("complete", 144_000, 1)


@pytest.mark.parametrize("model", ["gpt-scripted", "claude-scripted"])
def test_tools_called_in_parallel_arrive_whole(google_client: genai.Client, model: str) -> None:
    """Their arguments are objects here, streamed or not."""
    config = types.GenerateContentConfig(tools=[WEATHER], automatic_function_calling=BY_HAND)
    whole = google_client.models.generate_content(model=model, contents="Weather?", config=config)
    pieces = google_client.models.generate_content_stream(model=model, contents="Weather?", config=config)
    streamed = [call for piece in pieces for call in piece.function_calls or ()]
    for calls in (whole.function_calls or [], streamed):
        assert [call.args for call in calls] == [{"city": city} for city in CITIES]


def test_a_tools_result_goes_back(google_client: genai.Client) -> None:
    """The second turn of a talk, with call and result in its history."""
    call = types.Part.from_function_call(name="weather", args={"city": "Lisbon"})
    result = types.Part.from_function_response(name="weather", response={"output": "sunny"})
    history = [
        types.Content(role="user", parts=[types.Part.from_text(text="Weather?")]),
        types.Content(role="model", parts=[call]),
        types.Content(role="user", parts=[result]),
    ]
    config = types.GenerateContentConfig(tools=[WEATHER], automatic_function_calling=BY_HAND)
    answer = google_client.models.generate_content(model="claude-sim", contents=history, config=config)
    assert answer.text


@pytest.mark.parametrize(
    ("model", "kind", "status"),
    [("gpt-429", errors.ClientError, "RESOURCE_EXHAUSTED"), ("gpt-500", errors.ServerError, "INTERNAL")],
)
def test_failures_are_the_sdks_own_errors(
    google_client: genai.Client, model: str, kind: type[errors.APIError], status: str
) -> None:
    """With Google's words for them."""
    with pytest.raises(kind) as failed:
        google_client.models.generate_content(model=model, contents="hi")
    assert failed.value.status == status


def test_an_unknown_key_is_unauthenticated(shop: Shop) -> None:
    """Ours, not Google's 400: their SDK raises the same class for both."""
    with client_of(shop, "nonsense") as client, pytest.raises(errors.ClientError) as failed:
        client.models.generate_content(model="gpt-sim", contents="hi")
    assert (failed.value.code, failed.value.status) == (401, "UNAUTHENTICATED")


def test_a_stream_that_broke_upstream_does_not_end_in_order(google_client: genai.Client) -> None:
    """Gemini has no error event: the connection breaks, and the SDK raises."""
    pieces = google_client.models.generate_content_stream(model="gpt-cut-text", contents="hi")
    with pytest.raises(Exception, match=r"(?i)peer closed|incomplete|payload|disconnected"):
        list(pieces)


def test_models_are_listed_in_googles_form(shop: Shop) -> None:
    """Only what the key may ask for."""
    with client_of(shop, shop.limited_key) as client:
        assert [model.name for model in client.models.list()] == ["models/gpt-sim"]
