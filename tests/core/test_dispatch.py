"""Hooks in profile order, each under its failure policy."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay import (
    Attempt,
    Candidate,
    Channel,
    ChannelRequest,
    Charge,
    ChargeLine,
    Claim,
    Evidence,
    Exchange,
    Plugin,
    PriceFacts,
    Principal,
    RequestRecord,
    Usage,
)
from relay.core.clock import SystemClock
from relay.core.dispatch import Dispatch
from relay.core.errors import (
    AuthenticationError,
    NoPriceError,
    NotAllowedError,
    PluginError,
    RelayError,
    UpstreamConnectError,
)
from relay.core.finder import FoundPlugin
from relay.core.ledger.codec import decode, encode
from relay.core.registry import Implementation
from tests.core.panic import Panic

NOW = SystemClock().now()
ALICE = Principal(account_id="acc_alice", key_id="key_1", key_version=1, group="plain", membership="default")
CHANNEL = Channel(name="one", use="channels.openai", dialects=("openai_chat",), models={}, groups=frozenset())
FIRST, SECOND, THIRD = (
    Candidate(channel=CHANNEL, key_id=f"one#{place}", model_sent="m", dialect="openai_chat") for place in range(3)
)
EXCHANGE = Exchange(id="req_1", dialect="openai_chat", operation="chat", headers={}, received_at=NOW, started_s=0.0)
REQUEST = ChannelRequest(model="m", dialect="openai_chat", operation="chat", fields={}, headers={}, stream=False)
FACTS = PriceFacts(
    account_id="acc_alice", key_id="key_1", group="plain", membership="default", dialect="openai_chat",
    operation="chat", channel="one", model="m", model_sent="m", at=NOW, stream=False,
)  # fmt: skip
RECORD = RequestRecord(
    request_id="req_1", facts=FACTS, usage=Usage(), outcome="empty", evidence=Evidence(), charge=Charge(),
    attempts=(), duration_ms=1,
)  # fmt: skip
LINE = ChargeLine(rule="a", item="output_tokens", count=10, factors=(("price", Fraction(1, 4)),))
CLAIM = Claim(rule="a", kind="empty_reply", share=Fraction(1))


def dispatch(hook: str, *functions: Callable[..., Any], deadline_s: float = 10.0) -> Dispatch:
    """Return a dispatch of one hook, which plugins a, b, c ... implement in this order."""
    made = [
        Implementation(
            plugin=FoundPlugin(use=use, plugin_type=Plugin, file=Path(f"/shop/{use}.py"), version="1"),
            function=function,
            arguments=function.__code__.co_varnames[: function.__code__.co_argcount],
        )
        for use, function in zip("abc", functions, strict=False)
    ]
    return Dispatch(lambda asked: made if asked == hook else (), deadline_s=deadline_s)


async def declines() -> None:
    return None


async def knows_alice(exchange: Exchange) -> Principal:
    assert exchange is EXCHANGE
    return ALICE


async def raises() -> None:
    raise ValueError("the prompt was: canary")


async def refuses() -> None:
    raise NotAllowedError("group_not_found")


async def never_answers() -> None:
    await asyncio.Event().wait()


async def test_first_answer_authenticates() -> None:
    """A plugin that declines does not win, and nobody behind the winner is asked."""
    assert await dispatch("authenticate", declines, knows_alice, raises).authenticate(EXCHANGE) is ALICE


@pytest.mark.parametrize("functions", [(), (declines, declines)])
async def test_key_that_nobody_knows_is_refused(functions: tuple[Callable[..., Any], ...]) -> None:
    """No plugin, or none that answers: 401."""
    with pytest.raises(AuthenticationError):
        await dispatch("authenticate", *functions).authenticate(EXCHANGE)


async def test_failing_plugin_refuses_and_is_named_without_its_words() -> None:
    """Authentication fails closed; the message names plugin and file, the cause is kept."""
    with pytest.raises(PluginError) as caught:
        await dispatch("authenticate", declines, raises, knows_alice).authenticate(EXCHANGE)

    assert str(caught.value) == "plugin 'b' (/shop/b.py): in authenticate: raised ValueError"
    assert isinstance(caught.value.__cause__, ValueError)


NO_EXCEPTIONS = pytest.mark.parametrize("error", [SystemExit(3), Panic("the prompt was: canary")], ids=repr)
"""What a plugin may raise that is no `Exception`."""


@NO_EXCEPTIONS
async def test_plugin_that_would_end_the_process_fails_like_any_other(error: BaseException) -> None:
    """One request must not end a shop."""

    async def raises_it() -> None:
        raise error

    told = rf"^plugin 'a' \(/shop/a.py\): in authenticate: raised {type(error).__name__}$"
    with pytest.raises(PluginError, match=told):
        await dispatch("authenticate", raises_it).authenticate(EXCHANGE)


@NO_EXCEPTIONS
def test_price_and_meter_that_would_end_the_process_fail_like_any_other(error: BaseException) -> None:
    """The meter is passed over; the price refuses, and is passed over at a post."""

    def raises_it() -> None:
        raise error

    assert dispatch("meter_stream", raises_it).meter_stream(EXCHANGE, CHANNEL) is None
    hooks = dispatch("settle", costs_ten, raises_it)
    with pytest.raises(PluginError, match=rf"^plugin 'b' \(/shop/b.py\): in settle: raised {type(error).__name__}$"):
        hooks.settle(FACTS, Usage())
    assert hooks.settle_what_was_sent(FACTS, Usage(), Charge(), "req_1") == Charge(lines=(LINE,))


async def waits_for_a_cancelled_one() -> None:
    other = asyncio.create_task(never_answers())
    other.cancel()
    await other


async def test_a_plugin_that_waited_for_what_was_cancelled_fails_like_any_other() -> None:
    """Nobody cancelled the exchange: it is neither a hang-up nor the end of the process."""
    told = r"^plugin 'a' \(/shop/a.py\): in authenticate: raised CancelledError$"
    with pytest.raises(PluginError, match=told):
        await dispatch("authenticate", waits_for_a_cancelled_one).authenticate(EXCHANGE)


def test_a_price_that_was_cancelled_is_a_failure() -> None:
    """Also where no event loop runs."""

    def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(PluginError, match="in settle: raised CancelledError"):
        dispatch("settle", cancelled).settle(FACTS, Usage())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()], ids=repr)
async def test_what_ends_the_process_itself_goes_through(error: BaseException) -> None:
    """Ctrl-C comes wherever the process happens to be."""

    async def is_interrupted() -> None:
        raise error

    with pytest.raises(type(error)):
        await dispatch("authenticate", is_interrupted).authenticate(EXCHANGE)


async def chooses_words() -> list[str]:
    return ["a"]


async def test_plugin_that_chooses_no_candidates_is_named() -> None:
    """What is in its list is looked at too."""
    with pytest.raises(PluginError) as caught:
        await dispatch("select_channel", chooses_words).select_channel(EXCHANGE, (), ())
    assert str(caught.value) == "plugin 'a' (/shop/a.py): in select_channel: expected Candidates, found str among them"


async def test_plugin_that_claims_no_claims_is_passed_over_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """The claims of the others stand."""

    async def claims() -> list[Claim]:
        return [CLAIM]

    with caplog.at_level("INFO", logger="relay"):
        assert await dispatch("post_check", chooses_words, claims).post_check(RECORD) == [CLAIM]
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert (record.message, fields["plugin"], fields["file"]) == ("plugin.failed", "a", "/shop/a.py")


class NoFeed:
    """Has figures of nothing."""

    feed = None

    def usage(self) -> Usage | None: ...


class Late:
    """A meter whose figures nobody awaits."""

    def feed(self, event: bytes) -> None: ...

    async def usage(self) -> Usage | None: ...


@pytest.mark.parametrize(("meter", "found"), [(3, "int"), (NoFeed(), "NoFeed"), (Late, "type")])
def test_what_is_no_meter_is_passed_over_by_name(caplog: pytest.LogCaptureFixture, meter: object, found: str) -> None:
    """Core counts itself; a class is none before it is made."""
    with caplog.at_level("INFO", logger="relay"):
        assert dispatch("meter_stream", lambda: meter).meter_stream(EXCHANGE, CHANNEL) is None
    [record] = caplog.records
    fields = vars(record)["fields"]
    assert (record.message, fields["plugin"], fields["file"]) == ("plugin.failed", "a", "/shop/a.py")
    assert fields["problem"] == f"in meter_stream: expected Meter or None, found {found}"


class Waiting:
    """A meter that nobody awaits, so that it would never count."""

    async def feed(self, event: bytes) -> None: ...

    def usage(self) -> Usage | None: ...


@pytest.mark.parametrize("meter", [Waiting(), Late()])
def test_meter_that_nobody_awaits_is_no_meter(caplog: pytest.LogCaptureFixture, meter: object) -> None:
    """Core counts itself, and the log says why."""
    with caplog.at_level("INFO", logger="relay"):
        assert dispatch("meter_stream", lambda: meter).meter_stream(EXCHANGE, CHANNEL) is None
    [record] = caplog.records
    told = "in meter_stream: expected a Meter with feed and usage declared with 'def'"
    assert (record.message, vars(record)["fields"]["problem"]) == ("plugin.failed", told)


async def test_error_of_relays_own_goes_through() -> None:
    """A plugin that refuses on purpose decides what the customer reads."""
    with pytest.raises(NotAllowedError) as caught:
        await dispatch("authenticate", refuses, knows_alice).authenticate(EXCHANGE)

    assert caught.value.reason == "group_not_found"


@pytest.mark.parametrize("error", [RelayError("a prompt"), UpstreamConnectError("a prompt"), PluginError("a prompt")])
async def test_error_that_refuses_nobody_is_the_plugins_failure(error: RelayError) -> None:
    """Where the service that a plugin asks is down, the operator learns of it, and no model's provider is blamed."""

    async def fails() -> None:
        raise error

    with pytest.raises(PluginError) as caught:
        await dispatch("authenticate", fails, knows_alice).authenticate(EXCHANGE)
    assert str(caught.value) == f"plugin 'a' (/shop/a.py): in authenticate: raised {type(error).__name__}"
    assert caught.value.__cause__ is error


