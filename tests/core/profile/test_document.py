"""The strict subset of YAML: what is refused, where, and that nothing blows up."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.profile.document import (
    FILE_BYTES_MAX,
    DocumentError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    SourceMark,
    read_document,
)


def read(folder: Path, data: bytes | str) -> Node:
    path = folder / "shop.yaml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_document(path)


def plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {name.text: plain(value) for name, value in node.entries}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "tab": ("a:\n\tb: 1\n", SourceMark(2, 1), "a tab; YAML indents with spaces"),
    "no utf-8": (b"a: 1\nb: \xff\n", SourceMark(2, 4), "expected UTF-8, found a byte that is not; save the file as UTF-8"),
    "utf-16": ("a: 1\n".encode("utf-16"), SourceMark(1, 1), "expected UTF-8, found a byte that is not; save the file as UTF-8"),
    "tab behind a byte order mark": (b"\xef\xbb\xbfa:\t1\n", SourceMark(1, 3), "a tab; YAML indents with spaces"),
    "control character": ("a: 1\nb: x\x07\n", SourceMark(2, 5), "a control character cannot stand in a profile"),
    "empty": ("", SourceMark(1, 1), "the file is empty"),
    "comments only": ("# nothing\n", SourceMark(1, 1), "the file is empty"),
    "second document": ("a: 1\n---\nb: 2\n", SourceMark(2, 1), "a second document; a profile is only one"),
    "tag": ("a: !!python/name:os.system x\n", SourceMark(1, 4), "tag 'tag:yaml.org,2002:python/name:os.system'; a profile has no tags, quote what is text"),
    "alias without anchor": ("a: *b\n", SourceMark(1, 4), "alias '*b' without an anchor '&b' that ended before it"),
    "alias in its own anchor": ("a: &b [1, *b]\n", SourceMark(1, 11), "alias '*b' without an anchor '&b' that ended before it"),
    "merge of a text": ("a:\n  <<: b\n", SourceMark(2, 7), "expected a mapping to merge, or a list of them"),
    "list as a name": ("? [a]\n: 1\n", SourceMark(1, 3), "expected a name, found a list or mapping in its place"),
    "broken": ("a: [1,\nb: }\n", SourceMark(2, 4), "not YAML: while parsing a flow node, expected the node content, but found '}'"),
    "quote left open": ("a: 1\nb: 'x\nc: 3\n", SourceMark(4, 1), "not YAML: while scanning a quoted scalar that begins on line 2, found unexpected end of stream"),
    "bracket left open": ("a: {b: 1\nc: 3\n", SourceMark(2, 2), "not YAML: while parsing a flow mapping that begins on line 1, expected ',' or '}', but got ':'"),
    "too deep": ("a: " + "[" * 40 + "]" * 40, SourceMark(1, 35), "more than 32 levels deep"),
    "far too deep in names": ("{" * 100_000, SourceMark(1, 33), "more than 32 levels deep"),
    "far too deep": ("[" * 100_000, SourceMark(1, 33), "more than 32 levels deep"),
    "too deep by aliases": (
        "a: &a [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i or ''}]\n" for i in range(40)),
        SourceMark(31, 12),
        "more than 32 levels deep",
    ),
    "anchors bomb": (BOMB, SourceMark(5, 4), "expands to more than 100000 nodes"),
    "merges bomb": (
        "a: &a {" + ", ".join(f"k{i}: 1" for i in range(1000)) + "}\n"
        + "".join(f"b{i}: {{<<: *a}}\n" for i in range(200)),
        SourceMark(99, 7),
        "expands to more than 100000 nodes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "mark", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_text_outside_the_subset_is_refused_where_it_leaves_it(
    tmp_path: Path, data: bytes | str, mark: SourceMark, message: str
) -> None:
    """Reading stops there, with line, column and what was expected."""
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, data)

    assert (caught.value.mark, str(caught.value)) == (mark, message)


def test_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    """A profile of more than a megabyte is none."""
    longest = b"a: 1 # ".ljust(FILE_BYTES_MAX, b"x")
    assert plain(read(tmp_path, longest)) == {"a": 1}
    with pytest.raises(DocumentError, match="larger than 1048576 bytes") as caught:
        read(tmp_path, longest + b"x")
    assert caught.value.mark == (1, 1)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that cannot be read is reported like any problem."""
    with pytest.raises(DocumentError, match="cannot be read: No such file or directory") as caught:
        read_document(tmp_path / "shop.yaml")
    assert caught.value.mark == (1, 1)


def test_nodes_know_their_line_and_column(tmp_path: Path) -> None:
    """Both count from 1, columns in characters."""
    root = read(tmp_path, "蛋壳: [1, x]\n")
    assert isinstance(root, Mapping)
    ((name, value),) = root.entries
    assert isinstance(value, Sequence)

    assert [name.mark, value.mark, *(item.mark for item in value.items)] == [(1, 1), (1, 5), (1, 6), (1, 9)]


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    """What is written out wins over what is merged; of several sources the first wins."""
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {x: 9, <<: [*a, *b]}\nd: *a\n"

    root = plain(read(tmp_path, text))

    assert root == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "z": 4},
        "c": {"x": 9, "y": 2, "z": 4},
        "d": {"x": 1, "y": 2},
    }


def test_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    assert plain(read(tmp_path, b"\xef\xbb\xbfa: 1\n")) == {"a": 1}


def test_quoted_word_is_text_whatever_it_says(tmp_path: Path) -> None:
    """Quotes end all doubt."""
    assert plain(read(tmp_path, "[\"010\", 'on', \"1e-3\", '']")) == ["010", "on", "1e-3", ""]


def test_duplicate_names_are_kept_for_the_report(tmp_path: Path) -> None:
    """The first one counts; the others are remembered with their place."""
    root = read(tmp_path, "a: 1\nb: 2\na: 3\n")
    assert isinstance(root, Mapping)

    assert plain(root) == {"a": 1, "b": 2}
    assert [name.mark for name in root.duplicates] == [(3, 1)]


@given(st.text(alphabet="ab:-?[]{}&*<>!|#'\"%@, \n\t0", max_size=60))
def test_any_text_is_a_tree_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Nothing else ever comes out of reading."""
    try:
        node = read(tmp_path_factory.getbasetemp(), text)
    except DocumentError:
        return
    assert node.size >= 1
