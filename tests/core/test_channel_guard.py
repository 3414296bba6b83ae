"""Channels with bugs: the log names their file, another channel answers, and what was delivered stays settled."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay import (
    BytesResponse,
    ChannelPlugin,
    ChannelRequest,
    ChannelSection,
    PluginConfig,
    PluginError,
    RelayError,
    UpstreamStatusError,
)
from relay.core.channel_guard import connect, send
from relay.core.ledger.verify import verify
from relay.core.transport import UpstreamResponse, UpstreamSocket
from tests.chats import CHAT, DONE, LOTS, ROLE, STOP, USAGE, balances, words
from tests.core.panic import Panic
from tests.services import services
from tests.shops import PROFILE, reselling, serving
from tests.upstreams import document, stream

REQUEST = ChannelRequest(dialect="openai_chat", operation="chat", model="m", fields={}, headers={}, stream=False)
JSON = {"content-type": "application/json"}


class Odd(ChannelPlugin[PluginConfig]):
    """Answers, and connects, with whatever it is given."""

    config_type = PluginConfig
    dialects = ("openai_chat",)
    answer: Any = None

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer  # type: ignore[no-any-return] # whatever

    async def connect(self, request: ChannelRequest, api_key: str) -> UpstreamSocket:
        return await self.send(request, api_key)  # type: ignore[return-value] # whatever


def odd(answer: object) -> Odd:
    section = ChannelSection(name="odd", use="./odd.py", models=("m",), groups=("plain",))
    channel = Odd(PluginConfig(), services(), section)
    channel.answer = answer
    return channel


WRONG = [
    (None, "expected an UpstreamResponse, found NoneType"),
    (b"{}", "expected an UpstreamResponse, found bytes"),
    (BytesResponse("200", JSON, b"{}"), "expected a status such as 200, found str"),  # type: ignore[arg-type] # so below
    (BytesResponse(True, JSON, b"{}"), "expected a status such as 200, found bool"),
    (BytesResponse(200, None, b"{}"), "expected headers of text, found NoneType"),  # type: ignore[arg-type]
    (BytesResponse(200, {"content-type": None}, b"{}"), "expected headers of text, found dict"),  # type: ignore[dict-item]
    (
        UpstreamStatusError("a prompt", 429),  # type: ignore[arg-type]
        "expected one of the failure classes in UpstreamStatusError, found another",
    ),
    (
        UpstreamStatusError("sick", "a prompt"),  # type: ignore[arg-type]
        "expected a status from 100 to 599 in UpstreamStatusError, found str",
    ),
    (UpstreamStatusError("request", 600), "expected a status from 100 to 599 in UpstreamStatusError, found int"),
    (
        UpstreamStatusError("throttled", 429, retry_after_s="30"),  # type: ignore[arg-type]
        "expected whole seconds from 0 to 3600 for retry_after_s, found str",
    ),
    (
        UpstreamStatusError("throttled", 429, retry_after_s=-1),
        "expected whole seconds from 0 to 3600 for retry_after_s, found int",
    ),
    (
        UpstreamStatusError("throttled", 429, retry_after_s=3601),
        "expected whole seconds from 0 to 3600 for retry_after_s, found int",
    ),
    (
        UpstreamStatusError("request", 400, message=b"a prompt"),  # type: ignore[arg-type]
        "expected text for message, error_type and param in UpstreamStatusError, found another type",
    ),
    (
        UpstreamStatusError("request", 400, error_type=None),  # type: ignore[arg-type]
        "expected text for message, error_type and param in UpstreamStatusError, found another type",
    ),
    (
        UpstreamStatusError("request", 400, param=["a prompt"]),  # type: ignore[arg-type]
        "expected text for message, error_type and param in UpstreamStatusError, found another type",
    ),
    (KeyError("a prompt"), "raised KeyError"),
    (RelayError("a prompt"), "raised RelayError"),
    (PluginError("a prompt"), "raised PluginError"),
    (Panic("a prompt"), "raised Panic"),
    (asyncio.CancelledError(), "raised CancelledError"),
]


@pytest.mark.parametrize(("answer", "told"), WRONG, ids=[told for _, told in WRONG])
async def test_what_is_no_answer_is_told_by_the_plugins_file_and_never_by_its_words(answer: object, told: str) -> None:
    """What a plugin raises may quote a prompt; the error names plugin, file and kind."""
    with pytest.raises(PluginError) as caught:
        await send(odd(answer), REQUEST, "")
    assert str(caught.value) == f"plugin './odd.py' ({__file__}): in send: {told}"
    assert (caught.value.plugin, caught.value.file) == ("./odd.py", __file__)


async def test_a_refusal_without_a_wait_passes_as_it_was_raised() -> None:
    """Zero seconds are whole seconds."""
    refusal = UpstreamStatusError("throttled", 429, retry_after_s=0)
    with pytest.raises(UpstreamStatusError) as caught:
        await send(odd(refusal), REQUEST, "")
    assert caught.value is refusal


async def test_what_is_no_socket_is_told_the_same_way() -> None:
    """A session of realtime is opened by another method."""
    with pytest.raises(PluginError, match=r"in connect: expected an UpstreamSocket, found BytesResponse$"):
        await connect(odd(BytesResponse(200, JSON, b"{}")), REQUEST, "")


@pytest.mark.parametrize(
    ("body", "told"), [("text", "expected bytes, found str"), (None, "expected bytes, found NoneType")]
)
async def test_a_body_that_is_none_is_told_when_it_is_read(body: Any, told: str) -> None:
    """Nobody reads it before."""
    response = await send(odd(BytesResponse(200, JSON, body)), REQUEST, "")
    with pytest.raises(PluginError, match=rf"in read: {told}$"):
        await response.read()


BROKEN = '''
import asyncio

from relay import BytesResponse, ChannelPlugin, ChannelRequest, PluginConfig, PluginError, UpstreamResponse


class Panic(BaseException):
    pass


async def wait_for_a_cancelled_one():
    other = asyncio.create_task(asyncio.sleep(9))
    other.cancel()
    await other


def fail(error):
    raise error


class BrokenConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Answer(BytesResponse):
    """Answers with what is wrong of it."""

    {wrong}


class Broken(ChannelPlugin[BrokenConfig]):
    """Answers by itself."""

    config_type = BrokenConfig
    dialects = ("openai_chat",)

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        kind = "text/event-stream" if request.stream else "application/json"
        return Answer(200, {{"content-type": kind}}, {body!r})
'''
OWN = "channels:\n  - {{name: own, use: ./broken.py, models: [gpt-4o-mini], groups: [plain], priority: 9}}\n"
WHOLE = ROLE + words("Hello") + STOP + USAGE + DONE


def broken_profile(folder: Path, wrong: str, body: str | bytes) -> str:
    """Return a profile whose first channel is broken, and whose second answers."""
    (folder / "broken.py").write_text(BROKEN.format(wrong=wrong, body=body))
    return PROFILE.replace("channels:\n", OWN, 1)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    "wrong",
    [
        "close = None",
        "status = property(lambda self: '200', lambda self, status: None)",
        "headers = property(lambda self: None, lambda self, headers: None)",
        "read = lambda self: fail(ValueError('a prompt'))",
        "read = lambda self: fail(Panic('a prompt'))",
        "read = lambda self: wait_for_a_cancelled_one()",
        "async def read(self): return 'text'",
    ],
)
async def test_another_channel_answers_in_place_of_a_broken_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: str, is_stream: bool
) -> None:
    """Nothing had gone out yet; the log names the plugin, and has none of its words."""
    profile = broken_profile(tmp_path, wrong, b"")
    async with reselling(tmp_path, lambda _: stream(WHOLE) if is_stream else document(CHAT), profile=profile) as (
        _,
        shop,
    ):
        assert (await shop.chat(stream=is_stream)).status_code == 200
        [row] = await shop.log()
        assert (row["outcome"], row["attempt_count"], row["charge_nano"]) == ("complete", 2, 6_000_000)
    assert named(caplog) == [("plugin.failed", "./broken.py", "broken.py")]
    assert "a prompt" not in str([vars(record) for record in caplog.records])


ASKS_ITSELF = "    def is_deployment(self, model_sent):\n        raise ValueError('a prompt')\n"


async def test_a_channel_that_fails_before_it_is_sent_anything_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked of its model before a request is translated for it; nothing is held yet."""
    profile = broken_profile(tmp_path, "pass", b"")
    with (tmp_path / "broken.py").open("a") as file:
        file.write(ASKS_ITSELF)
    async with serving(tmp_path, "http://127.0.0.1:1", profile=profile) as shop:
        answer = await shop.messages(model="gpt-4o-mini")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "plugin_error")
        assert shop.rows("select * from request_log") == []
    assert named(caplog) == [("request.failed", "./broken.py", "broken.py")]
    assert "a prompt" not in str([vars(record) for record in caplog.records])


