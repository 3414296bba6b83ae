"""The transcription of what a customer says, as exchanges of their own with a model of their own.

The upstream bills it in addition to the responses, at the transcribing model's price, and reports
its usage at the end of the transcript. It is held for before the audio is sent on, and posted
before the customer sees that end. Source: OpenAI API reference,
``conversation.item.input_audio_transcription.completed`` and its ``delta``, read 2026-11-29.
"""

import re
from collections import deque
from collections.abc import Callable

import msgspec

from ..dialects.realtime import Realtime
from ..dialects.realtime_events import ID_CHARS_MAX, SessionFacts, delta_length
from ..dialects.realtime_usage import TOKENS_PER_SECOND, read_transcription_usage, written_bytes
from ..dialects.transcription import SECONDS_FLOOR
from ..ending import Ending
from ..errors import CustomerGoneError, RelayError
from ..estimate import DISPUTED_FACTOR, REQUEST_TOKENS, estimate_bytes, is_beyond
from ..exchange import Attempt, Candidate, Evidence, Exchange, Outcome, RequestRecord
from ..ledger.operations import Posted
from ..outcome import derive_outcome
from ..shop import Shop
from ..usage import Usage
from .context import ENDED_MAX, Context
from .request import Models
from .turn import SWITCHING_PROTOCOLS, TurnSettlement, exchange_after, hold_with_window, reserve_afresh

WINDOW_S = 60
"""What a hold covers beyond the audio so far, in seconds."""
WRITTEN_TOKENS_PER_SECOND = 10
"""An upper bound: nobody speaks faster; it is twice the speed of an auctioneer."""
_ITEM_ID = re.compile(rf'"item_id"\s*:\s*"([^"\\]{{0,{ID_CHARS_MAX}}})"')
_CONTENT_INDEX = re.compile(r'"content_index"\s*:\s*(\d{1,9})')


class Item(msgspec.Struct):
    """Audio that became input and that *model* is still to transcribe, and the length of its transcript so far."""

    model: str
    sound_chars: int = 0
    text_bytes: int = 0


