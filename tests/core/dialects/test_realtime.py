"""Rules of Realtime: its address, what travels on of a client's version, its errors in both forms."""

import json

import pytest

from relay.core.dialects.realtime import Realtime, offered_subprotocols
from relay.core.errors import AuthenticationError, BadRequestError, UpgradeRequiredError
from relay.core.exchange import Exchange
from tests.services import NOW


def exchange(query: str, **headers: str) -> Exchange:
    return Exchange(
        id="req_1", dialect="realtime", operation="realtime", headers=headers, received_at=NOW, started_s=0, query=query
    )


@pytest.mark.parametrize("query", ["model=gpt-realtime&x=1", "api-version=2024-10-21&deployment=gpt-realtime"])
def test_address_names_the_model(query: str) -> None:
    """Or Azure's deployment; a session is a stream, whose hold grows with it."""
    asked = exchange(query)
    Realtime().read_address(asked)
    assert (asked.model, asked.stream) == ("gpt-realtime", True)


@pytest.mark.parametrize(
    ("query", "param"),
    [("", "model"), ("model=", "model"), ("model=%00", "model"), ("call_id=a", "call_id"), ("intent=a", "intent")],
)
def test_what_is_not_served_is_named(query: str, param: str) -> None:
    """So that a client learns what to leave out."""
    with pytest.raises(BadRequestError) as caught:
        Realtime().read_address(exchange(query))
    assert caught.value.param == param


def test_a_body_is_no_websocket() -> None:
    """Whoever sends one asks for something else."""
    with pytest.raises(UpgradeRequiredError):
        Realtime().read_request(exchange("model=m"), b"{}")


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, {}),
        ({"openai-beta": "realtime=v1"}, {"openai-beta": "realtime=v1"}),
        ({"sec-websocket-protocol": "realtime, openai-beta.realtime-v1"}, {"openai-beta": "realtime=v1"}),
        ({"sec-websocket-protocol": "realtime,openai-insecure-api-key.sk-1"}, {}),
    ],
)
def test_only_the_version_travels_on(headers: dict[str, str], version: dict[str, str]) -> None:
    """Whichever way it came; the model is the upstream's name of it."""
    request = Realtime().prepare(exchange("model=a&key=b", **headers), "gpt realtime")
    assert (request.headers, request.query, request.model) == (version, "model=gpt+realtime", "gpt realtime")


@pytest.mark.parametrize(("header", "offers"), [("", []), ("a", ["a"]), (" a ,, b", ["a", "b"])])
def test_offers_are_a_list(header: str, offers: list[str]) -> None:
    """As browsers join them."""
    assert offered_subprotocols({"sec-websocket-protocol": header}) == offers


def test_an_error_is_a_document_before_the_upgrade_and_an_event_after() -> None:
    """Both say the same."""
    error = AuthenticationError()
    said = {"message": "who?", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
    assert json.loads(Realtime().render_error(error, "who?", "req_1")) == {"error": said}
    assert json.loads(Realtime().render_error_event(error, "who?", "req_1")) == {
        "type": "error",
        "event_id": "event_req_1",
        "error": {**said, "event_id": None},
    }
