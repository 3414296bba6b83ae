"""Checks that the sections of a profile fit each other.

They run on places, so that everything is checked however much else is wrong.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from ..money import parse_exact
from .document import Mapping, Scalar, Sequence
from .place import Names, Place, nearest
from .presets import preset_names
from .secrets import REFERENCE, read_secret

_PRICING = frozenset({"model_ratio", "unit_price", "unit_prices"})
"""The fields of which a price must have one; the others only modify it."""


def collect_names(root: Place) -> Names:
    """Return the names that the profile's texts may refer to."""
    return {
        "groups": root.entry("groups").names(),
        "memberships": tuple({"default": None, **dict.fromkeys(root.entry("memberships").names())}),
        "models": tuple({name: None for name, _ in _models_sold(root)}),
        "presets": preset_names(),
    }


def check_sections(root: Place, folder: Path) -> None:
    """Report everything that does not fit; *folder* is where the profile stands."""
    _check_timezone(root.entry("shop").entry("timezone"))
    for network in root.entry("limits").entry("trusted_proxies").items():
        _check_network(network)
    for _, group in root.entry("groups").entries():
        _check_stars(group.entry("stars"))
        _check_date(group.entry("reference_date"))
    _check_channel_names(root)
    for channel in root.entry("channels").items():
        _check_base_url(channel.entry("base_url"))
        for key in channel.entry("keys").items():
            _check_key(key, folder)
    _check_groups_have_channels(root)
    _check_prices(root)


def _models_sold(root: Place) -> Iterator[tuple[str, Place]]:
    for channel in root.entry("channels").items():
        for item in channel.entry("models").items():
            place = item.entry("name") if isinstance(item.node, Mapping) else item
            if place.text is not None:
                yield place.text, place


def _check_timezone(place: Place) -> None:
    if place.text is None:
        return
    try:
        ZoneInfo(place.text)
    except (OSError, ValueError):  # KeyError for an unknown zone is a LookupError
        place.problem(f"unknown time zone '{place.text[:60]}'")
    except KeyError:
        hint = nearest(place.text, available_timezones())
        if "expected one of" in hint:
            hint = "; expected a name such as Asia/Shanghai"
        place.problem(f"unknown time zone '{place.text[:60]}'" + hint)


def _check_network(place: Place) -> None:
    if place.text is None:
        return
    try:
        ip_network(place.text)
    except ValueError:
        place.problem(f"expected a network such as 10.0.0.0/8, found '{place.text[:60]}'" + _network_around(place.text))


def _network_around(address: str) -> str:
    """Return what to write instead of *address*, if it is a host's address with the length of its network."""
    try:
        return f"; write {ip_network(address, strict=False)}"
    except ValueError:
        return ""


def _check_stars(place: Place) -> None:
    stars = _exact(place)
    if stars is not None and not (0 <= stars <= 5 and (stars * 2).denominator == 1):
        place.problem(f'expected 0 to 5 in halves, found "{place.text}"')


def _check_date(place: Place) -> None:
    if place.text is None or place.report.has_problem_at(place.node.mark):
        return
    try:
        date.fromisoformat(place.text)
    except ValueError:
        place.problem(f'expected a day such as "2024-09-14", found "{place.text[:60]}"')


def _exact(place: Place) -> Fraction | None:
    """Return the exact number at *place*, or None if there is none, which the conversion reports."""
    if not isinstance(place.node, Scalar) or not place.node.is_quoted:
        return None
    try:
        return parse_exact(place.node.text)
    except ValueError:
        return None


def _check_channel_names(root: Place) -> None:
    lines: dict[str, int] = {}
    for channel in root.entry("channels").items():
        name = channel.entry("name")
        if name.text in lines:
            name.problem(f"duplicate channel '{name.text}', first on line {lines[name.text]}")
        elif name.text is not None:
            lines[name.text] = name.node.mark.line
        groups: set[str] = set()
        for group in channel.entry("groups").items():
            if group.text in groups:
                group.problem(f"duplicate group '{group.text}' in one channel")
            groups.add(group.text or "")
        models: set[str] = set()
        for item in channel.entry("models").items():
            model = item.entry("name") if isinstance(item.node, Mapping) else item
            if model.text in models:
                model.problem(f"duplicate model '{model.text}' in one channel")
            models.add(model.text or "")


def _check_base_url(place: Place) -> None:
    if place.text is None:
        return
    try:
        url = urlsplit(place.text)
        host = (url.hostname or "").encode("idna")  # fails if a label is empty or too long
        # Even an empty query or fragment would swallow the path that a channel adds.
        is_plain = place.text.isprintable() and not set(" ?#").intersection(place.text) and "@" not in url.netloc
        is_usable = url.scheme in ("http", "https") and is_plain and bool(host) and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        place.problem("expected an address such as https://api.example.com, without user, password or query")


def _check_key(place: Place, folder: Path) -> None:
    if place.text is None:
        return
    if not REFERENCE.fullmatch(place.text):
        place.problem("expected a reference such as env:NAME or file:PATH; a key itself never stands in a profile")
        return
    try:
        read_secret(place.text, folder)
    except ValueError as exc:
        place.warning(f"{exc}; `relay run` needs it, except with --demo")


def _check_groups_have_channels(root: Place) -> None:
    served = {group.text for channel in root.entry("channels").items() for group in channel.entry("groups").items()}
    groups = root.entry("groups")
    for name, _ in groups.entries():
        if name.text not in served:
            groups.name_problem(name, f"group '{name.text}' has no channel; name it in a channel's groups")


def _is_nothing(place: Place) -> bool:
    node = place.node
    return not node.items if isinstance(node, Sequence) else isinstance(node, Scalar) and node.value is None


def _check_prices(root: Place) -> None:
    prices = root.entry("prices")
    sold, priced = dict(_models_sold(root)), dict.fromkeys(prices.names())
    for model, place in _models_sold(root):
        if model not in priced:
            guess = nearest(model, priced)
            guess = guess if "did you mean" in guess else "; add it to prices, or every request for it is refused"
            place.problem(f"model '{model[:60]}' has no price" + guess)
    for name, price in prices.entries():
        settings = {setting.text for setting, place in price.entries() if not _is_nothing(place)}
        if isinstance(price.node, Mapping) and not _PRICING & settings:
            price.problem(
                "expected model_ratio, or unit_price for what is sold apiece; without one every request is refused"
            )
        if name.text not in sold:
            prices.name_warning(name, f"no channel sells '{name.text}'")
