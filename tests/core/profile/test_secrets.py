"""References to secrets, and what may go wrong with them."""

from pathlib import Path

import pytest

from relay.core.profile.secrets import read_secret


def test_environment_variable_is_read(tmp_path: Path) -> None:
    """``env:NAME`` is the variable of that name."""
    assert read_secret("env:KEY", tmp_path, {"KEY": "sk-1"}) == "sk-1"


def test_file_is_read_beside_the_profile_without_its_line_end(tmp_path: Path) -> None:
    """``file:PATH`` is relative to the profile's folder."""
    (tmp_path / "a.key").write_text("sk-1\n")

    assert read_secret("file:a.key", tmp_path) == "sk-1"


def test_json_object_becomes_one_line(tmp_path: Path) -> None:
    """As Google gives out a service account: over several lines."""
    (tmp_path / "account.json").write_text('{\n  "type": "service_account",\n  "private_key": "a\\nb"\n}\n')

    assert read_secret("file:account.json", tmp_path) == '{"type":"service_account","private_key":"a\\nb"}'


def test_file_of_other_characters_is_named_and_never_shown(tmp_path: Path) -> None:
    """Whatever encoding it was saved in."""
    (tmp_path / "a.key").write_bytes(b"sk-canary\xff")

    with pytest.raises(ValueError, match=r"^secret 'file:a\.key' is not one line of plain text$"):
        read_secret("file:a.key", tmp_path)


@pytest.mark.parametrize(
    ("reference", "value", "message"),
    [
        ("env:KEY", None, "environment variable 'KEY' is not set"),
        ("env:KEY", " ", "secret 'env:KEY' is empty"),
        ("env:KEY", "sk-canary\nsk-canary", "secret 'env:KEY' is not one line of plain text"),
        ("env:KEY", '{"sk-canary":\n\n1', "secret 'env:KEY' is not one line of plain text"),
        ("env:KEY", '{"sk-canary":\n x}', "secret 'env:KEY' is not one line of plain text"),
        ("env:KEY", "sk-canary\u00e9", "secret 'env:KEY' is not one line of plain text"),
        ("file:none.key", None, "secret file 'none.key' cannot be read: No such file or directory"),
    ],
)
def test_unusable_secret_is_named_and_never_shown(
    tmp_path: Path, reference: str, value: str | None, message: str
) -> None:
    """The message says which secret, not what it is."""
    with pytest.raises(ValueError) as caught:
        read_secret(reference, tmp_path, {} if value is None else {"KEY": value})

    assert str(caught.value) == message
