"""Reads along answers of Google's Interactions. Source: wire/DIALECTS.md 2.5 and 3.1, read 2026-11-24."""

from collections import Counter

import msgspec

from ..exchange import Exchange
from ..sse import event_name_and_data
from ..usage import Usage
from .dialect import BodyReading, tallied_reading
from .disguised import disguised_error, read_document
from .event_reader import EventReader
from .figures import read_figure, read_figures
from .gemini_usage import DetailNames, is_billed_by_answer, note_media
from .tally import Tally

FAILED = frozenset({"failed", "cancelled"})
_MEDIA = frozenset({"image", "audio", "video", "document"})
_DETAILS = DetailNames(
    "input_tokens_by_modality",
    "cached_tokens_by_modality",
    "tool_use_tokens_by_modality",
    "output_tokens_by_modality",
    "tokens",
)
"""Source: googleapis/python-genai _gaos/types/interactions/usage.py 3.4.0, read 2026-11-30."""


class _Content(msgspec.Struct):
    type: str = ""
    text: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Step(msgspec.Struct):
    """A step of an answer: whole, or its beginning."""

    type: str = ""
    content: list[_Content] | None = None
    summary: list[_Content] | None = None
    arguments: msgspec.Raw = msgspec.Raw()


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    content: _Content | None = None
    arguments: str | None = None


class _Interaction(msgspec.Struct):
    id: str | None = None
    status: str | None = None
    model: str | None = None
    steps: list[_Step] | None = None
    usage: object = None
    errors: msgspec.Raw = msgspec.Raw()


class _Event(msgspec.Struct):
    event_type: str = ""
    step: _Step | None = None
    delta: _Delta | None = None
    interaction: _Interaction | None = None


_read_event = msgspec.json.Decoder(_Event).decode
_read_interaction = msgspec.json.Decoder(_Interaction).decode
_read_errors = msgspec.json.Decoder(list[msgspec.Raw]).decode


class InteractionsStreamReader(EventReader):
    """Reads along one stream of an interaction; see `StreamReader`.

    ``interaction.completed`` has the stop reason; the end mark after it is held back as the end.
    """

    __slots__ = ("_is_kept", "_usage")

    def __init__(self, exchange: Exchange, *, thinking_asked: bool, is_kept: bool) -> None:
        super().__init__(exchange, thinking_asked)
        self._is_kept = is_kept
        self._usage: object = None

    def _conclude(self) -> None:
        """Decide whether the answer is whole: a completed one is, even without its end mark."""
        if self.stop_reason is not None and self.error is None:
            self.is_ended = True

    def _take(self, event: bytes) -> bool:
        name, data = event_name_and_data(event)
        if data.rstrip() == b"[DONE]":
            return self._end_with(event) if self.stop_reason is not None else False
        if not data:
            return True
        try:
            read = _read_event(data)
        except (ValueError, RecursionError):
            # Of an unknown form, or no JSON: passed on unread.
            return name != b"error" or self._fail(data)
        match read.event_type:
            case "error":
                return self._fail(data)
            case "interaction.created" if read.interaction is not None:
                self.model_returned = read.interaction.model
                self.answer_id = read.interaction.id if self._is_kept else None
            case "interaction.completed" if read.interaction is not None:
                return self._complete(read.interaction)
            case "step.start" if read.step is not None:
                _tally_step(self, read.step)
                self._note_lookup(read.step.type)
            case "step.delta" if read.delta is not None:
                _tally_delta(self, read.delta)
        return True

    def _note_lookup(self, kind: str) -> None:
        """Note a lookup as soon as Google reports it.

        Its figures come only at the end, and a customer who leaves before pays for it too.
        """
        is_once = is_billed_by_answer(self.model_returned or self._exchange.model)
        match kind:
            case "google_search_call":
                self.search_count = 1 if is_once else self.search_count + 1
            case "google_maps_call":
                self.note_tool("google_maps", "answer" if is_once else object())

    def _complete(self, interaction: _Interaction) -> bool:
        if interaction.status in FAILED:
            return self._fail(_failure(interaction))
        self.stop_reason = interaction.status or "completed"
        self._usage = interaction.usage
        self.model_returned = self.model_returned or interaction.model
        return True

    def _figures(self) -> Usage | None:
        return read_interactions_usage(self._usage, self.model_returned or self._exchange.model)


