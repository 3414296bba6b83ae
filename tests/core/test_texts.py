"""Customers' texts: every code has both languages, and what the code is raised with fills them."""

import ast
import inspect
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.core import errors
from relay.core.dialects.meaning import CODE_BY_FAILURE
from relay.core.texts import TEXTS, Sentence, pick_locale, text

ROOT = Path(__file__).parent.parent.parent
KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.RelayError)]
REJECTIONS = {kind.__name__: kind for kind in KINDS if issubclass(kind, errors.RejectedError)}
SEEN = (
    errors.RejectedError,
    errors.UpstreamError,
    errors.StaleKeyError,
    errors.LedgerUnavailableError,
    errors.PluginError,
)
"""Roots of what can end as a customer's answer."""


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def raised() -> Iterator[tuple[str, str, set[str]]]:
    """Every rejection built in core and plugins: where, its code, the names it gives."""
    for path in [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            kind = REJECTIONS.get(node.func.id)
            if kind is None:
                continue
            first = node.args[0] if node.args else ast.Constant(kind.code)
            if isinstance(first, ast.Constant):
                given = {word.arg for word in node.keywords if word.arg is not None}
                yield f"{path.name}:{node.lineno}", str(first.value), given


RAISED = list(raised())


@pytest.mark.parametrize(("code", "sentence"), TEXTS.items())
def test_both_languages_say_the_same(code: str, sentence: Sentence) -> None:
    """Neither language is missing, and both name the same facts."""
    assert sentence.en
    assert sentence.zh
    assert placeholders(sentence.en) == placeholders(sentence.zh)


@pytest.mark.parametrize(("code", "sentence"), TEXTS.items())
def test_no_sentence_names_the_output_limit_of_one_dialect(code: str, sentence: Sentence) -> None:
    """The limit has five names in the dialects, and embeddings, pictures and speech have none."""
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"):
        assert name not in sentence.en
        assert name not in sentence.zh


@pytest.mark.parametrize("code", TEXTS)
def test_a_variant_names_the_parameter_it_is_chosen_by(code: str) -> None:
    """``CODE.NAME`` is a variant of a known code, and its sentence shows NAME."""
    base, _, name = code.partition(".")
    assert base in TEXTS
    assert not name or name in placeholders(TEXTS[code].en)


@pytest.mark.parametrize(("where", "code", "given"), RAISED)
def test_a_rejection_has_a_text_that_its_parameters_fill(where: str, code: str, given: set[str]) -> None:
    """Whatever core and plugins refuse with, the customer reads a whole sentence."""
    chosen = next((f"{code}.{name}" for name in given if f"{code}.{name}" in TEXTS), code)
    assert placeholders(TEXTS[chosen].en) <= given


def test_the_search_for_rejections_finds_some() -> None:
    """The test above reads the source; it must not pass for having read nothing."""
    assert {"api_key_revoked", "model_not_found", "insufficient_user_quota"} <= {code for _, code, _ in RAISED}


@pytest.mark.parametrize(
    "code",
    sorted(
        {kind.code for kind in KINDS if issubclass(kind, SEEN)}
        | {"internal_error", "upstream_refused", *CODE_BY_FAILURE.values()}
    ),
)
def test_every_code_a_customer_can_see_has_a_text(code: str) -> None:
    """The codes of the error tree, and those that stand for an upstream's failure."""
    assert code in TEXTS


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            {"group": "风信子", "model": "GPT-5", "groups": "", "nearest": "gpt-5"},
            "当前分组下没有可用渠道：分组 风信子 没有模型 GPT-5；是否想用 gpt-5？模型名必须完全一致，区分大小写",
        ),
        (
            {"group": "lily", "model": "gpt-5", "groups": "agave, plain", "nearest": ""},
            "当前分组下没有可用渠道：分组 lily 没有模型 gpt-5；有该模型的分组：agave, plain；请切换令牌的分组",
        ),
        (
            {"group": "lily", "model": "x", "groups": "", "nearest": ""},
            "当前分组下没有可用渠道：分组 lily 没有模型 x；可用的模型见 /v1/models",
        ),
    ],
)
def test_no_channel_begins_as_on_the_shops_page_and_says_what_to_do(params: dict[str, str], expected: str) -> None:
    """The groups that have the model, else the nearest name, else where the list stands."""
    assert text("model_not_found", "zh", params) == expected


def test_a_parameter_is_shown_as_it_is() -> None:
    """Braces in a model's name are no placeholders."""
    assert text("unknown_model", "en", {"model": "{group}"}).startswith("the api key's group has no model '{group}'; ")


def test_a_missing_parameter_leaves_a_mark_and_no_failure() -> None:
    """A plugin that reuses a code without its parameters still gets an answer out."""
    assert text("group_not_found", "zh", {}) == "令牌所属的分组 ? 已停用；请把令牌切换到其他分组"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("ZH-hans-CN", "zh"),
        ("fr-FR, de;q=0.7", "en"),
        ("en;q=0.8, zh;q=0.9", "zh"),
        ("zh;q=0.8, en-GB", "en"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense", "en"),
        ("zh;q=nan", "en"),
        ("*", "en"),
        ("zh, en", "zh"),
        (",;,q=;zh", "en"),
        ("x," * 50_000 + "zh", "en"),
    ],
)
def test_the_language_the_customer_likes_best_is_picked(header: str, expected: str) -> None:
    """By weight, then by place; anything else falls back to the shop's first."""
    assert pick_locale(header, ("en", "zh")) == expected


def test_a_language_the_shop_does_not_speak_is_not_picked() -> None:
    """A shop with one language answers in it."""
    assert pick_locale("en", ("zh",)) == "zh"