def test_price_that_raises_an_upstreams_error_is_named() -> None:
    """A price refuses with one of the errors that refuse, or not at all."""

    def fails() -> None:
        raise UpstreamConnectError("a prompt")

    with pytest.raises(PluginError, match=r"^plugin 'a' \(/shop/a.py\): in settle: raised UpstreamConnectError$"):
        dispatch("settle", fails).settle(FACTS, Usage())


async def test_plugin_that_never_answers_meets_the_deadline() -> None:
    """A hook holds no request up for long."""
    with pytest.raises(PluginError) as caught:
        await dispatch("authenticate", never_answers, deadline_s=0.01).authenticate(EXCHANGE)

    assert str(caught.value) == "plugin 'a' (/shop/a.py): in authenticate: gave no answer in 0.01 s"


async def test_plugin_that_waits_is_waited_for() -> None:
    """However often it waits; what it waited for reaches it, values and exceptions alike."""

    async def looks_up(exchange: Exchange) -> Principal:
        loop = asyncio.get_running_loop()
        answered, failed = loop.create_future(), loop.create_future()
        loop.call_soon(answered.set_result, ALICE)
        loop.call_soon(failed.set_exception, ConnectionError())
        await asyncio.sleep(0)
        with pytest.raises(ConnectionError):
            await failed
        return await answered  # type: ignore[no-any-return]

    assert await dispatch("authenticate", looks_up).authenticate(EXCHANGE) is ALICE


