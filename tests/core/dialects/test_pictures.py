"""Pictures made or changed: what is read of a request, what answers count."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.dialects.pictures import Pictures
from relay.core.errors import BadRequestError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Exchange
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import answer_bytes, exchange, recording, request_fields

EDITS = Pictures("image_edit", "/v1/images/edits")
TOLD = {
    "input_tokens": 221,
    "input_tokens_details": {"image_tokens": 194, "text_tokens": 27},
    "output_tokens": 415,
    "output_tokens_details": {"image_tokens": 272, "text_tokens": 143},
}


def read(**members: Any) -> Exchange:
    """Return an exchange that read a request for a new picture with *members*."""
    made = exchange("images")
    RULES["images"].read_request(made, json.dumps({"model": "gpt-image-1.5", "prompt": "A lion", **members}).encode())
    return made


def edit(*names: str, **fields: str) -> Exchange:
    """Return an exchange that read a form with a file under each of *names*, and *fields*."""
    files = [(name, ("a.png", b"\x89PNG")) for name in names]
    request = httpx.Request("POST", "http://x", data={"prompt": "green", **fields}, files=files or {"x": ("a", b"")})
    made = exchange("images", content_type=request.headers["content-type"])
    EDITS.read_request(made, request.read())
    return made


def test_size_quality_and_number_are_read() -> None:
    """They decide the price; what is left out is left open."""
    made, plain = read(n=3, size="1024x1536", quality="high", stream=True), read()
    assert (made.choice_count, made.size, made.quality, made.stream) == (3, "1024x1536", "high", True)
    assert (plain.choice_count, plain.size, plain.quality, plain.stream) == (1, None, None, False)


def test_they_are_read_of_a_form_too() -> None:
    """Where all are texts."""
    made = edit("image", model="gpt-image-1.5", n="3", size="auto", stream="True")
    assert (made.model, made.choice_count, made.size, made.quality, made.stream) == (
        "gpt-image-1.5",
        3,
        "auto",
        None,
        True,
    )


def test_where_no_model_is_named_one_is_meant() -> None:
    """And it is what the upstream is told, in JSON and in a form."""
    made, changed = read(model=None), edit("image[]", "image[]")
    assert (made.model, changed.model) == ("dall-e-2", "dall-e-2")
    assert json.loads(RULES["images"].prepare(made, "dall-e-2").body())["model"] == "dall-e-2"
    assert b'name="model"\r\n\r\ndall-e-2\r\n' in EDITS.prepare(changed, "dall-e-2").body()


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"n": 99}, "n"),
        ({"size": 3}, "size"),
        ({"quality": "q" * 33}, "quality"),
        ({"stream": "true"}, "stream"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    """Before anything is held for it."""
    with pytest.raises(BadRequestError) as refused:
        read(**members)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("names", "fields", "param"),
    [
        ((), {}, "image"),
        (("mask",), {}, "image"),
        (("image",), {"n": "many"}, "n"),
        (("image",), {"prompt": ""}, "prompt"),
    ],
)
def test_a_form_that_cannot_be_is_refused_by_name(names: tuple[str, ...], fields: dict[str, str], param: str) -> None:
    """A change needs a picture, and words."""
    with pytest.raises(BadRequestError) as refused:
        edit(*names, **fields)
    assert refused.value.param == param


def test_pictures_to_be_changed_count_by_number() -> None:
    """Not by their bytes: two and a mask, in a form as in JSON."""
    made = exchange("images", content_type="application/json")
    body = {"prompt": "green", "images": [{"image_url": "x" * 90_000}] * 2, "mask": {"image_url": "x" * 90_000}}
    EDITS.read_request(made, json.dumps(body).encode())
    assert EDITS.input_bound(made) == 512 + (7 + 10) // 2 + 1000 + 3 * 8192
    assert EDITS.input_bound(edit("image[]", "image[]", "mask")) == 512 + (7 + 10) // 2 + 1000 + 3 * 8192
    assert EDITS.input_estimate(made) == 5 + 3 * 1024


@pytest.mark.parametrize(("pictures", "count"), [("data:image/png;base64,AAAA", 1), (["a", "b"], 2), ([], 0), ({}, 1)])
def test_a_new_picture_may_be_made_after_others(pictures: object, count: int) -> None:
    """As some vendors have it; whatever stands there is not read."""
    assert RULES["images"].input_bound(read(image=pictures)) == 512 + (15 + 8) // 2 + 1000 + count * 8192


@pytest.mark.parametrize("expected", [e for e in BODIES if e.dialect == "images"], ids=lambda each: each.name)
def test_a_recorded_answer_is_counted(expected: Expected) -> None:
    """By its tokens where it has some, and apiece."""
    reading = RULES["images"].read_body(exchange("images", request_fields(expected.name)), answer_bytes(expected.name))
    assert (reading.usage, derive_outcome(reading.evidence)) == (expected.usage, expected.outcome)


CHANGED = Usage(
    input_tokens=221,
    image_input_tokens=194,
    output_tokens=415,
    image_output_tokens=272,
    unit_count=1,
    size="1024x1024",
    quality="low",
)


def test_the_recorded_change_is_read_and_counted() -> None:
    """It was asked for in JSON."""
    name = "openai-other/image-edit"
    made = exchange("images", content_type="application/json")
    EDITS.read_request(made, json.dumps(recording(name)["request"]["body"]).encode())
    assert (made.model, made.choice_count) == ("gpt-image-1.5", 1)
    assert EDITS.read_body(made, answer_bytes(name)).usage == CHANGED


def test_an_answer_without_a_picture_is_empty() -> None:
    """A filter may have taken every one."""
    reading = RULES["images"].read_body(read(), b'{"created":1,"data":[]}')
    assert (reading.usage, derive_outcome(reading.evidence)) == (Usage(source="estimated"), "empty")


@pytest.mark.parametrize("body", [b'{"error":{"message":"no"}}', b'{"data":3}'])
def test_an_error_dressed_as_an_answer_is_an_error(body: bytes) -> None:
    """Whatever its status."""
    with pytest.raises(UpstreamStatusError):
        RULES["images"].read_body(read(), body)


def test_what_is_no_answer_is_broken() -> None:
    """A page of HTML with status 200."""
    with pytest.raises(UpstreamBrokenError):
        RULES["images"].read_body(read(), b"<html>")


def test_figures_that_cannot_be_true_are_disputed() -> None:
    """The bound of the request stands in their place; the picture counts all the same."""
    body = json.dumps({"data": [{}], "usage": {"input_tokens": -5, "output_tokens": 3}}).encode()
    usage = RULES["images"].read_body(read(), body).usage
    assert usage == Usage(
        input_tokens=512 + (15 + 8) // 2 + 1000,
        output_tokens=6540,
        image_output_tokens=6540,
        unit_count=1,
        source="disputed",
    )


AUTHOR = {"model": "m", "input_tokens": 900, "output_tokens": 3000, "reasoning_tokens": 1200, "total_tokens": 3900}


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (
            {"usage": TOLD, "svg_usage": AUTHOR},
            Usage(
                input_tokens=1121,
                image_input_tokens=194,
                output_tokens=3415,
                image_output_tokens=272,
                reasoning_tokens=1200,
                unit_count=1,
            ),
        ),
        (
            {"svg_usage": AUTHOR},
            Usage(input_tokens=1900, output_tokens=3000, reasoning_tokens=1200, unit_count=1, source="estimated"),
        ),
        (
            {"usage": TOLD, "svg_usage": None},
            Usage(input_tokens=221, image_input_tokens=194, output_tokens=415, image_output_tokens=272, unit_count=1),
        ),
    ],
)
def test_who_writes_a_drawing_as_svg_is_paid_too(told: dict[str, Any], usage: Usage) -> None:
    """As text, beside what was drawn."""
    body = json.dumps({"data": [{}], "output_format": "svg", **told}).encode()
    assert RULES["images"].read_body(read(), body).usage == usage


def test_an_authors_figure_that_cannot_be_true_is_disputed() -> None:
    """With all the rest."""
    body = json.dumps({"data": [{}], "usage": TOLD, "svg_usage": {"output_tokens": -1}}).encode()
    usage = RULES["images"].read_body(read(), body).usage
    assert usage is not None
    assert (usage.source, usage.output_tokens) == ("disputed", 6540)


def test_what_the_author_of_an_svg_reads_is_held_for() -> None:
    """The drawing, as any picture; in a form too."""
    assert RULES["images"].input_bound(read(output_format="svg")) == 512 + (15 + 8 + 5) // 2 + 1000 + 8192
    assert EDITS.input_bound(edit("image", output_format="svg")) == 512 + (7 + 10 + 5) // 2 + 1000 + 2 * 8192


@pytest.mark.parametrize("members", [{"size": 5}, {"size": ["a"]}, {"size": "x" * 33}, {"size": "\n"}, {"size": ""}])
def test_a_size_that_is_none_hides_nothing_else(members: dict[str, Any]) -> None:
    """Whole or streamed: it is taken for not told, and the tokens count."""
    body = json.dumps({"data": [{}], "usage": TOLD, **members}).encode()
    reader = RULES["images"].stream_reader(read(stream=True))
    reader.feed(event("completed", usage=TOLD, **members))
    for usage in (RULES["images"].read_body(read(), body).usage, reader.usage()):
        assert usage is not None
        assert (usage.output_tokens, usage.size) == (415, None)


def event(kind: str, **members: Any) -> bytes:
    return (
        b"data: " + json.dumps({"type": f"image_generation.{kind}", "b64_json": "AAAA", **members}).encode() + b"\n\n"
    )


PARTIAL = event("partial_image")
WHOLE = event("completed", size="1024x1024", quality="low", usage=TOLD)


def test_the_last_picture_is_held_until_the_end() -> None:
    """It ends the answer and tells the usage; a large one is one event all the same."""
    reader = RULES["images"].stream_reader(read(stream=True))
    large = event("completed", size="1024x1024", quality="low", usage=TOLD, padding="x" * 5_000_000)
    assert reader.feed(PARTIAL + large) == PARTIAL
    assert (reader.finish(), reader.end, reader.is_ended, reader.usage()) == (b"", large, True, CHANGED)
    assert derive_outcome(reader.evidence()) == "complete"


def test_several_pictures_are_several_events() -> None:
    """Input that each tells is the same, output is its own."""
    reader = RULES["images"].stream_reader(read(stream=True, n=2))
    assert reader.feed(WHOLE + WHOLE) == WHOLE
    reader.finish()
    usage = reader.usage()
    assert usage is not None
    assert (reader.end, usage.input_tokens, usage.output_tokens, usage.unit_count) == (WHOLE, 221, 830, 2)


ABSURD = {"output_tokens": 2**40, "output_tokens_details": {"image_tokens": 2**40, "text_tokens": 0}}


@pytest.mark.parametrize(
    ("told", "source", "output_tokens"), [(4 * 6540, "upstream", 4 * 6540), (4 * 6540 + 1, "disputed", 708)]
)
def test_more_than_the_pictures_can_make_is_disputed(told: int, source: str, output_tokens: int) -> None:
    """Whole or streamed: four times what the dearest come to is the most, whatever quality was asked for."""
    made, usage = read(stream=True, quality="low"), {**TOLD, "output_tokens": told}
    whole = RULES["images"].read_body(made, json.dumps({"data": [{}], "usage": usage}).encode()).usage
    reader = RULES["images"].stream_reader(made)
    reader.feed(event("completed", usage=usage))
    streamed = reader.usage()
    assert whole is not None
    assert streamed is not None
    assert (whole.source, whole.output_tokens) == (streamed.source, streamed.output_tokens) == (source, output_tokens)


@pytest.mark.parametrize("told", [-1, "many", 2**40])
def test_figures_that_cannot_be_true_leave_a_picture_its_size(told: object) -> None:
    """Or it would be sold at the price of another: whole or streamed, it costs what its quality does."""
    made, members = read(stream=True), {"size": "1024x1536", "quality": "high", "usage": {"output_tokens": told}}
    whole = RULES["images"].read_body(made, json.dumps({"data": [{}], **members}).encode()).usage
    reader = RULES["images"].stream_reader(made)
    reader.feed(event("completed", **members))
    streamed = reader.usage()
    assert whole is not None
    assert (whole.source, whole.unit_count, whole.size, whole.quality) == ("disputed", 1, "1024x1536", "high")
    assert streamed is not None
    assert (streamed.source, streamed.unit_count, streamed.size, streamed.quality) == (
        "disputed",
        1,
        "1024x1536",
        "high",
    )


def test_a_picture_that_tells_the_absurd_counts_as_none_for_who_leaves_behind_it() -> None:
    """Of two pictures the first, which costs nobody what it says, nor makes it believable."""
    reader = RULES["images"].stream_reader(read(stream=True, n=2))
    reader.feed(PARTIAL + event("completed", usage=ABSURD))
    assert (reader.output_counted_tokens, reader.output_image_tokens, reader.evidence().picture_count) == (100, 100, 0)


def test_fewer_pictures_than_asked_for_can_be_all() -> None:
    """The body ended in order."""
    reader = RULES["images"].stream_reader(read(stream=True, n=2))
    reader.feed(WHOLE)
    reader.finish()
    assert (reader.is_ended, reader.end, reader.usage()) == (True, b"", CHANGED)


def test_parts_of_a_picture_alone_are_cut() -> None:
    """A hundred tokens each were made, and nothing that is sold apiece."""
    reader = RULES["images"].stream_reader(read(stream=True))
    reader.feed(PARTIAL + PARTIAL)
    reader.finish()
    assert (reader.is_ended, derive_outcome(reader.evidence())) == (False, "truncated")
    assert (reader.usage(), reader.output_counted_tokens) == (None, 200)


@pytest.mark.parametrize(("quality", "tokens"), [("low", 1416), ("medium", 3768), ("high", 13_080), (None, 13_080)])
def test_what_two_pictures_may_come_to_is_held_for(quality: str | None, tokens: int) -> None:
    """In their quality, each with three partial ones before it."""
    assert read(n=2, quality=quality).output_tokens_likely == tokens


def test_pictures_that_are_nested_too_deep_to_count_are_refused_by_name() -> None:
    """The bound of their tokens can't be told."""
    made = read()
    made.fields["images"] = msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(BadRequestError) as caught:
        EDITS.input_bound(made)
    assert caught.value.param == "images"