def named(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Return each event with the plugin and the file that it names."""
    events = [(record.message, vars(record)["fields"]) for record in caplog.records if record.name == "relay"]
    return [(event, fields["plugin"], Path(fields["file"]).name) for event, fields in events]


@pytest.mark.parametrize(
    "raised", ["ValueError('a prompt')", "PluginError('a prompt')", "Panic('a prompt')", "asyncio.CancelledError()"]
)
async def test_a_channel_that_fails_behind_its_first_output_ends_the_stream(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, raised: str
) -> None:
    """What came out is paid for, and the log names the plugin."""
    wrong = f"hand_over = lambda self, take: fail({raised})"
    profile = broken_profile(tmp_path, wrong, (ROLE + words("Hello")).encode())
    async with serving(tmp_path, "http://127.0.0.1:1", profile=profile) as shop:
        answer = await shop.chat(stream=True)
        [row] = await shop.log()
    assert '"code":"plugin_error"' in answer.text
    assert (row["outcome"], row["output_tokens"], row["attempt_count"]) == ("truncated", 2, 1)
    assert named(caplog) == [("request.failed", "./broken.py", "broken.py")]


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("method", ["close", "finish"])
@pytest.mark.parametrize("raised", ["ValueError('a prompt')", "Panic('a prompt')", "asyncio.CancelledError()"])
async def test_an_answer_stays_settled_whose_channel_fails_to_let_go_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, raised: str, method: str, is_stream: bool
) -> None:
    """It was delivered whole, and is paid for; the log names the plugin."""
    wrong = f"{method} = lambda self: fail({raised})"
    profile = broken_profile(tmp_path, wrong, WHOLE.encode() if is_stream else json.dumps(CHAT).encode())
    async with serving(tmp_path, "http://127.0.0.1:1", profile=profile) as shop:
        answer = await shop.chat(stream=is_stream)
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"], row["attempt_count"]) == ("complete", 6_000_000, 1)
        assert balances(shop.rows(LOTS)) == (9_994_000_000, 0)
        assert verify(shop.data) == []
    assert answer.text == WHOLE.replace(USAGE, "") if is_stream else answer.json() == CHAT
    is_called = method == "close" or is_stream
    assert named(caplog) == [("plugin.failed", "./broken.py", "broken.py")] * is_called


class Socket:
    """A websocket that fails at everything."""

    async def receive(self) -> None:
        raise Panic("a prompt")

    async def send(self, frame: str) -> None:
        raise ValueError("a prompt")

    async def close(self) -> None:
        raise ValueError("a prompt")


async def test_a_socket_with_bugs_is_told_and_closes(caplog: pytest.LogCaptureFixture) -> None:
    """What a session has still to settle goes on."""
    socket = await connect(odd(Socket()), REQUEST, "")
    with pytest.raises(PluginError, match=r"in receive: raised Panic$"):
        await socket.receive()
    with pytest.raises(PluginError, match=r"in send: raised ValueError$"):
        await socket.send("{}")
    await socket.close()
    assert named(caplog) == [("plugin.failed", "./odd.py", "test_channel_guard.py")]


class Frames:
    """A websocket that gives what it is given."""

    def __init__(self, *frames: object) -> None:
        self._frames = iter(frames)

    async def receive(self) -> object:
        return next(self._frames)

    async def send(self, frame: object) -> None: ...

    async def close(self) -> None: ...


async def test_a_frame_that_is_none_is_told_and_the_others_pass() -> None:
    """Text, bytes, and the end."""
    socket = await connect(odd(Frames("{}", b"{}", None, 3)), REQUEST, "")
    assert [await socket.receive() for _ in range(3)] == ["{}", b"{}", None]
    with pytest.raises(PluginError, match=r"in receive: expected a frame or None, found int$"):
        await socket.receive()


async def test_a_bug_of_ours_is_not_told_as_the_channels() -> None:
    """It hands over to core, and what fails there is none of its doing."""

    def take(data: bytes) -> bool:
        raise KeyError("a bug")

    response = await send(odd(BytesResponse(200, JSON, b"{}")), REQUEST, "")
    with pytest.raises(KeyError, match="a bug"):
        await response.hand_over(take)


class Own:
    """An answer as an author writes one: its headers are a plain dict."""

    def __init__(self) -> None:
        self.status = 200
        self.headers = JSON

    async def read(self) -> bytes:
        return b""

    async def hand_over(self, take: Callable[[bytes], bool]) -> None: ...

    def close(self) -> None: ...

    def finish(self) -> None: ...


async def test_an_answer_of_the_channels_own_passes() -> None:
    """Type checkers take it, too: what is only read may be of a narrower type."""
    own: UpstreamResponse = Own()
    response = await send(odd(own), REQUEST, "")
    assert (response.status, response.headers) == (200, JSON)


class Held(BytesResponse):
    """Holds a connection until it is closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


class HalfASocket:
    """Can't be written to."""

    is_closed = False

    async def receive(self) -> None:
        return None

    async def close(self) -> None:
        self.is_closed = True


async def test_what_is_no_answer_is_let_go_of() -> None:
    """Nobody else holds it, and its upstream would go on."""
    response, socket = Held(200, {"x-latency-ms": 12}, b"{}"), HalfASocket()  # type: ignore[dict-item]
    with pytest.raises(PluginError):
        await send(odd(response), REQUEST, "k")
    with pytest.raises(PluginError):
        await connect(odd(socket), REQUEST, "k")
    assert (response.is_closed, socket.is_closed) == (True, True)


class Stubborn(Odd):
    """Makes something else of its cancellation."""

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        try:
            await asyncio.sleep(30)
        except BaseException as exc:
            raise RuntimeError("interrupted") from exc
        return await super().send(request, api_key)


class Interrupted(BytesResponse):
    """Makes something else of it while it hands over."""

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        try:
            await asyncio.sleep(30)
        except BaseException as exc:
            raise RuntimeError("interrupted") from exc


async def test_a_cancellation_stays_one_whatever_a_channel_makes_of_it() -> None:
    """The customer has left, or a deadline passed: no fault of the channel's."""
    section = ChannelSection(name="odd", use="./odd.py", models=("m",), groups=("plain",))
    channel = Stubborn(PluginConfig(), services(), section)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await send(channel, REQUEST, "k")
    response = await send(odd(Interrupted(200, JSON, b"{}")), REQUEST, "k")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await response.hand_over(lambda data: bool(data))
    asking = asyncio.create_task(send(channel, REQUEST, "k"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