async def test_plugin_that_waited_and_failed_is_named() -> None:
    """As one that failed at once."""

    async def loses_its_database() -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    with pytest.raises(PluginError, match=r"plugin 'a' \(/shop/a.py\): in authenticate: raised ConnectionError"):
        await dispatch("authenticate", loses_its_database).authenticate(EXCHANGE)


async def test_plugin_that_meets_the_deadline_may_clean_up() -> None:
    """Its own ``finally`` runs before the request is refused."""
    cleaned_up = asyncio.Event()

    async def holds_a_connection() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned_up.set()

    with pytest.raises(PluginError, match="gave no answer in"):
        await dispatch("authenticate", holds_a_connection, deadline_s=0.01).authenticate(EXCHANGE)

    assert cleaned_up.is_set()


async def test_time_out_inside_a_plugin_is_not_taken_for_the_deadline() -> None:
    """What the plugin waited for is its own affair."""

    async def gives_up() -> None:
        raise TimeoutError

    with pytest.raises(PluginError, match="raised TimeoutError"):
        await dispatch("authenticate", gives_up).authenticate(EXCHANGE)


async def test_cancelled_exchange_is_cancelled() -> None:
    """A cancellation is nobody's failure and goes on."""
    task = asyncio.ensure_future(dispatch("authenticate", never_answers).authenticate(EXCHANGE))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_answer_of_another_kind_is_a_failure() -> None:
    """A wrong type stops at the plugin that gave it."""

    async def says_yes() -> bool:
        return True

    with pytest.raises(PluginError, match="expected Principal or None, found bool"):
        await dispatch("authenticate", says_yes).authenticate(EXCHANGE)


