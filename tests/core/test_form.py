"""Forms with files: what is read of them, what is refused, and that no byte is lost."""

import io
import os

import httpx
import msgspec
import multipart  # type: ignore[import-untyped]  # the package has no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.core.errors import BadRequestError
from relay.core.form import HEAD_BYTES_MAX, PARTS_MAX, TEXT_BYTES_MAX, Form

TYPE = "multipart/form-data; boundary=b"
PLAIN = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="include[]"\r\n\r\nlogprobs\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n'
    b"\x00\xff\r\n--\r\n\r\n\r\n--b--\r\n"
)


def one(head: bytes, value: bytes = b"x") -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + value + b"\r\n--b--\r\n"


def texts(form: Form) -> dict[str, str]:
    return {name: msgspec.json.decode(value) for name, value in form.fields.items()}


def test_plain_fields_are_read_and_files_stay_where_they_lie() -> None:
    """Files and bracketed names are no fields; a file is a view of the body."""
    form = Form(PLAIN, TYPE)
    [sound] = form.files("file")
    assert texts(form) == {"model": "whisper-1"}
    assert sound.obj is PLAIN
    assert bytes(sound) == b"\x00\xff\r\n--\r\n\r\n"


def test_an_unedited_form_is_the_very_body_that_came() -> None:
    """Not a copy of it: it may be megabytes."""
    form = Form(PLAIN, TYPE)
    assert form.body(dict(form.fields)) is PLAIN


def test_an_edit_changes_one_value_and_no_other_byte() -> None:
    """The model's name alone differs, whatever else the form holds."""
    form = Form(PLAIN, TYPE)
    sent = form.body({"model": msgspec.Raw(b'"whisper-large-v3"')})
    assert sent == PLAIN.replace(b"whisper-1", b"whisper-large-v3")
    assert form.content_type == 'multipart/form-data; boundary="b"'


def test_an_edited_form_is_what_it_was_edited_to() -> None:
    """It holds no second copy of its files, and can be edited back for another channel."""
    form = Form(PLAIN, TYPE)
    came = dict(form.fields)
    sent = form.body({"model": msgspec.Raw(b'"other"')})
    [sound] = form.files("file")
    assert (sound.obj is sent, texts(form)) == (True, {"model": "other"})
    assert form.body(came) == PLAIN


def test_fields_can_be_added_and_taken_away() -> None:
    """Numbers and switches stand in a form as they do in JSON; what is new stands first."""
    form = Form(PLAIN, TYPE)
    sent = form.body({"temperature": msgspec.Raw(b"0.5"), "stream": msgspec.Raw(b"true")})
    assert texts(Form(sent, form.content_type)) == {"temperature": "0.5", "stream": "true"}
    assert sent.startswith(b'--b\r\nContent-Disposition: form-data; name="temperature"\r\n\r\n0.5\r\n--b\r\n')
    assert sent.endswith(PLAIN[PLAIN.index(b"--b\r\n", 4) :])


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="model"',
        b"Content-Disposition: form-data; name=model",
        b'content-disposition:form-data;name="model"',
        b'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1',
        b'Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\nContent-Disposition: Form-Data; NAME="model"',
    ],
)
def test_a_field_is_read_as_every_client_writes_it(head: bytes) -> None:
    """Browsers and curl quote, .NET does not, Retrofit adds a length, Ruby an encoding."""
    assert texts(Form(one(head), TYPE)) == {"model": "x"}


@pytest.mark.parametrize(
    "filename",
    [
        b'filename="a.mp3"',
        b"filename=a.mp3",
        b'filename="C:\\a b.mp3"',
        b'filename="%22a%22.mp3"',
        'filename="声音.mp3"'.encode(),
        b"filename*=utf-8''%E5%A3%B0.mp3",
    ],
)
def test_a_file_is_told_by_its_name(filename: bytes) -> None:
    """Whatever the name looks like, it is not read."""
    form = Form(one(b'Content-Disposition: form-data; name="file"; ' + filename), TYPE)
    assert (form.fields, [bytes(each) for each in form.files("file")]) == ({}, [b"x"])


