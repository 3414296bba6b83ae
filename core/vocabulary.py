"""Exact token counts with OpenAI's o200k vocabulary, if the extra ``tokenizers`` is installed.

tiktoken itself fetches its vocabulary over the network; that never happens here. The data come
from the wheel of bpe-openai (MIT), which holds them as a file, and are checked against the hash
that tiktoken expects of them. Source: field/gateways.md 5, tiktoken 0.14.0
``tiktoken_ext/openai_public.py``, bpe-openai 0.1.4, read 2026-11-23.
"""

import base64
import gzip
import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
EXACT_CHARACTERS_MAX = 16_384
"""Longer texts are extrapolated from this many characters: counting all would hold up the event loop."""

# tiktoken's own pattern for o200k_base.
_PATTERN = "|".join(
    [
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""",
        r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
        r"""\s*[\r\n]+""",
        r"""\s+(?!\S)""",
        r"""\s+""",
    ]
)


def load() -> bool:
    """Load the vocabulary if it is installed; return whether text can be counted from now on.

    This takes a third of a second and 80 MB: call it once, at start, in a thread.
    """
    return importlib.util.find_spec("tiktoken") is not None and _data_file() is not None and bool(_encoder())


def is_loaded() -> bool:
    """Say whether text can be counted exactly."""
    return _encoder.cache_info().currsize > 0


def count(text: str) -> int:
    """Return the number of o200k tokens of *text*, beyond 16 384 characters extrapolated from its beginning.

    Needs a successful `load`.
    """
    head = text[:EXACT_CHARACTERS_MAX]
    counted = len(_encoder()(head))
    return counted if len(head) == len(text) else counted * len(text) // len(head)


def _data_file() -> Path | None:
    """Return the vocabulary file of bpe-openai, found without importing the package, or None."""
    spec = importlib.util.find_spec("bpe_openai")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "o200k_base.tiktoken.gz"
    return path if path.is_file() else None


@cache
def _encoder() -> Callable[[str], Sequence[int]]:
    # Imported by name, because type checkers run without the extra.
    tiktoken = importlib.import_module("tiktoken")
    path = _data_file()
    assert path is not None, "`load` found it"
    data = gzip.decompress(path.read_bytes())
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise ValueError(f"expected the o200k vocabulary with sha256 {SHA256}, found {digest}; reinstall bpe-openai")
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in data.splitlines() if line)}
    encoding = tiktoken.Encoding("o200k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={})
    encode: Callable[[str], Sequence[int]] = encoding.encode_ordinary
    return encode
