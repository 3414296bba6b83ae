"""Plugins made in profile order, and what is refused before an exchange runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay import ChannelSection
from relay.core.errors import PluginError
from relay.core.finder import find_plugin
from relay.core.profile.loaded import Loaded
from relay.core.registry import Registry, check_channel, check_plugin, hook_names, hooks_of
from relay.plugins.channels.openai import OpenAI
from tests.services import profile, services

HEAD = """\
from contextlib import asynccontextmanager

from relay import ChannelPlugin, Plugin, PluginConfig, hookimpl


class RuleConfig(PluginConfig, frozen=True, kw_only=True):
    name: str = "default"


class Rule(Plugin[RuleConfig]):
    config_type = RuleConfig

"""

LIFE = """\
    @asynccontextmanager
    async def lifespan(self):
        self.said.append(f"{self.config.name} opens")
        yield
        self.said.append(f"{self.config.name} closes")
"""


def registry(folder: Path, *plugins: dict[str, Any]) -> Registry:
    section = ChannelSection(name="one", use="channels.openai", models=("gpt-4o",), groups=("plain",))
    of = profile(plugins=plugins, channels=(section,))
    return Registry(Loaded(profile=of, path=folder / "shop.yaml"), services(of))


def write(folder: Path, method: str, name: str = "rule.py") -> None:
    (folder / name).write_text(HEAD + method)


def test_hooks_are_the_six_in_the_order_of_an_exchange() -> None:
    """A seventh needs a reason written in the design."""
    assert hook_names() == (
        "authenticate",
        "select_channel",
        "transform_request",
        "meter_stream",
        "settle",
        "post_check",
    )


async def test_implementations_stand_in_profile_order(tmp_path: Path) -> None:
    """The first plugin of the file is the first to be asked."""
    write(tmp_path, "    @hookimpl\n    def settle(self, usage, charge):\n        return self.config.name\n")
    made = registry(tmp_path, *({"use": "./rule.py", "name": name} for name in "abc"))

    chain = made.implementations("settle")

    assert [each.function(usage=None, charge=None) for each in chain] == ["a", "b", "c"]
    assert chain[0].arguments == ("usage", "charge")
    assert made.implementations("authenticate") == ()


async def test_channels_go_by_their_name_and_know_their_section(tmp_path: Path) -> None:
    """One instance per channel of the profile; they are asked no hooks."""
    made = registry(tmp_path, {"use": "auth.api_key"})

    assert list(made.channels) == ["one"]
    assert made.channels["one"].section.models == ("gpt-4o",)
    assert isinstance(made.channels["one"], OpenAI)


async def test_plugins_are_opened_in_profile_order_and_closed_in_the_other(tmp_path: Path) -> None:
    """What a plugin opened stands as long as those after it."""
    write(tmp_path, LIFE)
    said: list[str] = []
    made = registry(tmp_path, *({"use": "./rule.py", "name": name} for name in "ab"))
    for _, plugin in made.plugins():
        plugin.said = said  # type: ignore[attr-defined]  # the file's class is not known here

    async with made.opened():
        said.append("open")

    assert said == ["a opens", "b opens", "open", "b closes", "a closes"]


async def test_plugin_that_raises_when_opened_is_named_with_its_file(tmp_path: Path) -> None:
    """The cause is kept, and what was opened before is closed."""
    write(tmp_path, LIFE)
    made = registry(tmp_path, {"use": "./rule.py"})

    with pytest.raises(PluginError) as caught:
        async with made.opened():
            pass

    assert str(caught.value).startswith(f"plugin './rule.py' ({tmp_path}/rule.py): cannot be opened: AttributeError: ")
    assert isinstance(caught.value.__cause__, AttributeError)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("def __init__(self, config, services): raise PluginError('no licence')", "made"),
        ("def lifespan(self): raise PluginError('no licence')", "opened"),
    ],
)
async def test_plugin_that_raises_relays_own_error_is_named_with_its_file(
    tmp_path: Path, method: str, told: str
) -> None:
    """Such an error names no plugin by itself."""
    write(tmp_path, f"    {method}\n")
    source = (tmp_path / "rule.py").read_text()
    (tmp_path / "rule.py").write_text(source.replace("hookimpl", "PluginError"))
    with pytest.raises(PluginError) as caught:
        async with registry(tmp_path, {"use": "./rule.py"}).opened():
            pass
    assert str(caught.value) == (
        f"plugin './rule.py' ({tmp_path}/rule.py): cannot be {told}: PluginError: no licence (rule.py, line 13)"
    )


@pytest.mark.parametrize(
    "lifespan",
    [
        "    async def lifespan(self):\n        yield\n",
        "    async def lifespan(self):\n        pass\n",
        "    def lifespan(self):\n        yield\n",
        "    @asynccontextmanager\n    def lifespan(self):\n        yield\n",
    ],
)
@pytest.mark.parametrize("check", [check_plugin, check_channel])
def test_lifespan_that_is_no_context_manager_is_refused(
    tmp_path: Path, check: Callable[..., Any], lifespan: str
) -> None:
    """The profile's check finds it, and says what to write."""
    source = HEAD + lifespan
    if check is check_channel:
        spoken = "config_type = RuleConfig\n    dialects = ('openai_chat',)"
        source = source.replace("Rule(Plugin[", "Rule(ChannelPlugin[").replace("config_type = RuleConfig", spoken)
    (tmp_path / "rule.py").write_text(source)
    with pytest.raises(PluginError) as caught:
        check(find_plugin("./rule.py", tmp_path))
    told = "'lifespan' must be an 'async def' that yields once; write @asynccontextmanager above it"
    assert str(caught.value) == f"plugin './rule.py' ({tmp_path}/rule.py): {told}"