def test_a_file_that_was_not_chosen_is_passed_on() -> None:
    """As browsers write it: to some readers a file, to others a value, and empty to all."""
    body = one(
        b'Content-Disposition: form-data; name="mask"; filename=""\r\nContent-Type: application/octet-stream', b""
    )
    form = Form(body, TYPE)
    assert (form.fields, [bytes(each) for each in form.files("mask")], form.body({})) == ({}, [b""], body)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Content-Type: text/plain",
        b"Content-Disposition: form-data",
        b'Content-Disposition: attachment; name="model"',
        b'Content-Disposition: form-data; name="model"; name="model"',
        b"Content-Disposition: form-data; name=\"model\"; name*=utf-8''other",
        b'Content-Disposition: form-data; name="mo\\"del"',
        b'Content-Disposition: form-data; filename="a\\"; name="model"',
        b'Content-Disposition: form-data; name="mo del"',
        b'Content-Disposition: form-data; name=""',
        b'Content-Disposition: form-data; name="model" x',
        b'Content-Disposition: form-data; name="model"\r\nContent-Disposition: form-data; name="other"',
        b'Content-Disposition: form-data; name="model"\r\n folded',
        b'Content-Disposition: form-data;\n name="model"',
        b'Content-Disposition: form-data; name="model"\r\nX\x00: 1',
    ],
)
def test_a_head_that_can_be_taken_two_ways_is_refused(head: bytes) -> None:
    """Two readers of it could see two models."""
    with pytest.raises(BadRequestError, match="bad_form"):
        Form(one(head), TYPE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"preamble\r\n" + PLAIN,
        PLAIN + b"epilogue",
        PLAIN.removesuffix(b"--\r\n"),
        PLAIN[: len(PLAIN) // 2],
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN.replace(b"\r\n--b\r\n", b"\r\n--b \r\n"),
        PLAIN.replace(b"\r\n--b--", b"\r\n--bcd--"),
        b"--b\r\n--b--\r\n",
        one(b'Content-Disposition: form-data; name="' + b"m" * HEAD_BYTES_MAX + b'"'),
        b'--b\r\nContent-Disposition: form-data; name="i[]"\r\n\r\n1\r\n' * (PARTS_MAX + 1) + b"--b--\r\n",
    ],
)
def test_a_body_that_is_no_plain_form_is_refused(body: bytes) -> None:
    """Nothing before, between or after the parts, and not too many of them."""
    with pytest.raises(BadRequestError, match="bad_form"):
        Form(body, TYPE)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data", "multipart/mixed; boundary=b", 'multipart/form-data; boundary="b c"'],
)
def test_another_content_type_is_refused_by_name(content_type: str) -> None:
    """The header is to blame."""
    with pytest.raises(BadRequestError) as caught:
        Form(PLAIN, content_type)
    assert (caught.value.reason, caught.value.param) == ("bad_form", "content-type")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (PLAIN.replace(b"include[]", b"model"), "model"),
        (PLAIN.replace(b'name="file"', b'name="model"'), "model"),
        (one(b'Content-Disposition: form-data; name="model"', b"\xff"), "model"),
        (one(b'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-7'), "model"),
        (one(b'Content-Disposition: form-data; name="file"; filename=a\r\nContent-Transfer-Encoding: base64'), "file"),
        (one(b'Content-Disposition: form-data; name="n"; filename=""', b"10"), "n"),
        (one(b"Content-Disposition: form-data; name=\"n\"; filename*=utf-8''", b"10"), "n"),
        (one(b"Content-Disposition: form-data; name=\"n\"; filename=a; filename*=utf-8''", b"10"), "n"),
        (one(b"Content-Disposition: form-data; name=\"n\"; filename*=utf-8''%zz", b"10"), "n"),
        (one(b"Content-Disposition: form-data; name=\"n\"; filename*=latin1''x", b"10"), "n"),
        (one(b'Content-Disposition: form-data; name="prompt"', b"x" * (TEXT_BYTES_MAX + 1)), "prompt"),
    ],
)
def test_a_field_that_can_not_be_is_refused_by_name(body: bytes, param: str) -> None:
    """Twice, not UTF-8, encoded, a file only to some readers, or larger than any honest one."""
    with pytest.raises(BadRequestError) as caught:
        Form(body, TYPE)
    assert (caught.value.reason, caught.value.param) == ("bad_request", param)


NAMES = st.from_regex(r"[a-z_]{1,12}(\[\])?", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.text(max_size=30)), st.dictionaries(NAMES, st.binary(max_size=60), min_size=1))
def test_what_httpx_writes_is_read_as_another_reader_reads_it(fields: dict[str, str], files: dict[str, bytes]) -> None:
    """Values and files, for whatever they hold: the same as the library that Litestar uses finds."""
    fields = {name: value for name, value in fields.items() if name not in files}
    request = httpx.Request("POST", "http://x", data=fields, files={n: ('n"ä.bin', v) for n, v in files.items()})
    body, content_type = request.read(), request.headers["content-type"]
    form = Form(body, content_type)
    others = list(multipart.MultipartParser(io.BytesIO(body), content_type.partition("boundary=")[2]))
    read = {part.name: part.value for part in others if part.filename is None and not part.name.endswith("]")}
    assert texts(form) == read
    assert {name: [bytes(each) for each in form.files(name)] for name in files} == {n: [v] for n, v in files.items()}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(PLAIN) - 1), st.binary(max_size=4))
def test_a_damaged_form_is_refused_or_read_never_more(at: int, junk: bytes) -> None:
    """Any bytes anywhere: a named error, or parts that lie inside the body, written back as they came."""
    body = PLAIN[:at] + junk + PLAIN[at + 1 :]
    try:
        form = Form(body, TYPE)
    except BadRequestError:
        return
    edited = form.body({**form.fields, "extra": msgspec.Raw(b'"1"')})
    assert edited == b'--b\r\nContent-Disposition: form-data; name="extra"\r\n\r\n1\r\n' + body


def test_a_large_file_is_passed_over_not_read() -> None:
    """A boundary's first bytes within it end nothing."""
    sound = os.urandom(1 << 20) + b"\r\n--" + b"\r\n--c"
    form = Form(one(b'Content-Disposition: form-data; name="file"; filename=a', sound), TYPE)
    assert form.files("file") == [sound]
