"""Whatever stands in a request, an answer or a frame: a named error or a reading, the same for every cut.

The hub's own decoders are in tests/core/hub/test_fuzz.py. `make fuzz` runs each property until every decoder has
read a million.
"""

import re
from collections.abc import Callable, Sequence

import msgspec
import pytest

from relay.core import vocabulary
from relay.core.affinity import Affinity
from relay.core.dialects import ENDPOINTS, RULES
from relay.core.dialects.dialect import BodyReading, DialectRules, NativeReader
from relay.core.dialects.done_reader import DoneReader
from relay.core.dialects.event_reader import EventReader
from relay.core.dialects.fields import read_object
from relay.core.dialects.json_array import ArraySplitter
from relay.core.dialects.realtime import Realtime
from relay.core.dialects.seal_refusals import unsealed
from relay.core.dialects.speech import SoundReader
from relay.core.dialects.upstream_costs import event_without_costs, without_costs
from relay.core.errors import BadRequestError, RejectedError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Exchange, Principal
from relay.core.outcome import derive_outcome
from relay.core.sse import Splitter
from relay.core.usage import TokenCounts, Usage
from tests.core.dialects.replay import exchange
from tests.core.dialects.rubbish import answer_of, request_of, stream_of
from tests.rubbish import DOCUMENTS, Check, Rubbish, a_few, a_million
from tests.services import SetClock

REWRITTEN = {"model", "stream_options", "thread", "requests", "generateContentRequest"}
"""Fields that are encoded anew, so that no second spelling of a member says something else."""
ENTRIES_MAX = 128
"""More than a reader has to remember of any answer."""
MARK = re.compile(rb"\n{0,2}(data: \[DONE\]\n\n)?")
"""What relay itself may write behind the last event: the blank line it lacks, and the end mark."""
REFUSALS = tuple(
    UpstreamStatusError("request", 400, message=message, error_type="invalid_request_error")
    for message in (
        "invalid signature in thinking",
        "expected thinking",
        "invalid_encrypted_content",
        "invalid thought_signature",
    )
)
AFFINITY = Affinity(SetClock())
PRINCIPAL = Principal(account_id="a", key_id="k", key_version=1, group="g", membership="m")


def asked(rules: DialectRules, query: str = "", **fields: object) -> Exchange:
    """Return an exchange whose body has been read; *fields* are that body."""
    made = exchange(rules.name)
    made.query, made.model, made.stream = query, "m", True
    made.fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    made.choice_count, made.unit_bound, made.unit_estimate, made.output_tokens_likely = 2, 60, 3, 100
    return made


SPEECH, TRANSCRIPTION = (
    next(each for each in ENDPOINTS if each.operation == name) for name in ("speech", "transcription")
)
STREAMS: tuple[tuple[str, DialectRules, Exchange], ...] = (
    ("completions", RULES["openai_chat"], asked(RULES["openai_chat"], stream_options={"include_usage": True})),
    ("completions", RULES["openai_completions"], asked(RULES["openai_completions"])),
    ("responses", RULES["openai_responses"], asked(RULES["openai_responses"], reasoning={"effort": "low"})),
    ("messages", RULES["anthropic_messages"], asked(RULES["anthropic_messages"], thread={}, thinking={})),
    ("streamGenerateContent", RULES["gemini_generate"], asked(RULES["gemini_generate"], "alt=sse")),
    ("array", RULES["gemini_generate"], asked(RULES["gemini_generate"])),
    ("interactions", RULES["gemini_interactions"], asked(RULES["gemini_interactions"])),
    ("images", RULES["images"], asked(RULES["images"], prompt="Hi")),
    ("transcriptions", TRANSCRIPTION, asked(TRANSCRIPTION)),
    ("speech", SPEECH, asked(SPEECH, input="Hi", stream_format="sse")),
    ("sound", SPEECH, asked(SPEECH, input="Hi")),
)
"""A reader of every kind, and what its stream is mostly made of."""
BODIES = (
    *(
        (rules, asked(rules, input="Hi", prompt="Hi"))
        for rules in {type(rules).read_body: rules for rules in ENDPOINTS if not isinstance(rules, Realtime)}.values()
    ),
    *((TRANSCRIPTION, asked(TRANSCRIPTION, response_format=form)) for form in ("text", "srt")),
)


def check_usage(usage: Usage | None) -> None:
    """See that every count is one that can be priced and stored."""
    for part in (usage, *usage.iterations) if usage is not None else ():
        for name in TokenCounts.__struct_fields__:
            assert 0 <= getattr(part, name) < 2**48
    assert msgspec.json.encode(usage)


def check_request(rules: DialectRules, body: bytes, rubbish: Rubbish) -> None:
    """Let an endpoint read *body*: it is refused by name, or taken."""
    made = exchange(rules.name)
    made.model = "m"
    try:
        rules.read_request(made, body)
    except RejectedError:
        return
    if rubbish.chance() < 0.1:
        try:
            deeper(20, lambda: check_sent(rules, made, body, rubbish))
        except BadRequestError as error:
            if not isinstance(error.__cause__, RecursionError):
                raise


def deeper(calls: int, check: Callable[[], None]) -> None:
    """Call *check* from where less can be nested than where the request was read, as a shop does."""
    if calls:
        deeper(calls - 1, check)
    else:
        check()


