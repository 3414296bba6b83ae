"""docs/testing.md: its tests run as they stand there, in an author's project with pytest alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from relay.testing.contract import RULES
from relay.testing.scenes import ENDINGS, TASKS, scenes
from tests.docs.blocks import ROOT, blocks, examples

PAGE = "docs/testing.md"
PARROT, OPENAI, TOKEN, FEE_TEST = (block.text for block in blocks("python") if block.page == PAGE)
(PARROT_CHANNEL,) = (block.text for block in blocks("python") if block.page == "README.md")
(FEE,) = (example.source.text for example in examples() if example.name == "fee.py")
ALONE = ["-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "error", "-q", "-rA"]


def run(folder: Path, *options: str) -> str:
    """Run pytest in *folder*; return what it prints."""
    command = [sys.executable, "-m", "pytest", *ALONE, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def counts(printed: str) -> str:
    """Return the last line's counts, without the time."""
    return re.sub(r" in .*", "", printed.strip().splitlines()[-1])


def test_the_parrot_passes(tmp_path: Path) -> None:
    """Ten lines are a test for each dialect, and one for the books; what it can't do is left out."""
    (tmp_path / "parrot.py").write_text(PARROT_CHANNEL)
    (tmp_path / "test_parrot.py").write_text(PARROT)
    printed = run(tmp_path)
    assert counts(printed) == "5 passed, 8 skipped"
    assert "PASSED test_parrot.py::TestParrot::test_stop[gemini_generate-whole-text]" in printed
    assert len(PARROT.strip().splitlines()) <= 11


def test_a_parrot_that_says_too_little_is_told_what_is_missing(tmp_path: Path) -> None:
    """Which rule, where it stands, and what was found."""
    (tmp_path / "parrot.py").write_text(PARROT_CHANNEL.replace('"model": "parrot", ', ""))
    (tmp_path / "test_parrot.py").write_text(PARROT)
    printed = run(tmp_path, "-k", "openai_chat")
    assert "every answer is well formed in the customer's dialect (docs/testing.md#well-formed)" in printed
    assert "found: the completion.model: expected text, found None" in printed


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        (OPENAI, ["-k", "text and openai_chat or books"], "15 passed, 258 deselected"),
        (TOKEN, [], "273 passed"),
    ],
)
def test_a_channel_over_http_passes(tmp_path: Path, source: str, options: list[str], expected: str) -> None:
    """With the suite's upstream, and with one of the author's own."""
    shutil.copy(Path(__file__).parent / "token_channel.py", tmp_path)
    (tmp_path / "test_channel.py").write_text(source)
    assert counts(run(tmp_path, *options)) == expected


def test_a_billing_plugin_is_tested_by_itself(tmp_path: Path) -> None:
    """Its two tests run beside it, and the first fails where the fee is another."""
    (tmp_path / "test_fee.py").write_text(FEE_TEST)
    (tmp_path / "fee.py").write_text(FEE)
    assert counts(run(tmp_path)) == "2 passed"
    # Of another length: within a second, Python tells a changed module from its compiled one by that alone.
    (tmp_path / "fee.py").write_text(FEE.replace("count=1,", "count=10,"))
    assert counts(run(tmp_path)) == "1 failed, 1 passed"


def test_the_page_tells_the_cells() -> None:
    """How many there are, and each by its name."""
    page = (ROOT / PAGE).read_text()
    assert len(scenes(TASKS, ENDINGS, (False, True))) == 272
    assert "There are at most 272 cells." in page
    assert [word for word in (*TASKS, *ENDINGS) if f"`{word}`" not in page] == []


def test_every_rule_has_its_section() -> None:
    """Where a failure points to."""
    page = (ROOT / PAGE).read_text()
    assert [rule for rule in RULES if f"\n### {rule.replace('_', ' ').capitalize()}\n" not in page] == []
