"""Which channel may serve what to whom, and what is said where none may."""

import msgspec
import pytest

from relay.core.catalog import Catalog
from relay.core.dialects.meaning import code_of
from relay.core.errors import BadRequestError, NoChannelError, NotAllowedError
from relay.core.exchange import Channel, Dialect, Principal
from tests.core.dialects.replay import exchange

CHANNELS = (
    Channel(
        name="a",
        use="channels.openai",
        dialects=("openai_chat",),
        models={"gpt-4o": "gpt-4o-2024"},
        groups=frozenset({"plain", "dear"}),
        key_ids=("a#0", "a#1"),
    ),
    Channel(
        name="b",
        use="channels.anthropic",
        dialects=("anthropic_messages",),
        models={"Claude-X": "claude-x"},
        groups=frozenset({"dear"}),
        key_ids=("b#0",),
    ),
)


def principal(group: str, models: frozenset[str] | None = None) -> Principal:
    """Return someone of *group*."""
    return Principal(account_id="a", key_id="k", key_version=1, group=group, membership="default", models=models)


def test_each_key_of_a_channel_is_a_candidate_with_the_upstreams_model_name() -> None:
    """A channel with two keys gives two candidates."""
    found = Catalog(CHANNELS).candidates(principal("plain"), "gpt-4o", "openai_chat", "chat")
    assert [(one.key_id, one.model_sent) for one in found] == [("a#0", "gpt-4o-2024"), ("a#1", "gpt-4o-2024")]


def test_a_missing_channel_names_the_groups_that_have_the_model() -> None:
    """Someone in the wrong group is told the right one."""
    with pytest.raises(NoChannelError) as caught:
        Catalog(CHANNELS).candidates(principal("plain"), "Claude-X", "anthropic_messages", "chat")
    assert caught.value.params == {"group": "plain", "model": "Claude-X", "groups": "dear"}


def test_a_model_asked_for_at_another_endpoint_names_those_that_serve_it() -> None:
    """The group has it: switching the group would not help."""
    with pytest.raises(NoChannelError) as caught:
        Catalog(CHANNELS).candidates(principal("plain"), "gpt-4o", "embeddings", "embeddings")
    assert caught.value.params == {
        "group": "plain",
        "model": "gpt-4o",
        "endpoints": "/v1/chat/completions, /v1/responses, /v1/messages, /v1beta/models/{model}:generateContent",
    }


def test_a_channel_that_speaks_the_customers_dialect_comes_before_one_that_is_translated() -> None:
    """A chat in another dialect is asked of the channel in its own."""
    both = msgspec.structs.replace(CHANNELS[0], name="both", dialects=("anthropic_messages",))
    found = Catalog([*CHANNELS, both]).candidates(principal("plain"), "gpt-4o", "anthropic_messages", "chat")
    assert next((one.channel.name, one.dialect) for one in found) == ("both", "anthropic_messages")
    assert {one.dialect for one in found if one.channel.name != "both"} == {"openai_chat"}


@pytest.mark.parametrize(
    ("dialects", "models", "asked_in"),
    [
        (("openai_chat", "openai_responses"), {"gpt-5.6": "gpt-5.6"}, "openai_responses"),
        (("openai_chat", "openai_responses"), {"gpt-5.6": "production"}, "openai_responses"),
        (("openai_chat", "openai_responses"), {"gpt-5.6": "gpt-5.3"}, "openai_chat"),
        (("openai_responses", "openai_chat"), {"gpt-4o": "gpt-4o"}, "openai_responses"),
        (("embeddings", "openai_chat"), {"gpt-5.6": "gpt-5.6"}, "openai_chat"),
    ],
)
def test_a_translation_asks_in_the_channels_first_dialect_or_in_the_one_that_the_model_needs(
    dialects: tuple[Dialect, ...], models: dict[str, str], asked_in: Dialect
) -> None:
    """From 5.4 on OpenAI's models refuse tools in chat; the upstream's name counts, where it tells a model."""
    channel = msgspec.structs.replace(CHANNELS[0], dialects=dialects, models=models)
    found = Catalog([channel]).candidates(principal("plain"), next(iter(models)), "anthropic_messages", "chat")
    assert {one.dialect for one in found} == {asked_in}
    native = Catalog([channel]).candidates(principal("plain"), next(iter(models)), "openai_chat", "chat")
    assert {one.dialect for one in native} == {"openai_chat"}


def test_a_misspelt_model_names_the_nearest_even_in_other_letter_case() -> None:
    """Letter case is the usual cause."""
    with pytest.raises(NoChannelError) as caught:
        Catalog(CHANNELS).candidates(principal("dear"), "claude-x", "anthropic_messages", "chat")
    assert caught.value.params["nearest"] == "Claude-X"


@pytest.mark.parametrize(
    ("group", "models", "asked"), [("plain", None, "claude-x"), ("dear", frozenset({"gpt4o"}), "gpt4o")]
)
def test_no_model_is_named_that_the_key_may_not_ask_for(group: str, models: frozenset[str] | None, asked: str) -> None:
    """It would be refused for that one as well, be it another group's or not on the key's list."""
    with pytest.raises(NoChannelError) as caught:
        Catalog(CHANNELS).candidates(principal(group, models), asked, "openai_chat", "chat")
    assert caught.value.params["nearest"] == ""


def test_a_key_with_a_list_gets_no_other_model() -> None:
    """The key's own list is checked before anything else."""
    with pytest.raises(NotAllowedError) as caught:
        Catalog(CHANNELS).candidates(principal("plain", frozenset({"other"})), "gpt-4o", "openai_chat", "chat")
    assert (caught.value.reason, caught.value.param) == ("model_not_allowed", "model")


def test_models_are_those_of_the_group_and_the_keys_list() -> None:
    """A list shows nothing that a request would be refused for."""
    assert Catalog(CHANNELS).models(principal("dear")) == ["gpt-4o", "Claude-X"]
    assert Catalog(CHANNELS).models(principal("dear", frozenset({"Claude-X"}))) == ["Claude-X"]


def test_a_channel_is_found_by_its_name_alone() -> None:
    """What it keeps is there for its owner, whichever group their key is in by now."""
    catalog = Catalog(CHANNELS)
    assert (catalog.channel("b"), catalog.channel("c")) == (CHANNELS[1], None)


def test_further_models_must_be_sold_under_the_name_that_goes_upstream() -> None:
    """To the key, and by the group."""
    catalog = Catalog((*CHANNELS, msgspec.structs.replace(CHANNELS[1], name="c", models={"claude-y": "claude-y"})))
    asked = exchange("anthropic_messages")
    asked.further_models = (("fallbacks", "claude-y"),)
    catalog.check_further(principal("dear"), asked)
    with pytest.raises(NotAllowedError, match="model_not_allowed"):
        catalog.check_further(principal("dear", frozenset({"Claude-X"})), asked)
    with pytest.raises(NoChannelError):
        catalog.check_further(principal("plain"), asked)
    asked.further_models = (("tools", "Claude-X"),)
    with pytest.raises(BadRequestError) as refused:
        catalog.check_further(principal("dear"), asked)
    assert (code_of(refused.value), refused.value.param) == ("not_offered", "tools")
