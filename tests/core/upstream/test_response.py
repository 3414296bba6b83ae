"""How answers are let go of, and the deadline that waiting alone would never meet."""

import asyncio

import pytest

from relay import Deadlines, UpstreamBrokenError, UpstreamResponse, UpstreamTimeoutError
from relay.core.transport import let_go
from relay.core.upstream import UpstreamClient, pool
from tests.core.raw_upstream import raw_upstream, whole, writes, writes_and_shuts

from .answers import CHUNKED, PATIENT, read_all

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

DONE = CHUNKED + b"e\r\ndata: [DONE]\n\n\r\n"


async def test_a_stream_whose_framing_ends_later_keeps_its_connection(transport: UpstreamClient) -> None:
    """The last chunk may come behind the end mark: the next request goes over the same connection."""
    async with raw_upstream(writes(DONE, b"0\r\n\r\n", pause_s=0.03)) as upstream:
        for _ in range(3):
            response = await transport.send(upstream.request(), PATIENT)
            assert await response.read() == b"data: [DONE]\n\n"
            response.finish()
            await asyncio.sleep(0.1)
        assert upstream.connection_count == 1


async def test_a_stream_whose_framing_never_ends_loses_its_connection(
    transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last chunk is waited for only for a moment."""
    monkeypatch.setattr(pool, "LINGER_S", 0.05)
    async with raw_upstream(writes(DONE)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert await response.read() == b"data: [DONE]\n\n"
        response.finish()
        await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_a_stream_that_goes_on_after_its_end_loses_its_connection(transport: UpstreamClient) -> None:
    """More of a body is not waited for."""
    async with raw_upstream(writes(DONE, b"2\r\nno\r\n", pause_s=0.03)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        assert await response.read() == b"data: [DONE]\n\n"
        response.finish()
        await asyncio.wait_for(upstream.gone.wait(), 1)


async def test_a_whole_answer_nobody_reads_keeps_its_connection(transport: UpstreamClient) -> None:
    """Closed or finished, an answer that has come is out of the way."""
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        first = await transport.send(upstream.request(), PATIENT)
        first.close()
        first.finish()
        (await transport.send(upstream.request(), PATIENT)).finish()
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
        assert await first.read() == b""
        assert upstream.connection_count == 1


async def read_slowly(response: UpstreamResponse) -> None:
    for _ in range(1000):
        if not await response.read():
            return
        await asyncio.sleep(0.01)


async def test_a_stream_that_never_pauses_passes_total(transport: UpstreamClient) -> None:
    """An answer that always has something ready ends at ``total`` as well, though nobody ever waits for it."""
    flood = b"2000\r\n" + b"a" * 0x2000 + b"\r\n"
    async with raw_upstream(writes(CHUNKED, flood * 2000, b"0\r\n\r\n")) as upstream:
        response = await transport.send(upstream.request(), Deadlines(total_s=0.15))
        with pytest.raises(UpstreamTimeoutError) as caught:
            await read_slowly(response)
        assert caught.value.deadline == "total"


class Taker:
    """Takes what it is handed, as often as it wants to at a stretch."""

    def __init__(self, at_once: int) -> None:
        self.pieces: list[bytes] = []
        self._at_once = at_once

    def __call__(self, data: bytes) -> bool:
        self.pieces.append(data)
        return bool(data) and len(self.pieces) % self._at_once != 0


@pytest.mark.parametrize("at_once", [1, 2, 1000])
async def test_handed_over_or_read_it_is_the_same_body(transport: UpstreamClient, at_once: int) -> None:
    """However often the taker asks to be called anew, nothing is lost, repeated or out of order."""
    pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (b"a: 1\n", b"a: 22\n", b"a: 333\n", b"a: 4\n")]
    async with raw_upstream(writes(CHUNKED, *pieces, b"0\r\n\r\n")) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        taker = Taker(at_once)
        while not taker.pieces or taker.pieces[-1]:
            await response.hand_over(taker)
        assert taker.pieces == [b"a: 1\n", b"a: 22\n", b"a: 333\n", b"a: 4\n", b""]
        for _ in range(2):
            again = Taker(1)
            await response.hand_over(again)
            assert again.pieces == [b""]
            response.close()
        assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"a: 1\na: 22\na: 333\na: 4\n"
        assert upstream.connection_count == 1


async def test_framing_that_comes_by_itself_hands_nothing_over(transport: UpstreamClient) -> None:
    """A chunk's head without the chunk is neither a piece nor the end."""
    pieces = [b"5\r\na: 1\n\r\n", b"5", b"\r\n", b"a: 2\n\r\n", b"0\r\n\r\n"]
    async with raw_upstream(writes(CHUNKED, *pieces)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        taker = Taker(1000)
        await response.hand_over(taker)
        assert taker.pieces == [b"a: 1\n", b"a: 2\n", b""]


@pytest.mark.parametrize("mistaken", [b"a", b"b"])
async def test_what_the_taker_raises_comes_out(transport: UpstreamClient, mistaken: bytes) -> None:
    """A mistake in the taker, at the first piece or a later one, ends the wait, and the connection is shut with the answer."""

    def take(data: bytes) -> bool:
        if data == mistaken:
            raise LookupError(data.decode())
        return True

    async with raw_upstream(writes(CHUNKED, b"1\r\na\r\n", b"1\r\nb\r\n", pause_s=0.02)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        with pytest.raises(LookupError, match=mistaken.decode()):
            await asyncio.wait_for(response.hand_over(take), 5)
        response.close()
        await asyncio.wait_for(upstream.gone.wait(), 1)


@pytest.mark.parametrize("content_type", ["", "content-type: text/plain\r\n", "content-type: application/json\r\n"])
async def test_handing_over_has_the_deadlines_of_reading(transport: UpstreamClient, content_type: str) -> None:
    """Lines keep it alive, a drip does not, and an early end is broken."""
    head = CHUNKED[:-2] + content_type.encode() + b"\r\n"
    lines, drip = [b"2\r\na\n\r\n"] * 8, [b"14\r\n" + b"x" * 20 + b"\r\n"] * 40
    async with raw_upstream(writes(head, *lines, *drip, pause_s=0.03), writes_and_shuts(CHUNKED, *lines)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(idle_s=0.15))
        taker = Taker(1000)
        with pytest.raises(UpstreamTimeoutError) as caught:
            await response.hand_over(taker)
        assert caught.value.deadline == "idle"
        assert b"".join(taker.pieces).startswith(b"a\n" * 8)
        assert len(b"".join(taker.pieces)) < 8 * 2 + 40 * 20
        response = await transport.send(upstream.request(), PATIENT)
        with pytest.raises(UpstreamBrokenError):
            await response.hand_over(Taker(1000))


async def test_an_end_that_comes_with_the_last_piece_is_seen_at_once(transport: UpstreamClient) -> None:
    """Nothing more would come to wake whoever waits for it."""
    async with raw_upstream(writes(CHUNKED, b"2\r\na\n\r\n", b"2\r\nb\n\r\n0\r\n\r\n", pause_s=0.03)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        taker = Taker(1000)
        await asyncio.wait_for(response.hand_over(taker), 2)
        assert taker.pieces == [b"a\n", b"b\n", b""]


async def test_the_patience_between_events_begins_with_the_first_that_is_handed_over(transport: UpstreamClient) -> None:
    """The longer one for the first event does not go on after it."""
    async with raw_upstream(writes(CHUNKED, b"2\r\na\n\r\n", pause_s=0.03)) as upstream:
        response = await transport.send(upstream.request(), Deadlines(first_event_s=20, idle_s=0.1))
        with pytest.raises(UpstreamTimeoutError) as caught:
            await asyncio.wait_for(response.hand_over(Taker(1000)), 5)
        assert caught.value.deadline == "idle"


async def test_a_cancelled_hand_over_may_be_repeated(transport: UpstreamClient) -> None:
    """What comes while nobody takes is kept."""
    async with raw_upstream(writes(CHUNKED, b"", b"", b"2\r\na\n\r\n0\r\n\r\n", pause_s=0.03)) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.hand_over(Taker(1)), 0.02)
        await asyncio.sleep(0.15)
        taker = Taker(1000)
        await response.hand_over(taker)
        assert taker.pieces == [b"a\n", b""]


async def test_a_hand_over_that_is_cancelled_behind_its_first_piece_may_be_repeated(transport: UpstreamClient) -> None:
    """What comes then is nobody's who has left."""
    has_begun, has_left, has_written = asyncio.Event(), asyncio.Event(), asyncio.Event()
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        has_begun.set()
        return True

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writes(CHUNKED, b"2\r\na\n\r\n")(reader, writer)
        await has_left.wait()
        await writes(b"2\r\nb\n\r\n", b"0\r\n\r\n")(reader, writer)
        has_written.set()

    async with raw_upstream(answer) as upstream:
        response = await transport.send(upstream.request(), PATIENT)
        taking = asyncio.create_task(response.hand_over(take))
        await has_begun.wait()
        await asyncio.sleep(0)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        has_left.set()
        await has_written.wait()
        second = Taker(1000)
        await response.hand_over(second)
        assert (taken, second.pieces) == ([b"a\n"], [b"b\n", b""])


async def test_an_answer_that_is_abandoned_takes_its_connection_with_it(transport: UpstreamClient) -> None:
    """Whole though it came: it may have been another's, and the next on the connection this one's."""
    async with raw_upstream(writes(whole(b"{}"))) as upstream:
        for _ in range(2):
            response = await transport.send(upstream.request(), PATIENT)
            assert await response.read() == b"{}"
            assert await response.read() == b""
            let_go(response, is_understood=False)
            let_go(response, is_understood=False)
        assert upstream.connection_count == 2
        await asyncio.wait_for(upstream.gone.wait(), 5)
        for _ in range(2):
            response = await transport.send(upstream.request(), PATIENT)
            assert await response.read() == b"{}"
            let_go(response, is_understood=True)
        assert upstream.connection_count == 3
