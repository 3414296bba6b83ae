"""transforms.parameters: which fields change, and that no other byte does."""

from fractions import Fraction

import msgspec
import pytest

from relay import ChannelRequest, Exchange, Principal, parse_exact
from relay.core.exchange import Operation
from relay.plugins.transforms.parameters import ParameterRule, Parameters, ParametersConfig
from tests.services import NOW, services

BODY = b'{"model":"gpt-5","messages":[{"role":"user","content":"\\u00e9"}],"temperature":0.70,"top_p":1.0}'


def exchange(model: str = "gpt-5", group: str = "agave") -> Exchange:
    asked = Exchange(id="req_1", dialect="openai_chat", operation="chat", headers={}, received_at=NOW, started_s=0.0)
    asked.model = model
    asked.principal = Principal(account_id="acct_1", key_id="key_1", key_version=1, group=group, membership="default")
    return asked


async def edited(*rules: ParameterRule, body: bytes = BODY, asked: Exchange | None = None) -> bytes:
    """The body as it leaves after *rules*."""
    request = ChannelRequest(
        model="m",
        dialect="openai_chat",
        operation="chat",
        fields=msgspec.json.decode(body, type=dict[str, msgspec.Raw]),
        headers={},
        stream=False,
    )
    plugin = Parameters(ParametersConfig(rules=rules), services())
    await plugin.transform_request(asked or exchange(), request)
    return request.body()


AGAVE = ParameterRule(groups=("agave",), set={"temperature": 1}, at_most={"top_p": parse_exact("0.99")})


async def test_a_set_field_is_replaced_and_a_number_above_its_bound_lowered() -> None:
    """Agave's rule: temperature 1, top_p below 1; all else byte for byte."""
    assert await edited(AGAVE) == (
        b'{"model":"gpt-5","messages":[{"role":"user","content":"\\u00e9"}],"temperature":1,"top_p":0.99}'
    )


async def test_a_set_field_is_added_and_a_bound_is_not() -> None:
    """What the customer left out is set where the rule sets it, and stays out where it only bounds."""
    assert await edited(AGAVE, body=b'{"model":"gpt-5"}') == b'{"model":"gpt-5","temperature":1}'


@pytest.mark.parametrize(
    ("sent", "leaves"),
    [
        (b"0.99", b"0.99"),
        (b"0.5e0", b"0.5e0"),
        (b"-1", b"-1"),
        (b"9.9e-1", b"9.9e-1"),
        (b"0.990000000000000000001", b"0.99"),
        (b"2", b"0.99"),
        (b"1e999999999", b"0.99"),
        (b'"2"', b'"2"'),
        (b"null", b"null"),
        (b"true", b"true"),
        (b"[2]", b"[2]"),
    ],
)
async def test_only_a_larger_number_is_lowered(sent: bytes, leaves: bytes) -> None:
    """Numbers are compared exactly and in no time; what is none is the upstream's to refuse."""
    body = await edited(AGAVE, body=b'{"temperature":1,"top_p":' + sent + b"}")
    assert body == b'{"temperature":1,"top_p":' + leaves + b"}"


@pytest.mark.parametrize(("model", "group"), [("gpt-5", "lily"), ("gpt-4o", "agave")])
async def test_a_rule_leaves_other_groups_and_models_alone(model: str, group: str) -> None:
    """Both must match: the key's group, and the model as the customer asked for it."""
    rule = ParameterRule(groups=("agave",), models=("gpt-5",), set={"temperature": 1})
    assert await edited(rule, asked=exchange(model, group)) == BODY


async def test_rules_apply_in_their_order() -> None:
    """A later rule has the last word."""
    rules = ParameterRule(set={"temperature": 2, "user": None}), ParameterRule(at_most={"temperature": Fraction(1)})
    assert await edited(*rules, body=b"{}") == b'{"temperature":1,"user":null}'


@pytest.mark.parametrize("name", ["model", "stream", "stream_options", "n"])
def test_a_rule_cannot_touch_what_prices_rest_on(name: str) -> None:
    """Changing the model or the number of answers here would sell one thing and price another."""
    with pytest.raises(ValueError, match=f"a rule cannot change '{name}'"):
        ParameterRule(set={name: 1})


def test_a_bound_must_be_a_plain_decimal() -> None:
    """JSON has no fractions."""
    with pytest.raises(ValueError, match="at_most of 'top_p' must be a plain decimal, got 1/3"):
        ParameterRule(at_most={"top_p": Fraction(1, 3)})


async def test_a_field_may_be_set_to_a_whole_object() -> None:
    """Such as a model's thinking."""
    rule = ParameterRule(set={"thinking": {"type": "disabled"}})
    assert await edited(rule, body=b'{"model":"m","thinking":{"type":"enabled"}}') == (
        b'{"model":"m","thinking":{"type":"disabled"}}'
    )


@pytest.mark.parametrize("operation", ["count_tokens", "compact", "kept_answer"])
async def test_what_makes_no_answer_is_left_alone(operation: Operation) -> None:
    """Their endpoints refuse what shapes one."""
    request = ChannelRequest(
        model="m",
        dialect="openai_responses",
        operation=operation,
        fields={"model": msgspec.Raw(b'"m"')},
        headers={},
        stream=False,
    )
    await Parameters(ParametersConfig(rules=(AGAVE,)), services()).transform_request(exchange(), request)
    assert request.fields == {"model": msgspec.Raw(b'"m"')}