def check_sent(rules: DialectRules, made: Exchange, body: bytes, rubbish: Rubbish) -> None:
    """See that what is sent for *body* is what came, but for what is written anew; and that it can be sent again."""
    assert rules.input_bound(made) >= rules.input_estimate(made) >= 0
    made.principal = PRINCIPAL
    AFFINITY.conversation_of(made)
    request = rules.prepare(made, "sent")
    sent = read_object(request.body())
    assert sent.keys() >= made.fields.keys()
    for name, value in made.fields.items():
        assert name in REWRITTEN or (bytes(sent[name]) == bytes(value) and bytes(value) in body)
    unsealed(request, rubbish.pick(REFUSALS))


def check_body(rules: DialectRules, made: Exchange, body: bytes) -> None:
    """Let an endpoint read *body* as its whole answer: it is one, or fails as an upstream does."""
    try:
        reading: BodyReading = rules.read_body(made, body)
    except (UpstreamBrokenError, UpstreamStatusError):
        return
    check_usage(reading.usage)
    assert derive_outcome(reading.evidence)
    assert reading.tally.output_bound_tokens >= reading.tally.output_counted_tokens >= 0
    assert reading.answer is None


def check_stream(rules: DialectRules, made: Exchange, pieces: Sequence[bytes]) -> None:
    """Let a reader read *pieces*: whole events pass as they came, and their cuts say nothing."""
    reader, other = rules.stream_reader(made), rules.stream_reader(made)
    data = b"".join(pieces)
    said = read(reader, pieces)
    assert said == read(other, [data])
    check_usage(reader.usage())
    assert derive_outcome(reader.evidence())
    assert reader.output_counted_tokens >= 0
    if isinstance(reader, SoundReader):
        assert said[0] == data
        return
    assert isinstance(reader, EventReader)
    splitter: Splitter | ArraySplitter = type(reader._splitter)()
    events = [*splitter.feed(data), *splitter.finish(), splitter.rest]
    check_passed(said[0], events, reader)
    longest = max(map(len, events))
    assert len(reader.end) <= 2 * longest + len(b"data: [DONE]\n\n")
    assert len(reader._splitter.rest) <= longest
    assert not isinstance(reader, DoneReader) or len(reader._held) <= longest
    for name in type(reader).__slots__:
        held = getattr(reader, name)
        assert not isinstance(held, dict | list) or len(held) <= ENTRIES_MAX


def read(reader: NativeReader, pieces: Sequence[bytes]) -> tuple[object, ...]:
    """Return what passed, and all that can be told of it."""
    passed = [*(reader.feed(piece) for piece in pieces), reader.finish(), reader.end]
    usage, evidence = reader.usage(), reader.evidence()
    error = None if reader.error is None else (reader.error.failure, reader.error.message)
    counted = (reader.output_bound_tokens, reader.output_counted_tokens, reader.model_returned, reader.answer_id)
    return b"".join(passed), usage, evidence, error, reader.is_ended, reader.is_output_seen, counted


def check_passed(passed: object, events: Sequence[bytes], reader: EventReader) -> None:
    """See that what passed is made of *events*, whole, in order, in their dialect's form, and without what they cost the shop."""
    assert isinstance(passed, bytes)
    at = 0
    for event in events:
        if MARK.fullmatch(passed, at):
            return  # an event that was cut may be the beginning of the mark, which is added in its place
        forms = event, event_without_costs(event), reader._dressed(event_without_costs(event))
        at += next((len(form) for form in forms if passed.startswith(form, at)), 0)
    assert MARK.fullmatch(passed, at), passed[at:]


def check_requests(seed: bytes, count: int) -> None:
    """Let every endpoint read *count* requests."""
    rubbish = Rubbish(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "is_loaded", lambda: rubbish.chance() < 0.5)
        patch.setattr(vocabulary, "count", lambda text: len(text) // 4)
        for _ in range(count):
            body = request_of(rubbish)
            for rules in ENDPOINTS:
                check_request(rules, body, rubbish)


def check_answers(seed: bytes, count: int) -> None:
    """Let every endpoint read *count* answers; and whatever they are, they stay JSON without the shop's costs."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        body = answer_of(rubbish)
        for rules, made in BODIES:
            check_body(rules, made, body)
        shown = without_costs(body)
        assert shown == body or is_object(shown) or not is_object(body)


def is_object(document: bytes) -> bool:
    try:
        return isinstance(read_object(document), dict)
    except RejectedError:
        return False


def check_streams(seed: bytes, count: int) -> None:
    """Let every reader read *count* streams: half as many, each whole and cut."""
    rubbish = Rubbish(seed)
    for _ in range((count + 1) // 2):
        for kind, rules, made in STREAMS:
            check_stream(rules, made, rubbish.cut(stream_of(rubbish, kind)))


@a_few(check_requests, check_answers, check_streams)
def test_whatever_comes_is_read_or_refused_by_name(check: Check, seed: bytes) -> None:
    """Requests and answers at every endpoint, streams by every reader, whole and cut."""
    check(seed, 6)


@a_million(check_requests, check_answers, check_streams)
def test_a_million_of_each(check: Check, run: int, seed: bytes) -> None:
    """The same, for `make fuzz`."""
    check(seed, DOCUMENTS)
