from collections.abc import Callable, Mapping

import pytest

from relay import BytesResponse, Reframed, UpstreamResponse


class Halves:
    """Passes the first half of each piece on, and ``end`` at the end."""

    def __call__(self, data: bytes) -> bytes:
        return data[: len(data) // 2] if data else b"end"


def reframed(body: bytes) -> Reframed:
    return Reframed(BytesResponse(200, {"content-type": "a/b", "x": "1"}, body), Halves(), "c/d")


async def test_what_is_read_takes_the_place_of_what_came() -> None:
    """The end of the body may bring a last piece, and after it nothing comes."""
    response = reframed(b"abcd")
    assert [await response.read(), await response.read(), await response.read()] == [b"ab", b"end", b""]


async def test_a_piece_of_which_nothing_comes_is_no_end() -> None:
    """Half of one byte is none: the reader waits on."""
    assert await reframed(b"a").read() == b"end"


async def test_what_is_handed_over_is_the_same() -> None:
    """The end is told once."""
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        return bool(data)

    await reframed(b"abcd").hand_over(take)
    assert taken == [b"ab", b"end", b""]


class Pieces:
    """An upstream's answer in pieces; writes down how it is let go of."""

    def __init__(self, *pieces: bytes) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.let_go: list[str] = []
        self._pieces = [*pieces, b""]

    async def read(self) -> bytes:
        return self._pieces.pop(0)

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        while self._pieces and take(self._pieces.pop(0)):
            pass

    def close(self) -> None:
        self.let_go.append("closed")

    def abandon(self) -> None:
        self.let_go.append("abandoned")

    def finish(self) -> None:
        self.let_go.append("finished")


async def test_pieces_of_which_nothing_comes_are_not_handed_over() -> None:
    """An empty one would be taken for the end, and cut the answer short; what follows comes."""
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        return bool(data)

    upstream = Pieces(b"a", b"bc", b"d", b"efgh")
    await Reframed(upstream, Halves(), "c/d").hand_over(take)
    assert taken == [b"b", b"ef", b"end", b""]
    taken.clear()
    await Reframed(Pieces(b"ab", b"c"), lambda data: data[2:], "c/d").hand_over(take)
    assert taken == [b""]


async def test_the_reframing_is_told_of_the_end_once() -> None:
    """Whoever takes is told of it as often as it asks."""
    told: list[bytes] = []

    def reframe(data: bytes) -> bytes:
        told.append(data)
        return data

    taken: list[bytes] = []
    response = Reframed(Pieces(b"ab", b""), reframe, "c/d")

    def take(data: bytes) -> bool:
        taken.append(data)
        return True

    await response.hand_over(take)
    await response.hand_over(take)
    assert (told, taken) == ([b"ab", b""], [b"ab", b"", b""])


@pytest.mark.parametrize(
    ("let_go", "told"),
    [(Reframed.close, "closed"), (Reframed.abandon, "abandoned"), (Reframed.finish, "finished")],
)
def test_the_connection_is_let_go_of_as_is_asked(let_go: Callable[[UpstreamResponse], None], told: str) -> None:
    """One whose answer made no sense is not kept."""
    upstream = Pieces(b"a")
    let_go(Reframed(upstream, Halves(), "c/d"))
    assert upstream.let_go == [told]


async def test_a_taker_who_has_enough_gets_the_rest_later() -> None:
    """By either way of reading."""
    response, taken = reframed(b"abcd"), list[bytes]()

    def take_one(data: bytes) -> bool:
        taken.append(data)
        return False

    await response.hand_over(take_one)
    await response.hand_over(take_one)
    assert taken == [b"ab", b"end"]
    assert await response.read() == b""


def test_only_the_content_type_is_another() -> None:
    """Of the head."""
    response = reframed(b"")
    assert (response.status, response.headers) == (200, {"content-type": "c/d", "x": "1"})
