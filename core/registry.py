"""The plugins of one shop: made from its profile, checked against the hooks, in profile order."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from operator import itemgetter
from typing import Any, get_args

import msgspec
import pluggy

from .errors import is_plugin_failure
from .exchange import Dialect
from .finder import FoundPlugin, find_plugin, reason_of
from .hooks import RelayHooks
from .plugin import ChannelPlugin, Plugin, PluginConfig, Services
from .plugin_life import living
from .profile.exact import decode_exact, to_canonical_json
from .profile.loaded import Loaded
from .profile.place import nearest
from .profile.structs import ChannelSection

PROJECT = "relay"
_MARK = f"{PROJECT}_impl"
"""The attribute in which `hookimpl` stores its options on a method."""


class Implementation(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin's answer to one hook: a bound method and the arguments it takes, in its own order."""

    plugin: FoundPlugin
    function: Callable[..., Any]
    arguments: tuple[str, ...]


class Registry:
    """Makes every plugin and channel of a profile, and knows which plugins implement each hook."""

    channels: Mapping[str, ChannelPlugin[Any]]
    """Channel plugins by the channel's name."""

    def __init__(self, loaded: Loaded, services: Services) -> None:
        """Make all plugins, without opening any.

        Raises:
            PluginError: A plugin can't be found, made or registered; names it and its file.
        """
        self._services = services
        self._folder = loaded.path.parent
        self._plugins = [self._make(dict(entry)) for entry in loaded.profile.plugins]
        self._made_channels = {section.name: self._make_channel(section) for section in loaded.profile.channels}
        self.channels = {name: channel for name, (_, channel) in self._made_channels.items()}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(RelayHooks)
        for place, (found, plugin) in reversed(list(enumerate(self._plugins))):
            # pluggy calls the plugin registered last first; a profile lists them in the order of the calls.
            self._manager.register(plugin, f"{place}:{found.use}")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open every plugin, channels last; close them in reverse order.

        A plugin that can't be closed is logged: what it did is settled, and the others have to close too.

        Raises:
            PluginError: A plugin can't be opened; names it and its file.
        """
        async with AsyncExitStack() as stack:
            for found, plugin in (*self._plugins, *self._made_channels.values()):
                await stack.enter_async_context(living(found, plugin))
            yield

    def plugins(self) -> Iterator[tuple[FoundPlugin, Plugin[Any]]]:
        """Yield the profile's plugins, with where they come from, in profile order."""
        yield from self._plugins

    def implementations(self, hook: str) -> tuple[Implementation, ...]:
        """Return the implementations of *hook*, in profile order."""
        found = {id(plugin): found for found, plugin in self._plugins}
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return tuple(
            Implementation(plugin=found[id(each.plugin)], function=each.function, arguments=tuple(each.argnames))
            for each in reversed(caller.get_hookimpls())
        )

    def _make(self, entry: dict[str, Any]) -> tuple[FoundPlugin, Plugin[Any]]:
        found = check_plugin(find_plugin(entry.pop("use"), self._folder))
        return found, _construct(found, entry, self._services)

    def _make_channel(self, section: Any) -> tuple[FoundPlugin, ChannelPlugin[Any]]:
        found = check_channel(find_plugin(section.use, self._folder))
        made = _construct(found, section.settings, self._services, section)
        assert isinstance(made, ChannelPlugin), "checked above"
        return found, made


def check_plugin(found: FoundPlugin) -> FoundPlugin:
    """Return *found* if it may be listed among a profile's plugins.

    Raises:
        PluginError: It is a channel, or its hooks are not those of `RelayHooks`.
    """
    if found.is_channel:
        raise found.failure("is a channel; name it in a channel's 'use'")
    _check_lifespan(found)
    _check_methods(found)
    return found


def check_channel(found: FoundPlugin) -> FoundPlugin:
    """Return *found* if it may be a channel's plugin.

    Raises:
        PluginError: It is no channel, or implements a hook, which would never be called.
    """
    if not found.is_channel:
        raise found.failure("is no channel; list it under 'plugins'")
    _check_lifespan(found)
    for name, _ in _marked_methods(found):
        raise found.failure(f"a channel is asked no hooks, so '{name}' would never be called")
    plugin_type = found.plugin_type
    assert issubclass(plugin_type, ChannelPlugin), "checked above"
    dialects: object = plugin_type.dialects
    if not isinstance(dialects, tuple | property):
        raise found.failure("'dialects' must be a tuple of their names")
    for dialect in dialects if isinstance(dialects, tuple) else ():  # a property has no value before the plugin is made
        if dialect not in get_args(Dialect):
            raise found.failure(f"speaks an unknown dialect '{dialect}'{nearest(dialect, get_args(Dialect))}")
    if plugin_type.build is ChannelPlugin.build and plugin_type.send is ChannelPlugin.send:
        raise found.failure("implements neither build() nor send()")
    for name in ("build", "send", "connect"):
        method, spec = getattr(plugin_type, name), getattr(ChannelPlugin, name)
        _check_declaration(found, name, method, spec)
        arguments = list(inspect.signature(spec).parameters)
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as exc:
            raise found.failure(f"'{name}' must take {', '.join(arguments)}") from exc
    return found


