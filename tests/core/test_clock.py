"""Times and ids."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from relay.core.clock import from_ms, new_id, to_ms


@given(st.integers(0, 4_102_444_800_000))
def test_a_stored_time_is_read_back(ms: int) -> None:
    """Milliseconds survive the way to a datetime and back."""
    assert to_ms(from_ms(ms)) == ms


def test_times_are_aware_and_in_utc() -> None:
    """A time read back says that it is UTC."""
    assert from_ms(1_000) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_ids_differ_and_carry_their_prefix() -> None:
    """A thousand ids are a thousand."""
    ids = {new_id("req") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 36 and one.startswith("req_") for one in ids)
