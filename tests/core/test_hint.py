"""What a path that leads nowhere was probably meant for."""

import pytest

from relay.core.dialects import ENDPOINTS
from relay.core.endpoints import PAGES
from relay.core.hint import nearest_endpoint

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
