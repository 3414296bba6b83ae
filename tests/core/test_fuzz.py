"""Whatever comes over the wire: it is split the same for every cut, refused by name, and never held without bound."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec
import pytest

from relay.core.client_ip import client_ip
from relay.core.deployment import name_deployment
from relay.core.dialects import ENDPOINTS, json_array
from relay.core.dialects.dialect import DialectRules
from relay.core.dialects.json_array import ArraySplitter
from relay.core.dialects.model_lists import MODEL_LISTS, ModelEntry
from relay.core.dialects.realtime import Realtime
from relay.core.endpoints import resolve, speaker
from relay.core.errors import BadRequestError, UpstreamBrokenError
from relay.core.failures import classify
from relay.core.failures.error_body import RETRY_AFTER_S_MAX
from relay.core.failures.sanitise import MESSAGE_LENGTH_MAX
from relay.core.form import Form
from relay.core.housekeeping import housekeeping_answer, is_base
from relay.core.repeats import read_idempotency_key
from relay.core.sse import Splitter, event_name_and_data
from relay.core.texts import pick_locale
from tests.core.dialects.replay import exchange
from tests.rubbish import DOCUMENTS, Check, Rubbish, a_few, a_million, members_of

EVENT_BYTES_MAX = 100
"""So small that rubbish reaches it."""
LINES = (
    b"data: 1", b"data:", b"event: a", b": note", b"id: 1", b"retry: 1", b"data: [DONE]", b"x" * 60,
    b"\xef\xbb\xbfdata: 1", b"",
)  # fmt: skip
LINE_ENDS = (b"\n", b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b"\r\r", b"\n\r", b"\xe2\x80\xa8")
ERRORS: tuple[dict[str, object], ...] = (
    {
        "error": {
            "message": "Rate limit reached. Please try again in 6m0s.",
            "type": "tokens",
            "code": "429",
            "param": "messages.[0]",
        }
    },
    {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "busy", "details": {"error_code": "thread_not_found"}},
    },
    {
        "error": {
            "code": 429,
            "status": "RESOURCE_EXHAUSTED",
            "message": "no",
            "details": [{"reason": "API_KEY_INVALID"}, {"retryDelay": "13.5s"}],
        }
    },
    {
        "detail": [{"loc": ["body", "model"], "msg": "no", "type": "missing"}],
        "errors": ["no"],
        "base_resp": {"status_code": 1004, "status_msg": "no"},
    },
    {
        "error_code": 18,
        "error_msg": "no",
        "code": "10907",
        "message": "prompt is too long",
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    },
)
ERROR_MEMBERS = members_of(ERRORS)
DATES = (b"Mon, 23 Nov 2026 12:00:00 GMT", b"Mon, 23 Nov 2026 12:00:00 +0800", b"23 Nov 26 12:00 -0000")
HEADER_NAMES = (
    "retry-after", "retry-after-ms", "date", "content-type", "accept-language", "x-forwarded-for", "authorization",
    "idempotency-key", "sec-websocket-protocol", "openai-beta", "anthropic-version",
)  # fmt: skip
HEADERS = (
    b"3", b"0.5", b"1e400", b"-1", b"nan", b"inf", *DATES, b"fr, zh-CN;q=0.9, en;q=x", b"10.0.0.1, 1.2.3.4",
    b"Bearer sk-a", b"realtime, openai-insecure-api-key.sk-a, openai-beta.realtime-v1", b"application/json",
    b"multipart/form-data; boundary=b",
)  # fmt: skip
PATHS = (
    "/v1/chat/completions", "/v1", "//v1/v1/messages/", "/v1beta/models/m:generateContent", "/models/",
    "/openai/deployments/a/b", "/v1/responses/resp_1/cancel", "/v1beta/interactions/i", "/v1/models",
    "/dashboard/billing/usage", "/api/hello", "%2F", "%ff", "%", ":countTokens", "/ ", "\x00", "é", "/v1/realtime",
)  # fmt: skip
QUERIES = (
    "model=m", "deployment=m", "intent=x", "limit=20", "limit=99999999999", "after_id=b", "before_id=b", "pageSize=2",
    "pageToken=Yg==", "pageToken=Yg", "pageToken=%ff", "pageSize=%D9%A3", "alt=sse", "stream=true", "include[]=a",
    "key=sk-a", "=", "&", "%", "+",
)  # fmt: skip
ENTRIES = [ModelEntry(name=name, created_at=0) for name in ("a", "b", "é", "models/c")]
PARTS = (
    (b'Content-Disposition: form-data; name="model"', b"m"),
    (b'Content-Disposition: form-data; name="prompt"', b"Hi"),
    (b'Content-Disposition: form-data; name="file"; filename="a.wav"', b"RIFF" + b"\x00" * 40),
    (b"content-disposition:form-data;name=image;filename=a.png\r\nContent-Type: image/png", b"\x89PNG"),
)
HEADS = (
    b'Content-Disposition: form-data; name="n"', b'Content-Disposition: form-data; name="stream"',
    b'Content-Disposition: form-data; name="size"\r\nContent-Type: text/plain; charset=utf-8',
    b'Content-Disposition: form-data; name="response_format"\r\nContent-Transfer-Encoding: 8bit',
    b"Content-Disposition: form-data; name=\"image[]\"; filename*=utf-8''a",
    b'Content-Disposition: form-data; name="include[]"', b'Content-Disposition: form-data; name="model"',
    b'Content-Disposition: form-data; name="a\\"b"', b'Content-Disposition: form-data; name="a"; name="b"', b"", b"x",
)  # fmt: skip
VALUES = (b"", b"m", b"5", b"true", b"null", b"\r\n", b"--b", b"\r\n--b", b"\xff", b"\xc3\xa9", b"RIFF" + b"\x00" * 40)
TYPES = (
    "multipart/form-data; boundary=b", 'Multipart/Form-Data;boundary="b"',
    "multipart/form-data; boundary=b; charset=utf-8", "multipart/form-data", "multipart/mixed; boundary=b",
    'multipart/form-data; boundary="b\\"', "application/json", "",
)  # fmt: skip
REALTIME = Realtime()
TAKING_FORMS = [rules for rules in ENDPOINTS if rules.operation in ("transcription", "translation", "image_edit")]


def check_splitting(make: Callable[[], Any], pieces: Sequence[bytes], bytes_max: int) -> None:
    """See that nothing is lost, and that what is held back is never more than *bytes_max* beside the last piece."""
    splitter, data = make(), b"".join(pieces)
    found: list[bytes] = []
    for piece in pieces:
        try:
            found += splitter.feed(piece)
        except UpstreamBrokenError:
            assert len(splitter._pending) <= bytes_max + len(piece)
            return
        assert len(splitter._pending) <= bytes_max
    found += splitter.finish()
    assert b"".join(found) + bytes(splitter._pending) == data
    whole = make()
    try:
        assert [*whole.feed(data), *whole.finish()] == found
    except UpstreamBrokenError:
        assert len(data) > bytes_max
    for event in found:
        event_name_and_data(event)


def check_events(seed: bytes, count: int) -> None:
    """Let the splitter of events split *count* streams."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        lines = [rubbish.pick(LINES) + rubbish.pick(LINE_ENDS) for _ in range(int(rubbish.chance() * 12))]
        pieces = rubbish.cut(rubbish.sometimes_spoilt(b"".join(lines)))
        check_splitting(lambda: Splitter(EVENT_BYTES_MAX), pieces, EVENT_BYTES_MAX)
        check_splitting(Splitter, pieces, 1 << 20)


