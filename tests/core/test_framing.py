from relay import BytesResponse, Reframed


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