async def test_lifespan_that_returns_no_context_manager_is_told_when_it_is_opened(tmp_path: Path) -> None:
    """What it returns is not known before it is called."""
    write(tmp_path, "    def lifespan(self):\n        return 5\n")
    told = r"cannot be opened: TypeError: lifespan\(\) must return an asynchronous context manager, found int$"
    with pytest.raises(PluginError, match=told):
        async with registry(tmp_path, {"use": "./rule.py"}).opened():
            pass


@pytest.mark.parametrize(
    ("raised", "told"), [("SystemExit(0)", "SystemExit: 0"), ("type('Panic', (BaseException,), {})()", "Panic: ")]
)
async def test_plugin_that_would_end_the_process_when_made_is_named_with_its_file(
    tmp_path: Path, raised: str, told: str
) -> None:
    """A check that ended with it would look as if all were well."""
    write(tmp_path, f"    def __init__(self, config, services):\n        raise {raised}\n")
    with pytest.raises(PluginError, match=rf"rule.py\): cannot be made: {told} \(rule.py, line 14\)$"):
        registry(tmp_path, {"use": "./rule.py"})


@pytest.mark.parametrize("kept", ["...", "self.config = self.section = {}"])
@pytest.mark.parametrize("is_channel", [False, True])
async def test_plugin_that_does_not_keep_what_it_is_given_is_named_with_its_file(
    tmp_path: Path, is_channel: bool, kept: str
) -> None:
    """Core and the plugin's own hooks read its settings later."""
    own = "    dialects = ('openai_chat',)\n    async def send(self, request, api_key): ...\n" if is_channel else ""
    write(tmp_path, own + f"    def __init__(self, *given): {kept}\n")
    if is_channel:
        source = (tmp_path / "rule.py").read_text()
        (tmp_path / "rule.py").write_text(source.replace("Rule(Plugin[", "Rule(ChannelPlugin["))
    section = ChannelSection(name="one", use="./rule.py", models=("gpt-4o",), groups=("plain",))
    of = (
        profile(plugins=(), channels=(section,))
        if is_channel
        else profile(plugins=({"use": "./rule.py"},), channels=())
    )
    with pytest.raises(PluginError) as caught:
        Registry(Loaded(profile=of, path=tmp_path / "shop.yaml"), services(of))
    name = "section" if is_channel else "config"
    told = f"its __init__ must call super().__init__ with what it was given, and keep its {name}"
    assert str(caught.value) == f"plugin './rule.py' ({tmp_path}/rule.py): {told}"


async def test_plugin_that_raises_when_made_is_named_with_its_file(tmp_path: Path) -> None:
    """The cause is kept."""
    write(tmp_path, "    def __init__(self, config, services):\n        raise OSError('no licence')\n")

    with pytest.raises(PluginError) as caught:
        registry(tmp_path, {"use": "./rule.py"})

    assert (
        str(caught.value)
        == f"plugin './rule.py' ({tmp_path}/rule.py): cannot be made: OSError: no licence (rule.py, line 14)"
    )
    assert isinstance(caught.value.__cause__, OSError)


async def test_billing_plugin_whose_settings_cannot_be_written_down_is_named_with_its_file(tmp_path: Path) -> None:
    """They are part of the price version; a check of the profile must not pass what stops the shop."""
    write(tmp_path, "    @hookimpl\n    def settle(self, charge): ...\n")
    source = (tmp_path / "rule.py").read_text()
    (tmp_path / "rule.py").write_text(source.replace('name: str = "default"', "name: object = len"))
    with pytest.raises(PluginError) as caught:
        registry(tmp_path, {"use": "./rule.py"})
    told = "cannot be made: NotImplementedError: a profile cannot hold a <class 'builtin_function_or_method'>"
    assert str(caught.value) == f"plugin './rule.py' ({tmp_path}/rule.py): {told}"


