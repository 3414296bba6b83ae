"""``relay run`` up to the point where it serves: what it refuses, and what it leaves alone then."""

import errno
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.core.cli import main
from relay.core.cli.run import is_loopback
from relay.core.ledger.database import prepare_database
from tests.core.profile.small import SMALL


@pytest.fixture
def taken_port() -> Iterator[str]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(SMALL)
    return str(path)


def run(profile: str, *words: str) -> Result:
    data = str(Path(profile).with_name("data"))
    return CliRunner().invoke(main, ["run", "--profile", profile, "--data", data, *words])


def test_a_port_in_use_is_an_error_that_says_so(profile: str, taken_port: str) -> None:
    """Exit code 1, one line, and what to do."""
    result = run(profile, "--demo", "--port", taken_port)

    reason = "address already in use; choose another --port"
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: can't listen on '127.0.0.1', port {taken_port}: {reason}\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "name or service not known; choose another --host",
        ),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied; choose another --port"),
    ],
)
def test_a_host_that_no_resolver_knows_and_a_port_of_roots_are_errors_that_say_so(
    profile: str, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    """Another port would not help the one, nor another host the other."""

    def listen(*_: object) -> None:
        raise error

    monkeypatch.setattr("relay.core.cli.run.listen", listen)
    result = run(profile, "--host", "shop.invalid", "--port", "80")

    assert result.stderr == f"error: can't listen on 'shop.invalid', port 80: {reason}\n"


def test_an_address_of_another_machine_is_an_error_that_says_so(profile: str) -> None:
    """Another port would not help."""
    result = run(profile, "--host", "203.0.113.9", "--port", "8000")

    reason = "cannot assign requested address; choose another --host"
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: can't listen on '203.0.113.9', port 8000: {reason}\n"


def test_a_start_that_fails_leaves_the_running_shop_alone(profile: str, taken_port: str) -> None:
    """No key is handed out, none revoked, and the folder's record stays."""
    prepare_database(Path(profile).with_name("data"), is_demo=True)

    run(profile, "--demo", "--port", taken_port)

    keys = CliRunner().invoke(main, ["key", "list", "--data", str(Path(profile).with_name("data"))])
    assert keys.stdout.startswith("no keys")
    assert not Path(profile).with_name("data").joinpath("profile.json").exists()


def test_a_start_that_fails_makes_no_folder(profile: str, taken_port: str) -> None:
    """Beside another shop's it would leave every command to ask which of the two is meant."""
    assert run(profile, "--port", taken_port).exit_code == 1
    assert not Path(profile).with_name("data").exists()


def test_a_plugin_that_cannot_be_opened_is_an_error_that_names_its_file(tmp_path: Path, profile: str) -> None:
    """Exit code 1 and one line, not a traceback."""
    (tmp_path / "rule.py").write_text(
        "from relay import Plugin, PluginConfig\n\n"
        "class Rule(Plugin[PluginConfig]):\n"
        "    config_type = PluginConfig\n\n"
        "    def lifespan(self):\n"
        "        raise OSError('no licence')\n"
    )
    Path(profile).write_text(SMALL.replace("plugins:\n", "plugins:\n  - use: ./rule.py\n"))

    # In a process of its own: from here on a server would take over this one's log.
    command = [sys.executable, "-m", "relay", "run", "--profile", profile, "--port", "0"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 1
    told = "cannot be opened: OSError: no licence (rule.py, line 7)"
    assert result.stderr == f"error: plugin './rule.py' ({tmp_path}/rule.py): {told}\n"


def test_the_ready_line_can_be_opened_over_ipv6_too(profile: str) -> None:
    """Its address stands in brackets."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6 here")
    command = [sys.executable, "-m", "relay", "run", "--profile", profile, "--host", "::1", "--port", "0"]
    data = Path(profile).with_name("data")
    with subprocess.Popen([*command, "--data", data], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.terminate()
    assert re.fullmatch(rf"relay ready on http://\[::1\]:[1-9]\d*: Test, data in {re.escape(str(data))}\n", ready)


def test_a_demo_listens_on_loopback_only(profile: str) -> None:
    """Anything else is wrong usage."""
    result = run(profile, "--demo", "--host", "0.0.0.0")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--demo listens on loopback only, not on '0.0.0.0'" in result.stderr


@pytest.mark.parametrize(
    ("is_demo", "words", "advice"), [(False, ["--demo"], "without --demo"), (True, [], "with --demo")]
)
def test_a_demo_and_a_shop_never_share_a_database(profile: str, is_demo: bool, words: list[str], advice: str) -> None:
    """The database is marked, and refused both ways."""
    prepare_database(Path(profile).with_name("data"), is_demo=is_demo)

    result = run(profile, *words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"start it {advice}" in result.stderr


def test_a_missing_secret_is_an_error_without_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said where it stands, before anything is opened."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_FAST_API_KEY", raising=False)

    result = CliRunner().invoke(main, ["run", "--profile", "juhe.yaml"])

    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "'OPENAI_FAST_API_KEY' is not set; set it, or run with --demo" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_is_this_machine(host: str) -> None:
    """Its names and its addresses."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])
def test_everything_else_is_not_loopback(host: str) -> None:
    """A name could be anybody's."""
    assert not is_loopback(host)


def test_an_address_must_be_named(profile: str) -> None:
    """An empty one would be every address of the machine."""
    result = run(profile, "--demo", "--host", "")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--host is empty" in result.stderr


def test_what_can_be_no_host_is_an_error_in_one_line(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not Python's own."""
    monkeypatch.setattr("relay.core.cli.run.is_loopback", lambda _: True)
    result = run(profile, "--demo", "--host", "ü..x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: can't listen on 'ü..x': it is not a valid host name; choose another --host\n"
