"""What is stored reads back as it was."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.charge import Charge, ChargeLine
from relay.core.ledger.codec import decode, encode

CHARGE = Charge(lines=(ChargeLine(rule="r", item="input_tokens", count=3, factors=(("ratio", Fraction(4, 3)),)),))


def test_a_charge_is_kept_with_its_fractions_as_text() -> None:
    """Quotients stay quotients."""
    assert encode(CHARGE) == '{"lines":[{"rule":"r","item":"input_tokens","count":3,"factors":[["ratio","4/3"]]}]}'


@given(st.fractions())
def test_every_fraction_reads_back(factor: Fraction) -> None:
    """Whatever a factor is, it is the same after storage."""
    line = ChargeLine(rule="r", item="i", count=1, factors=(("f", factor),))
    assert decode(encode(line), ChargeLine) == line


def test_what_has_no_exact_text_is_refused() -> None:
    """Nothing unknown is stored by chance."""
    with pytest.raises(TypeError, match="can't hold complex"):
        encode(1j)


def test_a_number_where_a_fraction_belongs_is_refused() -> None:
    """A float never becomes a factor."""
    with pytest.raises(msgspec.ValidationError):
        decode(encode(CHARGE).replace('"4/3"', "1.5"), Charge)
