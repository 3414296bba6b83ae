"""What an upstream says an answer cost the shop is cut out of its usage, and nothing else is touched."""

from decimal import Decimal

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.dialects.upstream_costs import event_without_costs, read_upstream_cost, without_costs
from relay.core.exchange import Dialect
from tests.core.dialects.replay import exchange


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (b'{"usage":{"a":1,"cost":0.00006,"b":2}}', b'{"usage":{"a":1,"b":2}}'),
        (b'{"usage":{"cost":0.1,"a":1}}', b'{"usage":{"a":1}}'),
        (b'{"usage":{"a":1,"cost":1e-05}}', b'{"usage":{"a":1}}'),
        (b'{"usage":{"cost":0}}', b'{"usage":{}}'),
        (b'{"usage":{"cost":0,"is_byok":false}}', b'{"usage":{}}'),
        (b'{"usage":{"a":1,"cost_in_usd_ticks":731000},"id":"x"}', b'{"usage":{"a":1},"id":"x"}'),
        (
            b'{"usage": {"a": 1, "cost": {"total_cost": 0.1, "currency": "a, }"}, "b": {"c": 2}}}',
            b'{"usage": {"a": 1, "b": {"c": 2}}}',
        ),
        (
            b'{"usage":{"cost":0.1,"is_byok":false,"d":{"cached":0},"cost_details":{"upstream":null},"market_cost":0.1}}',
            b'{"usage":{"d":{"cached":0}}}',
        ),
        (b'{\n  "usage": {\n    "a": 1,\n    "cost": 0.1\n  }\n}', b'{\n  "usage": {\n    "a": 1\n  }\n}'),
        (b'{"response":{"id":"r","usage":{"a":1,"cost":2}}}', b'{"response":{"id":"r","usage":{"a":1}}}'),
        (b'{"message":{"id":"m","usage":{"a":1,"cost":2}}}', b'{"message":{"id":"m","usage":{"a":1}}}'),
        (b'{"message":"words","usage":{"a":1,"cost":2}}', b'{"message":"words","usage":{"a":1}}'),
        (b'{"usage":{ "cost" : 1 , "a" : 1 , "b" : 2 }}', b'{"usage":{ "a" : 1 , "b" : 2 }}'),
        (
            b'{"usage":{"\\"}":"\\\\","cost":{"\\"":"}"},"\\\\":[{}],"is_byok":true}}',
            b'{"usage":{"\\"}":"\\\\","\\\\":[{}]}}',
        ),
    ],
)
def test_costs_are_cut_out_of_usage(told: bytes, shown: bytes) -> None:
    """Wherever usage stands, and wherever in it they do; blanks stay as they came."""
    assert without_costs(told) == shown


@pytest.mark.parametrize(
    "document",
    [
        b'{"usage":{"a":1}}',
        b'{"choices":[{"message":{"content":"a cost of \\"cost\\":1"}}],"usage":{"a":1}}',
        b'{"cost":1,"arguments":{"cost":2},"usage":null}',
        b'{"usage":"cost"}',
        b'{"usage":{"prompt_cost_tokens":1}}',
        b'{"usage":{"cost":1}',
        b'{"usage":{"a":{"cost":1}}}',
        b'{"response":{"response":{"usage":{"cost":1}}}}',
        b'{"message":{"message":{"usage":{"cost":1}}}}',
        b"a cost",
        b"[" * 100_000 + b'"cost"',
    ],
)
def test_everything_else_stays_byte_for_byte(document: bytes) -> None:
    """Words of an answer, arguments of a call, other counts, and what is no document."""
    assert without_costs(document) == document


@pytest.mark.parametrize(
    ("usage", "shown"),
    [
        (b'{"cost":1, "a":2, "cost":3}', b'{"a":2}'),
        (b'{"cost":1, "cost":1, "a":2}', b'{"a":2}'),
        (b'{"a":1, "cost":{}, "a":12}', b'{"a":12}'),
    ],
)
def test_usage_that_names_a_member_twice_is_written_anew(usage: bytes, shown: bytes) -> None:
    """The last counts, as everywhere, and no cost is left."""
    assert without_costs(b'{"usage": %b}' % usage) == b'{"usage": %b}' % shown


BLANKS = b" " * 1_000_000