REFUSED = {
    "unknown hook": (
        "    @hookimpl\n    def settel(self, usage):\n        pass\n",
        "'settel' is no hook; did you mean 'settle'?",
    ),
    "wrong argument": (
        "    @hookimpl\n    def settle(self, tokens):\n        pass\n",
        "'settle' gets no argument 'tokens'; expected one of charge, facts, usage",
    ),
    "not async": (
        "    @hookimpl\n    def authenticate(self, exchange):\n        pass\n",
        "'authenticate' must be declared with 'async def'",
    ),
    "async": (
        "    @hookimpl\n    async def settle(self, usage):\n        pass\n",
        "'settle' must be declared with 'def'",
    ),
    "yields": (
        "    @hookimpl\n    def settle(self, usage):\n        yield\n",
        "'settle' must return its answer, not yield it",
    ),
    "async, and yields": (
        "    @hookimpl\n    async def authenticate(self, exchange):\n        yield\n",
        "'authenticate' must return its answer, not yield it",
    ),
    "default": (
        "    @hookimpl\n    def settle(self, usage, charge=None):\n        pass\n",
        "'settle' must take 'charge' as a plain argument without a default",
    ),
    "keyword only": (
        "    @hookimpl\n    def settle(self, *, usage):\n        pass\n",
        "'settle' must take 'usage' as a plain argument without a default",
    ),
    "options": (
        "    @hookimpl(tryfirst=True)\n    def settle(self, usage):\n        pass\n",
        "'settle' takes no hookimpl options; the profile gives the order",
    ),
    "specname": (
        "    @hookimpl(specname='settle')\n    def price(self, usage):\n        pass\n",
        "'price' must have the name of its hook, not a specname",
    ),
    "no mark": (
        "    def settle(self, usage):\n        pass\n",
        "'settle' is named like a hook, but not marked as one; write @hookimpl above it",
    ),
    "static": (
        "    @staticmethod\n    @hookimpl\n    def settle(usage):\n        pass\n",
        "'settle' must be a plain method, neither static nor of the class",
    ),
    "of the class": (
        "    @classmethod\n    @hookimpl\n    def settle(cls, usage):\n        pass\n",
        "'settle' must be a plain method, neither static nor of the class",
    ),
    "wrapped": (
        "    @hookimpl\n    @__import__('functools').cache\n    def settle(self, usage):\n        pass\n",
        "'settle' must be a plain method, not a _lru_cache_wrapper",
    ),
    "no self": (
        "    @hookimpl\n    def settle(charge):\n        pass\n",
        "'settle' must take 'self' before its arguments",
    ),
    "nothing": (
        "    @hookimpl\n    def settle():\n        pass\n",
        "'settle' must take 'self' before its arguments",
    ),
}


@pytest.mark.parametrize(("method", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_hook_that_could_not_be_called_is_refused_by_file(tmp_path: Path, method: str, message: str) -> None:
    """A profile's check finds it, before any exchange."""
    write(tmp_path, method)

    with pytest.raises(PluginError) as caught:
        check_plugin(find_plugin("./rule.py", tmp_path))

    assert str(caught.value).startswith(f"plugin './rule.py' ({tmp_path}/rule.py): ")
    assert message in str(caught.value)


def test_channel_with_a_hook_is_refused(tmp_path: Path) -> None:
    """Nobody would ever call it."""
    source = HEAD.replace("Rule(Plugin[", "Rule(ChannelPlugin[").replace(
        "config_type = RuleConfig", "config_type = RuleConfig\n    dialects = ('openai_chat',)"
    )
    (tmp_path / "rule.py").write_text(source + "    @hookimpl\n    def settle(self, usage):\n        pass\n")

    with pytest.raises(PluginError, match="a channel is asked no hooks, so 'settle' would never be called"):
        check_channel(find_plugin("./rule.py", tmp_path))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    dialects = ('openai_chatt',)", "speaks an unknown dialect 'openai_chatt'; did you mean 'openai_chat'?"),
        ("    dialects = ('openai_chat',)", "implements neither build() nor send()"),
        ("    dialects = ['openai_chat']", "'dialects' must be a tuple of their names"),
        ("    dialects = 'openai_chat'", "'dialects' must be a tuple of their names"),
        (
            "    dialects = ('openai_chat',)\n    def send(self, request, api_key): ...",
            "'send' must be declared with 'async def'",
        ),
        (
            "    dialects = ('openai_chat',)\n    async def build(self, request, api_key): ...",
            "'build' must be declared with 'def'",
        ),
        (
            "    dialects = ('openai_chat',)\n    async def send(self, request): ...",
            "'send' must take self, request, api_key",
        ),
    ],
)
def test_channel_that_could_not_be_asked_is_refused(tmp_path: Path, body: str, message: str) -> None:
    """Before the first customer finds out."""
    (tmp_path / "rule.py").write_text(HEAD.replace("Rule(Plugin[", "Rule(ChannelPlugin[") + body + "\n")
    with pytest.raises(PluginError) as caught:
        check_channel(find_plugin("./rule.py", tmp_path))
    assert str(caught.value) == f"plugin './rule.py' ({tmp_path}/rule.py): {message}"


def test_hooks_of_a_plugin_are_those_it_marks(tmp_path: Path) -> None:
    """A method of a hook's name without the mark is none; the check of a profile refuses it."""
    write(tmp_path, "    def settle(self): ...\n    @hookimpl\n    async def post_check(self, record): ...\n")

    assert hooks_of(find_plugin("./rule.py", tmp_path)) == ("post_check",)
