"""Usage in Gemini's form is made disjoint, and its sound and pictures are noted."""

from typing import Any

import pytest

from relay.core.dialects.figures import UntrueFigureError
from relay.core.dialects.gemini_usage import read_gemini_usage
from relay.core.usage import Usage


def details(count: str = "tokenCount", **tokens: int) -> list[dict[str, Any]]:
    return [{"modality": modality, count: count_of_it} for modality, count_of_it in tokens.items()]


@pytest.mark.parametrize(
    ("more", "read"),
    [
        ({}, Usage(input_tokens=100, output_tokens=60, reasoning_tokens=10)),
        (
            {"promptTokensDetails": details(TEXT=20, IMAGE=50, AUDIO=30), "candidatesTokensDetails": details(IMAGE=50)},
            Usage(
                input_tokens=100,
                output_tokens=60,
                reasoning_tokens=10,
                audio_input_tokens=30,
                image_input_tokens=50,
                image_output_tokens=50,
            ),
        ),
        (
            {"candidatesTokensDetails": details(AUDIO=40, TEXT=10)},
            Usage(input_tokens=100, output_tokens=60, reasoning_tokens=10, audio_output_tokens=40),
        ),
        (
            {"promptTokensDetails": [{"modality": 2, "tokenCount": 50}, {"modality": 4, "tokenCount": 30}]},
            Usage(
                input_tokens=100, output_tokens=60, reasoning_tokens=10, audio_input_tokens=30, image_input_tokens=50
            ),
        ),
        (
            {"promptTokensDetails": details(VIDEO=60, DOCUMENT=40)},
            Usage(input_tokens=100, output_tokens=60, reasoning_tokens=10),
        ),
    ],
)
def test_sound_and_pictures_are_noted(more: dict[str, Any], read: Usage) -> None:
    """By words or by numbers; a video or a document costs what text does."""
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 50, "thoughtsTokenCount": 10, "totalTokenCount": 160}
    assert read_gemini_usage({**usage, **more}) == read


@pytest.mark.parametrize(
    ("more", "audio", "image"),
    [
        ({"cacheTokensDetails": details(TEXT=10, AUDIO=20, IMAGE=50)}, 10, 0),
        ({"cacheTokensDetails": details(AUDIO=80)}, 0, 20),
        ({}, 20, 20),
        (
            {
                "cacheTokensDetails": details(AUDIO=30, IMAGE=50),
                "toolUsePromptTokenCount": 7,
                "toolUsePromptTokensDetails": details(IMAGE=7),
            },
            0,
            7,
        ),
    ],
)
def test_cached_sound_and_pictures_are_cached_input(more: dict[str, Any], audio: int, image: int) -> None:
    """Each is counted once, and none is below zero or above the 20 that are fresh."""
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 80,
        "promptTokensDetails": details(TEXT=20, AUDIO=30, IMAGE=50),
    }
    read = read_gemini_usage({**usage, **more})
    assert read is not None
    assert (read.cache_read_tokens, read.audio_input_tokens, read.image_input_tokens) == (80, audio, image)


@pytest.mark.parametrize("told", ["all", {"modality": "IMAGE"}, ["IMAGE"], details(IMAGE=-1)])
def test_details_that_cannot_be_true_are_refused(told: object) -> None:
    """The reader then puts the local bound in their place."""
    with pytest.raises(UntrueFigureError):
        read_gemini_usage({"promptTokenCount": 100, "promptTokensDetails": told})
