"""Reading along Gemini's answers. Source: wire/DIALECTS.md 2.5, 3 and 4, read 2026-11-24."""

from contextlib import suppress

import msgspec

from ..exchange import Exchange
from ..lone_halves import decode_halves
from ..sse import event_name_and_data
from ..usage import Usage
from .dialect import BodyReading, tallied_reading
from .disguised import disguised_error, read_document
from .event_reader import EventReader
from .gemini_usage import is_billed_by_answer, read_gemini_usage
from .json_array import ArraySplitter
from .tally import Tally

REFUSALS = frozenset(
    {
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "IMAGE_OTHER", "LANGUAGE", "OTHER", "MODEL_ARMOR", "JAILBREAK", "ESCALATION",
        "PUP_LIMITED_DISABLED",
    }
)  # fmt: skip
"""Finish reasons that are a refusal of the vendor.

Source: wire/DIALECTS.md 4, read 2026-11-24; `FinishReason` of google-genai 3.4.0, read 2026-11-30.
"""


_WORDS = (
    "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST",
    "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL",
)  # fmt: skip
"""Finish reasons by their numbers, for which clients ask by ``enum-encoding=int``.

Source: w:gemini/stream-json-array-enum-int; googleapis google/ai/generativelanguage/v1beta/generative_service.proto,
read 2026-11-29.
"""


def reason_word(reason: str | int) -> str:
    """Return a finish reason as a word.

    >>> reason_word(2), reason_word("SAFETY"), reason_word(99)
    ('MAX_TOKENS', 'SAFETY', '99')
    """
    return _WORDS[reason] if isinstance(reason, int) and 0 <= reason < len(_WORDS) else str(reason)


class _Blob(msgspec.Struct):
    mimeType: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Part(msgspec.Struct):
    text: str | None = None
    thought: bool | None = None
    functionCall: msgspec.Raw = msgspec.Raw()
    inlineData: _Blob | None = None
    fileData: msgspec.Raw = msgspec.Raw()
    executableCode: msgspec.Raw = msgspec.Raw()
    codeExecutionResult: msgspec.Raw = msgspec.Raw()


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Grounding(msgspec.Struct):
    webSearchQueries: list[str] | None = None
    imageSearchQueries: list[str] | None = None


class _Chunk(msgspec.Struct):
    maps: msgspec.Raw = msgspec.Raw()


class _Places(msgspec.Struct):
    groundingChunks: list[_Chunk] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    groundingMetadata: msgspec.Raw = msgspec.Raw()
    finishReason: str | int | None = None


class _Feedback(msgspec.Struct):
    blockReason: str | int | None = None


