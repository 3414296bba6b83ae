"""The pages agree with the code, and the checks that say so notice when they don't."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from docs import check, errors_page, hooks_page
from docs.generate import FOLDER, rendered

from relay.core.hooks import RelayHooks

ROOT = FOLDER.parent
TESTS = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))


@pytest.mark.parametrize("find", check.CHECKS, ids=lambda find: str(find.__name__))
def test_the_pages_pass(find: Callable[[], Iterator[str]]) -> None:
    """No check of ``make docs`` finds anything."""
    assert list(find()) == []


def test_the_shop_is_told_what_to_do_about_codes_that_there_are() -> None:
    """Each code in the hand-written table of errors.md is one that customers get."""
    page = (FOLDER / "errors.md").read_text().partition("\n## What the shop can do\n")[2]
    told = {code for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    assert len(told) > 20
    assert told - {code.name for code in errors_page.codes()} == set()


@pytest.mark.parametrize("hook", hooks_page.hooks())
def test_a_hook_has_a_section_with_its_exact_signature(hook: str) -> None:
    """The hook's section begins with the signature that the specification has now."""
    signature = hooks_page.signature(getattr(RelayHooks, hook))
    assert f"### {hook}\n\n```text\n{signature}\n```\n" in (FOLDER / "hooks.md").read_text()


@pytest.mark.parametrize("hook", hooks_page.hooks())
def test_a_hook_has_a_test_named_after_it(hook: str) -> None:
    """A test's name begins with the hook's."""
    assert re.search(rf"^ *(async )?def test_{hook}_", TESTS, re.MULTILINE)


@pytest.mark.parametrize("hook", hooks_page.hooks())
def test_a_hook_is_specified(hook: str) -> None:
    """The plugin manager knows it for a specification."""
    assert hasattr(getattr(RelayHooks, hook), "relay_spec")


def test_a_hook_without_words_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new hook needs a docstring, and every argument of it an entry under Args."""

    def greet(self: RelayHooks, name: str, at: str) -> None: ...

    monkeypatch.setattr(RelayHooks, "greet", greet, raising=False)
    assert list(check.silent_hooks()) == [
        "hook greet: has no docstring",
        "hook greet: argument 'name' is not described under Args",
        "hook greet: argument 'at' is not described under Args",
    ]


def test_a_changed_hook_makes_the_page_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that the page does not show yet is a difference."""

    def greet(self: RelayHooks) -> None:
        """Greet."""

    monkeypatch.setattr(RelayHooks, "greet", greet, raising=False)
    assert "docs/hooks.md: differs from the code; run python -m docs.generate" in check.stale_pages()


def test_a_field_without_a_description_is_noticed() -> None:
    """A Struct's field needs a description in its Meta."""

    class Silent(msgspec.Struct):
        name: str

    assert list(check.fields_without_description("silent", Silent)) == ["silent: Silent.name has no description"]


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """A link to no file and one to no section are named; code in fences holds no links."""
    page = tmp_path / "page.md"
    page.write_text("# One Two\n\n[a](none.md) [b](#one-two) [c](page.md#three)\n\n```text\n[d](no.md)\n```\n")
    assert list(check.broken_links_of(page)) == [
        "page.md: no file 'none.md'",
        "page.md: no section '#three' in 'page.md'",
    ]


def test_only_what_stands_between_the_markers_is_written() -> None:
    """What people wrote around a generated part stays."""
    text = "before\n<!-- generated: part -->\nold\n<!-- end of part -->\nafter\n"
    expected = "before\n<!-- generated: part -->\n\nnew\n\n<!-- end of part -->\nafter\n"
    assert rendered(text, {"part": lambda: "new"}) == expected
    assert rendered(expected, {"part": lambda: "new"}) == expected


@pytest.mark.parametrize("text", ["nothing", "<!-- generated: part -->\n<!-- end of part -->\nafter\n"])
def test_a_page_without_markers_is_refused(text: str) -> None:
    """A part that has no place on its page is an error, not a page without it, nor one that loses what follows."""
    with pytest.raises(ValueError, match="markers of 'part'"):
        rendered(text, {"part": lambda: "new"})


def test_a_file_that_the_map_of_core_misses_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that stands there twice, or that there is none of."""
    text = (FOLDER / "architecture.md").read_text().replace("`pipeline` ", "`nothing` `trial` ")
    (tmp_path / "architecture.md").write_text(text)
    monkeypatch.setattr(check, "FOLDER", tmp_path)
    assert list(check.misplaced_files()) == [
        "architecture.md: 'pipeline' stands 0 times in the map of core",
        "architecture.md: 'trial' stands 2 times in the map of core",
        "architecture.md: 'nothing' is nothing of core's",
    ]
