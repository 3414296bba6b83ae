"""A request's fields are what they must be, or refused by name."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.answers import sentence
from relay.core.dialects import ENDPOINTS
from relay.core.dialects.fields import (
    read_bool,
    read_form_value,
    read_int,
    read_model,
    read_nested,
    read_object,
    read_optional_text,
)
from relay.core.errors import BadRequestError
from tests.core.dialects.replay import exchange


def one(name: str, raw: bytes) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(raw)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"model":"m"} x',
        b'{"model":NaN}',
        b'{"model":01}',
        b'{"model":"\xff"}',
        b'{"model":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """Broken, not UTF-8, another type, or nested beyond reason."""
    with pytest.raises(BadRequestError):
        read_object(body)


def test_the_last_of_repeated_keys_counts_and_values_keep_their_bytes() -> None:
    """Spelt with escapes or not, a key is one key; a number keeps its spelling."""
    members = read_object(b'{"model":"a", "x" : 1.50e1 ,"\\u006dodel":"b"}')
    assert msgspec.json.encode(members) == b'{"model":"b","x":1.50e1}'


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing else is raised, whatever comes."""
    with contextlib.suppress(BadRequestError):
        assert isinstance(read_object(body), dict)


@pytest.mark.parametrize("raw", [b"null", b"1", b'""', b"[]", b'"a\\nb"', b'"' + b"m" * 257 + b'"'])
def test_a_model_that_is_no_name_is_refused(raw: bytes) -> None:
    """Missing, empty, of another type, with control characters, or longer than any name."""
    with pytest.raises(BadRequestError) as refused:
        read_model(one("model", raw))
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    "raw", [b"0", b"-1", b"5.0", b'"5"', b"true", b"10000001", b"9223372036854775808", b"1e400", b"[]", b"{}"]
)
def test_a_count_that_is_no_count_is_refused(raw: bytes) -> None:
    """Not whole, not in range, not a number."""
    with pytest.raises(BadRequestError) as refused:
        read_int(one("max_tokens", raw), "max_tokens")
    assert refused.value.param == "max_tokens"
    told = "the field 'max_tokens' must be a whole number from 1 to 10000000"
    assert sentence(refused.value, "en") == told


def test_a_field_that_is_missing_is_told_from_one_that_is_wrong() -> None:
    """Who left it out need not look for what is wrong with it."""
    with pytest.raises(BadRequestError) as refused:
        read_model({})
    assert (refused.value.reason, refused.value.param) == ("bad_request", "model")
    assert sentence(refused.value, "en") == "the field 'model' is missing; add it"
    assert sentence(refused.value, "zh") == "缺少参数 model；请补上"


def test_a_field_that_is_wrong_is_not_told_to_be_missing() -> None:
    """The customer sees it in the request."""
    with pytest.raises(BadRequestError) as refused:
        read_model(one("model", b"5"))
    told = "the field 'model' is not what this endpoint expects; compare it with the API's documentation"
    assert sentence(refused.value, "en") == told
    assert sentence(refused.value, "zh") == "参数 model 不正确；请对照接口文档检查"


_FORM = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--x--\r\n'
MISSING = {
    ("/v1/messages", "max_tokens"): b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}',
    ("/v1/audio/speech", "input"): b'{"model":"m"}',
    ("/v1/audio/transcriptions", "file"): _FORM,
    ("/v1/images/edits", "image"): _FORM,
    ("/v1beta/models/{model}:embedContent", "content"): b"{}",
    ("/v1beta/models/{model}:batchEmbedContents", "requests.content"): b'{"requests":[{"title":"t"}]}',
}


@pytest.mark.parametrize(("where", "body"), MISSING.items(), ids=lambda each: str(each)[:40])
def test_whatever_is_missing_is_told_to_be(where: tuple[str, str], body: bytes) -> None:
    """A file of a form, and what is read in ways of its own, too."""
    path, name = where
    rules = next(each for each in ENDPOINTS if each.path == path)
    made = exchange(rules.name, content_type="multipart/form-data; boundary=x" if body is _FORM else "application/json")
    with pytest.raises(BadRequestError) as refused:
        rules.read_request(made, body)
    assert sentence(refused.value, "en") == f"the field '{name}' is missing; add it"


@pytest.mark.parametrize(("raw", "count"), [(b"1", 1), (b"10000000", 10_000_000), (b"null", None)])
def test_a_count_is_read(raw: bytes, count: int | None) -> None:
    """From 1 to ten million; null is as good as absent."""
    assert read_int(one("max_tokens", raw), "max_tokens") == count


@pytest.mark.parametrize("raw", [b"1", b'"true"', b"[]"])
def test_a_switch_that_is_no_switch_is_refused(raw: bytes) -> None:
    """Only true, false and null."""
    with pytest.raises(BadRequestError) as refused:
        read_bool(one("stream", raw), "stream")
    assert refused.value.param == "stream"


@pytest.mark.parametrize(("raw", "nested"), [(b"null", None), (b"{}", {}), (b'{"a": [1 ,2]}', {"a": b"[1 ,2]"})])
def test_a_nested_object_keeps_its_members_bytes(raw: bytes, nested: Any) -> None:
    """Read one level deep, like the body itself."""
    members = read_nested(one("stream_options", raw), "stream_options")
    assert (members if members is None else {name: bytes(value) for name, value in members.items()}) == nested


def test_a_text_may_be_left_out() -> None:
    """Absent and null are the same; a number is refused by the field's name."""
    fields = {"size": msgspec.Raw(b'"auto"'), "quality": msgspec.Raw(b"null"), "n": msgspec.Raw(b"1")}
    assert (read_optional_text(fields, "size"), read_optional_text(fields, "quality")) == ("auto", None)
    assert read_optional_text(fields, "voice") is None
    with pytest.raises(BadRequestError, match="param=n"):
        read_optional_text(fields, "n")


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("true", True), ("False", False), ("", None), ("null", None), ("1.5", "1.5"), ("٣", "٣"), ("-1", "-1")],
)
def test_a_form_knows_numbers_and_switches_as_text(text: str, value: object) -> None:
    """What is neither stays a text, which no number or switch can be."""
    fields = {"n": msgspec.Raw(msgspec.json.encode(text))}
    assert msgspec.json.decode(read_form_value(fields, "n")["n"]) == value
