"""Claim a share of the charge back for answers that came empty or were cut short.

The shares are set by group: with ``groups: {hyacinth: {empty: "1", truncated: "0.5"}}`` an empty
answer that cost 0.04 credits earns a claim of 0.04 x 1 = 0.04 credits, one cut short after 999
output tokens a claim of 0.04 x 0.5 = 0.02, and one cut short after 1000 earns none. Where
thinking was asked for, the limit is 2000. Groups that are not named claim nothing.

Source of the rules: shops.md C1 to C3, read 2026-11-23.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from relay import Claim, Exact, GroupName, Plugin, PluginConfig, RequestRecord, hookimpl


class Shares(PluginConfig, frozen=True, kw_only=True):
    """The shares of a charge that one group's customers get back."""

    empty: Annotated[Exact, Meta(description="Share of the charge for an empty answer, 0 to 1.")] = Exact(0)
    truncated: Annotated[Exact, Meta(description="Share of the charge for a truncated answer, 0 to 1.")] = Exact(0)

    def __post_init__(self) -> None:
        for name, share in (("empty", self.empty), ("truncated", self.truncated)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {share}")


class EmptyTruncatedConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings of ``compensation.empty_truncated``."""

    groups: Annotated[dict[GroupName, Shares], Meta(description="Shares by group; a group not named claims nothing.")]
    output_tokens_max: Annotated[
        int, Meta(description="A truncated answer earns a claim if it has fewer output tokens than this.", ge=0)
    ] = 1000
    output_tokens_max_thinking: Annotated[
        int, Meta(description="As output_tokens_max, in tokens, for requests that asked for thinking.", ge=0)
    ] = 2000


class EmptyTruncated(Plugin[EmptyTruncatedConfig]):
    """Turns the outcomes ``empty`` and ``truncated`` into claims."""

    config_type = EmptyTruncatedConfig

    @hookimpl
    async def post_check(self, record: RequestRecord) -> Sequence[Claim] | None:
        """Return the claim that the record earns, if any."""
        shares = self.config.groups.get(record.facts.group)
        if shares is None or record.evidence.is_unpaid:
            return None
        if is_empty(record):
            kind, share = "empty_reply", shares.empty
        elif self._is_cut_short(record):
            kind, share = "truncated_reply", shares.truncated
        else:
            return None
        return [Claim(rule="compensation.empty_truncated", kind=kind, share=share)] if share else None

    def _is_cut_short(self, record: RequestRecord) -> bool:
        is_thinking = record.evidence.thinking_asked
        border = self.config.output_tokens_max_thinking if is_thinking else self.config.output_tokens_max
        return record.outcome == "truncated" and record.usage.output_tokens < border


def is_empty(record: RequestRecord) -> bool:
    """Say whether the customer got nothing: no output, or only thinking that was never finished."""
    evidence = record.evidence
    if record.outcome != "truncated":
        return record.outcome == "empty"
    is_visible = evidence.has_text or evidence.has_tool_call or evidence.has_refusal
    return not is_visible or (evidence.thinking_asked and not evidence.is_thinking_finished)
