"""A vendor's words lose what names it, and keep what helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.failures.sanitise import names_upstream, sanitise


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Incorrect key sk-abcdEFGH1234: see https://platform.openai.com/account",
            "Incorrect key [removed]: see [removed]",
        ),
        ("Rate limit for org-AbCxyz on gpt-4o", "Rate limit for [removed] on gpt-4o"),
        ("key invalid-*****2345 is bad", "key [removed] is bad"),
        ("failed (request id: 2024010100000000000000000000)", "failed [removed]"),
        ("failed, request_id=abc-123", "failed, [removed]"),
        ("dial tcp 10.1.2.3:8080: refused by api.deepseek.com/v1", "dial tcp [removed]: refused by [removed]"),
        ("write to support@openai.com", "write to [removed]"),
        (
            "by oneapi.shop.top, relay.foo.vip/v1, api.foo.uk or y.site",
            "by [removed], [removed], [removed] or [removed]",
        ),
        ("at new-api:3000, localhost:8000 or [2001:db8::17]:8080", "at [removed], [removed] or [removed]"),
        ("keys AKIAIOSFODNN7EXAMPLE sess-abc123def456 hf_abcdefgh", "keys [removed] [removed] [removed]"),
        (
            "region asia-northeast1, max-tokens:4096, gpt-4o-mini:2024, asyncio.run",
            "region asia-northeast1, max-tokens:4096, gpt-4o-mini:2024, asyncio.run",
        ),
        (
            "messages.0.content: gpt-4o-mini takes at most 8192 tokens, e.g. [1:2:3]",
            "messages.0.content: gpt-4o-mini takes at most 8192 tokens, e.g. [1:2:3]",
        ),
        ("id 0cbe6006-faec-9854-bf8b-c906d75c3bd8 unknown", "id [removed] unknown"),
        ("a\x00b\r\nc\x1b[31m\u2028d", "a b c [31m d"),
        ("messages.1.content.0.type: Expected `thinking`", "messages.1.content.0.type: Expected `thinking`"),
        ("temperature must be <= 1.0, got 2.5", "temperature must be <= 1.0, got 2.5"),
        ("model gpt-4o-mini-2024-07-18 takes no `stop`", "model gpt-4o-mini-2024-07-18 takes no `stop`"),
        ("by api.acme-llm.de/v1/chat, gw.acme.us, Acme.de", "by [removed], [removed], [removed]"),
        ("at gateway.acme.zone, llm-eu.acme.party or acme.party:8443/v1", "at [removed], [removed] or [removed]"),
        ("from acme-openai-eastus2 and my-aoai-prod in us-east-1", "from [removed] and [removed] in us-east-1"),
        (
            "no arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc for 123456789012",
            "no [removed] for [removed]",
        ),
        ("in `projects/acme-prod-42/locations/global`", "in `[removed]`"),
        (
            "keys ghp_abcd1234, AIzaSy12, github_pat_11AAA and ya29.a0Af",
            "keys [removed], [removed], [removed] and [removed]",
        ),
        ("请求api.acme.de失败,密钥sk-abcd1234无效", "请求[removed]失败,密钥[removed]无效"),
    ],
)
def test_message_loses_what_names_the_upstream(message: str, expected: str) -> None:
    """Hosts, keys, organisations, ids and control characters go; what helps the customer stays."""
    assert sanitise(message) == expected


ORDINARY = (
    "node.js file.pdf image.png data.json main.py:12 archive.tar.gz messages.0.content tools.0.custom.input_schema"
    " messages.0.id messages.1.content.0.text.to item.id tools.function.id function.name response.created"
    " response_format.json_schema.name generationConfig.responseSchema contents.parts.text user.info asyncio.run"
    " fs.readFile InternalError.Algo.InvalidParameter 3.5 1.0.1 v1.2.3 0.5s e.g. i.e. a.m. etc. U.S. gpt-4.1"
    " gpt-3.5-turbo claude-3.5-sonnet claude-sonnet-4-5-20250929 anthropic.claude-sonnet-4-5-20250929-v1:0"
    " gemini-2.5-flash-lite Qwen/Qwen2.5-72B-Instruct Meta-Llama-3.1-70B-Instruct-Turbo text-embedding-3-small"
    " asia-northeast1 us-east-1 eu-west us-central1 north-facing least-squares max-tokens:4096 x-api-key non-empty"
    " application/json base64-encoded 128000 1048576 2024-07-18 `max_tokens` 'stop' [1, 8192] <= is_valid value.It"
    " key gateway api server host node projects 中文，错误。"
    " ProvisionedThroughputExceededException"
)
"""Words that vendors write, and that are no names of theirs."""


@given(st.lists(st.sampled_from(ORDINARY.split()), max_size=12))
def test_ordinary_words_stay(words: list[str]) -> None:
    """In any order: files, fields, calls, models, versions, regions, abbreviations."""
    message = " ".join(words)
    assert sanitise(message) == (message if len(message) <= 500 else message[:499] + "…")


PREFIXES = (
    "sk- pk- rk- xai- gsk_ fk- hf_ r8_ pplx- nvapi- gho_ ghp_ ghr_ ghs_ ghu_ github_pat_ glpat- sess- org- proj- req_ user-"
    " acct_ chatcmpl- resp_ msg_ cf-ray- AKIA ASIA eyJ projects/ organizations/ folders/ subscriptions/ resourceGroups/"
)


@pytest.mark.parametrize(
    "name", [*(prefix + "Ab1cdefghijk" for prefix in PREFIXES.split()), "bearer x", "5f0c9d5e2b7a4c1d8e3f6a7b"]
)
def test_what_looks_like_a_key_an_account_or_an_answer_is_removed(name: str) -> None:
    """Each prefix that vendors give them; and long ids without one."""
    assert sanitise(f"by {name} or not") == "by [removed] or not"


LABEL = st.from_regex(r"[a-z][a-z0-9]{2,9}(-[a-z]{2,6})?", fullmatch=True)
WHERE = st.sampled_from(["de", "pl", "us", "in", "ch", "com", "zone", "party", "network"])


@given(st.sampled_from(["api", "gw", "gateway", "www", "proxy"]), LABEL, WHERE, st.sampled_from(["", ":8443", "/v1/x"]))
def test_a_server_is_named_whatever_its_ending(server: str, label: str, where: str, rest: str) -> None:
    """Also one that no list knows."""
    assert sanitise(f"by {server}.{label}.{where}{rest}, or not") == "by [removed], or not"


@given(st.text(max_size=3000))
def test_message_is_one_printable_line_of_bounded_length(message: str) -> None:
    """Whatever an upstream writes, at most 500 printable characters of it come out."""
    cleaned = sanitise(message)
    assert len(cleaned) <= 500
    assert cleaned.isprintable()


LONGEST = "ab " * 166 + "ab"


@pytest.mark.parametrize(("message", "expected"), [(LONGEST, LONGEST), (LONGEST + "c", LONGEST[:499] + "…")])
def test_a_message_of_500_characters_is_whole(message: str, expected: str) -> None:
    """One beyond them costs another, for the sign that something is missing."""
    assert sanitise(message) == expected


@pytest.mark.parametrize(
    ("name", "is_revealing"),
    [
        ("messages.0.content api.acme.de", True),
        ("org-AbC123xyz", True),
        ("projects/acme/quota", True),
        ("acme-openai-eastus2", True),
        ("insufficient-quota", False),
        ("insufficient_quota", False),
    ],
)
def test_a_code_that_tells_of_an_account_is_told_from_others(name: str, is_revealing: bool) -> None:
    """A host beside a field, an organisation, a project, a cloud's resource; what customers' programs match is none."""
    assert names_upstream(name) is is_revealing


@pytest.mark.parametrize("piece", ["api-", "api--", "proxy-", "a.", "a-", "x@", "org-", "[a:", "api:1"])
def test_what_almost_names_a_host_stays(piece: str) -> None:
    """However often it is repeated: a search that grew with the power of its length would not come to an end."""
    assert sanitise(piece * 2000) == (piece * 2000)[:499] + "…"