def hooks_of(found: FoundPlugin) -> tuple[str, ...]:
    """Return the hooks that a plugin implements, in the order in which an exchange meets them."""
    names = {name for name, _ in _marked_methods(found)}
    return tuple(name for name in hook_names() if name in names)


def hook_names() -> tuple[str, ...]:
    """Return the six hooks in the order in which an exchange meets them."""
    return tuple(name for name, member in vars(RelayHooks).items() if hasattr(member, f"{PROJECT}_spec"))


def _marked_methods(found: FoundPlugin) -> Iterator[tuple[str, Callable[..., Any]]]:
    members: dict[str, object] = {}
    for each in reversed(found.plugin_type.__mro__):  # `inspect.getattr_static` for each name would be slow
        members.update(vars(each))
    for name, method in sorted(members.items(), key=itemgetter(0)):
        if inspect.isfunction(method) and hasattr(method, _MARK):
            yield name, method


def _check_methods(found: FoundPlugin) -> None:
    """Refuse what pluggy or `dispatch` does not support, before pluggy sees it.

    Raises:
        PluginError: Names the method and what is wrong.
    """
    _check_marks(found)
    for name, method in _marked_methods(found):
        if any(value for option, value in getattr(method, _MARK).items() if option != "specname"):
            raise found.failure(f"'{name}' takes no hookimpl options; the profile gives the order")
        if getattr(method, _MARK).get("specname"):
            raise found.failure(f"'{name}' must have the name of its hook, not a specname")
        if name not in hook_names():
            raise found.failure(f"'{name}' is no hook{nearest(name, hook_names())}")
        _check_declaration(found, name, method, getattr(RelayHooks, name))
        arguments = list(inspect.signature(method).parameters.values())
        offered = list(inspect.signature(getattr(RelayHooks, name)).parameters)[1:]
        if not arguments or arguments[0].name in offered:
            raise found.failure(f"'{name}' must take 'self' before its arguments")
        for parameter in arguments[1:]:
            if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD or parameter.default is not parameter.empty:
                raise found.failure(f"'{name}' must take '{parameter.name}' as a plain argument without a default")
            if parameter.name not in offered:
                raise found.failure(f"'{name}' gets no argument '{parameter.name}'{nearest(parameter.name, offered)}")


def _check_lifespan(found: FoundPlugin) -> None:
    lifespan = found.plugin_type.lifespan
    is_bare = inspect.isasyncgenfunction(lifespan) or inspect.iscoroutinefunction(lifespan)
    if is_bare or inspect.isgeneratorfunction(inspect.unwrap(lifespan)):  # the latter also under @contextmanager
        raise found.failure("'lifespan' must be an 'async def' that yields once; write @asynccontextmanager above it")


def _check_marks(found: FoundPlugin) -> None:
    """Refuse a hook that would never be called: a price that does nothing would be noticed by nobody."""
    marked = {name for name, _ in _marked_methods(found)}
    for name in hook_names():
        member = inspect.getattr_static(found.plugin_type, name, None)
        if isinstance(member, staticmethod | classmethod):
            raise found.failure(f"'{name}' must be a plain method, neither static nor of the class")
        if hasattr(member, _MARK) and name not in marked:
            raise found.failure(f"'{name}' must be a plain method, not a {type(member).__name__}")
        if member is not None and name not in marked:
            raise found.failure(f"'{name}' is named like a hook, but not marked as one; write @hookimpl above it")


def _check_declaration(found: FoundPlugin, name: str, method: Callable[..., Any], spec: Callable[..., Any]) -> None:
    """Refuse a *method* that yields, or is async where *spec* is not, or the other way round."""
    if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
        raise found.failure(f"'{name}' must return its answer, not yield it")
    if inspect.iscoroutinefunction(spec) != inspect.iscoroutinefunction(method):
        expected = "async def" if inspect.iscoroutinefunction(spec) else "def"
        raise found.failure(f"'{name}' must be declared with '{expected}'")


def _construct(found: FoundPlugin, settings: Mapping[str, Any], services: Services, *section: Any) -> Plugin[Any]:
    try:
        config: PluginConfig = msgspec.convert(settings, found.plugin_type.config_type, dec_hook=decode_exact)
        if "settle" in hooks_of(found):
            to_canonical_json(msgspec.structs.asdict(config))  # as the price version will; a default can be of any type
        made = found.plugin_type(config, services, *section)
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        # With a plain ValueError a plugin refuses its settings: the profile has to be changed, not the plugin.
        reason = f"ValueError: {exc}" if type(exc) is ValueError else reason_of(exc, found.plugin_type.__module__)
        raise found.failure(f"cannot be made: {reason}") from exc
    name, kind = ("section", ChannelSection) if found.is_channel else ("config", PluginConfig)
    if not isinstance(getattr(made, name, None), kind):
        raise found.failure(f"its __init__ must call super().__init__ with what it was given, and keep its {name}")
    return made
