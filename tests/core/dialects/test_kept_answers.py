"""Where kept answers stand in each dialect, and what of a request for one goes upstream."""

import msgspec
import pytest

from relay.core.dialects.kept_answers import KEPT_ANSWER_ENDPOINTS
from relay.core.exchange import ChannelRequest
from tests.core.dialects.replay import exchange


def prepare(path: str, query: str, answer_id: str = "resp_1") -> ChannelRequest:
    """Return what the endpoint GET *path* asks of a channel."""
    endpoint = next(one for one in KEPT_ANSWER_ENDPOINTS if (one.method, one.path) == ("GET", path))
    asked = exchange("openai_responses")
    asked.query = query
    return endpoint.prepare(asked, answer_id, "m")


def test_every_endpoint_is_listed() -> None:
    """With its method; only a DELETE takes the answer away."""
    assert [(one.method, one.path, one.is_removal) for one in KEPT_ANSWER_ENDPOINTS] == [
        ("GET", "/v1/responses/{id}", False),
        ("DELETE", "/v1/responses/{id}", True),
        ("POST", "/v1/responses/{id}/cancel", False),
        ("GET", "/v1/responses/{id}/input_items", False),
        ("GET", "/v1beta/interactions/{id}", False),
        ("DELETE", "/v1beta/interactions/{id}", True),
        ("POST", "/v1beta/interactions/{id}/cancel", False),
    ]


@pytest.mark.parametrize(
    ("path", "query", "sent"),
    [
        ("/v1/responses/{id}", "include%5B%5D=a&include%5B%5D=b&beta=true", "include%5B%5D=a&include%5B%5D=b"),
        ("/v1/responses/{id}", "stream=true&starting_after=3&limit=1", "stream=true&starting_after=3"),
        ("/v1/responses/{id}/input_items", "limit=1&order=asc&stream=true", "limit=1&order=asc"),
        (
            "/v1beta/interactions/{id}",
            "last_event_id=e&include_input=true&$alt=sse",
            "last_event_id=e&include_input=true",
        ),
        ("/v1beta/interactions/{id}", "", ""),
    ],
)
def test_only_parameters_of_the_api_go_upstream(path: str, query: str, sent: str) -> None:
    """In the customer's order; any other is the customer's own business."""
    assert prepare(path, query).query == sent


def test_an_id_is_one_step_of_the_path_whatever_stands_in_it() -> None:
    """And there is no body."""
    request = prepare("/v1/responses/{id}/input_items", "", "../é?x")
    assert (request.subpath, request.body()) == ("/..%2F%C3%A9%3Fx/input_items", b"")


def test_a_plugin_cannot_give_it_a_body() -> None:
    """A field that was set stays here."""
    request = prepare("/v1/responses/{id}", "")
    request.fields["store"] = msgspec.Raw(b"true")
    assert request.body() == b""