class _Answer(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    promptFeedback: _Feedback | None = None
    usageMetadata: dict[str, object] | None = None
    modelVersion: str | None = None
    error: msgspec.Raw = msgspec.Raw()


_read_answer = msgspec.json.Decoder(_Answer).decode
_read_grounding = msgspec.json.Decoder(_Grounding | None).decode
_read_places = msgspec.json.Decoder(_Places | None).decode


class GeminiStreamReader(EventReader):
    """Reads along one stream of answers; see `StreamReader`.

    There is no end mark, and a finish reason can come twice (w:gemini/stream-two-finishes): the
    end is that of the body, if a reason had come by then.
    """

    __slots__ = ("_is_array", "_usage")

    def __init__(self, exchange: Exchange, *, thinking_asked: bool, is_array: bool = False) -> None:
        super().__init__(exchange, thinking_asked)
        self._usage: object = None
        self._is_array = is_array
        if is_array:
            self._splitter = ArraySplitter()

    def _conclude(self) -> None:
        """Decide whether the answer is whole: it is once a finish reason has come; an array also needs its bracket."""
        if not self._is_array and self.stop_reason is not None and self.error is None:
            self.is_ended = True

    def _take(self, event: bytes) -> bool:
        data = event.strip(b"[], \r\n") if self._is_array else event_name_and_data(event)[1]
        if not data:
            # The bracket that closes the array is its end mark.
            return not (self._is_array and event.strip() == b"]") or self._end_with(event)
        try:
            answer = decode_halves(_read_answer, data)
        except (ValueError, RecursionError):
            return True  # of an unknown form: passed on unread
        if bytes(answer.error):
            return self._fail(data)
        if answer.usageMetadata is not None:
            self._usage = answer.usageMetadata  # cumulative: the last counts
        if self.model_returned is None:
            self.model_returned = answer.modelVersion
        searches = _count_searches(answer, self.model_returned or self._exchange.model)
        self.search_count = max(self.search_count, searches)  # later answers repeat it
        _tally_answer(self, answer)
        return True

    def _dressed(self, event: bytes) -> bytes:
        """Return an event as one line of data.

        Google's SDK fails on comments, event names and ``[DONE]`` (DIALECTS.md 2.7).
        """
        line = event.rstrip(b"\r\n")
        if self._is_array or (line.startswith(b"data: ") and line.find(b"\n") < 0 and not line.endswith(b"[DONE]")):
            return event
        data = event_name_and_data(event)[1].strip()
        return b"data: %b\n\n" % data.replace(b"\n", b" ") if data and data != b"[DONE]" else b""

    def _figures(self) -> Usage | None:
        usage = read_gemini_usage(self._usage)
        return usage and msgspec.structs.replace(
            usage, web_search_count=self.search_count, tool_counts=self.tool_counts
        )


def read_gemini_body(exchange: Exchange, body: bytes, *, thinking_asked: bool) -> BodyReading:
    """Read a whole answer; see `DialectRules.read_body`."""
    answer = read_document(_read_answer, body, "an answer")
    is_answer = answer.candidates is not None or answer.promptFeedback is not None or answer.usageMetadata is not None
    if bytes(answer.error) or not is_answer:
        raise disguised_error(body)
    tally = Tally()
    _tally_answer(tally, answer)

    def read_usage() -> Usage | None:
        usage = read_gemini_usage(answer.usageMetadata)
        if usage is None:
            return None
        searches = _count_searches(answer, answer.modelVersion or exchange.model)
        return msgspec.structs.replace(usage, web_search_count=searches, tool_counts=tally.tool_counts)

    return tallied_reading(
        exchange, tally, read_usage, model_returned=answer.modelVersion, thinking_asked=thinking_asked
    )


def _count_searches(answer: _Answer, model: str) -> int:
    """Return how many searches Google bills: one for each different query; for Gemini 2.5 and older one per answer.

    A search for pictures is a search of its own. Sources: ai.google.dev/gemini-api/docs/google-search, "Pricing", read
    2026-11-30; google-genai 3.4.0 types.py, ``GroundingMetadata``, read 2026-12-01.
    """
    queries: set[tuple[str, str]] = set()
    for candidate in answer.candidates or ():
        if not bytes(candidate.groundingMetadata):
            continue
        with suppress(ValueError, RecursionError):
            grounding = _read_grounding(candidate.groundingMetadata) or _Grounding()
            queries.update(("web", query) for query in grounding.webSearchQueries or () if query)
            queries.update(("images", query) for query in grounding.imageSearchQueries or () if query)
    return 1 if len(queries) > 1 and is_billed_by_answer(model) else len(queries)


def _has_places(candidate: _Candidate) -> bool:
    """Say whether an answer uses places of Google Maps, which is billed once per answer.

    Source: google-genai 3.4.0 types.py, ``GroundingChunk``, read 2026-11-30.
    """
    if not bytes(candidate.groundingMetadata):
        return False
    with suppress(ValueError, RecursionError):
        places = _read_places(candidate.groundingMetadata)
        return any(bytes(chunk.maps) not in (b"", b"null") for chunk in (places and places.groundingChunks) or ())
    return False


def _tally_answer(tally: Tally, answer: _Answer) -> None:
    reasons: list[str | int | None] = [answer.promptFeedback.blockReason if answer.promptFeedback is not None else None]
    if reasons[0] is not None:
        tally.note_refusal()
    for candidate in answer.candidates or ():
        for part in (candidate.content.parts if candidate.content is not None else None) or ():
            _tally_part(tally, part)
        if _has_places(candidate):
            tally.note_tool("google_maps", "answer")
        reasons.append(candidate.finishReason)
    for reason in reasons:
        if reason is not None:
            tally.stop_reason = word = reason_word(reason)
            if word in REFUSALS:
                tally.note_refusal()


def _tally_part(tally: Tally, part: _Part) -> None:
    if part.text and part.thought:
        tally.add_thinking(len(part.text.encode()))
    elif part.text:
        tally.add_text(len(part.text.encode()))
    elif call := bytes(part.functionCall):
        tally.begin_tool_call()
        tally.add(len(call))
    elif part.thought and part.inlineData is not None:
        tally.note_thinking()  # a draft
    elif part.inlineData is not None:
        tally.add_media(part.inlineData.mimeType or "", len(bytes(part.inlineData.data)))
    elif any(map(bytes, (part.fileData, part.executableCode, part.codeExecutionResult))):
        tally.note_answer()