async def test_each_router_sees_what_the_one_before_left() -> None:
    """The last order counts; None leaves it as it is."""
    seen = []

    async def drops_first(candidates: Any) -> Any:
        return candidates[1:]

    async def reverses(attempts: Any, candidates: Any) -> Any:
        seen.append((attempts, candidates))
        return candidates[::-1]

    chosen = await dispatch("select_channel", drops_first, declines, reverses).select_channel(
        EXCHANGE, (FIRST, SECOND, THIRD), ()
    )

    assert chosen == (THIRD, SECOND)
    assert seen == [((), (SECOND, THIRD))]


async def test_router_may_leave_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An empty sequence is an answer; the log says whose, as the customer is told only that there is no channel."""
    caplog.set_level(logging.INFO, "relay")

    async def takes_none(candidates: Any) -> list[Any]:
        return []

    chain = dispatch("select_channel", takes_none, takes_none)
    tried = Attempt(candidate=FIRST, started_at=NOW, duration_ms=1, failure="sick")
    assert await chain.select_channel(EXCHANGE, (SECOND,), (tried,)) == ()  # told of that attempt
    assert await chain.select_channel(EXCHANGE, (FIRST,), ()) == ()
    logged = [(record.msg, vars(record)["fields"]) for record in caplog.records]
    assert logged == [("channels.withheld", {"plugin": "a", "file": "/shop/a.py", "request_id": "req_1"})]


async def test_plugin_that_makes_up_a_candidate_is_named() -> None:
    """Where a request may go is decided before any plugin looks; a copy of what it was given is the same."""

    async def forges(candidates: Any) -> Any:
        return [msgspec.structs.replace(candidates[0], model_sent="dearer")]

    async def copies(candidates: Any) -> Any:
        return [msgspec.structs.replace(candidates[0])]

    assert await dispatch("select_channel", copies).select_channel(EXCHANGE, (FIRST, SECOND), ()) == (FIRST,)
    with pytest.raises(PluginError) as caught:
        await dispatch("select_channel", forges).select_channel(EXCHANGE, (FIRST, SECOND), ())
    assert str(caught.value) == (
        "plugin 'a' (/shop/a.py): in select_channel: expected some of its candidates, found another among them"
    )


@pytest.mark.parametrize("name", ["candidates", "attempts"])
async def test_plugin_that_changes_what_it_was_given_is_named(name: str) -> None:
    """Candidates that nobody checked would be asked, and attempts that were forgotten be made again."""
    tried = Attempt(candidate=FIRST, started_at=NOW, duration_ms=1, failure="sick")
    candidates, attempts = [FIRST, SECOND], [tried]

    async def clears(candidates: Any, attempts: Any) -> None:
        {"candidates": candidates, "attempts": attempts}[name].clear()

    with pytest.raises(PluginError, match="in select_channel: raised AttributeError"):
        await dispatch("select_channel", clears).select_channel(EXCHANGE, candidates, attempts)
    assert (candidates, attempts) == ([FIRST, SECOND], [tried])


class Once(list[Any]):
    """A sequence that can be read once."""

    is_read = False

    def __iter__(self) -> Any:
        if self.is_read:
            raise RuntimeError("read twice")
        self.is_read = True
        return super().__iter__()


async def test_what_a_plugin_lists_is_read_once() -> None:
    """It is code of the plugin's that gives it, guarded where it is read."""

    async def lists(attempts: Any, candidates: Any) -> Any:
        return Once([candidates[0]])

    assert await dispatch("select_channel", lists).select_channel(EXCHANGE, (FIRST, SECOND), ()) == (FIRST,)


