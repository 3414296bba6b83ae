"""Members of an array that comes bit by bit: whole, in order, the same for every cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.dialects.json_array import ArraySplitter
from relay.core.errors import UpstreamBrokenError
from relay.core.sse import EVENT_BYTES_MAX

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=9,
)


@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=4), st.integers(1, 7), st.booleans())
def test_members_come_whole_for_every_cut(members: list[dict[str, Any]], size: int, is_spaced: bool) -> None:
    """Joined they give the input back; the closing bracket comes alone."""
    data = json.dumps(members, indent=1 if is_spaced else None, ensure_ascii=False).encode()
    splitter = ArraySplitter()
    found = [piece for at in range(0, len(data), size) for piece in splitter.feed(data[at : at + size])]
    assert b"".join(found) == data
    assert [json.loads(piece.lstrip(b"[, \n")) for piece in found[:-1]] == members
    assert found[-1].endswith(b"]")
    assert splitter.is_between_events


def test_a_member_that_was_cut_is_none() -> None:
    """Nothing of it passes."""
    splitter = ArraySplitter()
    assert (splitter.feed(b'[{"a":"\\'), splitter.finish(), splitter.is_between_events) == ([], [], False)


def test_a_member_beyond_any_honest_size_breaks_the_stream() -> None:
    """Memory is bounded."""
    with pytest.raises(UpstreamBrokenError, match="a member of more than"):
        ArraySplitter().feed(b'[{"a":"' + b"x" * EVENT_BYTES_MAX)
