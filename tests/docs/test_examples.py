"""The plugins shown on the pages do what the pages say, in a shop that is really opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from relay import (
    Candidate,
    Channel,
    ChannelRequest,
    Charge,
    ChargeLine,
    Claim,
    Evidence,
    Exact,
    Exchange,
    NotAllowedError,
    Principal,
    RequestRecord,
    Usage,
)
from relay.core.profile.loader import load_profile
from relay.core.shop import Shop
from tests import books
from tests.docs.blocks import Example, examples

EXAMPLES = {example.name: example for example in examples()}
PRINCIPAL = Principal(account_id="acct_1", key_id="key_1", key_version=1, group="standard", membership="default")
FACTS = msgspec.structs.replace(books.FACTS, group="standard", channel="monthly", model="gpt-4o-mini")
USAGE = Usage(input_tokens=1000, output_tokens=500)
"""At model ratio 1 and completion ratio 4: 1000 x 0.000002 + 500 x 0.000002 x 4 = 0.006 credits."""

PROFILE = """
shop: {name: {en: Test, zh: 测试}}
plugins: [{use: auth.api_key}, {use: routing.priority_weighted}, {use: billing.token_ratio}]
groups: {standard: {ratio: "1"}, hyacinth: {ratio: "1.5"}}
prices: {gpt-4o-mini: {model_ratio: "1", completion_ratio: "4"}}
channels:
  - {name: daily, use: channels.simulator, models: [gpt-4o-mini], groups: [standard, hyacinth]}
  - {name: monthly, use: channels.simulator, models: [gpt-4o-mini], groups: [standard]}
"""


@asynccontextmanager
async def opened(example: Example, folder: Path) -> AsyncIterator[Shop]:
    """Open a shop that uses *example* as its page shows, filled up with what a shop needs besides."""
    (folder / example.name).write_text(example.source.text)
    shown: dict[str, Any] = yaml.safe_load(example.profile.text.replace("/var/lib/shop", str(folder)))
    profile: dict[str, Any] = yaml.safe_load(PROFILE)
    used = [plugin["use"] for plugin in shown.get("plugins", [])]
    profile["plugins"] = shown.get("plugins", []) + [each for each in profile["plugins"] if each["use"] not in used]
    profile["channels"] += shown.get("channels", [])
    if "shop" in shown:
        profile = shown
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(profile, allow_unicode=True))
    async with Shop(load_profile(path), folder / "data", {"gateway": ("gw-key",)}).opened() as shop:
        yield shop


def exchange(**headers: str) -> Exchange:
    """Return a chat by someone whose key was recognised."""
    asked = Exchange(
        id="req_1",
        dialect="openai_chat",
        operation="chat",
        headers=headers,
        received_at=FACTS.at,
        started_s=0.0,
        client_ip="203.0.113.7",
    )
    asked.principal = PRINCIPAL
    return asked


def request() -> ChannelRequest:
    """Return a request that is about to be sent."""
    fields = {"model": msgspec.Raw(b'"gpt-4o-mini"')}
    return ChannelRequest(
        model="m", dialect="openai_chat", operation="chat", fields=fields, headers={"accept": "*/*"}, stream=True
    )


def channel(name: str) -> Channel:
    """Return a channel of that name."""
    return Channel(
        name=name, use="channels.simulator", dialects=("openai_chat",), models={}, groups=frozenset(), key_ids=("k#0",)
    )


def record(**changes: Any) -> RequestRecord:
    """Return what is kept of a chat that went well."""
    whole = RequestRecord(
        request_id="req_1",
        facts=FACTS,
        usage=USAGE,
        outcome="complete",
        evidence=Evidence(is_end_seen=True),
        charge=Charge(),
        attempts=(),
        duration_ms=1,
    )
    return msgspec.structs.replace(whole, **changes)


async def test_post_check_of_write_down_adds_a_line_for_each_charge(tmp_path: Path) -> None:
    """It is on disk at once, behind what stood there."""
    file = tmp_path / "charges.csv"
    file.write_text("req_0,acct_1,1,complete\r\n", newline="")
    charge = Charge(lines=(ChargeLine(rule="fee", item="request", count=1, factors=(("price", Exact("0.01")),)),))
    async with opened(EXAMPLES["write_down.py"], tmp_path) as shop:
        assert await shop.dispatch.post_check(record(charge=charge)) == []
        lines = file.read_text().splitlines()
    assert lines == ["req_0,acct_1,1,complete", f"req_1,{FACTS.account_id},0.01,complete"]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_takes_its_place_in_a_shop(name: str, tmp_path: Path) -> None:
    """The file loads beside a profile that names it, and the shop opens and closes."""
    async with opened(EXAMPLES[name], tmp_path) as shop:
        uses = [each["use"] for each in shop.profile.plugins] + [each.use for each in shop.profile.channels]
    assert f"./{name}" in uses


async def test_authenticate_of_no_browsers_refuses_a_web_page(tmp_path: Path) -> None:
    """A request with an Origin is refused before anyone looks at its key."""
    async with opened(EXAMPLES["no_browsers.py"], tmp_path) as shop:
        with pytest.raises(NotAllowedError, match="access_denied"):
            await shop.dispatch.authenticate(exchange(origin="https://page.example"))


async def test_select_channel_of_prefer_puts_its_channel_first(tmp_path: Path) -> None:
    """The preferred channel leads, whatever the routing before it drew."""
    candidates = [
        Candidate(channel=channel(name), key_id="k#0", model_sent="gpt-4o-mini", dialect="openai_chat")
        for name in ("daily", "monthly")
    ]
    async with opened(EXAMPLES["prefer.py"], tmp_path) as shop:
        chosen = await shop.dispatch.select_channel(exchange(), candidates, [])
    assert [each.channel.name for each in chosen] == ["monthly", "daily"]


async def test_transform_request_of_name_customer_adds_one_field(tmp_path: Path) -> None:
    """The account's id is added, and nothing else changes."""
    sent = request()
    async with opened(EXAMPLES["name_customer.py"], tmp_path) as shop:
        await shop.dispatch.transform_request(exchange(), channel("daily"), sent)
    assert sent.body() == b'{"model":"gpt-4o-mini","safety_identifier":"acct_1"}'