async def test_every_transform_is_applied_in_turn() -> None:
    """The request is changed in place."""
    request = ChannelRequest(model="m", dialect="openai_chat", operation="chat", fields={}, headers={}, stream=False)

    async def sets_one(request: ChannelRequest) -> None:
        request.set("n", 1)

    async def sets_two(channel: Channel, request: ChannelRequest) -> None:
        request.set("n", 2)

    await dispatch("transform_request", sets_one, sets_two).transform_request(EXCHANGE, CHANNEL, request)

    assert request.body() == b'{"n":2}'


async def test_failing_transform_ends_the_attempt() -> None:
    """A request that is half changed is never sent."""
    with pytest.raises(PluginError, match="in transform_request: raised ValueError"):
        await dispatch("transform_request", raises).transform_request(EXCHANGE, CHANNEL, REQUEST)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("fields", {"model": "m"}, "expected fields set by request.set, found str among them"),
        ("fields", {"messages": []}, "expected fields set by request.set, found list among them"),
        ("fields", {5: msgspec.Raw(b"5")}, "expected text for model, query, names and headers, found int"),
        ("fields", None, "expected mappings as fields and headers, found NoneType and dict"),
        ("headers", [], "expected mappings as fields and headers, found dict and list"),
        ("headers", {"x-attempt": 5}, "expected text for model, query, names and headers, found int"),
        ("headers", {b"x-attempt": "5"}, "expected text for model, query, names and headers, found bytes"),
        ("model", None, "expected text for model, query, names and headers, found NoneType"),
        ("query", 5, "expected text for model, query, names and headers, found int"),
    ],
)
async def test_transform_that_leaves_what_cannot_be_sent_is_named(name: str, value: object, told: str) -> None:
    """And not the channel, which stumbles over it."""
    request = ChannelRequest(model="m", dialect="openai_chat", operation="chat", fields={}, headers={}, stream=False)

    async def spoils(request: ChannelRequest) -> None:
        setattr(request, name, value)

    with pytest.raises(PluginError) as caught:
        await dispatch("transform_request", spoils).transform_request(EXCHANGE, CHANNEL, request)
    assert str(caught.value) == f"plugin 'a' (/shop/a.py): in transform_request: {told}"


async def test_transform_that_returns_another_request_is_named() -> None:
    """It would not be sent: what is changed is changed in place."""

    async def returns_another() -> ChannelRequest:
        return REQUEST

    with pytest.raises(PluginError) as caught:
        await dispatch("transform_request", returns_another).transform_request(EXCHANGE, CHANNEL, REQUEST)
    assert caught.value.problem == "in transform_request: expected None, found ChannelRequest"


async def test_first_meter_counts_and_a_failing_one_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """Observers fail open: logged and counted."""

    class Counter:
        def feed(self, event: bytes) -> None: ...
        def usage(self) -> Usage:
            return Usage(output_tokens=7)

    def fails(exchange: Exchange) -> None:
        raise ValueError("canary")

    def none_here(channel: Channel) -> None:
        return None

    hooks = dispatch("meter_stream", fails, none_here, lambda exchange, channel: Counter())

    with caplog.at_level(logging.INFO, "relay"):
        meter = hooks.meter_stream(EXCHANGE, CHANNEL)
    assert meter is not None
    assert meter.usage() == Usage(output_tokens=7)
    assert hooks.failure_counts == {"a": 1}
    assert [record.message for record in caplog.records] == ["plugin.failed"]
    assert "canary" not in str([vars(record) for record in caplog.records])


