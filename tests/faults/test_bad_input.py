"""Requests that can't be served: refused in the caller's dialect, never sent, never booked.

Rows 36 to 44 of field/reliability.md 3, against every endpoint that takes a body.
"""

import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.faults.forms import FORMS, Form
from tests.faults.wire import Reply, request, send
from tests.shops import Running, reselling
from tests.upstreams import Upstream, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEEP = 100_000
BODY_BYTES_MAX = 32 * 1024 * 1024


@dataclass
class Counter:
    """A shop that refuses, and the upstream that must hear nothing of it."""

    shop: Running
    upstream: Upstream

    async def ask(self, form: Form, body: bytes, **headers: str) -> Reply:
        """Send *body* to the form's endpoint with alice's key."""
        return await send(self.shop.url, request(form.path, body, self.headers(form) | headers))

    def headers(self, form: Form) -> dict[str, str]:
        return form.headers | {"x-api-key": self.shop.api_key, "content-type": "application/json"}

    def check_refused(self, reply: Reply, form: Form, status: int, code: str, param: str | None = None) -> None:
        """Assert the refusal's shape in the dialect of *form*, and that nothing else happened."""
        assert (reply.status, reply.error["code"]) == (status, code)
        assert reply.headers["content-type"] == "application/json"
        assert (reply.headers["x-should-retry"], reply.headers["x-request-id"][:4]) == ("false", "req_")
        if form.is_anthropic:  # whose errors have no such field: the message begins with it, or quotes it
            assert (param or "") in reply.error["message"]
        else:
            assert reply.error["param"] == param
        self.check_untouched()

    def check_untouched(self) -> None:
        """Assert that no request went upstream and none was booked."""
        assert self.upstream.received == []
        assert self.shop.rows("select request_id from reservation") == []
        assert self.shop.rows("select request_id from request_log") == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """Serve one shop to all of them: none may leave a trace."""
    async with reselling(tmp_path_factory.mktemp("shop"), lambda _: document({})) as (upstream, shop):
        yield Counter(shop, upstream)