async def test_the_gateway_is_asked_with_its_own_header(tmp_path: Path) -> None:
    """Path, key and body are what the page says."""
    async with opened(EXAMPLES["gateway.py"], tmp_path) as shop:
        built = shop.channels["gateway"].build(request(), "gw-key")
    assert built.url == "https://gateway.example/chat"
    assert built.headers == {"accept": "*/*", "content-type": "application/json", "x-gateway-key": "gw-key"}
    assert built.body == b'{"model":"gpt-4o-mini"}'


async def test_settle_of_fee_comes_on_top(tmp_path: Path) -> None:
    """0.006 credits of tokens and a fee of 0.01 are 0.016."""
    async with opened(EXAMPLES["fee.py"], tmp_path) as shop:
        charge = shop.dispatch.settle(FACTS, USAGE)
    assert charge.nano == 16_000_000


async def test_post_check_of_refused_claims_everything(tmp_path: Path) -> None:
    """A refusal earns the whole charge back, a whole answer nothing."""
    async with opened(EXAMPLES["refused.py"], tmp_path) as shop:
        claims = await shop.dispatch.post_check(record(outcome="refused"))
        assert await shop.dispatch.post_check(record()) == []
    assert claims == [Claim(rule="refused", kind="empty_reply", share=Exact(1))]


async def test_meter_stream_of_x_meter_reads_its_own_figures(tmp_path: Path) -> None:
    """The upstream's own counts are the usage, for the channels the plugin is for, as a stream or whole."""
    async with opened(EXAMPLES["x_meter.py"], tmp_path) as shop:
        meter = shop.dispatch.meter_stream(exchange(), channel("x-one"))
        of_a_whole = shop.dispatch.meter_stream(exchange(), channel("x-one"))
        assert shop.dispatch.meter_stream(exchange(), channel("daily")) is None
    assert meter is not None
    meter.feed(b'data: {"text":"hello"}\n\n')
    assert meter.usage() is None
    meter.feed(b'data: {"x_usage":{"tokens_in":7,"tokens_out":3}}\n\n')
    assert meter.usage() == Usage(input_tokens=7, output_tokens=3)
    assert of_a_whole is not None
    whole = b'{"text":"data: 1","x_usage":{"tokens_in":7,"tokens_out":4}}'
    assert of_a_whole.usage_of(whole) == Usage(input_tokens=7, output_tokens=4)
