"""What a cell must have led to, by the way its answer ends."""

import msgspec

from relay.core.exchange import Outcome
from relay.core.storage import LogEntry
from relay.testing.bench import Played
from relay.testing.contract import fail, require
from relay.testing.requests import markers
from relay.testing.scenes import ARGUMENTS, INPUT_TOKENS, THINKING, TOOL
from relay.testing.shop import INPUT_NANO, OUTPUT_NANO


def check_whole(played: Played, stop: str, outcome: Outcome) -> None:
    """The answer is complete, and ended for the reason *stop*."""
    heard, answer = played.heard, played.answer
    require(answer.status == 200, "answered", f"status {answer.status}: {answer.body[:500]!r}")
    require(heard.error_code is None, "answered", f"the error '{heard.error_code}'")
    _check_form(played)
    _check_words(played)
    require(not heard.is_broken and heard.is_ended, "end", "a stream without its end")
    require(heard.stop == stop, "end", f"'{heard.stop}' instead of '{stop}'")
    _check_books(played, outcome)
    _check_usage(played)


def check_truncated(played: Played) -> None:
    """The stream broke after its output had begun."""
    heard = played.heard
    require(played.answer.status == 200, "answered", f"status {played.answer.status}")
    _check_form(played)
    require(heard.error_code is not None or heard.is_broken, "broken", "a stream that ended in order")
    require(not (heard.is_ended and heard.error_code is None), "broken", "an end mark")
    _check_books(played, "truncated")
    if played.calls is not None:
        said = played.scene.answer("openai_chat", "")
        require(said.text.startswith(heard.text), "words", f"the text {heard.text!r}")
        # An estimate counts a call's name and beginning as well, which the scene's own figures leave out.
        is_less = said.tool_name or _entry(played).output_tokens < said.output_tokens
        require(bool(is_less), "charge", f"{_entry(played).output_tokens} tokens of output, as many as of the whole")


def check_failed(played: Played) -> None:
    """Nothing was committed to the customer."""
    require(played.answer.status >= 500, "failed", f"status {played.answer.status}: {played.answer.body[:500]!r}")
    require(played.heard.error_code is not None, "failed", f"no error in {played.answer.body[:500]!r}")
    _check_form(played)
    require(_entry(played).charge_nano == 0, "charge", f"{_entry(played).charge_nano} nano-credits for a failure")
    _check_books(played, "upstream_error")


def check_left(played: Played) -> None:
    """The customer left in the middle of a stream."""
    require(played.answer.status == 200, "answered", f"status {played.answer.status}")
    require(played.is_upstream_left, "hang_up", "a connection to the upstream that is still open")
    _check_books(played, "customer_gone")


def _entry(played: Played) -> LogEntry:
    if played.entry is None:
        fail("outcome", f"no row in the log, and the answer {played.answer.status}: {played.answer.body[:500]!r}")
    return played.entry


def _check_form(played: Played) -> None:
    require(not played.heard.faults, "well_formed", "; ".join(played.heard.faults))


def _check_words(played: Played) -> None:
    """The answer says what the upstream said; if the channel answers by itself, what was asked for."""
    heard, scene = played.heard, played.scene
    calls = [(name, _plain(arguments)) for name, arguments in heard.calls]
    if played.calls is None:
        is_silent = scene.ending == "empty" or scene.is_tool_forced
        require(is_silent or bool(heard.text or heard.refusal), "words", "no text")
        require([name for name, _ in calls] == ([TOOL] if scene.ending == "tool_call" else []), "words", calls)
        return
    said = scene.answer("openai_chat", "")
    require((heard.text or heard.refusal) == said.text, "words", f"the text {heard.text or heard.refusal!r}")
    expected = [(TOOL, _plain(ARGUMENTS))] if said.tool_name else []
    require(calls == expected, "words", f"the calls {calls}")
    if scene.task == "thinking":
        require(heard.thinking == said.thinking, "words", f"the thinking {heard.thinking!r}, not {THINKING!r}")


def _plain(arguments: str) -> object:
    try:
        return msgspec.json.decode(arguments)
    except ValueError:
        return arguments


def _check_usage(played: Played) -> None:
    """Customer, books and upstream have the same figures."""
    heard, entry = played.heard, _entry(played)
    counted = (_input_tokens(played), entry.output_tokens)
    if played.calls is not None:
        told = (INPUT_TOKENS, played.scene.answer("openai_chat", "").output_tokens)
        require(entry.usage_source == "upstream", "usage", f"usage from '{entry.usage_source}'")
        require(counted == told, "usage", f"{counted} in the books, the upstream said {told}")
    if entry.usage_source == "upstream":
        seen = (heard.input_tokens, heard.output_tokens)
        require(seen == counted, "usage", f"{seen} for the customer, {counted} in the books")


def _input_tokens(played: Played) -> int:
    entry = _entry(played)
    written = entry.cache_write_5m_tokens + entry.cache_write_1h_tokens
    return entry.input_tokens + entry.cache_read_tokens + written


def _check_books(played: Played, outcome: Outcome) -> None:
    """The log's row has the *outcome* and the exact price of its counts; no secret leaked, and the request was complete."""
    entry = _entry(played)
    require(entry.outcome == outcome, "outcome", f"'{entry.outcome}' instead of '{outcome}'")
    if _input_tokens(played) == entry.input_tokens:  # cached input would have prices of its own
        nano = entry.input_tokens * INPUT_NANO + entry.output_tokens * OUTPUT_NANO
        require(entry.charge_nano == nano, "charge", f"{entry.charge_nano} instead of {nano} nano-credits")
    _check_secrets(played)
    _check_request(played)


def _check_secrets(played: Played) -> None:
    everything = played.answer.everything
    leaked = [secret for secret in played.secrets if secret.encode() in everything]
    require(not leaked, "secrets", f"{leaked} in an answer")


def _check_request(played: Played) -> None:
    """The upstream got the whole request, once, and never the customer's key."""
    if played.calls is None:
        return
    bodies = [call.body.decode(errors="replace") for call in played.calls]
    missing = [marker for marker in markers(played.scene) if not any(marker in body for body in bodies)]
    require(not missing, "request", f"upstream requests without {missing}: {bodies}")
    asked_count = sum(markers(played.scene)[0] in body for body in bodies)
    require(asked_count == 1, "request", f"{asked_count} requests with the customer's words")
    sent = [f"{call.target} {call.headers} {body}" for call, body in zip(played.calls, bodies, strict=True)]
    require(not any(played.api_key in one for one in sent), "request", "the customer's key in an upstream request")
