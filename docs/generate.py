"""Write the generated parts of the pages, each between its own two markers: ``python -m docs.generate``.

<!-- generated: hooks -->
...
<!-- end of hooks -->
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from . import architecture_page, cli_page, errors_page, hooks_page, profile_page

FOLDER = Path(__file__).parent

PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "architecture.md": {"layers": architecture_page.layers},
    "hooks.md": {"hooks": hooks_page.hook_sections, "types": hooks_page.type_sections},
    "profile.md": {
        "profile": profile_page.sections,
        "plugins": profile_page.plugin_sections,
        "presets": profile_page.preset_sections,
    },
    "errors.md": {"errors": errors_page.table},
    "cli.md": {"commands": cli_page.sections},
}
"""What is generated, by page and by the name in its markers."""


def main() -> None:
    """Bring every page up to date."""
    for page, parts in PARTS.items():
        path = FOLDER / page
        path.write_text(rendered(path.read_text(), parts))


def rendered(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return the page *text* with its generated parts made anew.

    Raises:
        ValueError: A part's markers are missing.
    """
    for name, make in parts.items():
        start, end = f"<!-- generated: {name} -->\n", f"\n<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        if text.count(start) != 1 or rest.count(end) != 1:
            raise ValueError(f"expected the markers of '{name}' once each, with an empty line between them")
        after = rest.partition(end)[2]
        text = f"{before}{start}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    main()
