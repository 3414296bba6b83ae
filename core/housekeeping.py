"""What clients ask a base URL for besides its endpoints, and want a kind answer to; no key is needed.

Source: wire/DIALECTS.md 9.1, read 2026-11-24; ENTERPILOT/GoModel#172 for the second path of
Claude Code's events, read 2026-11-24.
"""

_PROBES = ("/api/hello",)
_EVENTS = ("/api/event_logging/batch", "/api/event_logging/v2/batch")
_BASES = ("", "/v1", "/v1beta", "/openai", "/openai/v1")
"""What clients of OpenAI, Anthropic, Google and Azure have as their base URL's path."""


def is_base(method: str, path: str) -> bool:
    """Say whether somebody looks at the base URL itself, to see whether anybody is there."""
    return method in ("GET", "HEAD") and path.rstrip("/") in _BASES


def housekeeping_answer(method: str, path: str) -> bytes | None:
    """Return the document that answers a client's housekeeping; None where it is none.

    What Claude Code reports of its user is neither read nor kept.
    """
    path = path.rstrip("/").removeprefix("/v1")
    if path in _PROBES and method in ("GET", "HEAD"):
        return b'{"message":"hello"}'
    if path in _EVENTS and method == "POST":
        return b"{}"
    return None
