"""Docstrings become Markdown without losing a word."""

from docs.docstrings import entries, first_sentence, to_markdown


def documented() -> None:
    """Do ``one`` thing.

    It goes on
    for two lines.

    Args:
        count: How many,
            at least 1.
        name: What for.

    Returns:
        Nothing that
        matters.

    Raises:
        ValueError: Never.
    """


def test_paragraphs_and_sections_become_markdown() -> None:
    """Lines are joined, sections become lists, code gets single ticks."""
    assert to_markdown(documented) == (
        "Do `one` thing.\n\nIt goes on for two lines.\n\n"
        "**Args:**\n\n- `count`: How many, at least 1.\n- `name`: What for.\n\n"
        "**Returns:** Nothing that matters.\n\n"
        "**Raises:**\n\n- `ValueError`: Never."
    )


def test_entries_are_read_by_name() -> None:
    """An entry ends where the next name begins."""
    assert entries(documented, "Args") == {"count": "How many, at least 1.", "name": "What for."}
    assert entries(documented, "Attributes") == {}


def test_the_first_line_is_the_sentence() -> None:
    """What follows the first line is not part of it."""
    assert first_sentence(documented) == "Do `one` thing."
