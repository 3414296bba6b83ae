"""Names that another program would take for those that are priced."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.dialects.fields import read_object
from relay.core.dialects.spelling import _READ, check_spelling
from relay.core.errors import BadRequestError
from tests.shops import reselling
from tests.upstreams import document


@given(st.sampled_from(sorted(_READ)), st.data())
def test_any_other_case_of_a_name_is_refused(name: str, data: st.DataObject) -> None:
    """Also by the letters that fold into one of ASCII's: Kelvin's sign, and the long s."""
    others = {"k": "kK\u212a", "s": "sS\u017f"}
    letters = [data.draw(st.sampled_from(others.get(letter, letter + letter.swapcase()))) for letter in name]
    drawn = "".join(letters)
    if drawn in _READ:
        check_spelling([drawn])
        return
    with pytest.raises(BadRequestError) as refused:
        check_spelling(["temperature", drawn])
    assert (refused.value.reason, refused.value.param) == ("misspelt_field", drawn)


def test_names_that_nobody_reads_may_be_spelled_as_they_like() -> None:
    """Vendors have fields of their own, in any case."""
    assert set(read_object(b'{"enableThinking":true,"topK":1,"TOP_P":1}')) == {"enableThinking", "topK", "TOP_P"}


@pytest.mark.parametrize(
    ("fields", "param", "spelt"),
    [
        ({"Model": "dear"}, "Model", "model"),
        ({"N": 50}, "N", "n"),
        ({"MAX_TOKENS": 1_000_000}, "MAX_TOKENS", "max_tokens"),
        ({"SERVICE_TIER": "priority"}, "SERVICE_TIER", "service_tier"),
        ({"me\u017fsages": []}, "me\u017fsages", "messages"),
        ({"stream": True, "stream_options": {"Include_Usage": False}}, "Include_Usage", "include_usage"),
    ],
)
async def test_a_second_name_for_what_is_priced_is_refused(
    tmp_path: Path, fields: dict[str, Any], param: str, spelt: str
) -> None:
    """Before anything is asked or held."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, shop):
        refused = await shop.chat(**fields)
        assert refused.status_code == 400
        error = refused.json()["error"]
        assert (error["code"], error["param"]) == ("misspelt_field", param)
        assert error["message"].startswith(f"the field '{param}' must be spelled '{spelt}'")
        assert upstream.received == []
        assert shop.rows("SELECT 1 FROM reservation") == []
