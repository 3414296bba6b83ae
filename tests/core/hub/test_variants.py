"""What vendors answer beyond the recordings: read in full, metered, and said again in every dialect."""

import msgspec
import pytest

from relay.core.dialects import RULES
from relay.core.dialects.dialect import NativeReader, StreamReader
from relay.core.errors import UpstreamBrokenError
from relay.core.exchange import Dialect, Exchange
from relay.core.hub.answer import Stop, StreamEvent
from relay.core.hub.codecs import CODECS
from relay.core.hub.translation import TranslatedReader
from relay.core.outcome import derive_outcome
from relay.core.sse import Splitter
from tests.core.dialects.replay import exchange, read

from .conversations import collected
from .recorded import opening
from .variants import BODIES, STREAMS, Variant

EVERY_BODY = pytest.mark.parametrize("variant", BODIES, ids=lambda each: each.name)
EVERY_STREAM = pytest.mark.parametrize("variant", STREAMS, ids=lambda each: each.name)
NEAREST: dict[Stop | None, Stop] = {None: "end", "context_full": "limit"}
"""What the dialects have no word of their own for."""


def asked(dialect: Dialect) -> Exchange:
    """Return an exchange whose customer asked for usage."""
    return exchange(dialect, {"stream_options": msgspec.Raw(b'{"include_usage":true}')})


def decoded(stream: bytes, dialect: Dialect) -> list[StreamEvent]:
    """Return what a stream says."""
    decoder, splitter = CODECS[dialect].stream_decoder(), Splitter()
    said = [event for frame in splitter.feed(stream) for event in decoder.feed(frame)]
    return [*said, *decoder.finish()]


def translated(variant: Variant, to: Dialect, size: int) -> tuple[StreamReader, bytes]:
    """Return the reader and what a customer of *to* gets of a stream, its bytes read *size* at a time."""
    native = RULES[variant.dialect].stream_reader(asked(variant.dialect))
    decoder, encoder = CODECS[variant.dialect].stream_decoder(), CODECS[to].stream_encoder(opening())
    reader = TranslatedReader(native, decoder, encoder, 5)
    pieces = [variant.raw[at : at + size] for at in range(0, len(variant.raw), size)]
    return reader, read(reader, pieces) + reader.end


def read_again(stream: bytes, dialect: Dialect) -> NativeReader:
    """Return the native reader of *dialect*, having read *stream*."""
    reader = RULES[dialect].stream_reader(asked(dialect))
    read(reader, [stream])
    return reader


@EVERY_BODY
def test_a_body_is_read_in_full(variant: Variant) -> None:
    """Its figures, its ending, and every part."""
    reading = RULES[variant.dialect].read_body(exchange(variant.dialect), variant.raw)
    assert (reading.usage, derive_outcome(reading.evidence)) == (variant.usage, variant.outcome)
    [choice] = CODECS[variant.dialect].decode_answer(variant.raw).choices
    assert (choice.parts, choice.stop) == (variant.parts, variant.stop)


@EVERY_BODY
def test_a_body_says_the_same_once_more(variant: Variant) -> None:
    """In its own dialect: nothing is lost and nothing added."""
    codec = CODECS[variant.dialect]
    [choice] = codec.decode_answer(variant.raw).choices
    written = codec.encode_answer(codec.decode_answer(variant.raw), variant.usage, opening())
    [again] = codec.decode_answer(written).choices
    assert (again.parts, again.stop) == (choice.parts, NEAREST.get(choice.stop, choice.stop))


@pytest.mark.parametrize("to", CODECS)
@EVERY_BODY
def test_a_body_comes_to_the_same_in_every_dialect(variant: Variant, to: Dialect) -> None:
    """To the native reader there."""
    answer = CODECS[variant.dialect].decode_answer(variant.raw)
    reading = RULES[to].read_body(exchange(to), CODECS[to].encode_answer(answer, variant.usage, opening()))
    assert reading.usage is not None
    assert reading.usage.all_input_tokens == variant.usage.all_input_tokens
    assert reading.usage.output_tokens == variant.usage.output_tokens
    assert not variant.is_told_to_all or derive_outcome(reading.evidence) == variant.outcome


@EVERY_STREAM
def test_a_stream_is_read_in_full(variant: Variant) -> None:
    """Byte for byte, its figures, its ending, and every part."""
    reader = RULES[variant.dialect].stream_reader(asked(variant.dialect))
    assert read(reader, [variant.raw]) + reader.end == variant.raw
    assert (reader.usage(), derive_outcome(reader.evidence())) == (variant.usage, variant.outcome)
    [choice] = collected(decoded(variant.raw, variant.dialect)).choices
    assert (choice.parts, choice.stop) == (variant.parts, variant.stop)


@EVERY_STREAM
def test_a_stream_says_the_same_once_more(variant: Variant) -> None:
    """In its own dialect: nothing is lost and nothing added."""
    _, stream = translated(variant, variant.dialect, len(variant.raw))
    [choice] = collected(decoded(stream, variant.dialect)).choices
    assert (choice.parts, choice.stop) == (variant.parts, variant.stop)


@pytest.mark.parametrize("to", CODECS)
@EVERY_STREAM
def test_a_stream_comes_to_the_same_in_every_dialect(variant: Variant, to: Dialect) -> None:
    """To the native reader there, and however it is cut."""
    reader, stream = translated(variant, to, len(variant.raw))
    assert translated(variant, to, 1)[1] == stream
    again = read_again(stream, to)
    assert (reader.native.usage(), again.is_ended) == (variant.usage, True)
    assert not variant.is_told_to_all or derive_outcome(again.evidence()) == variant.outcome


@pytest.mark.parametrize(
    ("dialect", "document"),
    [
        ("openai_chat", b'{"choices":[{"delta":{"content":5}}]}'),
        ("openai_responses", b'{"type":"response.output_text.delta","delta":{"text":"Hi"}}'),
        ("anthropic_messages", b'{"type":"content_block_delta","index":0,"delta":"Hi"}'),
        ("gemini_generate", b'{"candidates":[{"content":{"parts":"Hi"}}]}'),
    ],
)
def test_a_piece_that_cannot_be_read_breaks_a_translated_stream(dialect: Dialect, document: bytes) -> None:
    """A native customer gets it as it is; to any other it would be lost in silence."""
    with pytest.raises(UpstreamBrokenError, match="can't be translated"):
        CODECS[dialect].stream_decoder().feed(b"data: " + document + b"\n\n")


@pytest.mark.parametrize("dialect", CODECS)
@pytest.mark.parametrize("document", [b"[DONE]", b"[1]", b'{"type":"future","delta":[1]}', b'{"choices":null}'])
def test_what_holds_nothing_of_the_answer_says_nothing(dialect: Dialect, document: bytes) -> None:
    """Whatever else an upstream sends, the stream goes on."""
    said = CODECS[dialect].stream_decoder().feed(b"data: " + document + b"\n\n")
    assert [type(event).__name__ for event in said] in ([], ["Begun"])