def check_arrays(seed: bytes, count: int) -> None:
    """Let the splitter of arrays split *count* of them."""
    rubbish = Rubbish(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "EVENT_BYTES_MAX", EVENT_BYTES_MAX)
        for _ in range(count):
            members = b",\n".join(rubbish.value() for _ in range(int(rubbish.chance() * 4)))
            pieces = rubbish.cut(rubbish.sometimes_spoilt(b"[" + members + b"]"))
            check_splitting(ArraySplitter, pieces, EVENT_BYTES_MAX)


def form_of(rubbish: Rubbish) -> bytes:
    """Return a form that has what every endpoint needs, or nearly."""
    parts = [part for part in PARTS if rubbish.chance() < 0.9]
    while rubbish.chance() < 0.25:
        parts.append((rubbish.pick(HEADS), rubbish.pick(VALUES)))
    if rubbish.chance() < 0.2:
        rubbish.dice.shuffle(parts)
    written = [b"--b\r\n%b\r\n\r\n%b\r\n" % part for part in parts]
    end = b"--b--\r\n" if rubbish.chance() < 0.9 else rubbish.pick((b"--b--", b"--b\r\n", b""))
    return rubbish.sometimes_spoilt(b"".join(written) + end)


def check_forms(seed: bytes, count: int) -> None:
    """Let the reader of forms read *count*: each is refused by name, or is sent on as it came, edits apart."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        body, content_type = form_of(rubbish), TYPES[0] if rubbish.chance() < 0.8 else rubbish.pick(TYPES)
        for rules in TAKING_FORMS:
            check_form_sent(rules, body, content_type)
        try:
            form = Form(body, content_type)
        except BadRequestError:
            continue
        assert form.body(dict(form.fields)) is body
        assert all(file.obj is body for file in form.files("file", "image[]"))
        added = {**form.fields, "model": msgspec.Raw(b'"other"')}
        edited = Form(form.body(added), form.content_type)
        assert name_deployment(body, content_type, "other") == form.body(added)
        assert {name: msgspec.json.decode(value) for name, value in edited.fields.items()} == {
            name: msgspec.json.decode(value) for name, value in added.items()
        }


def check_form_sent(rules: DialectRules, body: bytes, content_type: str) -> None:
    """Let an endpoint that takes forms read one: it is refused by name, or sent on under another model's name."""
    made = exchange(rules.name, content_type=content_type)
    try:
        rules.read_request(made, body)
    except BadRequestError:
        return
    assert rules.input_bound(made) >= rules.input_estimate(made) >= 0
    request = rules.prepare(made, "sent")
    assert Form(request.body(), request.content_type).fields == {**made.fields, "model": msgspec.Raw(b'"sent"')}


