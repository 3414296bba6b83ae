"""What a path that leads nowhere, or an unknown name, was probably meant for."""

import difflib

import pytest

from relay.core.dialects import ENDPOINTS
from relay.core.endpoints import PAGES
from relay.core.hint import nearest_endpoint, nearest_name

SERVED = [f"POST {rules.path}" for rules in ENDPOINTS] + [f"GET {path}" for path in PAGES]


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/api/v1/chat/completions", "POST /v1/chat/completions"),
        ("/v2/chat/completions", "POST /v1/chat/completions"),
        ("/V1/Chat/Completions", "POST /v1/chat/completions"),
        ("/v1/chat", "POST /v1/chat/completions"),
        ("/v1/chat/completionsx", "POST /v1/chat/completions"),
        ("/v1/engines/gpt-4/completions", "POST /v1/completions"),
        ("/v1/message", "POST /v1/messages"),
        ("/v1/image/generations", "POST /v1/images/generations"),
        ("/v1/images", "POST /v1/images/generations"),
        ("/v1/audio", "POST /v1/audio/transcriptions"),
        ("/x/v1/models", "GET /v1/models"),
        ("/v1/models/m:generatecontent", "POST /v1beta/models/{model}:generateContent"),
        ("/dashboard/billing/credit_grants", "GET /v1/dashboard/billing/subscription"),
        ("/", "POST /mine"),
        ("/v1", "POST /mine"),
        ("/v1/files", "POST /mine"),
        ("/mj/submit/imagine", "POST /mine"),
        ("/" + "a/" * 5000, "POST /mine"),
    ],
)
def test_a_path_is_told_what_it_is_nearest_to(path: str, nearest: str) -> None:
    """By its end, its beginning or its likeness; else the caller's own endpoint."""
    assert nearest_endpoint(path, SERVED, "POST /mine") == nearest


MODELS = [
    f"vendor-{vendor}/model-{size}b-{kind}" for vendor in "abcdefgh" for size in range(20) for kind in ("it", "vl")
]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Vendor-C/Model-7B-IT", "vendor-c/model-7b-it"),
        ("vendor-c/model-7b-itt", "vendor-c/model-7b-it"),
        ("vendor-c/modell-7b-vl", "vendor-c/model-7b-vl"),
        ("vendor-g/model-17b", "vendor-g/model-17b-vl"),
        ("quite another", ""),
        ("", ""),
        ("a", ""),
        ("\ud800", ""),
    ],
)
def test_a_name_is_told_what_it_is_nearest_to(name: str, nearest: str) -> None:
    """Among hundreds as among few; of two that are as near, the last."""
    assert nearest_name(name, MODELS) == nearest
    assert nearest_name(name, []) == ""


def test_few_of_many_names_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer without credit may ask for unknown models as often as they like, and each comparison is dear."""
    compared: list[str] = []

    def note(self: difflib.SequenceMatcher[str], a: str) -> None:
        compared.append(a)
        set_first(self, a)

    set_first = difflib.SequenceMatcher[str].set_seq1
    monkeypatch.setattr(difflib.SequenceMatcher, "set_seq1", note)
    assert nearest_name("vendor-a/model-3b-itt", MODELS) == "vendor-a/model-3b-it"
    assert set(compared) <= {"", *MODELS}
    assert len(set(compared) - {""}) <= 20
