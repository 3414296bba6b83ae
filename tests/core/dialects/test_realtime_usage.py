"""What a response or a transcription of Realtime has used."""

import json
from typing import Any

import pytest

from relay.core.dialects.figures import UntrueFigureError
from relay.core.dialects.realtime_usage import (
    read_realtime_usage,
    read_transcription_usage,
    sound_tokens_of,
    written_bytes,
)
from relay.core.usage import Usage

USAGES: list[tuple[object, Usage | None]] = [
    (None, None),
    ({}, None),
    ({"input_tokens": 5, "output_tokens": 0}, Usage(input_tokens=5)),
    (
        {
            "input_tokens": 100,
            "output_tokens": 30,
            "input_token_details": {
                "text_tokens": 11,
                "audio_tokens": 80,
                "image_tokens": 9,
                "cached_tokens": 60,
                "cached_tokens_details": {"text_tokens": 8, "audio_tokens": 50, "image_tokens": 2},
            },
            "output_token_details": {"text_tokens": 5, "audio_tokens": 25, "reasoning_tokens": 2},
        },
        Usage(
            input_tokens=40,
            cache_read_tokens=60,
            audio_input_tokens=30,
            output_tokens=30,
            reasoning_tokens=2,
            audio_output_tokens=25,
            image_input_tokens=7,
        ),
    ),
    (
        {"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"audio_tokens": 7}},
        Usage(input_tokens=9, audio_input_tokens=7, output_tokens=3),
    ),
    (
        {"input_tokens": 9, "output_tokens": 3, "output_token_details": {"audio_tokens": 7}},
        Usage(input_tokens=9, output_tokens=3, audio_output_tokens=3),
    ),
    (
        {
            "input_tokens": 10,
            "output_tokens": 3,
            "input_token_details": {"audio_tokens": 9, "image_tokens": 8, "cached_tokens": 4},
            "output_token_details": {"reasoning_tokens": 7},
        },
        Usage(
            input_tokens=6,
            cache_read_tokens=4,
            output_tokens=3,
            reasoning_tokens=3,
            audio_input_tokens=6,
            image_input_tokens=6,
        ),
    ),
    (
        {
            "input_tokens": 10,
            "input_token_details": {
                "audio_tokens": 2,
                "cached_tokens": 12,
                "cached_tokens_details": {"audio_tokens": 5, "image_tokens": 1},
            },
        },
        Usage(cache_read_tokens=10),
    ),
]


@pytest.mark.parametrize(("told", "usage"), USAGES)
def test_usage_is_disjoint(told: object, usage: Usage | None) -> None:
    """Cached sound is no fresh sound, and no part is more than the whole."""
    assert read_realtime_usage(told) == usage


@pytest.mark.parametrize("told", [5, {"input_tokens": "5"}, {"input_tokens": 1.5}, {"output_tokens": -1}])
def test_figures_that_can_not_be_true_are_none(told: object) -> None:
    """Whoever asks decides what stands in their place."""
    with pytest.raises(UntrueFigureError):
        read_realtime_usage(told)


def test_sound_is_counted_on_both_sides_cached_or_not() -> None:
    """Aliyun's plural of the details' name is read, too."""
    heard = {"audio_tokens": 80, "cached_tokens": 60, "cached_tokens_details": {"audio_tokens": 50}}
    told = {"input_token_details": heard, "output_tokens_details": {"audio_tokens": 25, "text_tokens": 5}}
    assert (sound_tokens_of(told), sound_tokens_of(None)) == (105, 0)


TOLD = {"type": "tokens", "input_tokens": 22, "output_tokens": 4, "input_token_details": {"audio_tokens": 20}}
TRANSCRIPTIONS = [
    (TOLD, Usage(input_tokens=22, audio_input_tokens=20, output_tokens=4)),
    ({"type": "duration", "seconds": 2.05}, Usage(input_tokens=21, audio_input_tokens=21, unit_count=3)),
    ({"type": "duration", "seconds": 3}, Usage(input_tokens=30, audio_input_tokens=30, unit_count=3)),
    ({"type": "duration", "seconds": 0}, Usage()),
]


@pytest.mark.parametrize(("told", "usage"), TRANSCRIPTIONS)
def test_a_transcription_is_counted_in_tokens_or_by_its_length(told: dict[str, Any], usage: Usage) -> None:
    """Ten tokens a second, as sound is heard, and every second that was begun."""
    assert read_transcription_usage(json.dumps({"usage": told})) == usage


TOO_DEEP = '{"usage":5,"transcript":' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        ('{"transcript":"caf\\u00e9 \u00e9"}', 8),
        ("{}", 0),
        ('{"transcript":5}', 0),
        ("[", 0),
        (TOO_DEEP, 0),
        ('{"transcript":null}', 0),
    ],
)
def test_the_length_of_a_transcript_is_that_of_its_utf8(frame: str, size: int) -> None:
    """And nothing where there is none."""
    assert written_bytes(frame) == size


def test_a_transcription_that_is_nested_too_deep_is_disputed() -> None:
    """As one without figures."""
    assert read_transcription_usage(TOO_DEEP).source == "disputed"


@pytest.mark.parametrize(
    "usage", [None, 5, {"seconds": -1}, {"seconds": True}, {"seconds": 86_400}, {"seconds": 1e300}, {"seconds": "x"}]
)
def test_a_transcription_without_figures_is_disputed(usage: object) -> None:
    """Nothing else is known of it."""
    assert read_transcription_usage(json.dumps({"usage": usage})).source == "disputed"