def headers_of(rubbish: Rubbish) -> dict[str, str]:
    """Return a few headers as they are read, which is as Latin-1."""
    names = [rubbish.pick(HEADER_NAMES) for _ in range(int(rubbish.chance() * 4))]
    return {name: header_of(rubbish).decode("latin-1") for name in names}


def header_of(rubbish: Rubbish) -> bytes:
    value = rubbish.pick(HEADERS)
    if rubbish.chance() < 0.3:
        value = value.replace(b"2", b"9" * int(rubbish.chance() * 40))
    return rubbish.spoilt(value) if rubbish.chance() < 0.3 else value


def check_errors(seed: bytes, count: int) -> None:
    """Let *count* refusals of upstreams be classified: each has a class, and words that may be shown or none."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        body = rubbish.object([name for name in ERROR_MEMBERS if rubbish.chance() < 0.2], ERROR_MEMBERS)
        status = rubbish.pick((200, 302, 400, 401, 402, 403, 404, 413, 422, 429, 429, 500, 529))
        error = classify(status, headers_of(rubbish), body)
        assert error.failure
        assert len(error.message) <= MESSAGE_LENGTH_MAX
        assert error.retry_after_s is None or 1 <= error.retry_after_s <= RETRY_AFTER_S_MAX


def check_heads(seed: bytes, count: int) -> None:
    """Let the heads of *count* requests be read: their paths, queries and headers."""
    rubbish = Rubbish(seed)
    for _ in range(count):
        path = "".join(rubbish.pick(PATHS) for _ in range(1 + int(rubbish.chance() * 3)))
        query = parse_qsl("&".join(rubbish.pick(QUERIES) for _ in range(int(rubbish.chance() * 4))))
        check_head(unquote(path), query, headers_of(rubbish))


def check_head(path: str, query: list[tuple[str, str]], headers: dict[str, str]) -> None:
    address = resolve(path)
    dialect = speaker(path, headers, is_key_in_query="key" in dict(query))
    for kept in address.kept if address is not None else ():
        assert address is not None
        asked = exchange("openai_responses")
        assert kept.prepare(asked, address.answer_id, "m").subpath.startswith("/")
    made = exchange(dialect)
    made.headers, made.query = headers, urlencode(query)
    for read in (
        lambda: MODEL_LISTS[dialect].render_page(ENTRIES, dict(query)),
        lambda: read_idempotency_key(made),
        lambda: REALTIME.read_address(made),
    ):
        with contextlib.suppress(BadRequestError):
            read()
    assert (
        is_base("GET", path)
        or housekeeping_answer("GET", path)
        or pick_locale(headers.get("accept-language", ""), ("en", "zh"))
    )
    client_ip("1.2.3.4", headers.get("x-forwarded-for", ""), ())
    assert REALTIME.prepare(made, "m").query == "model=m"


@a_few(check_events, check_arrays, check_forms, check_errors, check_heads)
def test_whatever_comes_is_read_or_refused_by_name(check: Check, seed: bytes) -> None:
    """Events and arrays the same for every cut; forms, refusals of upstreams, heads of requests."""
    check(seed, 5)


@a_million(check_events, check_arrays, check_forms, check_errors, check_heads)
def test_a_million_of_each(check: Check, run: int, seed: bytes) -> None:
    """The same, for `make fuzz`."""
    check(seed, DOCUMENTS)
