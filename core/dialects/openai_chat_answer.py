"""Reading along answers of OpenAI's chat completions, from OpenAI and from vendors who copy it.

Source: wire/DIALECTS.md 2.2, 2.6 and 3, read 2026-11-23.
"""

from collections.abc import Iterable

import msgspec

from ..errors import UpstreamBrokenError
from ..exchange import Exchange
from ..hosted import MOONSHOTS_SEARCH
from ..lone_halves import decode_halves
from ..sse import event_name_and_data
from ..usage import Usage
from .dialect import BodyReading, tallied_reading
from .disguised import disguised_error
from .event_reader import EventReader
from .figures import read_number
from .openai_usage import read_openai_usage
from .tally import Tally

CHOICES_MAX = 128
"""The most choices that a request may ask for."""
END_MARK = b"data: [DONE]\n\n"


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None
    custom: msgspec.Raw = msgspec.Raw()


class _Audio(msgspec.Struct):
    """Spoken output and its transcript."""

    data: msgspec.Raw = msgspec.Raw()
    transcript: str | None = None


class _Delta(msgspec.Struct):
    """A ``delta`` of a stream or a ``message`` of a body; only fields that may matter are decoded."""

    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    audio: msgspec.Raw = msgspec.Raw()
    images: list[msgspec.Raw] | None = None
    """Pictures, in OpenRouter's form."""
    annotations: msgspec.Raw = msgspec.Raw()


class _Piece(msgspec.Struct):
    """A part of Mistral's content, where it is a list."""

    type: str = ""


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    text: str | None = None
    """The text of a legacy completion."""
    finish_reason: str | None = None
    usage: object = None
    """Moonshot sends it here in streams. Source: platform.moonshot.ai chat, read 2026-11-29."""


class _Groq(msgspec.Struct):
    """Groq's own; an ``error`` stops a stream early. Source: groq/groq-python types/chat, read 2026-11-29."""

    usage: object = None
    error: object = None


class _Status(msgspec.Struct):
    """How MiniMax reports a failure: by a code other than 0 (wire/DIALECTS.md 10)."""

    status_code: object = None


