import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import UpstreamRequest
from relay.core.upstream.request_head import Origin, flaw_of_head, parse_url, render_head


@pytest.mark.parametrize(
    ("url", "origin", "lines"),
    [
        ("http://api.example/v1/x", Origin("api.example", 80, False), "/v1/x HTTP/1.1\r\nhost: api.example\r\n"),
        ("https://API.example", Origin("api.example", 443, True), "/ HTTP/1.1\r\nhost: api.example\r\n"),
        ("https://api.example:80/a", Origin("api.example", 80, True), "/a HTTP/1.1\r\nhost: api.example:80\r\n"),
        ("http://[::1]:8080/a?b=%20c", Origin("::1", 8080, False), "/a?b=%20c HTTP/1.1\r\nhost: [::1]:8080\r\n"),
        ("http://bücher.example/ü", Origin("xn--bcher-kva.example", 80, False),
         "/%C3%BC HTTP/1.1\r\nhost: xn--bcher-kva.example\r\n"),
        ("http://a/x\r\ny: z", Origin("a", 80, False), "/xy:%20z HTTP/1.1\r\nhost: a\r\n"),
        ("http://a/m:generate?alt=sse", Origin("a", 80, False), "/m:generate?alt=sse HTTP/1.1\r\nhost: a\r\n"),
    ],
)  # fmt: skip
def test_parse_url(url: str, origin: Origin, lines: str) -> None:
    """Where a request goes, and a target that can't end the line."""
    assert parse_url(url) == (origin, lines)


@pytest.mark.parametrize("url", ["ftp://a/", "a/b", "http://", "http://name:word@a/", "http://a:99999/"])
def test_parse_url_refuses(url: str) -> None:
    """What is no address of an upstream, or would send a password along, is refused."""
    with pytest.raises(ValueError, match=r"expected an http|[Pp]ort"):
        parse_url(url)


def test_a_get_has_no_length_and_an_empty_post_has() -> None:
    """A request without a body says so in the way of its method."""
    assert render_head(UpstreamRequest(method="GET", url="", headers={}, body=b""), "/ HTTP/1.1\r\n") == (
        b"GET / HTTP/1.1\r\naccept: */*\r\naccept-encoding: identity\r\n\r\n"
    )
    assert render_head(UpstreamRequest(url="", headers={"Accept": "a"}, body=b""), "/ HTTP/1.1\r\n") == (
        b"POST / HTTP/1.1\r\naccept: a\r\ncontent-length: 0\r\naccept-encoding: identity\r\n\r\n"
    )


@pytest.mark.parametrize(
    "name", ["accept-encoding", "connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"]
)
def test_a_channel_sets_nothing_that_belongs_to_the_connection(name: str) -> None:
    """Two lengths, or a length beside chunks, would make two requests of one."""
    request = UpstreamRequest(method="DELETE", url="", headers={name.title(): "1", "X-A": "b"}, body=b"")
    assert render_head(request, "/ HTTP/1.1\r\n") == (
        b"DELETE / HTTP/1.1\r\nx-a: b\r\naccept: */*\r\naccept-encoding: identity\r\n\r\n"
    )


@pytest.mark.parametrize("name", ["", "a:", "a b", "a\r\nx", "a\n", "ü", "a\0"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """It could begin a header, or a request, of its own."""
    with pytest.raises(ValueError, match="a header's name that is none"):
        render_head(UpstreamRequest(url="", headers={name: "b"}, body=b"{}"), "/ HTTP/1.1\r\n")


def test_what_a_channel_accepts_is_said_once() -> None:
    """Wherever among the headers it stands."""
    assert render_head(UpstreamRequest(url="", headers={"Accept": "a", "x": "b"}, body=b""), "/ HTTP/1.1\r\n") == (
        b"POST / HTTP/1.1\r\naccept: a\r\nx: b\r\ncontent-length: 0\r\naccept-encoding: identity\r\n\r\n"
    )


@given(name=st.text(max_size=8), value=st.text(max_size=20))
def test_no_header_ends_the_head_early(name: str, value: str) -> None:
    """Whatever a header says, the head has one line for it, or is refused."""
    try:
        head = render_head(UpstreamRequest(url="", headers={name: value}, body=b"{}"), "/ HTTP/1.1\r\n")
    except ValueError:
        return
    assert head.count(b"\n") == head.count(b"\r\n") <= 6
    assert head.index(b"\r\n\r\n") == len(head) - 4
    assert b"\0" not in head


@pytest.mark.parametrize(
    ("status", "headers", "flaw"),
    [
        (200, {}, ""),
        (200, {"transfer-encoding": "Chunked"}, ""),
        (200, {"transfer-encoding": "gzip, chunked"}, "asked for a plain body, found transfer-encoding 'gzip, chunked'"),
        (200, {"transfer-encoding": " chunked ", "content-encoding": " Identity "}, ""),
        (399, {"content-encoding": "gzip"}, "asked for identity, found content-encoding 'gzip'"),
        (400, {"content-encoding": "gzip"}, ""),
        (599, {}, ""),
        (600, {}, "expected an HTTP status from 200 to 599, found 600"),
        (500, {"content-encoding": "gzip"}, ""),
        (200, {"content-encoding": "br"}, "asked for identity, found content-encoding 'br'"),
        (199, {}, "expected an HTTP status from 200 to 599, found 199"),
    ],
)  # fmt: skip
def test_flaw_of_head(status: int, headers: dict[str, str], flaw: str) -> None:
    """Only a clear head of a plain body passes."""
    assert flaw_of_head(status, headers) == flaw