BROKEN: dict[str, Callable[[Form], bytes]] = {
    "nothing": lambda form: b"",
    "blanks": lambda form: b" \n",
    "cut": lambda form: form.body()[:-1],
    "an array": lambda form: b"[" + form.body() + b"]",
    "text": lambda form: b'"model"',
    "a number": lambda form: b"1",
    "null": lambda form: b"null",
    "trailing bytes": lambda form: form.body() + b"x",
    "two documents": lambda form: form.body() + form.body(),
    "a trailing comma": lambda form: form.body()[:-1] + b",}",
    "single quotes": lambda form: form.body().replace(b'"', b"'"),
    "a comment": lambda form: b"/**/" + form.body(),
    "a byte order mark": lambda form: b"\xef\xbb\xbf" + form.body(),
    "UTF-16": lambda form: form.body().decode().encode("utf-16"),
    "invalid UTF-8": lambda form: form.body(user=b'"\xff"'),
    "an overlong NUL": lambda form: form.body(user=b'"\xc0\x80"'),
    "a raw surrogate": lambda form: form.body(user=b'"\xed\xa0\x80"'),
    "a bad escape": lambda form: form.body(user=b'"\\x"'),
    "a raw line break": lambda form: form.body(user=b'"\n"'),
    "deep arrays": lambda form: b"[" * DEEP,
    "deep objects": lambda form: b'{"a":' * DEEP,
    "a deep value": lambda form: form.body(user=b"[" * DEEP + b"]" * DEEP),
    "deep messages": lambda form: form.body(messages=b"[" * DEEP + b"]" * DEEP),
    "NaN": lambda form: form.body(user=b"NaN"),
    "Infinity": lambda form: form.body(user=b"-Infinity"),
    "an octal number": lambda form: form.body(user=b"010"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_json_object_is_refused(counter: Counter, name: str, form: Form) -> None:
    """400 bad_request that blames no parameter."""
    reply = await counter.ask(form, BROKEN[name](form))
    counter.check_refused(reply, form, 400, "bad_request")


NO_COUNT = (b"-1", b"0", b"1180591620717411303424", b"1e999999", b"5.0", b'"5"', b"true", b"[]", b"{}")
NO_NUMBER = (b"1e400", b'"1"', b"true", b"[]")
NO_LIST = (None, b"null", b"{}", b"[]", b"1", b"true")
NO_MODEL = (None, b"null", b"1", b"true", b"[]", b"{}", b'""', b'"\\u0000"', b'"a\\nb"', b'"%s"' % (b"m" * 257))
NO_SWITCH = (b"1", b'"true"', b"[]", b"{}", b"0.0")
NO_OBJECT = (b"1", b'"x"', b"[]", b"true")

CHAT_FIELDS: dict[str, tuple[bytes | None, ...]] = {
    "model": NO_MODEL,
    "messages": (*NO_LIST, b'"hi"'),
    "stream": NO_SWITCH,
    "stream_options": NO_OBJECT,
    "max_tokens": NO_COUNT,
    "max_completion_tokens": NO_COUNT,
    "n": (*NO_COUNT, b"129", b"1000000"),
    "temperature": NO_NUMBER,
    "top_p": NO_NUMBER,
}
MESSAGES_FIELDS: dict[str, tuple[bytes | None, ...]] = {
    "model": NO_MODEL,
    "messages": (*NO_LIST, b'"hi"'),
    "stream": NO_SWITCH,
    "max_tokens": (None, b"null", *(value for value in NO_COUNT if value != b"0")),
    "temperature": NO_NUMBER,
    "top_p": NO_NUMBER,
}
EMBEDDINGS_FIELDS: dict[str, tuple[bytes | None, ...]] = {
    "model": NO_MODEL,
    "input": (*NO_LIST, b'""'),
    "dimensions": NO_COUNT,
}
WRONG_FIELDS = [
    pytest.param(form, name, value, id=f"{form}-{name}-{str(value)[:20]}")
    for form, fields in {
        "chat": CHAT_FIELDS,
        "chat-stream": CHAT_FIELDS,
        "messages": MESSAGES_FIELDS,
        "messages-stream": MESSAGES_FIELDS,
        "embeddings": EMBEDDINGS_FIELDS,
    }.items()
    for name, values in fields.items()
    for value in values
]


@pytest.mark.parametrize(("form", "name", "value"), WRONG_FIELDS)
async def test_a_wrong_field_is_blamed_by_its_name(counter: Counter, form: str, name: str, value: bytes | None) -> None:
    """400 bad_request, with the field as the parameter."""
    reply = await counter.ask(FORMS[form], FORMS[form].body(**{name: value}))
    counter.check_refused(reply, FORMS[form], 400, "bad_request", name)


async def test_a_wrong_member_is_blamed_by_its_path(counter: Counter) -> None:
    """What stands inside stream_options is named with it."""
    form = FORMS["chat-stream"]
    reply = await counter.ask(form, form.body(stream_options=b'{"include_usage":"yes"}'))
    counter.check_refused(reply, form, 400, "bad_request", "stream_options.include_usage")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_lone_surrogate_in_the_text_is_refused(counter: Counter, form: Form) -> None:
    """No UTF-8 can carry it, so upstreams would read it each in their way."""
    name = "input" if form.name == "embeddings" else "messages"
    reply = await counter.ask(form, form.body(**{name: form.fields[name].replace(b"hi", b"\\ud83d")}))
    counter.check_refused(reply, form, 400, "bad_request")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_an_unknown_model_names_the_nearest(counter: Counter, form: Form) -> None:
    """503 model_not_found: the group has no channel for it."""
    reply = await counter.ask(form, form.body(model=form.fields["model"].upper()))
    assert (reply.status, reply.error["code"]) == (503, "model_not_found")
    assert form.fields["model"].decode().strip('"') in reply.error["message"]
    counter.check_untouched()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_body_that_tells_64_mb_is_refused_before_it_is_read(counter: Counter, form: Form) -> None:
    """413 by its Content-Length alone: not one byte of it was sent."""
    head = request(
        form.path, b"", counter.headers(form) | {"content-length": str(2 * BODY_BYTES_MAX)}, has_length=False
    )
    reply = await send(counter.shop.url, head)
    counter.check_refused(reply, form, 413, "request_too_large")


@pytest.mark.parametrize("form", [FORMS["chat"], FORMS["messages"], FORMS["embeddings"]], ids=lambda form: form.name)
async def test_a_body_of_64_mb_in_chunks_is_refused_at_the_limit(counter: Counter, form: Form) -> None:
    """413 once more came than the shop takes, though nothing told how much it would be."""
    head = request(form.path, b"", counter.headers(form) | {"transfer-encoding": "chunked"}, has_length=False)
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    reply = await send(counter.shop.url, head, *[chunk] * 64)
    counter.check_refused(reply, form, 413, "request_too_large")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_an_encoded_body_is_refused(counter: Counter, form: Form) -> None:
    """400: what is small here may be gigabytes unpacked."""
    reply = await counter.ask(form, gzip.compress(form.body()), **{"content-encoding": "gzip"})
    counter.check_refused(reply, form, 400, "encoded_body", "content-encoding")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_more_than_64_kib_of_headers_are_refused(counter: Counter, form: Form) -> None:
    """400, however they are spread."""
    many = {f"x-{place}": "v" * 1000 for place in range(70)}
    reply = await counter.ask(form, form.body(), **many)
    counter.check_refused(reply, form, 400, "headers_too_large")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_more_than_200_headers_are_refused(counter: Counter, form: Form) -> None:
    """400, however small they are."""
    reply = await counter.ask(form, form.body(), **{f"x-{place}": "" for place in range(200)})
    counter.check_refused(reply, form, 400, "headers_too_large")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("hosts", [b"", b"host: a\r\nhost: b\r\n"], ids=["none", "two"])
async def test_a_request_of_no_host_or_of_two_is_refused(counter: Counter, form: Form, hosts: bytes) -> None:
    """400: a server in front may have read another."""
    whole = request(form.path, form.body(), counter.headers(form))
    line = next(line for line in whole.split(b"\r\n") if line.lower().startswith(b"host:"))
    reply = await send(counter.shop.url, whole.replace(line + b"\r\n", hosts, 1))
    counter.check_refused(reply, form, 400, "bad_request", "host")


@pytest.mark.parametrize("form", [FORMS["messages"], FORMS["messages-stream"]], ids=lambda form: form.name)
@pytest.mark.parametrize("name", ["anthropic-version", "anthropic-beta"])
@pytest.mark.parametrize("value", ["2023\xe9", "a\tb"])
async def test_a_header_that_cannot_travel_on_is_refused(counter: Counter, form: Form, name: str, value: str) -> None:
    """400 with the header's name, before anything is held or sent."""
    reply = await counter.ask(form, form.body(), **{name: value})
    counter.check_refused(reply, form, 400, "invalid_header", name)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\x00b", "a\x7fb"], ids=["CR", "LF", "NUL", "DEL"])
async def test_a_control_character_in_a_header_is_no_http(counter: Counter, form: Form, value: str) -> None:
    """The parser refuses it before anyone knows which dialect was meant."""
    reply = await counter.ask(form, form.body(), **{"anthropic-beta": value})
    assert reply.status == 400
    counter.check_untouched()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_half_a_body_is_nothing(counter: Counter, form: Form) -> None:
    """A customer who stops in the middle and shuts the connection has asked for nothing."""
    raw = request(form.path, form.body(), counter.headers(form))
    with pytest.raises(AssertionError, match="without an answer"):
        await send(counter.shop.url, raw[:-5], is_shut=True)
    counter.check_untouched()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_the_wrong_method_is_refused(counter: Counter, form: Form, method: str) -> None:
    """405, and nothing is looked at."""
    reply = await send(counter.shop.url, request(form.path, form.body(), counter.headers(form), method=method))
    counter.check_refused(reply, form, 405, "method_not_allowed")


PATHS = (
    "/v1/chat",
    "/v1/completions/chat",
    "/v2/chat/completions",
    "/v1/chat/completions/../../../etc/passwd",
    "/v1/..%2f..%2fetc/passwd",
    "/%2e%2e/v1/chat/completions",
    "/v1/chat/completions%00",
    "/v1/chat/completions;x",
    "/v1/chat/%c3%28",
    "/.env",
    "/livez/../v1",
    "/" + "a/" * 5000,
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:30])
async def test_a_path_that_leads_nowhere_is_not_found(counter: Counter, path: str) -> None:
    """404 unknown_endpoint; dots climb nowhere."""
    form = FORMS["chat"]
    reply = await send(counter.shop.url, request(path, form.body(), counter.headers(form)))
    counter.check_refused(reply, form, 404, "unknown_endpoint")


TWICE = {
    "two lengths": ["content-length: 1"],
    "a length and chunks": ["transfer-encoding: chunked"],
    "a folded line": ["x-a: b", " c"],
    "a blank before the colon": ["x-a : b"],
    "no name": [": b"],
}


@pytest.mark.parametrize("name", TWICE)
async def test_a_request_that_could_be_read_in_two_ways_is_no_http(counter: Counter, name: str) -> None:
    """Smuggling: 400 from the parser, and the connection is shut."""
    form = FORMS["chat"]
    raw = request(form.path, form.body(), counter.headers(form))
    reply = await send(counter.shop.url, raw.replace(b"\r\n\r\n", "\r\n".join(["", *TWICE[name], "", ""]).encode(), 1))
    assert reply.status == 400
    counter.check_untouched()
