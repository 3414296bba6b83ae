"""Counts what an answer consists of, as it passes by or from a whole body."""

from collections import Counter

from ..estimate import (
    BLOCK_TOKENS,
    DRAFT_TOKENS,
    MEDIA_TOKENS_MAX,
    PICTURE_TOKENS,
    SPOKEN_BYTES_PER_TOKEN,
    TOOL_CALL_TOKENS,
    TOOL_CALL_TOKENS_MAX,
    estimate_bytes,
    piece_bound,
)
from ..exchange import Evidence
from ..vendor_names import kept_name


class Tally:
    """Counts the visible output of one answer and notes its structure, never its words."""

    __slots__ = (
        "_drawn_count",
        "_has_answered",
        "_has_refusal",
        "_has_text",
        "_has_thinking",
        "_has_tool_call",
        "_output_bytes",
        "_sound_bytes",
        "_tools_run",
        "_untexted_tokens",
        "is_output_seen",
        "output_audio_tokens",
        "output_bound_tokens",
        "output_counted_tokens",
        "output_image_tokens",
        "search_count",
        "stop_reason",
    )

    def __init__(self) -> None:
        self.is_output_seen = False
        self.output_bound_tokens = BLOCK_TOKENS
        self.output_counted_tokens = 0
        self.stop_reason: str | None = None
        self._output_bytes = 0
        self._sound_bytes = self._untexted_tokens = 0
        """Tokens counted for calls, pictures and sound, in addition to their text."""
        self.output_audio_tokens = self.output_image_tokens = 0
        """The parts of `output_counted_tokens` that are sound and pictures."""
        self._drawn_count = 0
        """Whole pictures drawn in a chat."""
        self.search_count = 0
        """Searches of the web that the upstream made and is seen to bill."""
        self._tools_run: set[tuple[str, object]] = set()
        """What else it ran that is billed apart, each once for what is billed once."""
        self._has_text = self._has_tool_call = self._has_refusal = self._has_thinking = False
        self._has_answered = False
        """Output followed the last piece of thinking."""

    def add(self, bytes_count: int) -> None:
        """Count one piece of output text."""
        self.is_output_seen = True
        self._output_bytes += bytes_count
        self.output_bound_tokens += piece_bound(bytes_count)
        self.output_counted_tokens = estimate_bytes(self._output_bytes) + self._untexted_tokens

    def add_text(self, bytes_count: int) -> None:
        """Count a piece of visible text."""
        self._has_text = self._has_answered = True
        self.add(bytes_count)

    def add_thinking(self, bytes_count: int) -> None:
        """Count a piece of thinking."""
        self._has_thinking = True
        self._has_answered = False
        self.add(bytes_count)

    def add_refusal(self, bytes_count: int) -> None:
        """Count a piece of a refusal."""
        self._has_refusal = self._has_answered = True
        self.add(bytes_count)

    def note_refusal(self) -> None:
        """Note that the vendor refused, without any text of the model."""
        self._has_refusal = self._has_answered = True

    def begin_tool_call(self) -> None:
        """Count the beginning of a tool call."""
        self.is_output_seen = True
        self._has_tool_call = self._has_answered = True
        self._add_untexted(TOOL_CALL_TOKENS, TOOL_CALL_TOKENS_MAX)

    def add_arguments(self, bytes_count: int) -> None:
        """Count a piece of a tool call's arguments."""
        self._has_answered = True
        self.add(bytes_count)

    def _add_untexted(self, tokens: int, bound_tokens: int) -> None:
        self._untexted_tokens += tokens
        self.output_counted_tokens += tokens
        self.output_bound_tokens += bound_tokens

    def begin_block(self) -> None:
        """Count the frame of a block of content, where a dialect has blocks."""
        self.output_bound_tokens += BLOCK_TOKENS

    def note_thinking(self) -> None:
        """Note thinking that can't be read."""
        self._has_thinking = True
        self._has_answered = False

    def add_picture(self) -> None:
        """Count a whole picture drawn in a chat."""
        self.note_answer()
        self._drawn_count += 1
        self.output_image_tokens += PICTURE_TOKENS
        self._add_untexted(PICTURE_TOKENS, MEDIA_TOKENS_MAX)

    def add_draft(self) -> None:
        """Count a draft of a picture."""
        self.note_answer()
        self.output_image_tokens += DRAFT_TOKENS
        self._add_untexted(DRAFT_TOKENS, DRAFT_TOKENS)

    def add_sound(self, base64_bytes: int) -> None:
        """Count a piece of sound spoken in a chat, by the length of its base64."""
        self.note_answer()
        self._sound_bytes += base64_bytes
        tokens = self._sound_bytes // SPOKEN_BYTES_PER_TOKEN - self.output_audio_tokens
        self.output_audio_tokens += tokens
        self._add_untexted(tokens, 2 * tokens)

    def add_media(self, kind: str, base64_bytes: int) -> None:
        """Count a picture or a piece of sound, given its media type or the beginning of it; note anything else."""
        match kind.partition("/")[0]:
            case "image":
                self.add_picture()
            case "audio":
                self.add_sound(base64_bytes)
            case _:
                self.note_answer()

    def note_sources(self) -> None:
        """Note that the answer names pages of the web, so it took a search, however many were made."""
        self.search_count = max(self.search_count, 1)

    def note_tool(self, name: str, once_for: object) -> None:
        """Note that the upstream ran a tool; all runs *once_for* the same are billed as one."""
        self._tools_run.add((name, once_for))

    @property
    def tool_counts(self) -> dict[str, int]:
        """The noted tools, as in `Usage`, sorted, so that every process lists them in the same order in a bill."""
        return dict(sorted(Counter(name for name, _ in self._tools_run).items()))

    def note_answer(self) -> None:
        """Note output without text to count: a result, a summary."""
        self.is_output_seen = True
        self._has_text = self._has_answered = True

    def make_evidence(
        self, *, is_end_seen: bool, thinking_asked: bool, reasoning_tokens: int = 0, error_type: str | None = None
    ) -> Evidence:
        """Return what was noted, as evidence; *reasoning_tokens* reveal hidden thinking."""
        has_thinking = self._has_thinking or reasoning_tokens > 0
        return Evidence(
            stop_reason=kept_name(self.stop_reason),
            has_text=self._has_text,
            has_tool_call=self._has_tool_call,
            has_refusal=self._has_refusal,
            has_thinking=has_thinking,
            is_thinking_finished=self._has_answered or not has_thinking,
            is_end_seen=is_end_seen,
            thinking_asked=thinking_asked,
            error_type=kept_name(error_type),
            output_bytes=self._output_bytes,
            picture_count=self._drawn_count,
        )
