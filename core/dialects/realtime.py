"""``realtime``: OpenAI's websocket of spoken and written events. Passes through; nothing translates it.

The model stands in the address, everything else in frames (`realtime_events`).
Source: OpenAI API reference, Realtime, and its guide "Realtime API with WebSocket", read 2026-11-24.
"""

from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode

import msgspec

from ..errors import BadRequestError, RelayError, UpgradeRequiredError
from ..estimate import REQUEST_TOKENS
from ..exchange import ChannelRequest, Dialect, Exchange, Operation
from .fields import read_model
from .openai_face import OpenAIFace, describe_openai_error

SUBPROTOCOL = "realtime"
"""What a client offers and is answered with; the others it names are its key and versions."""
BETA_SUBPROTOCOL = "openai-beta."
_BETA_HEADER = "openai-beta"
_NOT_OFFERED = ("call_id", "intent")
"""A call that another connection began, and sessions that only transcribe or translate: all without responses."""


class Realtime(OpenAIFace):
    """Rules of the dialect; see `DialectRules`."""

    name: Dialect = "realtime"
    operation: Operation = "realtime"
    path = "/v1/realtime"
    keep_alive = b""

    def read_request(self, exchange: Exchange, body: bytes) -> NoReturn:
        """Refuse: whoever sends a body asks for no websocket."""
        raise UpgradeRequiredError

    def read_address(self, exchange: Exchange) -> None:
        """Read the query into ``exchange``.

        Raises:
            BadRequestError: No model, or something that is not served here; names it.
        """
        query = dict(parse_qsl(exchange.query))
        for name in _NOT_OFFERED:
            if name in query:
                raise BadRequestError("not_offered", param=name)
        # Clients of Azure name a deployment. Source: openai (PyPI) 2.x, lib/azure.py, read 2026-11-29.
        named = query.get("model") or query.get("deployment", "")
        exchange.model = read_model({"model": msgspec.Raw(msgspec.json.encode(named))})
        exchange.stream = True

    def prepare(self, exchange: Exchange, model_sent: str) -> ChannelRequest:
        """Return the request for a channel: the model in its query, and the version that the client speaks."""
        version = exchange.headers.get(_BETA_HEADER) or _beta_offered(exchange)
        return ChannelRequest(
            dialect=self.name,
            operation=self.operation,
            model=model_sent,
            fields={},
            headers={_BETA_HEADER: version} if version else {},
            stream=True,
            query=urlencode({"model": model_sent}),
        )

    def stream_type(self, exchange: Exchange) -> str:
        """Frames have no content type."""
        return ""

    def input_bound(self, exchange: Exchange) -> int:
        """Return what a session begins with: the upstream's own instructions."""
        return REQUEST_TOKENS

    def input_estimate(self, exchange: Exchange) -> int:
        """Return nothing: before the first frame nothing was said."""
        return 0

    def stream_reader(self, exchange: Exchange) -> NoReturn:
        """Sessions are read frame by frame, by `realtime.session`."""
        raise AssertionError("a session is no stream of events")

    def read_body(self, exchange: Exchange, body: bytes) -> NoReturn:
        """Sessions have no body either."""
        raise AssertionError("a session is no document")

    def render_error_event(self, error: RelayError, text: str, request_id: str) -> bytes:
        """Return the frame that tells an error after the upgrade."""
        return self.render_refusal(error, text, request_id, None)

    def render_refusal(self, error: RelayError, text: str, request_id: str, refused_id: str | None) -> bytes:
        """Return the same for an event of the customer's; *refused_id* is what it calls itself, if anything."""
        described = {**describe_openai_error(error, text), "event_id": refused_id}
        return msgspec.json.encode({"type": "error", "event_id": f"event_{request_id}", "error": described})


def offered_subprotocols(headers: Mapping[str, str]) -> list[str]:
    """Return what a client offers in ``Sec-WebSocket-Protocol``."""
    return [offer for offer in map(str.strip, headers.get("sec-websocket-protocol", "").split(",")) if offer]


def _beta_offered(exchange: Exchange) -> str:
    """Return the version that a browser, which can set no header, offers as a subprotocol.

    >>> _version("openai-beta.realtime-v1")
    'realtime=v1'
    """
    return next(
        (_version(offer) for offer in offered_subprotocols(exchange.headers) if offer.startswith(BETA_SUBPROTOCOL)), ""
    )


def _version(offer: str) -> str:
    name, _, version = offer.removeprefix(BETA_SUBPROTOCOL).rpartition("-")
    return f"{name}={version}"