def read_interactions_usage(usage: object, model: str) -> Usage | None:
    """Return the usage in a ``usage`` object of *model*; None if it has no figures.

    Thoughts, and what tools add to the prompt, are not included in the other counts; cached tokens
    are part of the input.

    Raises:
        UntrueFigureError: A figure can't be true.
    """
    figures = read_figures(usage)
    if figures.get("total_input_tokens") is None and figures.get("total_output_tokens") is None:
        return None
    prompt = read_figure(figures, "total_input_tokens")
    thoughts = read_figure(figures, "total_thought_tokens")
    cache_read = min(read_figure(figures, "total_cached_tokens"), prompt)
    usage = Usage(
        input_tokens=prompt - cache_read + read_figure(figures, "total_tool_use_tokens"),
        cache_read_tokens=cache_read,
        output_tokens=read_figure(figures, "total_output_tokens") + thoughts,
        reasoning_tokens=thoughts,
    )
    lookups = _read_grounding(figures.get("grounding_tool_count"))
    if is_billed_by_answer(model):
        lookups = Counter(lookups.keys())
    maps = lookups["google_maps"]
    return msgspec.structs.replace(
        note_media(usage, figures, _DETAILS),
        web_search_count=lookups["google_search"],
        tool_counts={"google_maps": maps} if maps else {},
    )


def _read_grounding(given: object) -> Counter[str]:
    """Return how many lookups each of Google's tools made.

    Source: googleapis/python-genai _gaos/types/interactions/groundingtoolcount.py 3.4.0, read 2026-11-30.
    """
    counts: Counter[str] = Counter()
    for each in given if isinstance(given, list) else ():
        figures = read_figures(each)
        counts[str(figures.get("type"))] += read_figure(figures, "count")
    return +counts


def read_interaction(exchange: Exchange, body: bytes, *, thinking_asked: bool, is_kept: bool) -> BodyReading:
    """Read a whole interaction; see `DialectRules.read_body`."""
    interaction = read_document(_read_interaction, body, "an interaction")
    if interaction.status is None:
        raise disguised_error(body)
    if interaction.status in FAILED:
        raise disguised_error(_failure(interaction))
    tally = Tally()
    tally.stop_reason = interaction.status
    for step in interaction.steps or ():
        _tally_step(tally, step)
    return tallied_reading(
        exchange,
        tally,
        lambda: read_interactions_usage(interaction.usage, interaction.model or exchange.model),
        model_returned=interaction.model,
        thinking_asked=thinking_asked,
        answer_id=interaction.id if is_kept else None,
    )


def _failure(interaction: _Interaction) -> bytes:
    """Return the first error that an interaction ended with, in the form of an error's body."""
    try:
        errors = _read_errors(interaction.errors)
    except ValueError:
        errors = []
    return b'{"error":' + (bytes(errors[0]) if errors else b"{}") + b"}"


def _tally_step(tally: Tally, step: _Step) -> None:
    """Count a step and what it already holds; in a stream its texts follow as deltas."""
    tally.begin_block()
    match step.type:
        case "thought":
            tally.note_thinking()
            for part in step.summary or ():
                _tally_content(tally, part, is_thinking=True)
        case "model_output":
            for part in step.content or ():
                _tally_content(tally, part)
        case "function_call":
            tally.begin_tool_call()
            if (arguments := bytes(step.arguments)) not in (b"", b"{}"):
                tally.add(len(arguments))
        case _:
            pass  # what the server's own tools do


def _tally_delta(tally: Tally, delta: _Delta) -> None:
    match delta.type:
        case "text" if delta.text:
            tally.add_text(len(delta.text.encode()))
        case "thought_summary" if delta.content is not None:
            _tally_content(tally, delta.content, is_thinking=True)
        case "arguments_delta" if delta.arguments:
            tally.add(len(delta.arguments.encode()))
        case kind if kind in _MEDIA:
            tally.add_media(kind, len(bytes(delta.data)))
        case _:
            pass  # signatures, and the input of the server's own tools


def _tally_content(tally: Tally, part: _Content, *, is_thinking: bool = False) -> None:
    if part.type in _MEDIA:
        tally.add_media(part.type, len(bytes(part.data)))
    elif part.text and is_thinking:
        tally.add_thinking(len(part.text.encode()))
    elif part.text:
        tally.add_text(len(part.text.encode()))
