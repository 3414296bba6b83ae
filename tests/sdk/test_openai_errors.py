"""Errors as OpenAI's SDK raises them, and how often it asks before it does."""

from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.sdk.shop import Shop

MESSAGES: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]


class Customer:
    """A client with the SDK's own retries, and the requests it sent."""

    def __init__(self, shop: Shop, api_key: str) -> None:
        self.sent: list[httpx2.Request] = []
        http = openai.DefaultHttpxClient(event_hooks={"request": [self.sent.append]})
        self.client = openai.OpenAI(base_url=f"{shop.url}/v1", api_key=api_key, http_client=http)

    def ask(self, model: str = "gpt-sim", **fields: int) -> openai.types.chat.ChatCompletion:
        """Ask for a plain answer."""
        return self.client.chat.completions.create(model=model, messages=MESSAGES, extra_body=fields or None)


@pytest.fixture
def alice(shop: Shop) -> Iterator[Customer]:
    customer = Customer(shop, shop.api_key)
    with customer.client:
        yield customer


def test_an_unknown_key_is_an_authentication_error(shop: Shop) -> None:
    """Asked once: another try would find the key as unknown."""
    stranger = Customer(shop, "sk-nobody-has-this-key")
    with stranger.client, pytest.raises(openai.AuthenticationError) as caught:
        stranger.ask()
    assert (caught.value.code, len(stranger.sent)) == ("invalid_api_key", 1)


def test_a_model_outside_the_keys_list_is_denied(shop: Shop) -> None:
    """The key is good, the model is not on its list."""
    limited = Customer(shop, shop.limited_key)
    with limited.client, pytest.raises(openai.PermissionDeniedError) as caught:
        limited.ask("claude-sim")
    assert (caught.value.code, caught.value.param, len(limited.sent)) == ("model_not_allowed", "model", 1)


def test_an_empty_account_is_denied_and_nothing_is_logged(shop: Shop) -> None:
    """Refused before anything is sent upstream: one request, no row, no charge."""
    poor = Customer(shop, shop.poor_key)
    with poor.client, pytest.raises(openai.PermissionDeniedError) as caught:
        poor.ask()
    assert (caught.value.code, caught.value.type, len(poor.sent)) == (
        "insufficient_user_quota",
        "insufficient_quota",
        1,
    )
    assert shop.rows("select * from request_log where request_id = ?", caught.value.request_id) == []


def test_a_bad_field_is_a_bad_request_that_names_it(alice: Customer) -> None:
    """The SDK shows which parameter is to blame."""
    with pytest.raises(openai.BadRequestError) as caught:
        alice.ask(max_tokens=-1)
    assert (caught.value.param, caught.value.type, len(alice.sent)) == ("max_tokens", "invalid_request_error", 1)


def test_an_upstreams_complaint_about_the_request_is_a_bad_request(alice: Customer) -> None:
    """The words that clients look for survive."""
    with pytest.raises(openai.BadRequestError, match="prompt is too long") as caught:
        alice.ask("gpt-context")
    assert (caught.value.code, len(alice.sent)) == ("context_length_exceeded", 1)


def test_a_path_that_is_not_there_is_not_found(alice: Customer) -> None:
    """An endpoint the shop does not serve."""
    with pytest.raises(openai.NotFoundError) as caught:
        alice.client.vector_stores.create()
    assert (caught.value.code, len(alice.sent)) == ("unknown_endpoint", 1)


def test_a_model_that_is_not_sold_is_not_found_in_the_list(alice: Customer) -> None:
    """Retrieving it says so."""
    with pytest.raises(openai.NotFoundError) as caught:
        alice.client.models.retrieve("gpt-nowhere")
    assert (caught.value.code, caught.value.param) == ("unknown_model", "model")


def test_a_model_that_nobody_sells_is_asked_for_once(alice: Customer) -> None:
    """503 would be asked again twice; x-should-retry says that it is no use."""
    with pytest.raises(openai.InternalServerError) as caught:
        alice.ask("gpt-nowhere")
    assert (caught.value.status_code, caught.value.code, len(alice.sent)) == (503, "model_not_found", 1)


def test_a_request_of_a_name_that_was_used_is_a_conflict(shop: Shop, alice: Customer) -> None:
    """Asked once, though the SDK would repeat a 409; it tells the request that was paid for."""
    named = {"Idempotency-Key": "an order of openai's"}
    first = alice.client.chat.completions.create(model="gpt-sim", messages=MESSAGES, extra_headers=named)
    with pytest.raises(openai.ConflictError, match=str(first._request_id)) as caught:
        alice.client.chat.completions.create(model="gpt-sim", messages=MESSAGES, extra_headers=named)
    assert (caught.value.code, len(alice.sent)) == ("idempotency_key_used", 2)
    assert shop.rows("select * from request_log where request_id = ?", caught.value.request_id) == []


def test_a_throttled_upstream_is_a_rate_limit_error_with_its_wait(alice: Customer) -> None:
    """The upstream's retry-after is passed on, and asking again is allowed."""
    with pytest.raises(openai.RateLimitError) as caught:
        alice.client.with_options(max_retries=0).chat.completions.create(model="gpt-429", messages=MESSAGES)
    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["x-should-retry"]) == ("2", "true")
    assert caught.value.code == "upstream_throttled"


@pytest.mark.parametrize(("fault", "status"), [("500", 502), ("401", 503)])
def test_an_upstreams_trouble_is_asked_for_once(shop: Shop, alice: Customer, fault: str, status: int) -> None:
    """The shop has tried its channels already; the SDK's retries would only repeat that."""
    with pytest.raises(openai.InternalServerError) as caught:
        alice.ask(f"gpt-{fault}")
    row = shop.row(caught.value.request_id)
    assert (caught.value.status_code, len(alice.sent)) == (status, 1)
    assert (row["outcome"], row["charge_nano"], row["attempt_count"]) == ("upstream_error", 0, 1)


def test_an_overloaded_upstream_is_asked_again_for_nothing(shop: Shop, alice: Customer) -> None:
    """After the wait that it named, or two seconds; neither request costs anything."""
    with pytest.raises(openai.InternalServerError) as caught:
        alice.client.with_options(max_retries=1).chat.completions.create(model="gpt-529", messages=MESSAGES)
    assert (caught.value.status_code, caught.value.code, len(alice.sent)) == (503, "upstream_overloaded", 2)
    assert (shop.row(caught.value.request_id)["charge_nano"], caught.value.response.headers["retry-after"]) == (0, "2")


@pytest.mark.parametrize("fault", ["error-midway", "cut-text", "reset-midway"])
def test_a_stream_that_breaks_raises_an_api_error(alice: Customer, fault: str) -> None:
    """Never a short answer that looks whole: an error event, a silent end and a reset all raise."""
    stream = alice.client.chat.completions.create(model=f"gpt-{fault}", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert (caught.value.code, caught.value.type, len(alice.sent)) == ("upstream_error", "server_error", 1)
