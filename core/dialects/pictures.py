"""Making and editing pictures: ``/v1/images/generations`` and ``/v1/images/edits``, whole or streamed.

Source: OpenAI API reference, "Create image", "Create image edit" and their streaming events;
wire/DIALECTS.md 3.5, w:openai-other/image-edit (a request in JSON; SDKs send a form), read 2026-11-24.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from ..errors import BadRequestError
from ..estimate import DRAFT_TOKENS, input_bound, input_estimate, is_beyond
from ..exchange import Exchange, Operation
from ..form import Form
from ..usage import Usage
from .dialect import BLANK_LINES, BodyReading
from .disguised import disguised_error, read_document
from .done_reader import DoneReader, EventFields
from .fields import (
    missing_field,
    read_bool,
    read_form_value,
    read_int,
    read_model,
    read_object,
    read_optional_text,
    read_value,
)
from .figures import UntrueFigureError, read_figure, read_figures
from .kinds import IMAGES, ITEMS, SOME_TEXT, check_kinds, check_needed
from .single import Single, whole_reading

DEFAULT_MODEL = "dall-e-2"
PICTURES_MAX = 10
WORD_LENGTH_MAX = 32
INPUT_TOKENS_MAX = 8192
"""Far more than a picture to edit was ever seen to count: 194 for a small one (w:openai-other/image-edit)."""
INPUT_TOKENS = 1024
UNTOLD_TOKENS = 1000
"""What a picture counts if its upstream reports no tokens, as in One API. Source: field/relay-platforms.md 1.6, F9."""
OUTPUT_TOKENS = {"low": 408, "medium": 1584}
OUTPUT_TOKENS_MAX = 6240
"""Output of one picture of the largest usual size; `OUTPUT_TOKENS` has the lower qualities.

A square one of high quality was seen to count 4160 (w:openai-other/image-gpt-image-b64).

Source: OpenAI image generation guide, "Cost and latency", read 2026-11-24.
"""
PARTIALS_MAX = 3
_PICTURES = frozenset({"image", "images", "markup", "mask"})
"""Fields that hold pictures; some vendors accept them for generations too."""


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    model: str | None = None
    usage: Any = None
    svg_usage: Any = None
    size: Any = None
    quality: Any = None


_PICTURE_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_read_answer = msgspec.json.Decoder(_Answer).decode


class Pictures(Single):
    """Rules of one of the two endpoints; see `DialectRules`."""

    keep_alive = BLANK_LINES

    def __init__(self, operation: Operation, path: str) -> None:
        super().__init__(
            "images", operation, path, required=("prompt", SOME_TEXT), kinds=IMAGES, default_model=DEFAULT_MODEL
        )

    def read_request(self, exchange: Exchange, body: bytes) -> None:
        """Decode *body* as far as relay reads it, into ``exchange``; only edits may come as a form."""
        content_type = exchange.headers.get("content-type", "")
        if self.operation == "image_edit" and content_type.lower().startswith("multipart/"):
            exchange.form = Form(body, content_type)
            fields = dict(exchange.form.fields)
            if not exchange.form.files("image", "image[]"):
                raise missing_field("image")
        else:
            fields = read_object(body)
            if self.operation == "image_edit":
                check_needed(fields, "images", ITEMS)
            check_kinds(fields, self._kinds)
        self.name_model(fields)
        exchange.model = read_model(fields)
        check_needed(fields, *self._required)
        plain = (
            {**fields, **read_form_value(fields, "n"), **read_form_value(fields, "stream")} if exchange.form else fields
        )
        exchange.choice_count = read_int(plain, "n", most=PICTURES_MAX) or 1
        exchange.stream = read_bool(plain, "stream")
        exchange.size, exchange.quality = _read_word(fields, "size"), _read_word(fields, "quality")
        tokens = OUTPUT_TOKENS.get(exchange.quality or "", OUTPUT_TOKENS_MAX) + DRAFT_TOKENS * PARTIALS_MAX
        exchange.output_tokens_likely = tokens * exchange.choice_count
        exchange.fields = fields
        exchange.image_tokens_bound = INPUT_TOKENS_MAX * _picture_count(exchange)

    def input_bound(self, exchange: Exchange) -> int:
        """Return an upper bound of the input tokens, and of what counts if none are reported.

        Pictures count by number.
        """
        words = input_bound(_words(exchange.fields)) + UNTOLD_TOKENS * exchange.choice_count
        is_written = (
            read_optional_text(exchange.fields, "output_format") == "svg"
        )  # the model that writes the SVG reads the picture
        return words + INPUT_TOKENS_MAX * (_picture_count(exchange) + is_written)

    def input_estimate(self, exchange: Exchange) -> int:
        return input_estimate(_words(exchange.fields)) + INPUT_TOKENS * _picture_count(exchange)

    def stream_reader(self, exchange: Exchange) -> "PictureReader":
        return PictureReader(exchange, self.input_bound(exchange))

    def read_body(self, exchange: Exchange, body: bytes) -> BodyReading:
        answer = read_document(_read_answer, body, "pictures")
        if answer.data is None:
            raise disguised_error(body)
        try:
            usage = _with_author(read_picture_usage(exchange, [answer.usage], len(answer.data)), answer.svg_usage)
        except UntrueFigureError:
            usage = bound_usage(exchange, self.input_bound(exchange), len(answer.data))
        usage = msgspec.structs.replace(usage, size=_as_word(answer.size), quality=_as_word(answer.quality))
        return whole_reading(usage, has_answer=bool(answer.data), model=answer.model)


class PictureReader(DoneReader):
    """Reads along one stream of pictures; see `StreamReader`."""

    __slots__ = ("_input_bound", "_picture_count", "_quality", "_size", "_usages")

    def __init__(self, exchange: Exchange, input_bound_tokens: int) -> None:
        super().__init__(exchange)
        self._input_bound = input_bound_tokens
        self._picture_count = 0
        self._usages: list[object] = []
        self._size: str | None = None
        self._quality: str | None = None

    def _conclude(self) -> None:
        """Decide whether the answer is whole; fewer pictures than asked for can be all there are."""
        super()._conclude()
        self.is_ended = self.is_ended or (self._picture_count > 0 and self.error is None)

    def _note(self, fields: EventFields, event: bytes) -> bool:
        if fields.type.endswith(".partial_image"):
            self.add_draft()
        elif fields.type.endswith(".completed"):
            self.note_answer()
            self._picture_count += 1
            self._usages.append(fields.usage)
            self._size, self._quality = _as_word(fields.size), _as_word(fields.quality)
            self._count_whole()
        return self._picture_count >= self._exchange.choice_count

    def _count_whole(self) -> None:
        """Count the usage of the pictures so far, so that a customer who leaves after them pays for them."""
        with suppress(UntrueFigureError):
            counted = read_picture_usage(self._exchange, self._usages, self._picture_count)
            self.output_counted_tokens = max(self.output_counted_tokens, counted.output_tokens)
            self.output_image_tokens = max(self.output_image_tokens, counted.image_output_tokens)

    def _figures(self) -> Usage | None:
        if not self._picture_count:
            return None
        usage = read_picture_usage(self._exchange, self._usages, self._picture_count)
        return msgspec.structs.replace(usage, size=self._size, quality=self._quality)

    def _disputed(self) -> Usage:
        usage = bound_usage(self._exchange, self._input_bound, self._picture_count)
        return msgspec.structs.replace(usage, size=self._size, quality=self._quality)


def bound_usage(exchange: Exchange, input_bound_tokens: int, picture_count: int) -> Usage:
    """Return a usage that pictures hardly ever exceed, for figures that can't be true."""
    return Usage(
        input_tokens=input_bound_tokens,
        output_tokens=exchange.output_tokens_likely,
        image_output_tokens=exchange.output_tokens_likely,
        unit_count=picture_count,
        source="disputed",
    )


