"""Reads along answers in OpenAI's Responses form. Source: wire/DIALECTS.md 2.3 and 3, read 2026-11-24."""

from contextlib import suppress

import msgspec

from ..exchange import Exchange
from ..lone_halves import decode_halves
from ..sse import event_name_and_data
from ..usage import Usage
from .dialect import BodyReading, tallied_reading
from .disguised import disguised_error, read_document
from .event_reader import EventReader
from .figures import Figures, is_other_total, read_figure, read_figures, read_number
from .numbered_frame import NumberedFrame
from .tally import Tally
from .upstream_costs import read_upstream_cost


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    type: str = ""
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    arguments: str | None = None
    input: str | None = None
    result: msgspec.Raw = msgspec.Raw()


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Kept(msgspec.Struct):
    """The response in its first and last events; its output is left out, as it was counted from other events."""

    id: str | None = None
    status: str | None = None
    model: str | None = None
    store: bool | None = None
    incomplete_details: _Incomplete | None = None
    error: msgspec.Raw = msgspec.Raw()
    usage: object = None
    tool_usage: object = None


class _Response(_Kept):
    output: list[msgspec.Raw] | None = None


class _Begun(msgspec.Struct):
    type: str = ""
    action: msgspec.Raw = msgspec.Raw()
    execution: msgspec.Raw = msgspec.Raw()
    container_id: msgspec.Raw = msgspec.Raw()


class _Event(msgspec.Struct):
    """Any event of a stream; only what can matter is decoded."""

    type: str = ""
    delta: str | None = None
    item: _Begun | None = None
    response: _Kept | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Done(msgspec.Struct):
    item: _Item


_read_item = msgspec.json.Decoder(_Item).decode
_read_begun = msgspec.json.Decoder(_Begun).decode
_read_event = msgspec.json.Decoder(_Event, float_hook=read_number).decode
_read_done = msgspec.json.Decoder(_Done).decode
_read_response = msgspec.json.Decoder(_Response, float_hook=read_number).decode


class ResponsesStreamReader(EventReader):
    """Reads along one stream of response events; see `StreamReader`."""

    __slots__ = ("_bytes_before_item", "_is_kept", "_open_count", "_tool_usage", "_usage")

    def __init__(self, exchange: Exchange, *, thinking_asked: bool, is_kept: bool) -> None:
        super().__init__(exchange, thinking_asked)
        self._frame = NumberedFrame()
        self._is_kept = is_kept
        self._usage: object = None
        self._tool_usage: object = None
        self._bytes_before_item = 0
        self._open_count = 0
        """Items that have begun but not ended."""

    def _take(self, event: bytes) -> bool:
        name, data = event_name_and_data(event)
        if not data or data.rstrip() == b"[DONE]":
            return True
        try:
            read = decode_halves(_read_event, data)
        except (ValueError, RecursionError):
            # Of an unknown form, or no JSON: passed on unread.
            return name != b"error" or self._fail(data)
        match read.type:
            case "error":
                return self._fail(_error_of(data, read.error))
            case "response.failed":
                return self._fail(_failure(read.response))
            case "" if bytes(read.error) not in (b"", b"null"):
                return self._fail(data)  # another dialect's error, from a relay in between
            case "response.completed" | "response.incomplete" if read.response is not None:
                self._note_end(read.response)
                return self._end_with(event)
            case "response.created" | "response.queued" if read.response is not None:
                self._note_beginning(read.response)
            case "response.output_item.added" if read.item is not None:
                self._begin_item(read.item)
            case "response.output_item.done" if read.item is not None:
                self._end_item(read.item, data)
            case kind if kind.endswith(".delta") and read.delta:
                self._take_delta(event, kind, read.delta)
            case "response.image_generation_call.partial_image":
                self.add_draft()
        return True

    def _note_beginning(self, response: _Kept) -> None:
        self.model_returned = response.model
        if response.store if response.store is not None else self._is_kept:
            self.answer_id = response.id

    def _note_end(self, response: _Kept) -> None:
        self._usage, self._tool_usage = response.usage, response.tool_usage
        self.stop_reason = _stop_reason(response.status, response.incomplete_details)

    def _end_item(self, item: _Begun, data: bytes) -> None:
        """Count what of an item is not yet counted: some hosts send no deltas, some don't even announce the item."""
        if not self._open_count:
            self._begin_item(item)
        self._open_count -= 1
        _note_hosted(self, item)
        if self._output_bytes == self._bytes_before_item:
            self._take_whole_item(data)

    def _begin_item(self, item: _Begun) -> None:
        self._open_count += 1
        self._bytes_before_item = self._output_bytes
        _tally_beginning(self, item)
        if bytes(item.container_id) not in (b"", b"null"):  # some tell it at the end only
            _note_container(self, item)

    def _take_whole_item(self, data: bytes) -> None:
        """Count an item that came without deltas: some upstreams send calls, or all items, only whole."""
        try:
            _tally_contents(self, decode_halves(_read_done, data).item)
        except (ValueError, RecursionError):
            return  # an item of an unknown form

    def _take_delta(self, event: bytes, kind: str, delta: str) -> None:
        bytes_count, is_thinking = len(delta.encode()), False
        match kind:
            case "response.output_text.delta":
                self.add_text(bytes_count)
            case "response.refusal.delta":
                self.add_refusal(bytes_count)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self.add_thinking(bytes_count)
                is_thinking = True
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                self.add_arguments(bytes_count)
            case _:
                return  # the input of the server's own tools
        self._frame.learn(event, b'"delta":', delta, is_thinking=is_thinking)

    def _figures(self) -> Usage | None:
        return read_responses_usage(self._usage, self._tool_usage, self)


