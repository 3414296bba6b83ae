"""Every fault of an upstream, in both dialects, streaming or not: what the customer gets and what is booked."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from relay.core.circuit import Circuit
from relay.core.ledger.verify import verify
from tests.faults.answers import Wire
from tests.faults.catalogue import FAULTS, Ended, Failed, Fault
from tests.shops import Running, serving
from tests.upstreams import Received, Step, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETS = {
    "plain": "{{}}",
    "first": "{{first_event_s: 0.15}}",
    "inner": "{{idle_s: 0.15}}",
    "total": "{{total_s: 0.4}}",
    "alone": "{{}}",
    "https": "{{connect_s: 0.15}}",
}
CHANNEL = """
  - name: {prefix}-{name}-{place}
    use: channels.{plugin}
    base_url: {url}
    keys: ["file:upstream.key"]
    models: [{prefix}-{name}]
    groups: [plain]
    deadlines: {deadlines}
"""


def profile(url: str) -> str:
    """Return a shop with two channels for every set of deadlines and dialect; a model for each two."""
    urls = {"alone": "http://127.0.0.1:9", "https": url.replace("http:", "https:")}
    models = [(prefix, plugin, name) for prefix, plugin in (("o", "openai"), ("a", "anthropic")) for name in SETS]
    prices = [f'  {prefix}-{name}: {{{{model_ratio: "1", completion_ratio: "4"}}}}' for prefix, _, name in models]
    channels = [
        CHANNEL.format(
            prefix=prefix, plugin=plugin, name=name, place=place, url=urls.get(name, url), deadlines=SETS[name]
        )
        for prefix, plugin, name in models
        for place in "ab"
    ]
    plugins = "plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]"
    head = ["shop: {{name: {{en: Test, zh: 测试}}}}", plugins, 'groups: {{plain: {{ratio: "1"}}}}']
    return "\n".join([*head, "prices:", *prices, "channels:", *channels])


@dataclass
class Counter:
    """A shop and its upstream, whose script each test sets."""

    shop: Running
    upstream: Upstream

    async def ask(self, wire: Wire, channels: str) -> httpx.Response:
        """Ask for a short answer by the channels of a set; no fault of an earlier test is remembered."""
        self.upstream.received.clear()
        self.shop.shop.circuit = Circuit(self.shop.shop.clock)
        body: dict[str, Any] = {"model": "o-" + channels, "messages": [{"role": "user", "content": "hi"}]}
        if wire.is_anthropic:
            body |= {"model": "a-" + channels, "max_tokens": 900}
        if wire.is_stream:
            body["stream"] = True
        path = "/v1/messages" if wire.is_anthropic else "/v1/chat/completions"
        headers = {**self.shop.headers, "content-type": "application/json"}
        return await self.shop.client.post(path, content=msgspec.json.encode(body), headers=headers)

    async def booked(self, response: httpx.Response) -> tuple[dict[str, Any], list[str | None]]:
        """Return the log row of the request, and how its attempts failed; nothing of it is held any more."""
        request_id = response.headers["x-request-id"]
        [row] = self.shop.rows("select * from request_log where request_id = ?", request_id)
        attempts = self.shop.rows("select failure from attempt where request_id = ? order by attempt_index", request_id)
        [held] = self.shop.rows("select sum(pending_nano) as nano from book")
        assert held["nano"] == 0
        return row, [attempt["failure"] for attempt in attempts]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """Serve one shop to all faults; in the end its books must be right."""
    upstream = Upstream(lambda _: [])
    async with (
        upstream.opened(),
        serving(tmp_path_factory.mktemp("shop"), "", profile=profile(upstream.url), credit="100") as shop,
    ):
        yield Counter(shop, upstream)
        assert verify(shop.data) == []


COMPLAINT = "it failed for key sk-our-0123456789abcdef at http://127.0.0.1:8443/v1"
WIRES = {
    "chat": Wire(is_anthropic=False, is_stream=False, complaint=COMPLAINT),
    "chat-stream": Wire(is_anthropic=False, is_stream=True, complaint=COMPLAINT),
    "messages": Wire(is_anthropic=True, is_stream=False, complaint=COMPLAINT),
    "messages-stream": Wire(is_anthropic=True, is_stream=True, complaint=COMPLAINT),
}


def cases(kind: type[Failed] | type[Ended]) -> list[Any]:
    """Return every fault of *kind* in every wire form that it can show in."""
    return [
        pytest.param(fault, expected, wire, id=f"{name}-{form}")
        for name, fault in FAULTS.items()
        for form, wire in WIRES.items()
        if form.partition("-")[0] in fault.dialects
        if isinstance(expected := fault.stream if wire.is_stream else fault.whole, kind)
    ]


@pytest.mark.parametrize(("fault", "expected", "wire"), cases(Failed))
async def test_what_failed_before_the_first_output_costs_nothing(
    counter: Counter, fault: Fault, expected: Failed, wire: Wire
) -> None:
    """Both channels are tried, unless the request is to blame; the customer gets one error, in their dialect."""
    counter.upstream.script = lambda _: fault.script(wire)
    response = await counter.ask(wire, fault.channels)
    row, failures = await counter.booked(response)
    count = 2 if expected.is_retried else 1
    assert (response.status_code, code_of(response.json(), wire)) == (expected.status, expected.code)
    assert (row["outcome"], row["charge_nano"], row["overrun_nano"]) == ("upstream_error", 0, 0)
    assert failures == [expected.failure] * count
    assert not re.search(r"sk-our|127\.0\.0\.1|openresty|10\.0\.0\.7", response.text)
    assert len(counter.upstream.received) == (count if expected.is_heard else 0)


@pytest.mark.parametrize(
    ("fault", "expected", "wire"),
    [case for case in cases(Failed) if case.values[1].is_retried and case.values[1].is_heard],
)
async def test_what_failed_before_the_first_output_is_tried_elsewhere_unseen(
    counter: Counter, fault: Fault, expected: Failed, wire: Wire
) -> None:
    """The second channel answers, and the customer pays for that answer alone."""

    def script(_: Received) -> list[Step]:
        return [*fault.script(wire)] if len(counter.upstream.received) == 1 else wire.honest()

    counter.upstream.script = script
    response = await counter.ask(wire, fault.channels)
    row, failures = await counter.booked(response)
    assert (response.status_code, response.content) == (200, visible(wire))
    assert (row["outcome"], row["charge_nano"]) == ("complete", 6_000_000)
    assert failures == [expected.failure, None]


@pytest.mark.parametrize(("fault", "expected", "wire"), cases(Ended))
async def test_what_was_committed_is_carried_to_its_end_and_priced(
    counter: Counter, fault: Fault, expected: Ended, wire: Wire
) -> None:
    """One upstream alone; what broke ends in an error event and never in the end mark."""
    counter.upstream.script = lambda _: fault.script(wire)
    response = await counter.ask(wire, fault.channels)
    row, failures = await counter.booked(response)
    assert (row["outcome"], row["usage_source"]) == (expected.outcome, expected.source)
    assert row["charge_nano"] == (expected.anthropic_nano if wire.is_anthropic else expected.openai_nano)
    assert (response.status_code, error_code(response, wire)) == (200, expected.code)
    assert (len(failures), len(counter.upstream.received)) == (1, 1)
    assert with_lf(response).endswith(wire.end) == (wire.is_stream and expected.code is None)


@pytest.mark.parametrize(
    ("said", "told", "should_retry"),
    [("7", "7", "true"), ("-5", "1", "true"), ("1000000000", "3600", "false"), ("nonsense", "5", "true")],
)
@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
async def test_a_throttled_customer_is_told_a_sane_time_to_wait(
    counter: Counter, wire: Wire, said: str, told: str, should_retry: str
) -> None:
    """Row 14: between a second and an hour, whatever the upstream said; and whether to sit it out."""
    counter.upstream.script = lambda _: wire.error("rate_limit_error", 429, f"retry-after: {said}")
    response = await counter.ask(wire, "plain")
    assert (response.headers["retry-after"], response.headers["x-should-retry"]) == (told, should_retry)


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
async def test_another_model_than_asked_for_is_recorded(counter: Counter, wire: Wire) -> None:
    """Row 30: asked, sent and returned stand beside each other in the log."""
    raw = wire.raw.replace(b'"model":"m"', b'"model":"a-cheaper-one"')
    counter.upstream.script = lambda _: wire.sized(raw)
    row, _ = await counter.booked(await counter.ask(wire, "plain"))
    assert (row["model"][2:], row["model_sent"][2:], row["model_returned"]) == ("plain", "plain", "a-cheaper-one")


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
async def test_no_header_of_the_upstream_comes_back(counter: Counter, wire: Wire) -> None:
    """Row 31: cookies, servers, their request ids, and whatever ``Connection`` names."""
    headers = ("set-cookie: a=b", "server: x", "x-request-id: theirs", "openai-organization: x", "via: x", "x-a: b")
    counter.upstream.script = lambda _: wire.sized(wire.raw, *headers)
    response = await counter.ask(wire, "plain")
    ours = {"date", "content-type", "x-request-id", "request-id"}
    framing = {"cache-control", "transfer-encoding"} if wire.is_stream else {"content-length"}
    assert set(response.headers) == ours | framing
    assert response.headers["x-request-id"].startswith("req_")


def visible(wire: Wire) -> bytes:
    """Return what a customer gets of an honest answer: without the usage chunk nobody asked for."""
    if wire.is_anthropic or not wire.is_stream:
        return wire.raw
    return (wire.begin + wire.output + wire.stop(None) + wire.end).encode()


def with_lf(response: httpx.Response) -> str:
    return response.text.replace("\r\n", "\n")


def code_of(document: dict[str, Any], wire: Wire) -> str:
    """Return the machine code of an error, after a look at its shape."""
    assert set(document) == ({"type", "error", "request_id"} if wire.is_anthropic else {"error"})
    code: str = document["error"]["code"]
    return code


def error_code(response: httpx.Response, wire: Wire) -> str | None:
    """Return the code of the error event that ends a stream, or None."""
    if not wire.is_stream:
        return None
    lines = with_lf(response).split("\n\n")[-2].split("\n")
    data = lines[-1].removeprefix("data: ")
    if data == "[DONE]" or '"error"' not in data:
        return None
    assert lines[:-1] == (["event: error"] if wire.is_anthropic else [])
    return code_of(msgspec.json.decode(data), wire)