@pytest.mark.parametrize(
    ("usage", "shown"),
    [
        (b'{"a":1,"cost":1%b}' % BLANKS, b'{"a":1%b}' % BLANKS),
        (b'{"a":1,%b"b":2,"cost":1}' % BLANKS, b'{"a":1,%b"b":2}' % BLANKS),
        (b'{"a":1%b,"cost":1}' % BLANKS, b'{"a":1}'),
        (b'{"cost":"%b","a":1}' % (b"." * 2**25), b'{"a":1}'),
    ],
    ids=["blanks at the end", "blanks between", "blanks before", "a long cost"],
)
def test_a_large_usage_is_read_as_fast_as_it_comes(usage: bytes, shown: bytes) -> None:
    """A million blanks, or a cost of 32 megabytes, take no longer than any other bytes."""
    assert without_costs(b'{"usage":%b}' % usage) == b'{"usage":%b}' % shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (b'data: {"usage":{"a":1,"cost":2}}\n\n', b'data: {"usage":{"a":1}}\n\n'),
        (b'data:{"usage":{"a":1,"cost":2}}\r\n\r\n', b'data:{"usage":{"a":1}}\r\n\r\n'),
        (b': note\nevent: x\ndata: {"usage":{"cost":2}}\n\n', b': note\nevent: x\ndata: {"usage":{}}\n\n'),
        (b'event: x\ndata: {"usage":{"a":1,\ndata: "cost":2}}\n\n', b'event: x\ndata: {"usage":{"a":1}}\n\n'),
        (b'data: {"usage":{"a":1,"cost":2}}', b'data: {"usage":{"a":1}}'),
        (b": the cost of a comment\n\n", b": the cost of a comment\n\n"),
        (b"data: [DONE]\n\n", b"data: [DONE]\n\n"),
    ],
)
def test_an_event_keeps_everything_but_the_costs(told: bytes, shown: bytes) -> None:
    """Comments, names and line ends, but for the lines of data written in several."""
    assert event_without_costs(told) == shown


@pytest.mark.parametrize(
    ("figures", "nano"),
    [
        (b'{"cost":0.00006}', 60_000),
        (b'{"cost":0}', 0),
        (b'{"cost":2}', 2_000_000_000),
        (b'{"cost":0.0000000005}', 0),
        (b'{"cost":0.0000000015}', 2),
        (b'{"cost":{"input_tokens_cost":0.1,"total_cost":0.00501}}', 5_010_000),
        (b'{"cost_in_usd_ticks":731000}', 73_100),
        (b'{"cost_in_usd_ticks":5,"cost":1}', 0),
        (b'{"cost_details":{"upstream_inference_cost":1}}', None),
        (b'{"cost":null}', None),
        (b'{"cost":"0.1"}', None),
        (b'{"cost":true}', None),
        (b'{"cost":{}}', None),
        (b'{"cost":-0.1}', None),
        (b'{"cost":1000001}', None),
        (b'{"cost":1e999999}', None),
        (b'{"cost":1e-999999}', 0),
    ],
)
def test_costs_are_read_exactly(figures: bytes, nano: int | None) -> None:
    """To the nano-dollar, half to even; what can't be is not told."""
    assert read_upstream_cost(msgspec.json.Decoder(float_hook=Decimal).decode(figures)) == nano


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai_chat", b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.00006}}'),
        ("openai_responses", b'{"output":[],"usage":{"input_tokens":1,"output_tokens":1,"cost":0.00006}}'),
        ("anthropic_messages", b'{"content":[],"usage":{"input_tokens":1,"output_tokens":1,"cost":0.00006}}'),
        ("embeddings", b'{"data":[],"usage":{"prompt_tokens":1,"total_tokens":1,"cost":0.00006}}'),
    ],
)
def test_costs_are_kept_with_the_counts(dialect: Dialect, body: bytes) -> None:
    """As a note, in every dialect in which upstreams tell them."""
    usage = RULES[dialect].read_body(exchange(dialect), body).usage
    assert usage is not None
    assert usage.upstream_cost_nano == 60_000


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai_chat", b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"cost":<COST>}}'),
        ("openai_chat", b'{"choices":[5],"usage":{"prompt_tokens":3,"completion_tokens":1,"cost":<COST>}}'),
        ("openai_responses", b'{"output":[],"usage":{"input_tokens":3,"output_tokens":1,"cost":<COST>}}'),
        ("anthropic_messages", b'{"content":[],"usage":{"input_tokens":3,"output_tokens":1,"cost":<COST>}}'),
        ("embeddings", b'{"data":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"cost":<COST>}}'),
    ],
)
@pytest.mark.parametrize("cost", [b"1e400", b"1e99999999999999999999", b"1e-99999999999999999999"])
def test_a_cost_beyond_any_decimal_is_none(dialect: Dialect, body: bytes, cost: bytes) -> None:
    """The counts beside it are read all the same."""
    usage = RULES[dialect].read_body(exchange(dialect), body.replace(b"<COST>", cost)).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.upstream_cost_nano) == (3, 1, None)