def read_responses_usage(usage: object, tool_usage: object = None, tally: Tally | None = None) -> Usage | None:
    """Return the usage in a ``usage`` object and the ``tool_usage`` beside it; None if the first has no figures.

    Cached and cache-written tokens are part of ``input_tokens``, and are limited to it. The tokens of the tool that
    draws pictures are not included in ``usage``. If ``tool_usage`` has the number of billed searches, it replaces the
    number that *tally* saw.

    Source: ``types/responses/response.py`` of OpenAI's Python SDK 3.54, ``ToolUsage``, read 2026-11-30.

    Raises:
        UntrueFigureError: A figure can't be true.
    """
    figures = read_figures(usage)
    if figures.get("input_tokens") is None or figures.get("output_tokens") is None:
        return None
    prompt = read_figure(figures, "input_tokens")
    details = read_figures(figures.get("input_tokens_details"))
    cache_read = min(read_figure(details, "cached_tokens"), prompt)
    cache_write = min(read_figure(details, "cache_write_tokens"), prompt - cache_read)
    output = read_figure(figures, "output_tokens")
    tools = read_figures(tool_usage)
    drawn, searches = _read_drawn(read_figures(tools.get("image_gen"))), read_figures(tools.get("web_search"))
    search_count = tally.search_count if tally is not None else 0
    if searches.get("num_requests") is not None:
        search_count = read_figure(searches, "num_requests")
    return Usage(
        input_tokens=prompt - cache_read - cache_write + drawn.input_tokens,
        cache_read_tokens=cache_read + drawn.cache_read_tokens,
        cache_write_5m_tokens=cache_write,
        output_tokens=output + drawn.output_tokens,
        reasoning_tokens=read_figure(read_figures(figures.get("output_tokens_details")), "reasoning_tokens"),
        image_input_tokens=drawn.image_input_tokens,
        image_output_tokens=drawn.image_output_tokens,
        web_search_count=search_count,
        tool_counts=tally.tool_counts if tally is not None else {},
        upstream_cost_nano=read_upstream_cost(figures),
        is_total_contradicted=is_other_total(figures, "total_tokens", prompt + output),
    )


def _read_drawn(figures: Figures) -> Usage:
    """Return the usage of the tool that draws; its text counts as the model's, its cached pictures as cached text."""
    all_input, output = read_figure(figures, "input_tokens"), read_figure(figures, "output_tokens")
    inputs, outputs = (read_figures(figures.get(f"{side}_tokens_details")) for side in ("input", "output"))
    again = read_figures(figures.get("cached_tokens_details"))
    cached = min(read_figure(figures, "cached_tokens"), all_input)
    pictures = max(0, read_figure(inputs, "image_tokens") - read_figure(again, "cached_image_tokens"))
    return Usage(
        input_tokens=all_input - cached,
        cache_read_tokens=cached,
        output_tokens=output,
        image_input_tokens=min(pictures, all_input - cached),
        image_output_tokens=min(read_figure(outputs, "image_tokens"), output) if outputs else output,
    )


