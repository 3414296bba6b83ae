"""References to secrets: ``env:NAME`` and ``file:PATH``. No profile contains the secrets themselves."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
SECRET_BYTES_MAX = 64 * 1024


def read_secret(reference: str, folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return the secret that *reference* names; relative files are looked up in *folder*.

    A JSON object, such as a service account's, becomes one line.

    Raises:
        ValueError: It is missing, empty, or not text that fits into a header. The message never
            holds the secret.
    """
    kind, _, name = reference.partition(":")
    secret = environment.get(name) if kind == "env" else _read_file(folder / name, name)
    if secret is None:
        raise ValueError(f"environment variable '{name}' is not set")
    secret = secret.strip()
    if not secret:
        raise ValueError(f"secret '{reference}' is empty")
    if secret.startswith("{"):
        with suppress(msgspec.DecodeError):
            secret = msgspec.json.format(secret, indent=-1)
    if not secret.isascii() or not secret.isprintable():
        raise ValueError(f"secret '{reference}' is not one line of plain text")
    return secret


def _read_file(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(SECRET_BYTES_MAX).decode("ascii", errors="replace")
    except OSError as exc:
        raise ValueError(f"secret file '{name}' cannot be read: {exc.strerror}") from exc
