"""A request that is passed on to a channel of its own dialect."""

import json

import pytest

from relay.core.dialects.openai_chat import OpenAIChat
from tests.core.dialects.replay import exchange

BODY = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"seed":1e3}'


@pytest.mark.parametrize(("model_sent", "sent"), [("m", b'"m"'), ("other", b'"other"')])
def test_only_the_models_name_differs(model_sent: str, sent: bytes) -> None:
    """Every other field is the same byte for byte, and the exchange's own stay as they were."""
    rules, made = OpenAIChat(), exchange("openai_chat")
    rules.read_request(made, BODY)
    request = rules.pass_on(made, model_sent, query="a=b", headers={"x-a": "b"})
    assert request.body() == BODY.replace(b'"m"', sent, 1)
    assert (request.dialect, request.operation, request.model) == ("openai_chat", "chat", model_sent)
    assert (request.query, request.headers, request.stream, request.form) == ("a=b", {"x-a": "b"}, False, None)
    assert json.loads(bytes(made.fields["model"])) == "m"