def read_response(exchange: Exchange, body: bytes, *, thinking_asked: bool, is_kept: bool) -> BodyReading:
    """Read a whole response; see `DialectRules.read_body`."""
    response = read_document(_read_response, body, "a response")
    if response.output is None or response.status == "failed":
        raise disguised_error(body)
    tally = Tally()
    tally.stop_reason = _stop_reason(response.status, response.incomplete_details)
    for raw in response.output:
        begun = _begun(raw)
        _tally_beginning(tally, begun)
        _tally_whole(tally, raw)
        _note_hosted(tally, begun)
    is_kept = response.store if response.store is not None else is_kept
    return tallied_reading(
        exchange,
        tally,
        lambda: read_responses_usage(response.usage, response.tool_usage, tally),
        model_returned=response.model,
        thinking_asked=thinking_asked,
        answer_id=response.id if is_kept else None,
    )


def _stop_reason(status: str | None, incomplete: _Incomplete | None) -> str | None:
    return incomplete.reason if incomplete is not None and incomplete.reason is not None else status


def _error_of(data: bytes, error: msgspec.Raw) -> bytes:
    """Return an ``error`` event in the form of an error's body; it has its members at the top, or under ``error``."""
    return data if bytes(error).startswith(b"{") else b'{"error":' + data + b"}"


def _failure(response: _Kept | None) -> bytes:
    error = bytes(response.error) if response is not None else b""
    return b'{"error":' + (error or b"null") + b"}"


def _tally_whole(tally: Tally, raw: msgspec.Raw) -> None:
    """Count the contents of an item of a whole response. One of an unknown form is never an error."""
    with suppress(ValueError, RecursionError):
        _tally_contents(tally, _read_item(raw))


def _begun(raw: msgspec.Raw) -> _Begun:
    """Return the type of the item or action *raw*; an empty one if it can't be read."""
    try:
        return _read_begun(raw)
    except (ValueError, RecursionError):
        return _Begun()


def _is_search(item: _Begun) -> bool:
    """Say whether an item is a web search: opening a page and finding text in it come as the same type of call.

    A call without an action counts as a search. Source: ``types/responses/response_function_web_search.py`` of OpenAI's
    Python SDK 3.54, read 2026-11-30.
    """
    return item.type == "web_search_call" and _begun(item.action).type in ("", "search")


def _note_hosted(tally: Tally, item: _Begun) -> None:
    """Note what a finished item costs in addition to its tokens."""
    tally.search_count += _is_search(item)
    if item.type == "file_search_call":
        tally.note_tool("file_search", object())
    _note_container(tally, item)


def _note_container(tally: Tally, item: _Begun) -> None:
    """Note a code container as soon as its item names it: each is billed once, however often code runs in it."""
    if item.type == "code_interpreter_call":
        tally.note_tool("code_interpreter", bytes(item.container_id))


def _tally_beginning(tally: Tally, item: _Begun) -> None:
    """Count that *item* has begun."""
    tally.begin_block()
    match item.type:
        case "reasoning":
            tally.note_thinking()
        case "image_generation_call" | "compaction":
            tally.note_answer()
        case "function_call" | "custom_tool_call":
            tally.begin_tool_call()
        case kind if kind in _CLIENT_TOOLS:
            tally.begin_tool_call()
        case "tool_search_call" if bytes(item.execution) == b'"client"':
            tally.begin_tool_call()  # as Codex has it; the client answers with the tools it found
        case _:
            pass  # a message, still empty, or what the server's own tools do


def _tally_contents(tally: Tally, item: _Item) -> None:
    """Count the contents of an item; `_tally_beginning` has counted the item itself."""
    match item.type:
        case "message":
            for part in item.content or ():
                if part.text:
                    tally.add_text(len(part.text.encode()))
                if part.refusal:
                    tally.add_refusal(len(part.refusal.encode()))
        case "reasoning":
            for part in (*(item.summary or ()), *(item.content or ())):
                if part.text:
                    tally.add_thinking(len(part.text.encode()))
        case "function_call" | "custom_tool_call":
            if text := item.arguments or item.input:
                tally.add(len(text.encode()))
        case "image_generation_call" if bytes(item.result) not in (b"", b"null", b'""'):
            tally.add_picture()
        case _:
            pass  # nothing that counts as output


_CLIENT_TOOLS = frozenset(
    {"computer_call", "local_shell_call", "shell_call", "apply_patch_call", "mcp_approval_request"}
)
"""Calls that the client must carry out. Source: openai/openai-python types/responses, read 2026-11-24."""