def test_charge_grows_along_the_chain() -> None:
    """Each policy gets the charge so far; None leaves it."""

    def prices(usage: Usage) -> Charge:
        return Charge(lines=(LINE,))

    def waits(facts: PriceFacts, usage: Usage, charge: Charge | None) -> None:
        assert charge == Charge(lines=(LINE,))

    def halves(charge: Charge) -> Charge:
        return charge.times("discount", Fraction(1, 2))

    charge = dispatch("settle", prices, waits, halves).settle(FACTS, Usage())

    assert charge.nano == 1_250_000_000


@pytest.mark.parametrize("functions", [(), (lambda usage: None,)])
def test_request_without_price_is_refused_never_free(functions: tuple[Callable[..., Any], ...]) -> None:
    """No charge after the last policy: 400 model_price_error."""
    with pytest.raises(NoPriceError) as caught:
        dispatch("settle", *functions).settle(FACTS, Usage())

    assert (caught.value.reason, caught.value.params) == ("model_price_error", {"model": "m", "group": "plain"})


def test_failing_price_refuses() -> None:
    """Settling fails closed, whatever was charged before."""

    def fails(usage: Usage) -> None:
        raise ZeroDivisionError

    with pytest.raises(PluginError, match=r"plugin 'b' \(/shop/b.py\): in settle: raised ZeroDivisionError"):
        dispatch("settle", lambda usage: Charge(lines=(LINE,)), fails).settle(FACTS, Usage())


def test_negative_charge_refuses_and_a_discount_does_not() -> None:
    """A line may take something off, the whole never becomes a gift."""
    discount = ChargeLine(rule="b", item="discount", count=1, factors=(("credits", Fraction(-1)),))

    assert dispatch("settle", lambda usage: Charge(lines=(LINE, discount))).settle(FACTS, Usage()).nano == 1_500_000_000
    with pytest.raises(PluginError, match="made the charge negative"):
        dispatch("settle", lambda usage: Charge(lines=(discount,))).settle(FACTS, Usage())


def made(**fields: Any) -> ChargeLine:
    """Return a line with *fields* of any type, as a plugin may make it."""
    return msgspec.structs.replace(LINE, **fields)


UNBOOKABLE = [
    Charge(lines=5),  # type: ignore[arg-type] # what a plugin may do; so below
    Charge(lines=[LINE]),  # type: ignore[arg-type]
    Charge(lines=("a",)),  # type: ignore[arg-type]
    *(Charge(lines=(made(count=count),)) for count in (1.5, float("nan"), None, True, 2**63)),
    *(Charge(lines=(made(factors=factors),)) for factors in ([("p", Fraction(1))], (("p",),), ((None, 1),), 5)),
    *(
        Charge(lines=(made(factors=(("p", number),)),))
        for number in (0.1, float("nan"), float("inf"), None, True, Decimal("0.1"), Fraction(-1, 3**3000), 2**5000)
    ),
    *(Charge(lines=(made(rule=text),)) for text in (None, b"x", "\ud800")),
    Charge(lines=(made(item="\ud800"),)),
    Charge(lines=(made(factors=(("\ud800", Fraction(1)),)),)),
]


@pytest.mark.parametrize("unbookable", UNBOOKABLE, ids=lambda charge: ascii(charge.lines)[:60])
def test_a_charge_that_the_books_can_not_keep_is_the_failure_of_its_plugin(unbookable: Charge) -> None:
    """It refuses a quote; at a post, which can't be refused, it is passed over like a plugin that raises."""
    hooks = dispatch("settle", costs_ten, lambda charge: unbookable)
    with pytest.raises(PluginError, match=r"^plugin 'b' \(/shop/b.py\): in settle: expected "):
        hooks.settle(FACTS, Usage())
    assert hooks.settle_what_was_sent(FACTS, Usage(), Charge(), "req_1") == Charge(lines=(LINE,))
    assert hooks.failure_counts == {"b": 1}


@pytest.mark.parametrize("fields", [{"factors": (("p", 3),)}, {"factors": ()}, {"rule": "折扣"}, {"count": 2**63 - 1}])
def test_a_charge_that_the_books_can_keep_is_kept(fields: dict[str, Any]) -> None:
    """It reads back as it was; a whole number is an exact one."""
    charge = Charge(lines=(made(**{"factors": (("p", Fraction(1, 2**40)),), **fields}),))
    assert dispatch("settle", lambda usage: charge).settle(FACTS, Usage()) is charge
    assert decode(encode(charge), Charge) == charge


