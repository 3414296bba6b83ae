"""Requests that clients make to a base URL besides its endpoints, and expect to succeed; they need no key.

Source: wire/DIALECTS.md 9.1, read 2026-11-24; ENTERPILOT/GoModel#172 for the second path of
Claude Code's events, read 2026-11-24.
"""

_PROBES = ("/api/hello",)
_EVENTS = ("/api/event_logging/batch", "/api/event_logging/v2/batch")
_BASES = ("", "/v1", "/v1beta", "/openai", "/openai/v1")
"""The paths of the base URLs that clients of OpenAI, Anthropic, Google and Azure use."""


def is_base(method: str, path: str) -> bool:
    """Say whether the request is for the base URL itself, to see whether a shop is there."""
    return method in ("GET", "HEAD") and path.rstrip("/") in _BASES


def housekeeping_answer(method: str, path: str) -> bytes | None:
    """Return the answer to a client's housekeeping request; None if the request is none.

    What Claude Code reports about its user is neither read nor kept.
    """
    path = path.rstrip("/").removeprefix("/v1")
    if path in _PROBES and method in ("GET", "HEAD"):
        return b'{"message":"hello"}'
    if path in _EVENTS and method == "POST":
        return b"{}"
    return None
