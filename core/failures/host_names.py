"""Which names in an upstream's words are hosts or cloud resources, and which are ordinary words.

No list of top-level domains stays complete, and many of them are words: ``function.name`` is a field
and ``asyncio.run`` a call. So a dotted name is judged by what it is made of.
"""

import re

DOTTED = re.compile(r"(?<![A-Za-z0-9_.-])[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+(?::\d{2,5}(?!\d))?")
HYPHENED = re.compile(r"(?<![A-Za-z0-9_.-])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+(?![A-Za-z0-9_.-])")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENDINGS = _words(
    "com net org io ai cn dev app cloud co so me xyz local internal top vip cc tech site shop pro biz online uk eu jp kr ru"
    " hk tw sg au ca fr lan svc arpa fun icu club ltd studio wiki lol moe wang ink agency technology software asia mobi"
    " website cyou sbs buzz"
)
"""Top-level domains that end nothing but a host."""
_FILES = _words(
    "js ts jsx tsx mjs py md sh rs go rb pl cs cpp pdf png jpg jpeg gif webp svg bmp tiff heic mp3 mp4 m4a wav ogg flac"
    " opus webm mov avi txt csv tsv json jsonl xml yaml yml toml html htm css doc docx xls xlsx ppt pptx zip tar gz exe"
    " lock ini cfg conf log sql db ipynb"
)
_WORDS = _words("an db go he hi id if of ok on or ui up we")
"""Two-letter words, never taken for a country's domain."""
_WORDS_OR_COUNTRIES = _words("am as at be by do in is it ms my no to us")
_SERVERS = _words("api apis gw gateway proxy relay llm oneapi newapi www cdn lb upstream origin")
_REGION = re.compile(
    r"(?:north|south|east|west|central|us|uk|uae|sweden|france|japan|korea|canada|australia|brazil|switzerland|norway"
    r"|germany|poland|italy|spain|india|qatar|israel|mexico|europe|asia|eu|ap|sa|ca|me|af)+"
)
_VENDORS = frozenset(("openai", "aoai", "azure", "prod", "prd"))


def is_host(name: str) -> bool:
    """Say whether *name*, of labels between dots and perhaps with a port, names a host.

    A path of fields has numbers or underscores in it, and a file a known extension. What has a hyphen,
    a port, a first label that servers have, or a country's domain is a host.

    >>> [is_host(name) for name in ("api.acme-llm.de", "gw.acme.us", "acme.fun:8443", "new-api.acme.zone")]
    [True, True, True, True]
    >>> [is_host(name) for name in ("node.js", "messages.0.content", "function.name", "gpt-4.1", "claude-3.5-sonnet")]
    [False, False, False, False, False]
    """
    name, _, port = name.partition(":")
    labels = name.split(".")
    last = labels[-1]
    if last.lower() in _ENDINGS and "_" not in name:
        return True
    if not (last.isalpha() and last.islower()):
        return last.startswith("xn--")
    is_country = len(last) == 2 and last not in _WORDS | _WORDS_OR_COUNTRIES | _FILES
    if "_" in name or any(label.isdigit() for label in labels):
        return is_country
    is_server = labels[0] in _SERVERS and len(labels) > 2
    if last in _FILES:
        return is_server
    return is_country or is_server or bool(port) or "-" in name or (last in _WORDS_OR_COUNTRIES and len(labels) > 2)


def is_resource(name: str) -> bool:
    """Say whether *name*, of parts between hyphens, is an account's own name for a cloud resource.

    >>> [is_resource(name) for name in ("acme-openai-eastus2", "acme-prod-42", "asia-northeast1", "gpt-4o-mini")]
    [True, True, False, False]
    """
    parts = name.lower().split("-")
    if any(part in _VENDORS for part in parts[1:]):
        return True
    places = [part for part in parts if _REGION.fullmatch(part.rstrip("0123456789"))]
    is_placed = any(len(place) > 5 for place in places)
    return is_placed and any(part not in places and not part.isdigit() for part in parts)