def test_price_of_another_kind_is_a_failure() -> None:
    """A number is no charge: it has no trace."""
    with pytest.raises(PluginError, match="expected Charge or None, found int"):
        dispatch("settle", lambda usage: 5).settle(FACTS, Usage())


async def test_claims_of_all_plugins_are_gathered_and_a_failing_one_is_passed_over() -> None:
    """What one observer breaks, the others' customers do not pay for."""

    async def claims(record: RequestRecord) -> list[Claim]:
        assert record is RECORD
        return [CLAIM]

    hooks = dispatch("post_check", raises, declines, claims)

    assert await hooks.post_check(RECORD) == [CLAIM]
    assert hooks.failure_counts == {"a": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"share": Fraction(-1)},
        {"share": 10**40},
        {"share": Fraction(1, 3**3000)},
        {"share": float("nan")},
        {"share": 0.5},
        {"share": None},
        {"share": True},
        {"rule": None},
        {"rule": "\ud800"},
        {"kind": 5},
    ],
    ids=ascii,
)
async def test_a_claim_that_can_not_be_kept_drops_no_other(
    caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    """Neither its own plugin's nor another's; the log names the plugin."""

    async def claims_two() -> list[Claim]:
        return [msgspec.structs.replace(CLAIM, **fields), CLAIM]

    async def claims() -> list[Claim]:
        return [msgspec.structs.replace(CLAIM, share=2)]

    hooks = dispatch("post_check", claims_two, claims)
    record = msgspec.structs.replace(RECORD, charge=Charge(lines=(LINE,)))
    assert await hooks.post_check(record) == [CLAIM, msgspec.structs.replace(CLAIM, share=2)]
    assert hooks.failure_counts == {"a": 1}
    [event] = caplog.records
    told = vars(event)["fields"]
    assert (event.message, told["plugin"], told["file"]) == ("plugin.failed", "a", "/shop/a.py")


class Torn(list[Claim]):
    """Can't be read."""

    def __iter__(self) -> Iterator[Claim]:
        raise Panic("the prompt was: canary")


async def test_claims_that_can_not_be_read_are_passed_over() -> None:
    """Whatever a plugin's own kind of list does."""

    async def claims_torn() -> Torn:
        return Torn([CLAIM])

    async def claims() -> list[Claim]:
        return [CLAIM]

    hooks = dispatch("post_check", claims_torn, claims)
    assert await hooks.post_check(RECORD) == [CLAIM]
    assert hooks.failure_counts == {"a": 1}


def costs_ten(charge: Charge | None) -> Charge:
    return (charge or Charge()).plus(LINE)


def costs_the_earth(charge: Charge | None) -> Charge:
    return Charge(lines=(ChargeLine(rule="b", item="x", count=10**12, factors=(("price", Fraction(1)),)),))


@pytest.mark.parametrize("failing", [lambda: 1 / 0, costs_the_earth])
def test_what_was_sent_is_priced_without_the_plugin_that_fails(failing: Callable[..., Any]) -> None:
    """The others' price stands, and the failure is counted."""
    made = dispatch("settle", costs_ten, failing)
    assert made.settle_what_was_sent(FACTS, Usage(), Charge(), "req_1") == Charge(lines=(LINE,))
    assert made.failure_counts == {"b": 1}


def test_what_was_sent_costs_its_quote_where_nobody_can_price_it() -> None:
    """Never unbilled."""
    quoted = Charge(lines=(LINE, LINE))
    assert dispatch("settle", lambda: 1 / 0).settle_what_was_sent(FACTS, Usage(), quoted, "req_1") == quoted


def test_a_charge_beyond_what_the_ledger_holds_refuses() -> None:
    """A trillion credits is a mistake of the plugin's, told by its name."""
    with pytest.raises(PluginError, match="larger than the ledger holds"):
        dispatch("settle", costs_the_earth).settle(FACTS, Usage())
