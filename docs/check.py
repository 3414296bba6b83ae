"""Check that the pages agree with the code, and say everything: ``make docs``."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from relay.core.profile.structs import Profile
from relay.core.texts import TEXTS

from . import cli_page, errors_page, hooks_page, profile_page
from .docstrings import entries, first_sentence
from .generate import FOLDER, PARTS, rendered

ROOT = FOLDER.parent
_LINK = re.compile(r"\]\((?P<path>[^)#:]*)(?:#(?P<anchor>[^)]+))?\)")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)(?:::(?P<name>\w+))?`")


def main() -> int:
    """Print every problem; return how the process ends."""
    problems = [problem for check in CHECKS for problem in check()]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"docs: {len(problems)} problems" if problems else f"docs: {len(pages())} pages agree with the code")
    return 1 if problems else 0


def pages() -> list[Path]:
    """Return every page there is."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(FOLDER.glob("*.md"))]


def stale_pages() -> Iterator[str]:
    """Yield the pages whose generated parts are not what the code says now."""
    for page, parts in PARTS.items():
        text = (FOLDER / page).read_text()
        if rendered(text, parts) != text:
            yield f"docs/{page}: differs from the code; run python -m docs.generate"


def silent_hooks() -> Iterator[str]:
    """Yield hooks without a docstring, and their arguments that ``Args`` leaves out."""
    for name, hook in hooks_page.hooks().items():
        if not first_sentence(hook):
            yield f"hook {name}: has no docstring"
        described = entries(hook, "Args")
        for argument in hooks_page.arguments(hook):
            if not described.get(argument):
                yield f"hook {name}: argument '{argument}' is not described under Args"


def silent_fields() -> Iterator[str]:
    """Yield fields of the profile and of plugins' settings without a description."""
    roots: dict[str, type[msgspec.Struct]] = {"profile": Profile}
    roots |= {use: plugin.plugin_type.config_type for use, plugin in profile_page.plugins().items()}
    for root, struct in roots.items():
        yield from fields_without_description(root, struct)


def fields_without_description(root: str, struct: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the fields of *struct*, and of those inside it, that say nothing."""
    for each in profile_page.reachable(struct):
        for field in profile_page.fields(each):
            if not field.description:
                yield f"{root}: {each.__name__}.{field.name} has no description"


def silent_codes() -> Iterator[str]:
    """Yield codes that customers may see without a sentence, and sentences for a code nothing answers with."""
    names = {code.name for code in errors_page.codes()}
    known = {name.partition(".")[0] for name in TEXTS if name != errors_page.FALLBACK}
    yield from (f"code {name}: has no sentence in core/texts.py" for name in sorted(names - known))
    yield from (f"code {name}: has a sentence, but nothing answers with it" for name in sorted(known - names))


def silent_commands() -> Iterator[str]:
    """Yield commands and options without help."""
    for words, command in cli_page.commands().items():
        if not command.help:
            yield f"{words}: has no help"
        for option in cli_page.options(command):
            if not option.help:
                yield f"{words}: option {option.opts[0]} has no help"


def missing_dependencies() -> Iterator[str]:
    """Yield runtime dependencies without a row in dependencies.md, and rows for none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[^A-Za-z0-9_-]", each)[0] for each in declared}
    rows = set(re.findall(r"^\| `([\w-]+)`", (FOLDER / "dependencies.md").read_text(), re.MULTILINE))
    yield from (f"docs/dependencies.md: '{name}' has no row" for name in sorted(names - rows))
    yield from (f"docs/dependencies.md: '{name}' is no dependency" for name in sorted(rows - names))


def broken_links() -> Iterator[str]:
    """Yield links within the repository that lead nowhere."""
    for page in pages():
        yield from broken_links_of(page)


def broken_links_of(page: Path) -> Iterator[str]:
    """Yield the links of one page that lead to no file, or to no section of a page."""
    for link in _LINK.finditer(_FENCE.sub("", page.read_text())):
        target = page.parent / link["path"] if link["path"] else page
        if not target.exists():
            yield f"{page.name}: no file '{link['path']}'"
        elif link["anchor"] and target.suffix == ".md" and link["anchor"] not in _anchors(target):
            yield f"{page.name}: no section '#{link['anchor']}' in '{target.name}'"


def missing_tests() -> Iterator[str]:
    """Yield tests that a page names as proof, but that do not exist."""
    for page in pages():
        for match in _TEST.finditer(page.read_text()):
            path = ROOT / match["file"]
            if not path.exists() or (match["name"] and f"def {match['name']}(" not in path.read_text()):
                yield f"{page.relative_to(ROOT)}: no test '{match[0]}'"


def copies_that_differ() -> Iterator[str]:
    """Yield the quickstart if it shows another channel than the one in examples/."""
    example = (ROOT / "examples" / "echo_channel.py").read_text()
    page = FOLDER / "quickstart.md"
    if f"```python\n{example}```" not in page.read_text():
        yield f"{page.name}: does not show examples/echo_channel.py as it is"


def misplaced_files() -> Iterator[str]:
    """Yield what stands in core/ and not, or not once, in the map of it, and what the map has and core/ has not."""
    page = (FOLDER / "architecture.md").read_text()
    section = page.partition("## What is in core\n")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w/]+)`", section)
    there = {path.stem for path in (ROOT / "core").glob("*.py") if path.stem != "__init__"}
    there |= {f"{path.parent.name}/" for path in (ROOT / "core").glob("*/__init__.py")}
    counts = {name: named.count(name) for name in sorted(there)}
    yield from (
        f"architecture.md: '{name}' stands {n} times in the map of core" for name, n in counts.items() if n != 1
    )
    yield from (f"architecture.md: '{name}' is nothing of core's" for name in sorted(set(named) - there))


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


CHECKS: Sequence[Callable[[], Iterator[str]]] = (
    stale_pages,
    silent_hooks,
    silent_fields,
    silent_codes,
    silent_commands,
    missing_dependencies,
    broken_links,
    missing_tests,
    copies_that_differ,
    misplaced_files,
)
"""Each yields what it finds wrong, one sentence a problem."""

if __name__ == "__main__":
    sys.exit(main())