class Transcriptions:
    """The audio of one session that is still to be transcribed, and the holds for it."""

    def __init__(
        self,
        shop: Shop,
        session: Exchange,
        rules: Realtime,
        candidate: Candidate,
        models: Models,
        context: Context,
        settled: Callable[[tuple[RequestRecord, Posted]], None],
    ) -> None:
        self._shop = shop
        self._session = session
        self._rules = rules
        self._candidate = candidate
        self._models = models
        self._context = context
        self._settled = settled
        """Is given what was posted, for the after-sales plugins."""
        self._model = ""
        """The customer's name of the transcribing model last asked for or reported; empty for none."""
        self._confirmed_model = ""
        """The model last reported by the upstream, which transcribes what becomes input until another is reported."""
        self._items: dict[str, Item] = {}
        self._open: dict[str, TranscriptSettlement] = {}
        """The open hold of each model."""
        self._posted: TranscriptSettlement | None = None
        self._ended: deque[tuple[str, str]] = deque(maxlen=ENDED_MAX)
        """The places in the conversation whose transcripts ended last."""

    def asked_for(self, facts: SessionFacts) -> None:
        """Note the model that the customer is about to ask for; turning it off counts once the upstream confirms it."""
        self._model = facts.transcription_model or self._model

    def confirmed(self, facts: SessionFacts) -> None:
        """Note the model that the upstream reports.

        If several of our names map to it, or none does, the model asked for stays: an upstream may report what is
        behind a deployment, or a dated name. If none was asked for, a model that we have no name for is charged as
        the session's own.
        """
        sent = facts.transcription_model
        if not sent:
            self._model = ""
        elif self._models.transcribing.get(self._model) != sent:
            self._model = self._models.asked_name(sent) or self._model or self._models.asked
        self._confirmed_model = self._model

    def committed(self, frame: str, sound_chars: int) -> None:
        """Count audio that became input."""
        model = self._confirmed_model or self._model
        if model and sound_chars:
            self._items.setdefault(_item_of(frame), Item(model)).sound_chars += sound_chars

    def failed(self, frame: str) -> None:
        """Stop counting audio that the upstream could not transcribe."""
        self._items.pop(self._meant(frame), None)

    def count_piece(self, frame: str) -> None:
        """Count a piece of a transcript that was passed on."""
        item = self._items.get(self._meant(frame))
        if item is not None:
            item.text_bytes += delta_length(frame)

    def _meant(self, frame: str) -> str:
        """Return the item that *frame* is about; if it names none, the oldest that is still to be transcribed."""
        return _item_of(frame) or next(iter(self._items), "")

    async def cover(self) -> None:
        """Hold for the audio so far that each model may transcribe, before more is passed on.

        Raises:
            RelayError: The key is no longer valid, or can't pay for it.
        """
        chars = {self._model: self._context.buffered_chars}
        for item in self._items.values():
            chars[item.model] = chars.get(item.model, 0) + item.sound_chars
        for model, count in chars.items():
            if model and count:
                await self._cover(model, self._context.seconds_heard(count))

    async def _cover(self, model: str, seconds: int) -> None:
        held = self._open.get(model)
        if held is not None:
            await held.cover(seconds)
            return
        settlement = self._settlement_of(model)
        await settlement.begin(seconds)
        self._open[model] = settlement

    async def post(self, frame: str) -> None:
        """Book the transcript that *frame* ends, durably, once, at the price of the model that made it.

        A repeated end is ignored; without an item's name, it counts as repeated unless audio has come since. If nothing
        was held for the transcript, because nobody asked for it, it is paid from what the account has. If its figures
        are missing or can't be true, the length of the audio and of the transcript stand in for them.

        Raises:
            RelayError: The key is no longer valid.
        """
        meant, place = self._meant(frame), _place_of(frame)
        is_awaited = meant in self._items or (not _item_of(frame) and self._context.buffered_chars)
        if not is_awaited and place in self._ended:
            return
        self._ended.append(place)
        item = self._items.pop(meant, Item(self._model or self._models.asked))
        usage = plausible_usage(read_transcription_usage(frame), self._context.seconds_heard(item.sound_chars))
        if usage.source == "disputed":
            usage = msgspec.structs.replace(usage, output_tokens=estimate_bytes(written_bytes(frame)))
        await self._close(item.model, usage, "complete", Evidence(has_text=True, is_end_seen=True))

    def delivered(self) -> None:
        """Note that the end of the last posted transcript reached the customer."""
        if self._posted is not None:
            self._posted.delivered()
            self._posted = None

    def mark(self) -> None:
        """Mark what has come of transcripts under way: recovery posts it if the process dies."""
        begun = self._begun()
        for model, settlement in self._open.items():
            settlement.mark_told(self._told_usage(begun.get(model, Item(model))))

    def _begun(self) -> dict[str, Item]:
        """Return what has come of unfinished transcripts, added up by model, because those of a model share its hold."""
        begun: dict[str, Item] = {}
        for item in self._items.values():
            if item.text_bytes:
                together = begun.setdefault(item.model, Item(item.model))
                together.sound_chars += item.sound_chars
                together.text_bytes += item.text_bytes
        return begun

    def _told_usage(self, item: Item) -> Usage:
        usage = heard_usage(self._context.seconds_heard(item.sound_chars))
        return msgspec.structs.replace(usage, output_tokens=estimate_bytes(item.text_bytes))

    async def release(self, error: RelayError | None) -> None:
        """Book what came of unfinished transcripts; void the other holds."""
        begun = self._begun()
        self._items.clear()
        try:
            # Models with a hold come first: their transcripts are booked whatever became of the key.
            for item in sorted(begun.values(), key=lambda item: item.model not in self._open):
                await self._cut(item, error)
        finally:
            for settlement in self._open.values():
                await settlement.void("customer_gone", Evidence(), [settlement.attempt()])

    async def _cut(self, item: Item, error: RelayError | None) -> None:
        policy = self._shop.profile.limits.hang_up if isinstance(error, CustomerGoneError) else None
        evidence = Evidence(has_text=True, hang_up_policy="delivered" if policy == "drain" else policy)
        if policy == "input_only":
            item.text_bytes = 0
        await self._close(item.model, self._told_usage(item), derive_outcome(evidence), evidence)
        self.delivered()

    async def _close(self, model: str, usage: Usage, outcome: Outcome, evidence: Evidence) -> None:
        settlement = self._open.pop(model, None)
        if settlement is None:
            settlement = self._settlement_of(model)
            await settlement.hold(0)
        ending = Ending(usage=usage, outcome=outcome, evidence=evidence)
        self._settled(await settlement.post(ending, [settlement.attempt()]))
        self._posted = settlement

    def _settlement_of(self, model: str) -> "TranscriptSettlement":
        exchange = exchange_after(self._shop, self._session)
        exchange.operation, exchange.model = "transcription", model
        sent = self._candidate.channel.models.get(model, self._candidate.model_sent)
        candidate = msgspec.structs.replace(self._candidate, model_sent=sent)
        return TranscriptSettlement(self._shop, exchange, self._rules, candidate)


