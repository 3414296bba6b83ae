"""Errors as Anthropic's SDK raises them, and how often it asks before it does."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from tests.sdk.shop import Shop


class Customer:
    """A client with the SDK's own retries, and the requests it sent."""

    def __init__(self, shop: Shop, api_key: str) -> None:
        self.sent: list[httpx2.Request] = []
        http = anthropic.DefaultHttpxClient(event_hooks={"request": [self.sent.append]})
        self.client = anthropic.Anthropic(base_url=shop.url, api_key=api_key, http_client=http)

    def ask(self, model: str = "claude-sim", max_tokens: int = 100) -> anthropic.types.Message:
        """Ask for a plain answer."""
        return self.client.messages.create(
            model=model, max_tokens=max_tokens, messages=[{"role": "user", "content": "hi"}]
        )


@pytest.fixture
def alice(shop: Shop) -> Iterator[Customer]:
    customer = Customer(shop, shop.api_key)
    with customer.client:
        yield customer


def error(caught: pytest.ExceptionInfo[anthropic.APIError]) -> dict[str, Any]:
    """Return the error object of the body; the request id stands beside it and in the header."""
    body: Any = caught.value.body
    assert body["type"] == "error"
    found: dict[str, Any] = body["error"]
    return found


def test_an_unknown_key_is_an_authentication_error(shop: Shop) -> None:
    """Asked once: another try would find the key as unknown."""
    stranger = Customer(shop, "sk-nobody-has-this-key")
    with stranger.client, pytest.raises(anthropic.AuthenticationError) as caught:
        stranger.ask()
    assert (error(caught)["type"], error(caught)["code"]) == ("authentication_error", "invalid_api_key")
    assert len(stranger.sent) == 1


def test_a_model_outside_the_keys_list_is_denied(shop: Shop) -> None:
    """The key is good, the model is not on its list."""
    limited = Customer(shop, shop.limited_key)
    with limited.client, pytest.raises(anthropic.PermissionDeniedError) as caught:
        limited.ask()
    assert (error(caught)["type"], error(caught)["code"]) == ("permission_error", "model_not_allowed")


def test_an_empty_account_is_denied_and_nothing_is_logged(shop: Shop) -> None:
    """Refused before anything is sent upstream: one request, no row, no charge."""
    poor = Customer(shop, shop.poor_key)
    with poor.client, pytest.raises(anthropic.PermissionDeniedError) as caught:
        poor.ask()
    assert (error(caught)["type"], error(caught)["code"]) == ("billing_error", "insufficient_user_quota")
    assert len(poor.sent) == 1
    assert shop.rows("select * from request_log where request_id = ?", caught.value.request_id) == []


def test_a_bad_field_is_a_bad_request_that_names_it(alice: Customer) -> None:
    """This dialect has no place for the parameter, so the message begins with it."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        alice.ask(max_tokens=-1)
    assert error(caught)["type"] == "invalid_request_error"
    assert "max_tokens" in error(caught)["message"]


def test_an_upstreams_complaint_about_the_request_is_a_bad_request(alice: Customer) -> None:
    """The words that Claude Code looks for survive."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        alice.ask("claude-context")
    assert error(caught)["message"] == "prompt is too long: 300000 tokens > 200000 maximum"
    assert len(alice.sent) == 1


def test_a_path_that_is_not_there_is_not_found(alice: Customer) -> None:
    """Batches are not sold here."""
    with pytest.raises(anthropic.NotFoundError) as caught:
        alice.client.messages.batches.retrieve("msgbatch_1")
    assert (error(caught)["type"], len(alice.sent)) == ("not_found_error", 1)


def test_a_model_that_nobody_sells_is_asked_for_once(alice: Customer) -> None:
    """503 would be asked again twice; x-should-retry says that it is no use."""
    with pytest.raises(anthropic.InternalServerError) as caught:
        alice.ask("claude-nowhere")
    assert (error(caught)["type"], error(caught)["code"]) == ("overloaded_error", "model_not_found")
    assert len(alice.sent) == 1


def test_a_throttled_upstream_is_a_rate_limit_error_with_its_wait(alice: Customer) -> None:
    """The upstream's retry-after is passed on, and asking again is allowed."""
    patient = alice.client.with_options(max_retries=0)
    with pytest.raises(anthropic.RateLimitError) as caught:
        patient.messages.create(model="claude-429", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    headers = caught.value.response.headers
    assert error(caught)["type"] == "rate_limit_error"
    assert (headers["retry-after"], headers["x-should-retry"]) == ("2", "true")


@pytest.mark.parametrize(("fault", "status"), [("500", 502), ("401", 503)])
def test_an_upstreams_trouble_is_asked_for_once(shop: Shop, alice: Customer, fault: str, status: int) -> None:
    """The shop has tried its channels already; the SDK's retries would only repeat that."""
    with pytest.raises(anthropic.InternalServerError) as caught:
        alice.ask(f"claude-{fault}")
    row = shop.row(caught.value.request_id)
    assert (caught.value.status_code, len(alice.sent)) == (status, 1)
    assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)


def test_an_overloaded_upstream_is_asked_again_for_nothing(shop: Shop, alice: Customer) -> None:
    """After the wait that it named, or two seconds, as the SDK would ask Anthropic; neither request costs anything."""
    with pytest.raises(anthropic.InternalServerError) as caught:
        alice.client.with_options(max_retries=1).messages.create(
            model="claude-529", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        )
    assert (caught.value.status_code, error(caught)["type"], len(alice.sent)) == (503, "overloaded_error", 2)
    assert (shop.row(caught.value.request_id)["charge_nano"], caught.value.response.headers["retry-after"]) == (0, "2")


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("error-midway", "overloaded_error", "upstream_overloaded"),
        ("cut-text", "api_error", "upstream_error"),
        ("reset-midway", "api_error", "upstream_error"),
    ],
)
def test_a_stream_that_breaks_raises_an_api_error(
    shop: Shop, alice: Customer, fault: str, kind: str, code: str
) -> None:
    """Never a short answer that looks whole: an error event, a silent end and a reset all raise."""
    stream = alice.client.messages.create(
        model=f"claude-{fault}", max_tokens=100, messages=[{"role": "user", "content": "hi"}], stream=True
    )
    with pytest.raises(anthropic.APIError) as caught:
        list(stream)
    assert (error(caught)["type"], error(caught)["code"], len(alice.sent)) == (kind, code, 1)
    assert shop.row(stream.response.headers["request-id"])["outcome"] == "truncated"


def test_a_request_of_a_name_that_was_used_is_a_conflict(shop: Shop, alice: Customer) -> None:
    """Asked once, though the SDK would repeat a 409; it tells the request that was paid for."""
    named = {"Idempotency-Key": "an order of anthropic's"}
    hi: list[anthropic.types.MessageParam] = [{"role": "user", "content": "hi"}]
    first = alice.client.messages.create(model="claude-sim", max_tokens=100, messages=hi, extra_headers=named)
    with pytest.raises(anthropic.ConflictError, match=str(first._request_id)) as caught:
        alice.client.messages.create(model="claude-sim", max_tokens=100, messages=hi, extra_headers=named)
    assert (error(caught)["code"], len(alice.sent)) == ("idempotency_key_used", 2)
    assert shop.rows("select * from request_log where request_id = ?", caught.value.request_id) == []
