"""Shows a key's balance in the form of OpenAI's old billing pages, which many clients and scripts still read.

The balance is ``hard_limit_usd`` less a hundredth of ``total_usage``. Both count the shop's credits,
whatever they are worth. The dates in a query are ignored: for only some days, the difference would be wrong.
Source: shops.md W9, field/relay-platforms.md 2.4, wire/DIALECTS.md 9.4, read 2026-11-29.
"""

from collections.abc import Callable, Mapping

import msgspec

from .endpoints import Page
from .errors import AuthenticationError
from .exchange import Exchange
from .key_store import KeyBalance
from .money import format_nano
from .shop import Shop

CENTS = 100


async def show_balance(shop: Shop, exchange: Exchange, page: Page) -> bytes:
    """Return one of the two pages, exact to the nano-credit.

    Raises:
        RejectedError: The key is refused. One that is used up or has expired is not.
    """
    exchange.is_fresh_authentication = True  # no reservation follows that would notice a revoked key
    principal = await shop.dispatch.authenticate(exchange)
    balance = await shop.key_store.find_balance(principal.key_id, shop.clock.now())
    if balance is None:
        raise AuthenticationError
    return msgspec.json.encode(_PAGES[page](balance))


def _subscription(balance: KeyBalance) -> dict[str, object]:
    limit = _number(balance.spent_nano + balance.left_nano)
    return {
        "object": "billing_subscription",
        "has_payment_method": True,
        "soft_limit_usd": limit,
        "hard_limit_usd": limit,
        "system_hard_limit_usd": limit,
        "access_until": 0 if balance.expires_at is None else int(balance.expires_at.timestamp()),
    }


def _usage(balance: KeyBalance) -> dict[str, object]:
    return {"object": "list", "total_usage": _number(balance.spent_nano * CENTS)}


def _number(nano: int) -> msgspec.Raw:
    """Return credits as a JSON number with all digits, because scripts calculate with it."""
    return msgspec.Raw(format_nano(nano).encode())


_PAGES: Mapping[str, Callable[[KeyBalance], dict[str, object]]] = {"subscription": _subscription, "usage": _usage}
