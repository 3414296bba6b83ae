"""An exchange ends as the structure of its answer says."""

import pytest

from relay.core.exchange import Evidence, Outcome
from relay.core.outcome import derive_outcome


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (Evidence(is_end_seen=True, has_text=True, stop_reason="stop"), "complete"),
        (Evidence(is_end_seen=True, has_text=True, stop_reason="length"), "complete"),
        (Evidence(is_end_seen=True, has_tool_call=True, stop_reason="tool_calls"), "complete"),
        (Evidence(is_end_seen=True, has_text=True, has_thinking=True), "complete"),
        (Evidence(is_end_seen=True, stop_reason="end_turn"), "empty"),
        (Evidence(is_end_seen=True, has_thinking=True, stop_reason="stop"), "empty"),
        (Evidence(is_end_seen=True, has_thinking=True, is_thinking_finished=False, stop_reason="length"), "empty"),
        (Evidence(is_end_seen=True, has_refusal=True, stop_reason="stop"), "refused"),
        (Evidence(is_end_seen=True, has_text=True, stop_reason="refusal"), "refused"),
        (Evidence(is_end_seen=True, stop_reason="content_filter"), "refused"),
        (Evidence(is_end_seen=True, has_text=True, stop_reason="sensitive"), "refused"),
        (Evidence(is_end_seen=True, has_text=True, stop_reason="insufficient_system_resource"), "truncated"),
        (Evidence(is_end_seen=True, has_text=True, stop_reason="network_error"), "truncated"),
        (Evidence(is_end_seen=True, has_text=True, stop_reason="error"), "truncated"),
        (Evidence(is_end_seen=True, has_tool_call=True, stop_reason="MALFORMED_RESPONSE"), "truncated"),
        (Evidence(is_end_seen=True, has_thinking=True, stop_reason="network_error"), "empty"),
        (Evidence(has_text=True), "truncated"),
        (Evidence(has_text=True, stop_reason="stop"), "truncated"),
        (Evidence(has_tool_call=True), "truncated"),
        (Evidence(has_thinking=True, is_thinking_finished=False, error_type="overloaded_error"), "truncated"),
        (Evidence(has_refusal=True), "truncated"),
        (Evidence(output_bytes=1), "truncated"),
        (Evidence(), "upstream_error"),
        (Evidence(error_type="overloaded_error"), "upstream_error"),
        (Evidence(has_text=True, hang_up_policy="delivered"), "customer_gone"),
        (Evidence(hang_up_policy="input_only"), "customer_gone"),
    ],
)
def test_outcome_follows_from_structure(evidence: Evidence, outcome: Outcome) -> None:
    """The table of docs/architecture.md, line by line."""
    assert derive_outcome(evidence) == outcome


def test_nothing_is_all_that_was_asked_for() -> None:
    """With a limit of no tokens; one that only happened to be reached is another thing."""
    evidence = Evidence(is_end_seen=True, stop_reason="max_tokens")
    assert [derive_outcome(evidence, limit) for limit in (0, 1, None)] == ["complete", "empty", "empty"]
    assert derive_outcome(Evidence(), 0) == "upstream_error"