def read_picture_usage(exchange: Exchange, usages: list[object], picture_count: int) -> Usage:
    """Return the usage of *picture_count* pictures; all of them report the same input, which counts once.

    Raises:
        UntrueFigureError: A figure can't be true: it is malformed, or more output than the pictures asked for can make.
    """
    counted = [figures for usage in usages if (figures := read_figures(usage)).get("output_tokens") is not None]
    if not counted:
        return Usage(input_tokens=UNTOLD_TOKENS * picture_count, unit_count=picture_count, source="estimated")
    inputs = [read_figures(figures.get("input_tokens_details")) for figures in counted]
    outputs = [read_figures(figures.get("output_tokens_details")) for figures in counted]
    output_tokens = sum(read_figure(figures, "output_tokens") for figures in counted)
    # The bound ignores the quality asked for: not every upstream heeds it.
    if is_beyond(output_tokens, (OUTPUT_TOKENS_MAX + DRAFT_TOKENS * PARTIALS_MAX) * exchange.choice_count):
        raise UntrueFigureError("more output than the pictures can make")
    return Usage(
        input_tokens=max(read_figure(figures, "input_tokens") for figures in counted),
        image_input_tokens=max(read_figure(details, "image_tokens") for details in inputs),
        output_tokens=output_tokens,
        image_output_tokens=sum(
            read_figure(details, "image_tokens") if details else read_figure(figures, "output_tokens")
            for figures, details in zip(counted, outputs, strict=True)
        ),
        unit_count=picture_count,
    )


def _with_author(usage: Usage, svg_usage: object) -> Usage:
    """Return *usage* plus that of the model that wrote a picture as SVG, priced as text of the model that drew it.

    Source: ``types/images_response.py`` of OpenAI's Python SDK 3.54, ``SvgUsage``, read 2026-11-30.

    Raises:
        UntrueFigureError: A figure that can't be true.
    """
    figures = read_figures(svg_usage)
    written = read_figure(figures, "output_tokens")
    return msgspec.structs.replace(
        usage,
        input_tokens=usage.input_tokens + read_figure(figures, "input_tokens"),
        output_tokens=usage.output_tokens + written,
        reasoning_tokens=min(read_figure(figures, "reasoning_tokens"), written),
    )


def _read_word(fields: Mapping[str, msgspec.Raw], name: str) -> str | None:
    """Return a size or quality as the customer spelt it, and refuse one that does not look like one."""
    word = read_optional_text(fields, name)
    if word is not None and _as_word(word) is None:
        raise BadRequestError(param=name)
    return word


def _as_word(word: object) -> str | None:
    """Return *word* if it can be a size or quality by its length and characters, else None."""
    if isinstance(word, str) and 0 < len(word) <= WORD_LENGTH_MAX and word.isprintable():
        return word
    return None


def _words(fields: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return *fields* without those that hold pictures."""
    return {name: value for name, value in fields.items() if name not in _PICTURES}


def _picture_count(exchange: Exchange) -> int:
    """Return how many pictures the request holds: a field has one, or a list of them."""
    if exchange.form is not None:
        return len(exchange.form.files(*_PICTURES, *(f"{name}[]" for name in _PICTURES)))
    count = 0
    for name in _PICTURES & exchange.fields.keys():
        is_list = bytes(exchange.fields[name]).startswith(b"[")
        count += len(read_value(exchange.fields, name, _PICTURE_LIST)) if is_list else 1
    return count
