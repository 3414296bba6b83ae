"""The tests mirror the tree: a file of code has its file of tests, and a file of tests its code."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"

TESTED_ELSEWHERE = {
    "core/cli/explanation.py": "what it prints is two commands' output: test_profile.py, test_plugins.py",
    "core/cli/unopened.py": "what explain asks of the plugins: tests/core/cli/test_profile.py",
    "core/dialects/gemini_face.py": "errors and lists: tests/core/dialects/test_gemini_generate.py",
    "core/ending.py": "a Struct without behaviour",
    "core/hooks.py": "specs without bodies; tests/core/test_dispatch.py holds a test for each hook",
    "core/http_wire.py": "what reaches a customer's socket: tests/core/test_face.py",
    "core/hub/answer.py": "its example, and Structs without behaviour: tests/core/hub",
    "core/hub/claude_models.py": "its examples, and what requests become: tests/core/hub",
    "core/hub/codec.py": "what every codec fills: tests/core/hub",
    "core/hub/codecs.py": "a table: tests/core/hub",
    "core/hub/custom_tools.py": "its examples, and Codex's tools: tests/core/hub/test_openai_responses.py",
    "core/hub/seals.py": "its examples, and seals there and back: tests/core/hub",
    "core/hub/effort.py": "its examples, and what requests become: tests/core/hub",
    "core/hub/media.py": "its examples, and requests with pictures: tests/core/hub",
    "core/hub/openai_models.py": "its examples, and what requests become: tests/core/hub",
    "core/hub/places.py": "what is left out is named: tests/core/hub",
    "core/hub/raw.py": "its examples, and every request with a schema: tests/core/hub",
    "core/hub/request_body.py": "its examples, and every request that is refused: tests/core/hub",
    "core/hub/conversation.py": "Structs without behaviour; tests/core/hub",
    "core/ledger/operations.py": "Structs without behaviour; tests/core/ledger/test_sqlite_*.py",
    "core/measure.py": "what media count for: tests/core/test_estimate.py",
    "core/migrations/env.py": "what Alembic runs: tests/core/ledger/test_database.py",
    "core/migrations/versions/v0005_ledger.py": "the schema itself: tests/core/ledger/test_schema.py",
    "core/plugin.py": "what a plugin inherits: tests/core/test_registry.py, tests/plugins",
    "core/profile/exact.py": "how msgspec reads exact numbers: test_convert.py, test_record.py",
    "core/profile/loaded.py": "a Struct without behaviour",
    "core/profile/place.py": "where a problem stands: every line of test_convert.py and test_checks.py",
    "core/profile/structs.py": "the fields of a profile: test_convert.py, test_schema.py, tests/docs/test_docs.py",
    "core/raw_search.py": "its examples, and fields spelled with escapes: tests/core/test_estimate.py, test_hosted.py",
    "core/shop.py": "what every test with a running shop opens: tests/core/test_pipeline.py",
    "core/transport.py": "the protocol that core/upstream fills: tests/core/upstream/test_client.py",
    "core/usage.py": "counts without behaviour: tests/core/dialects",
    "plugins/channels/simulator/dialects.py": "a table: test_behaviours.py, test_asked.py",
    "plugins/channels/simulator/gemini_array.py": "Gemini's other framing: test_gemini.py, test_behaviours.py",
    "plugins/channels/simulator/reply.py": "how a reply is cut and timed: test_server.py",
    "plugins/channels/simulator/singles.py": "a table: test_lists.py, and a demo of every endpoint in tests/core/test_demo.py",
}
"""Code without a file of tests of its own, and why."""

FOLDERS_OF_FACTS = {
    "clients": "the vendors' own agents against a running shop",
    "docs": "the pages, not the programs that write them",
    "faults": "one fault through the whole relay",
    "profiles": "the shops of profiles/*.yaml",
    "sdk": "the vendors' own clients against a running relay",
    "testing": "src/relay/testing, the tests that authors of channels run",
    "torture": "kills and races for minutes",
    "wire": "recordings through the whole relay",
}
"""Tests of what no single file does."""

FACTS = {
    "core/cli/test_main.py": "core/cli/__init__.py, the command line itself",
    "core/dialects/test_fuzz.py": "every endpoint and reader against rubbish",
    "core/hub/test_fuzz.py": "every decoder and encoder against rubbish",
    "core/hub/test_variants.py": "answers as vendors document them, through every decoder and encoder",
    "core/hub/test_round_trips.py": "conversations at random through every two dialects",
    "core/ledger/test_double_spend.py": "several processes on one ledger",
    "core/ledger/test_groups.py": "a group of operations against the same one by one",
    "core/ledger/test_kill.py": "a ledger that is killed",
    "core/ledger/test_states.py": "the ledger against a model of it",
    "core/realtime/test_fuzz.py": "a session's frames against rubbish",
    "core/upstream/test_fuzz.py": "what upstreams write against a connection",
    "core/test_fuzz.py": "splitters, forms, heads and refusals against rubbish",
    "plugins/channels/test_fuzz.py": "what channels send and reframe against rubbish",
    "test_mirror.py": "the tree",
    "test_packaging.py": "pyproject.toml",
    "test_relay.py": "src/relay/__init__.py, the front door",
}
"""The same, file by file."""


def code() -> set[str]:
    """Return every file that a shop runs, and the examples."""
    files = {path for folder in ("core", "plugins", "examples") for path in (ROOT / folder).rglob("*.py")}
    return {path.relative_to(ROOT).as_posix() for path in files if not path.name.startswith("__")}


def mirrored(test: Path) -> str:
    """Return the file of code that *test* would be about."""
    return (test.relative_to(TESTS).parent / test.name.removeprefix("test_")).as_posix()


def package(file: str) -> str:
    """Return what the tests of the package that *file* is in would be about, as a whole."""
    return f"{Path(file).parent.as_posix()}.py"


def files_of_tests() -> list[Path]:
    return sorted(TESTS.rglob("test_*.py"))


def test_every_file_of_code_has_its_tests() -> None:
    """Under the same path, or its package's as a whole, or a line above says where else."""
    tested = {mirrored(test) for test in files_of_tests()}
    assert {file for file in code() - tested if package(file) not in tested} == TESTED_ELSEWHERE.keys()


def test_every_file_of_tests_has_its_code() -> None:
    """Under the same path, or a line above says what it is about."""
    tests = {test.relative_to(TESTS): ROOT / mirrored(test) for test in files_of_tests()}
    alone = {test for test, file in tests.items() if not file.is_file() and not file.with_suffix("").is_dir()}

    assert {test.as_posix() for test in alone if test.parts[0] not in FOLDERS_OF_FACTS} == FACTS.keys()