class TranscriptSettlement(TurnSettlement):
    """The money of the next transcripts of a model: its hold grows with the audio, at that model's price."""

    def __init__(self, shop: Shop, exchange: Exchange, rules: Realtime, candidate: Candidate) -> None:
        super().__init__(shop, exchange, rules)
        self.exchange = exchange
        self._shop = shop
        self._candidate = candidate
        self._covered_s = 0
        self._marked = heard_usage(0)

    async def begin(self, seconds: int) -> None:
        """Hold for so many seconds of audio, and for a window beyond them if that can be paid."""
        await hold_with_window(self.hold, seconds, WINDOW_S)

    async def hold(self, seconds: int) -> None:
        """Hold for so many seconds of audio; nothing for none.

        Raises:
            RelayError: The key is no longer valid, or can't pay.
        """
        self._covered_s = seconds
        await reserve_afresh(self._shop, self.exchange, self._candidate, self.reserve)

    async def cover(self, seconds: int) -> None:
        """Raise the hold if so many seconds of audio are beyond what it covers.

        Raises:
            InsufficientBalanceError, KeyCapError, StaleKeyError, LedgerUnavailableError: As `Ledger.extend`.
        """
        if seconds > self._covered_s:
            await hold_with_window(self._extend_to, seconds, WINDOW_S)

    async def _extend_to(self, seconds: int) -> None:
        self._covered_s = seconds
        await self._raise_hold(0)

    def _estimate(self, output_tokens: int) -> Usage:
        """Return the most that the audio can use; its length bounds the output too, so *output_tokens* is ignored."""
        seconds = self._covered_s
        heard = 2 * TOKENS_PER_SECOND * seconds
        return Usage(
            input_tokens=heard + REQUEST_TOKENS if seconds else 0,
            audio_input_tokens=heard,
            output_tokens=WRITTEN_TOKENS_PER_SECOND * seconds,
            unit_count=seconds,
            source="bound",
        )

    def mark_told(self, usage: Usage) -> None:
        """Mark the *usage* so far, if it differs from what was marked last."""
        if usage != self._marked:
            self._marked = usage
            self.mark(usage, Evidence(has_text=True))

    def attempt(self) -> Attempt:
        """Return the one attempt there is: by the session's own channel."""
        duration_ms = self.elapsed_ms()
        return Attempt(
            candidate=self._candidate,
            started_at=self.exchange.received_at,
            duration_ms=duration_ms,
            status=SWITCHING_PROTOCOLS,
        )


def heard_usage(seconds: int) -> Usage:
    """Return the estimated usage of so many *seconds* of audio, for when the upstream gives none."""
    tokens = TOKENS_PER_SECOND * seconds
    return Usage(input_tokens=tokens, audio_input_tokens=tokens, unit_count=seconds, source="estimated")


def plausible_usage(usage: Usage, seconds: int) -> Usage:
    """Return the upstream's *usage* for audio of at most so many *seconds*; if it can't be true, that of these seconds.

    If the upstream counts tokens, the seconds are added, for models that are priced by the second.
    """
    is_too_much = (
        is_beyond(usage.all_input_tokens, REQUEST_TOKENS + 2 * TOKENS_PER_SECOND * seconds)
        or is_beyond(usage.output_tokens, WRITTEN_TOKENS_PER_SECOND * seconds)
        or usage.unit_count > DISPUTED_FACTOR * max(seconds, SECONDS_FLOOR)
    )
    if usage.source == "disputed" or is_too_much:
        return msgspec.structs.replace(heard_usage(seconds), source="disputed")
    if usage.unit_count or not usage.all_input_tokens:
        return usage
    return msgspec.structs.replace(usage, unit_count=seconds)


def _item_of(frame: str) -> str:
    """Return the item that *frame* names; empty if it names none."""
    named = _ITEM_ID.search(frame)
    return named[1] if named is not None else ""


def _place_of(frame: str) -> tuple[str, str]:
    """Return the item and the part of it that *frame* is about."""
    part = _CONTENT_INDEX.search(frame)
    return _item_of(frame), part[1] if part is not None else ""
