"""One request at the door: what it asks for, with which key, and whether it is let in."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from .answers import JSON, answer_with_error, answerable
from .balance import show_balance
from .bodies import Share
from .client_ip import client_ip
from .clock import new_id
from .counting import count
from .deadline import DeadlineExpiredError, within
from .deployment import name_deployment
from .dialects import ENDPOINTS, RULES
from .dialects.dialect import DialectRules
from .dialects.fields import MODEL_NAME_LENGTH_MAX
from .endpoints import PAGES, Address, Page, resolve, speaker
from .errors import (
    BadRequestError,
    BodyTooLargeError,
    CustomerGoneError,
    MethodNotAllowedError,
    NotFoundError,
    RejectedError,
    UpgradeRequiredError,
)
from .exchange import Dialect, Exchange, Principal
from .hint import nearest_endpoint
from .housekeeping import housekeeping_answer, is_base
from .kept_answers import serve_kept_answer
from .model_list import list_models
from .pipeline import carry
from .shop import Shop
from .sink import Headers, Sink
from .texts import pick_locale

HEADER_BYTES_MAX = 64 * 1024
HEADERS_MAX = 200
"""Far more than any client sends; each costs work before it is known whose request it is."""
KEYLESS_BYTES_MAX = 64 * 1024
"""How much of a body is read and kept before its key is checked: strangers must not fill the memory."""
BODY_S = 30.0
"""How long a body may take to arrive, beyond what its length takes at the slowest allowed pace."""
BODY_BYTES_PER_S_MIN = 16 * 1024
Receive = Callable[[], Awaitable[Any]]
"""ASGI's ``receive``: returns the next message of a request's body."""
LIST_HEADERS = frozenset(
    {"accept", "accept-language", "anthropic-beta", "openai-beta", "sec-websocket-protocol", "x-forwarded-for"}
)
"""Headers whose repeated lines make one list (RFC 9110, 5.3, read 2026-11-29); of any other the last line counts."""


class Door:
    """Answers one request, or carries it on to its endpoint.

    Args:
        scope: ASGI's, of the request.
        receive: ASGI's, of the request's body.
        open_sink: Makes the sink of the answer, given the headers that every answer has.
    """

    def __init__(self, shop: Shop, scope: Any, receive: Receive, open_sink: Callable[[Headers], Sink]) -> None:
        self._shop = shop
        self._receive = receive
        self._method: str = scope["method"]
        self._path = unquote(scope["raw_path"].decode("latin-1"))
        self._raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._headers = _by_name(self._raw_headers)
        self._http_version: str = scope["http_version"]
        self._query: list[tuple[str, str]] = parse_qsl(scope["query_string"].decode("latin-1"))
        peer: str = scope["client"][0] if scope["client"] else ""
        self._client_ip = client_ip(peer, self._headers.get("x-forwarded-for", ""), shop.trusted_proxies)
        self._id = new_id("req")
        self._sink = open_sink(self._common_headers())

    def _common_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of every answer: its id, and CORS, on errors too, else browsers hide the status."""
        request_id = self._id.encode()
        headers = [(b"x-request-id", request_id), (b"request-id", request_id)]
        if "origin" in self._headers:
            headers += [
                (b"access-control-allow-origin", b"*"),
                (
                    b"access-control-expose-headers",
                    b"x-request-id, request-id, retry-after, x-should-retry, x-relay-dropped",
                ),
            ]
        if self._shop.is_demo:
            headers.append((b"x-relay-demo", b"1"))
        return headers

    async def serve(self) -> None:
        """Answer the request; whatever goes wrong is answered in its dialect."""
        if self._method == "OPTIONS":
            await self._answer_preflight()
        elif is_base(self._method, self._path):
            await self._answer_hello()
        elif (kind_words := housekeeping_answer(self._method, self._path)) is not None:
            await self._sink.whole(200, [JSON], kind_words)
        else:
            await self._serve_endpoint()

    async def _serve_endpoint(self) -> None:
        address = resolve(self._path)
        rules = (address.rules if address is not None else None) or RULES[self._speaks()]
        exchange = self._exchange(rules, address.model if address is not None else "")
        try:
            with self._shop.admitted(), Share(self._shop.bodies) as share:
                await self._serve_address(self._checked(address), exchange, rules, share)
        except CustomerGoneError:
            return
        except Exception as exc:
            await answer_with_error(self._sink, exchange, rules, answerable(exc, self._id))

    async def _serve_address(self, address: Address, exchange: Exchange, rules: DialectRules, share: Share) -> None:
        if address.page is not None:
            await self._show(address.page, exchange)
            return
        body = await self._read_body(exchange, share)
        if address.kept:
            endpoint = next(kept for kept in address.kept if kept.method == self._method)
            await serve_kept_answer(self._shop, exchange, endpoint, address.answer_id, self._sink)
            return
        if address.deployment:
            body = name_deployment(body, self._headers.get("content-type", ""), address.deployment)
        rules.read_request(exchange, body)
        del body  # a form with files is not kept twice once it has been edited
        if rules.operation == "count_tokens":
            await count(self._shop, exchange, rules, self._sink)
            return
        with self._sink:
            await carry(self._shop, exchange, rules, self._sink)

    async def _show(self, page: Page, exchange: Exchange) -> None:
        """Answer with the list of models, one of them, or the key's balance."""
        if page == "models":
            shown = await list_models(self._shop, exchange, exchange.model)
        else:
            exchange.operation = "billing"
            shown = await show_balance(self._shop, exchange, page)
        await self._sink.whole(200, [JSON], shown)

    def _exchange(self, rules: DialectRules, model: str) -> Exchange:
        shop = self._shop
        exchange = Exchange(
            id=self._id,
            dialect=rules.name,
            operation=rules.operation,
            headers=self._headers,
            received_at=shop.clock.now(),
            started_s=shop.clock.monotonic(),
            api_key=self._api_key(),
            client_ip=self._client_ip,
            locale=pick_locale(self._headers.get("accept-language", ""), shop.profile.shop.locales),
            query=urlencode([pair for pair in self._query if pair[0] != "key"]),
        )
        exchange.model = model
        return exchange

    def _api_key(self) -> str | None:
        """Return the API key from wherever the client's dialect puts it; None where there is none.

        Source: wire/DIALECTS.md 1, and field/relay-platforms.md 2.1 for ``Bearer`` being
        optional, read 2026-11-23.
        """
        scheme, _, rest = self._headers.get("authorization", "").strip().partition(" ")
        bare = scheme if not rest else ""
        bearer = rest.strip() if scheme.lower() == "bearer" else bare
        places = [bearer, *(self._headers.get(name, "") for name in ("x-api-key", "api-key", "x-goog-api-key"))]
        places.append(dict(self._query).get("key", ""))
        return next((key for key in places if key), None)

    def _checked(self, address: Address | None) -> Address:
        """Return *address*; refuse it if its endpoint is not served, or not with this method, model name or head."""
        served = self._shop.profile.endpoints
        self._check_head()
        if address is None or address.endpoint not in served or self._is_unknown_action(address):
            raise self._unknown_endpoint()
        if address.rules is not None and address.rules.operation == "realtime":
            raise UpgradeRequiredError
        if len(address.model) > MODEL_NAME_LENGTH_MAX:
            raise BadRequestError(param="model")
        methods = [kept.method for kept in address.kept] or ["POST" if address.page is None else "GET"]
        if self._method not in methods and not (self._method == "HEAD" and address.page is not None):
            expected = ", ".join(methods)
            if "sec-websocket-key" in self._headers:  # a handshake, even if a proxy has removed its upgrade
                # After this status, Codex sends its request over HTTP at once; after any other, it first tries again
                # for 10 to 20 s. Source: openai/codex#43353, ranxianglei/billion-context#169, read 2026-11-30.
                raise UpgradeRequiredError("plain_http_expected", expected=expected)
            raise MethodNotAllowedError(method=self._method[:10], expected=expected)
        return address

    def _check_head(self) -> None:
        """Refuse a head that is too large, or whose host a server in front may have read differently.

        Source: RFC 9112, 3.2, read 2026-11-29.
        """
        size = sum(len(name) + len(value) for name, value in self._raw_headers)
        if size > HEADER_BYTES_MAX or len(self._raw_headers) > HEADERS_MAX:
            raise BadRequestError("headers_too_large")
        host_count = sum(name == b"host" for name, _ in self._raw_headers)
        if host_count > 1 or (self._http_version == "1.1" and not host_count):
            raise BadRequestError(param="host")

    def _is_unknown_action(self, address: Address) -> bool:
        """Say whether the path calls a method of a model that Gemini's API does not have."""
        return self._method == "POST" and address.page == "models" and ":" in address.model

    def _unknown_endpoint(self) -> NotFoundError:
        """Return the refusal of an unknown path; it names the endpoint that was probably meant.

        Clients of Anthropic and Google are pointed to endpoints of their own vendor, all others to any.
        """
        speaks = self._speaks()
        vendor = speaks.partition("_")[0]
        served = self._served()
        spoken = [path for name, path in served if vendor == "openai" or name.startswith((vendor, "models"))]
        own = next((path for name, path in served if name == speaks), served[0][1])
        return NotFoundError(path=self._path[:100], nearest=nearest_endpoint(self._path, spoken, own))

    def _speaks(self) -> Dialect:
        """Return the dialect in which to answer where the path has none of its own."""
        return speaker(self._path, self._headers, is_key_in_query="key" in dict(self._query))

    def _served(self) -> list[tuple[str, str]]:
        """Return what the shop serves: each entry of the profile's ``endpoints``, with method and path."""
        paths = [
            (rules.name, f"{'GET' if rules.operation == 'realtime' else 'POST'} {rules.path}") for rules in ENDPOINTS
        ]
        pages = [(address.endpoint, f"GET {path}") for path, address in PAGES.items()]
        return [(name, path) for name, path in (*paths, *pages) if name in self._shop.profile.endpoints]

    async def _read_body(self, exchange: Exchange, share: Share) -> bytes:
        """Return the whole body; one that announces too great a length is refused before it is read.

        Raises:
            BodyTooLargeError: Larger than the shop takes.
            AuthenticationError, NotAllowedError: A long body with a key that may not be used.
            BadRequestError: The customer left while sending it, or sends it too slowly.
            OverloadedError: The bodies of all requests, or of its account's, leave no room for it.
        """
        bytes_max = self._shop.profile.limits.body_bytes_max
        announced = self._headers.get("content-length", "")
        length = int(announced) if announced.isdigit() else 0
        if length > bytes_max:
            raise BodyTooLargeError(bytes_max=str(bytes_max))
        if self._headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise BadRequestError("encoded_body", param="content-encoding")
        pieces: list[bytes] = []
        if await self._collect(pieces, share, min(length, KEYLESS_BYTES_MAX), KEYLESS_BYTES_MAX):
            share.belongs_to((await self._check_key(exchange)).account_id)
            await self._collect(pieces, share, length, bytes_max)
        return b"".join(pieces)

    async def _collect(self, pieces: list[bytes], share: Share, awaited_bytes: int, enough_bytes: int) -> bool:
        """Read *pieces* until they exceed *enough_bytes*, in the time for *awaited_bytes*; say whether more follows."""
        try:
            deadline_s = BODY_S + awaited_bytes / BODY_BYTES_PER_S_MIN
            return await within(deadline_s, self._receive_until(pieces, share, enough_bytes))
        except DeadlineExpiredError:
            raise BadRequestError("incomplete_body") from None

    async def _receive_until(self, pieces: list[bytes], share: Share, enough_bytes: int) -> bool:
        bytes_max = self._shop.profile.limits.body_bytes_max
        size = sum(map(len, pieces))
        while size <= enough_bytes:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BadRequestError("incomplete_body")
            piece = message.get("body", b"")
            size += len(piece)
            if size > bytes_max:
                raise BodyTooLargeError(bytes_max=str(bytes_max))
            share.take(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return False
        return True

    async def _check_key(self, exchange: Exchange) -> Principal:
        """Refuse a stranger; a refusal may rest on a remembered, outdated key, so the key is then looked up afresh."""
        try:
            return await self._shop.dispatch.authenticate(exchange)
        except RejectedError:
            exchange.is_fresh_authentication = True
            principal = await self._shop.dispatch.authenticate(exchange)
            exchange.is_fresh_authentication = False
            return principal

    async def _answer_preflight(self) -> None:
        """Answer a browser's preflight request.

        The headers that it asks for are echoed, as ``*`` does not cover Authorization.
        Source: wire/DIALECTS.md 9.4 (Fetch standard), read 2026-11-23.
        """
        asked = self._headers.get("access-control-request-headers", "authorization, content-type")
        headers = [
            (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
            (b"access-control-allow-headers", asked.encode("latin-1")),
            (b"access-control-max-age", b"86400"),
        ]
        self._sink.head(204, headers)
        await self._sink.end()

    async def _answer_hello(self) -> None:
        """Tell someone who opened the base URL in a browser what to enter where."""
        name = self._shop.profile.shop.name
        lines = [
            f"{name.en} {name.zh}",
            "base URL / 接口地址: this address, with or without /v1",
            *(path for _, path in self._served()),
            "",
        ]
        await self._sink.whole(200, [(b"content-type", b"text/plain; charset=utf-8")], "\n".join(lines).encode())


def _by_name(lines: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by name; repeated lines are joined in `LIST_HEADERS`, and of any other the last counts."""
    headers: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = value
        if name in LIST_HEADERS:
            lists.setdefault(name, []).append(value)
    for name, values in lists.items():
        headers[name] = ", ".join(values)
    return headers
