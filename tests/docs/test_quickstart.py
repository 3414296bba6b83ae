"""The quickstart, typed as it stands: every command and program of it, one after the other."""

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.chats import DONE, ROLE, STOP, USAGE, words
from tests.docs.blocks import Block, blocks
from tests.upstreams import Upstream, stream

RELAY = str(Path(sys.executable).parent / "relay")
PAGE = [block for block in blocks() if block.page == "docs/quickstart.md"]
PRINTED_KEY = re.compile(r"\bsk-\w{20,}")
READY = re.compile(r"relay ready on (http://127\.0\.0\.1:\d+): ")
"""How a server announces itself, and where it listens."""
REQUEST_ID = re.compile(r"\breq_[0-9a-f]{32}\b")


class Reader:
    """Someone who follows the page in an empty folder; port 8000 may be taken, so another one serves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.api_key = ""
        self.printed = ""

    def type(self, words: list[str]) -> None:
        """Type a command, and keep what it prints."""
        self.printed = subprocess.run(
            words, cwd=self.folder, capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL
        ).stdout

    def relay(self, *words: str) -> None:
        """Type a command of relay's."""
        self.type([RELAY, *words])

    @contextmanager
    def serving(self, *words: str) -> Iterator[IO[str]]:
        """Start a server, and give what it prints once it has begun to."""
        command = [RELAY, *words, "--port", "0"]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                ready = READY.match(server.stdout.readline())
                assert ready is not None
                self.url = ready[1]
                yield server.stdout
            finally:
                server.terminate()

    def run(self, block: Block) -> str:
        """Run a program of the page with the key at hand, and return what it prints."""
        source = block.text.replace("http://127.0.0.1:8000", self.url)
        environment = {"RELAY_KEY": self.api_key, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")  # nor does an SDK warn of anything
        return done.stdout


def typed(word: str) -> list[list[str]]:
    """Return the commands of the page that begin with ``relay WORD``, without the program."""
    lines = [
        shlex.split(line, comments=True) for block in PAGE if block.language == "sh" for line in block.text.splitlines()
    ]
    return [words[1:] for words in lines if words[1:2] == [word] and words[0].endswith("relay")]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Someone in an empty folder."""
    return Reader(tmp_path)


@pytest.mark.slow
def test_the_demo_answers_both_sdks_and_explains_its_charges(reader: Reader) -> None:
    """The programs print an answer, and the commands beside the server show what it cost."""
    openai, anthropic, media, _ = (block for block in PAGE if block.language == "python")
    with reader.serving("run", "--profile", "pumpkin.yaml", "--demo") as printed:
        key = PRINTED_KEY.search(printed.readline())
        assert key is not None
        reader.api_key = key[0]
        assert reader.run(openai).strip()
        assert reader.run(anthropic).strip()
        reader.relay(*typed("log")[0])
        (request_id, *others) = dict.fromkeys(REQUEST_ID.findall(reader.printed))
        assert len(others) == 1
        bill = [request_id if word == "REQUEST_ID" else word for word in typed("bill")[0]]
        reader.relay(*bill)
        assert "group_ratio" in reader.printed
        reader.relay(*typed("account")[0])
        reader.relay(*typed("ledger")[0])
        reader.relay(*typed("key")[0])
        another = PRINTED_KEY.search(reader.printed)
        assert another is not None
        reader.api_key = another[0]
        heard = "You sent 1 s of sound. This is the simulator listening; no model was asked."
        assert reader.run(media) == f"{heard}\n1 picture, 16 tokens\n"
        reader.relay(*typed("account")[1])
        reader.relay(*typed("key")[1])
        assert PRINTED_KEY.search(reader.printed)


@pytest.mark.slow
def test_the_reader_s_own_channel_says_the_words_back(reader: Reader) -> None:
    """The shop of the page is checked, opened and asked, with a key made by the page's commands."""
    channel = [block for block in PAGE if block.language == "python"][3]
    profile = next(block for block in PAGE if block.language == "yaml")
    (reader.folder / "myshop").mkdir()
    (reader.folder / "myshop" / "echo_channel.py").write_text(channel.text)
    (reader.folder / "myshop" / "shop.yaml").write_text(profile.text)
    reader.relay(*typed("profile")[0])
    reader.relay(*typed("profile")[1])
    reader.relay(*typed("account")[2])
    reader.relay(*typed("key")[2])
    key = PRINTED_KEY.search(reader.printed)
    assert key is not None, reader.printed
    reader.api_key = key[0]
    program = next(block for block in PAGE if block.language == "python")
    asked = Block(program.page, program.line, "python", program.text.replace("claude-haiku-4-5", "parrot"))
    command = typed("run")[0]
    with reader.serving(*command[: command.index("--port")]):
        assert reader.run(asked) == "Say hello.\n"


def sold(reader: Reader) -> str:
    """Follow the page's last section in the folder of ``corner.yaml``; return what the page's first program prints."""
    reader.relay(*typed("profile")[2])
    with reader.serving(*typed("run")[1]):
        reader.relay(*typed("account")[3])
        reader.relay(*typed("key")[3])
        key = PRINTED_KEY.search(reader.printed)
        assert key is not None, reader.printed
        reader.api_key = key[0]
        program = next(block for block in PAGE if block.language == "python")
        text = program.text.replace("claude-haiku-4-5", "gpt-4o-mini")
        return reader.run(Block(program.page, program.line, "python", text))


@pytest.mark.slow
async def test_a_vendor_s_models_are_sold(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest profile of the reference, asked of a vendor of ours: its words come back, and it saw the key of the environment."""
    profile = next(block for block in blocks("yaml") if block.page == "docs/profile.md")
    monkeypatch.setenv("OPENAI_KEY", "sk-of-the-vendor")
    answer = stream(ROLE + words("Good", " day") + STOP + USAGE + DONE)
    async with Upstream(lambda _: answer).opened() as vendor:
        (reader.folder / "corner.yaml").write_text(profile.text.replace("https://api.openai.com", vendor.url))
        printed = await asyncio.to_thread(sold, reader)
    assert (printed, vendor.received[0].path) == ("Good day\n", "/v1/chat/completions")
    assert vendor.received[0].headers["authorization"] == "Bearer sk-of-the-vendor"