class _Document(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: object = None
    x_groq: _Groq | None = None
    code: object = None
    base_resp: _Status | None = None
    model: str | None = None
    object: str | None = None
    type: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    search_results: msgspec.Raw = msgspec.Raw()
    web_search: msgspec.Raw = msgspec.Raw()
    """Pages found, in GLM's word; above, in Perplexity's and Qianfan's. Source: docs.bigmodel.cn, read 2026-11-29."""


class _OddDocument(msgspec.Struct):
    """A document whose choices are malformed: it is passed on, and its usage counts."""

    choices: msgspec.Raw = msgspec.Raw()
    usage: object = None
    error: msgspec.Raw = msgspec.Raw()


def _usage_of(chunk: _Document) -> object:
    usage = chunk.usage or (chunk.x_groq.usage if chunk.x_groq is not None else None)
    return usage or next((choice.usage for choice in chunk.choices or () if choice.usage), None)


_SUCCESS = (None, "", 0, "0", 200, "200")
"""Vendors' own codes of success; Spark's is 0 (w:documented/spark-http-stream)."""
_read_audio = msgspec.json.Decoder(_Audio).decode
_read_piece = msgspec.json.Decoder(_Piece).decode
_read_document = msgspec.json.Decoder(_Document, float_hook=read_number).decode
_read_odd_document = msgspec.json.Decoder(_OddDocument, float_hook=read_number).decode


class ChatStreamReader(EventReader):
    """Reads along one stream of chat chunks; see `StreamReader`."""

    __slots__ = ("_finished", "_is_reasoning_beside_output", "_is_usage_asked", "_usage")

    def __init__(
        self, exchange: Exchange, *, thinking_asked: bool, is_usage_asked: bool, is_reasoning_beside_output: bool
    ) -> None:
        super().__init__(exchange, thinking_asked)
        self._is_usage_asked = is_usage_asked
        self._is_reasoning_beside_output = is_reasoning_beside_output
        self._usage: object = None
        self._finished: dict[int, bool] = {}
        """Whether each choice has finished, by its index; at most `CHOICES_MAX` are tracked."""

    def _conclude(self) -> None:
        """End the stream where the answer is whole.

        Some upstreams send no ``[DONE]`` (w:compat/perplexity-stream): where every choice has
        finished and usage has arrived, the answer is whole all the same.
        """
        is_whole = bool(self._finished) and all(self._finished.values()) and self._usage is not None
        if is_whole and not self.is_ended and self.error is None:
            self._end_with(END_MARK)

    def _take(self, event: bytes) -> bool:
        name, data = event_name_and_data(event)
        if not data:
            return True
        if data.rstrip() == b"[DONE]":
            return self._end_with(event)
        if name == b"error":
            return self._fail(data)
        try:
            chunk = decode_halves(_read_document, data)
        except msgspec.ValidationError:
            return self._take_odd(data)
        except (ValueError, RecursionError):
            return True
        return self._take_chunk(event, data, chunk)

    def _look_behind(self, events: Iterable[bytes]) -> None:
        """Take the usage that some send after the end mark (field/reliability.md 3, row 22, read 2026-11-29).

        What follows an error belongs to no answer.
        """
        if self.error is not None:
            return
        for event in events:
            try:
                chunk = _read_document(event_name_and_data(event)[1])
            except (ValueError, RecursionError):
                continue
            self._usage = _usage_of(chunk) or self._usage

    def _take_chunk(self, event: bytes, data: bytes, chunk: _Document) -> bool:
        # Some repeat usage, others send it cumulatively; it is never added up: the last one counts.
        usage = _usage_of(chunk)
        if usage:
            self._usage = usage
        if _is_error(chunk):
            return self._fail(data)
        if chunk.model and self.model_returned is None:
            self.model_returned = chunk.model
        if not chunk.choices:
            return self._is_usage_asked or not usage
        _tally_sources(self, chunk)
        for choice in chunk.choices:
            _tally_choice(self, choice, choice.delta)
            index = choice.index or 0
            if index in self._finished or len(self._finished) < CHOICES_MAX:
                self._finished[index] = bool(choice.finish_reason) or self._finished.get(index, False)
        if len(chunk.choices) == 1 and not usage:
            self._learn(event, chunk.choices[0])
        return True

    def _learn(self, event: bytes, choice: _Choice) -> None:
        """Remember the frame of an event that holds one piece of text, thinking or arguments, and nothing else."""
        delta = choice.delta
        if delta is None or choice.finish_reason or choice.text or delta.function_call or delta.refusal:
            return
        calls = delta.tool_calls or ()
        media = (delta.images, _is_given(delta.audio), _is_given(delta.annotations))
        pieces = (delta.content, delta.reasoning_content, delta.reasoning, *calls, *media)
        if sum(1 for piece in pieces if piece) != 1:
            return
        if isinstance(delta.content, str) and delta.content:
            self._frame.learn(event, b'"content":', delta.content)
        elif delta.reasoning_content:
            self._frame.learn(event, b'"reasoning_content":', delta.reasoning_content, is_thinking=True)
        elif delta.reasoning:
            self._frame.learn(event, b'"reasoning":', delta.reasoning, is_thinking=True)
        elif calls and (function := calls[0].function) is not None and function.arguments and not function.name:
            self._frame.learn(event, b'"arguments":', function.arguments)

    def _take_odd(self, data: bytes) -> bool:
        try:
            odd = _read_odd_document(data)
        except (ValueError, RecursionError):
            return True
        if odd.usage is not None:
            self._usage = odd.usage
        if _is_given(odd.error):
            return self._fail(data)
        if _is_given(odd.choices):
            self.add_text(len(bytes(odd.choices)))
        return True

    def _figures(self) -> Usage | None:
        usage = read_openai_usage(self._usage, is_reasoning_beside_output=self._is_reasoning_beside_output)
        return _with_searches(usage, self)


def read_chat_body(
    exchange: Exchange, body: bytes, *, thinking_asked: bool, is_reasoning_beside_output: bool
) -> BodyReading:
    """Read a whole chat completion; see `DialectRules.read_body`."""
    try:
        document = _read_document(body)
    except msgspec.ValidationError as exc:
        return _read_odd_body(exchange, body, exc, is_reasoning_beside_output=is_reasoning_beside_output)
    except (ValueError, RecursionError) as exc:
        raise UpstreamBrokenError("expected a chat completion, found no JSON document") from exc
    if _is_error(document) or document.choices is None:
        raise disguised_error(body)
    tally = Tally()
    _tally_sources(tally, document)
    for choice in document.choices:
        _tally_choice(tally, choice, choice.message)
    figures = _usage_of(document)
    return tallied_reading(
        exchange,
        tally,
        lambda: _with_searches(
            read_openai_usage(figures, is_reasoning_beside_output=is_reasoning_beside_output), tally
        ),
        model_returned=document.model,
        thinking_asked=thinking_asked,
    )


def _read_odd_body(
    exchange: Exchange, body: bytes, cause: msgspec.ValidationError, *, is_reasoning_beside_output: bool
) -> BodyReading:
    """Read a malformed body: it may be an error, or still an answer."""
    try:
        odd = _read_odd_document(body)
    except (ValueError, RecursionError) as exc:
        raise UpstreamBrokenError("expected a chat completion, found another document") from exc
    if _is_given(odd.error) or not _is_given(odd.choices):
        raise disguised_error(body) from cause
    tally = Tally()
    tally.add_text(len(bytes(odd.choices)))
    return tallied_reading(
        exchange,
        tally,
        lambda: read_openai_usage(odd.usage, is_reasoning_beside_output=is_reasoning_beside_output),
        model_returned=None,
        thinking_asked=False,
    )


def _with_searches(usage: Usage | None, tally: Tally) -> Usage | None:
    """Return *usage* with the searches that the answer shows, if it tells of fewer."""
    if usage is None or usage.web_search_count >= tally.search_count:
        return usage
    return msgspec.structs.replace(usage, web_search_count=tally.search_count)


def _tally_sources(tally: Tally, document: _Document) -> None:
    if _is_given(document.search_results) or _is_given(document.web_search):
        tally.note_sources()


def _tally_choice(tally: Tally, choice: _Choice, delta: _Delta | None) -> None:
    if delta is not None:
        _tally_delta(tally, delta)
    if choice.text:
        tally.add_text(len(choice.text.encode()))
    if choice.finish_reason:
        tally.stop_reason = choice.finish_reason


def _tally_delta(tally: Tally, delta: _Delta) -> None:
    """Count what one delta or message holds; thinking comes before the answer in both."""
    thinking = delta.reasoning_content or delta.reasoning
    if thinking:
        tally.add_thinking(len(thinking.encode()))
    if isinstance(delta.content, str) and delta.content:
        tally.add_text(len(delta.content.encode()))
    for part in delta.content if isinstance(delta.content, list) else ():
        _tally_piece(tally, part)
    if delta.refusal:
        tally.add_refusal(len(delta.refusal.encode()))
    if _is_given(delta.audio):
        _tally_audio(tally, delta.audio)
    for _ in delta.images or ():
        tally.add_picture()
    if _names_a_page(delta.annotations):
        tally.note_sources()
    for call in delta.tool_calls or ():
        _tally_call(tally, call.function, is_begun=_is_given(call.custom))
    if delta.function_call is not None:
        _tally_call(tally, delta.function_call)


def _tally_audio(tally: Tally, raw: msgspec.Raw) -> None:
    """Count a piece of spoken output and of its transcript."""
    try:
        audio = _read_audio(raw)
    except (ValueError, RecursionError):
        tally.note_answer()
        return
    tally.add_sound(len(bytes(audio.data)))
    if audio.transcript:
        tally.add_text(len(audio.transcript.encode()))


def _tally_piece(tally: Tally, piece: msgspec.Raw) -> None:
    """Count a part of a content that is a list, as Mistral's thinking is. Source: docs.mistral.ai, read 2026-11-29."""
    size = len(bytes(piece))
    try:
        is_thinking = _read_piece(piece).type == "thinking"
    except (ValueError, RecursionError):
        is_thinking = False
    if is_thinking:
        tally.add_thinking(size)
    else:
        tally.add_text(size)


def _names_a_page(annotations: msgspec.Raw) -> bool:
    """Say whether one of *annotations* names a page, as those of OpenAI's search models do (w:openai-chat/web-search).

    OpenAI bills each answer of theirs as a search. Source: community.openai.com 1369991, read 2026-11-30.
    """
    return b'"url_citation"' in bytes(annotations)


def _tally_call(tally: Tally, function: _Function | None, *, is_begun: bool = False) -> None:
    """Count a piece of a tool call; only its first piece has a name.

    Moonshot has searched already where it calls its own function. Source: platform.kimi.ai docs/pricing/tools,
    read 2026-11-30.
    """
    if is_begun or (function is not None and function.name):
        tally.begin_tool_call()
    if function is not None and function.name == MOONSHOTS_SEARCH:
        tally.search_count += 1
    if function is not None and function.arguments:
        tally.add_arguments(len(function.arguments.encode()))


def _is_error(document: _Document) -> bool:
    """Say whether a document is an error, in any of the shapes of wire/DIALECTS.md 7.1."""
    if _is_given(document.error) or document.object == "error" or document.type == "error":
        return True
    if document.x_groq is not None and document.x_groq.error:
        return True
    # A vendor's own code counts only in a document without an answer: elsewhere the field may mean anything.
    if document.choices or document.usage:
        return False
    status = document.base_resp.status_code if document.base_resp is not None else None
    return document.code not in _SUCCESS or status not in _SUCCESS


def _is_given(raw: msgspec.Raw) -> bool:
    return bytes(raw) not in (b"", b"null", b'""', b"{}", b"[]")
