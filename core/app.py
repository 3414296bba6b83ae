"""The pages of a shop besides its endpoints, served by Litestar.

Requests of customers never get here (see `face`).
"""

from litestar import Litestar, Response, route

from .clock import new_id
from .shop import Shop

APP_PATHS = frozenset({"/livez"})
"""The paths that Litestar answers."""


def build_app(shop: Shop) -> Litestar:
    """Return the ASGI application with the pages of *shop*. The caller opens and closes the shop."""

    @route("/livez", http_method=["GET", "HEAD"], media_type="text/plain", sync_to_thread=False)
    def livez() -> Response[str]:
        headers = {"x-request-id": new_id("req")} | ({"x-relay-demo": "1"} if shop.is_demo else {})
        if shop.ledger.is_stopped:
            return Response("the disk failed to sync: check it, then restart relay", headers=headers, status_code=503)
        return Response("ok", headers=headers)

    return Litestar([livez], openapi_config=None, logging_config=None, debug=False)
