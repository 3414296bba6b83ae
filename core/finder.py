"""Finds the class that a profile's ``use`` refers to: built in, installed, or in a file beside the profile.

Only plugins in use are imported, and the engine names none: a built-in plugin is found by the rule
that ``plugins/billing/token_ratio.py`` is ``billing.token_ratio`` and holds ``TokenRatio``.
"""

import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points, version
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any

import msgspec
import msgspec.inspect

from .errors import PluginError, is_plugin_failure
from .plugin import ChannelPlugin, Plugin, PluginConfig
from .profile.place import nearest

BUILT_IN = "relay.plugins"
ENTRY_POINTS = "relay.plugins"
"""The group of entry points that holds installed plugins, each under its id."""
DISTRIBUTION = "relayshop"
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class FoundPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's class.

    Attributes:
        use: How the profile names it.
        plugin_type: The class.
        file: Its source file, for messages.
        version: The version of its distribution; for a file, the SHA-256 of its source.
    """

    use: str
    plugin_type: type[Plugin[Any]]
    file: Path
    version: str

    @property
    def is_channel(self) -> bool:
        """It belongs in a channel's ``use``, not in the list of plugins."""
        return issubclass(self.plugin_type, ChannelPlugin)

    def failure(self, what: str) -> PluginError:
        """Return the error that says *what* is wrong with the plugin."""
        return PluginError.of(self.use, str(self.file), what)


def find_plugin(use: str, folder: Path) -> FoundPlugin:
    """Return the plugin that *use* refers to in a profile in *folder*.

    Raises:
        PluginError: There is none, or it could not be loaded; names the file, and keeps the cause.
    """
    if use.endswith(".py"):
        return _find_in_file(use, folder)
    if _ID.fullmatch(use) and (found := _find_built_in(use)) is not None:
        return found
    installed = [entry_point for entry_point in _installed() if entry_point.name == use]
    if len(installed) > 1:
        packages = ", ".join(sorted(each.dist.name if each.dist else each.module for each in installed))
        raise PluginError(
            f"plugin '{use}': expected one package that offers it, found {packages}; uninstall the others"
        )
    if installed:
        return _find_installed(use, installed[0])
    known = [*built_in_ids(), *(entry_point.name for entry_point in _installed())]
    raise PluginError(f"unknown plugin '{use[:60]}'{nearest(use, known)}")


def built_in_ids() -> list[str]:
    """Return the ids of all built-in plugins, without importing one."""
    ids = []
    for root in _built_in_folders():
        for kind in sorted(folder for folder in root.iterdir() if (folder / "__init__.py").is_file()):
            for entry in sorted(kind.iterdir()):
                is_plugin = entry.suffix == ".py" or (entry / "__init__.py").is_file()
                if is_plugin and not entry.name.startswith("_"):
                    ids.append(f"{kind.name}.{entry.stem}")
    return ids


def _built_in_folders() -> list[Path]:
    spec = importlib.util.find_spec(BUILT_IN)
    assert spec is not None, "the built-in plugins are part of the distribution"
    return [Path(location) for location in spec.submodule_search_locations or ()]


@cache
def _known_built_in() -> frozenset[str]:
    """Return the ids, read only once: a profile asks for each of its plugins, and they never change in a process."""
    return frozenset(built_in_ids())


@cache
def _own_version() -> str:
    """Return relay's version, read only once: reading it takes longer than checking a plugin."""
    return version(DISTRIBUTION)


def _find_built_in(use: str) -> FoundPlugin | None:
    if use not in _known_built_in():
        return None
    module_name = f"{BUILT_IN}.{use}"
    file = Path(*_built_in_folders()[:1], *use.split("."))
    try:
        module = importlib.import_module(module_name)
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        raise _load_error(use, file, module_name, exc) from exc
    wanted = use.rpartition(".")[2].replace("_", "")
    classes = [each for each in _plugin_types(module) if each.__name__.lower() == wanted]
    return _found(use, classes, _file_of(module), _own_version())


def _find_installed(use: str, entry_point: EntryPoint) -> FoundPlugin:
    try:
        loaded = entry_point.load()
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        files = [file for file, _ in _own_places(exc, entry_point.module)]  # none if it could not even be found
        raise _load_error(use, files[0] if files else Path(entry_point.module), entry_point.module, exc) from exc
    module = sys.modules[entry_point.module]
    classes = [loaded] if isinstance(loaded, type) and issubclass(loaded, Plugin) else []
    distribution = entry_point.dist
    return _found(use, classes, _file_of(module), distribution.version if distribution else "")


def _installed() -> EntryPoints:
    return entry_points(group=ENTRY_POINTS)


def _find_in_file(use: str, folder: Path) -> FoundPlugin:
    """Load the file *use* as a module; the same source is loaded only once, however often it is used."""
    file = (folder / use).resolve()
    try:
        source = file.read_bytes()
    except OSError as exc:
        raise PluginError.of(use, str(file), f"cannot be read: {exc.strerror}") from exc
    digest = hashlib.sha256(source).hexdigest()
    place = hashlib.sha256(str(file).encode()).hexdigest()
    name = f"relay_plugin_{file.stem}_{place[:8]}_{digest[:16]}"
    module = sys.modules.get(name) or _load_file(use, file, name)
    return _found(use, _plugin_types(module), file, digest)


def _load_file(use: str, file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, "a path ending in .py has a loader"
    assert spec.loader is not None, "a path ending in .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations are resolved through sys.modules
    try:
        spec.loader.exec_module(module)
    except BaseException as exc:
        del sys.modules[name]
        if not is_plugin_failure(exc):
            raise
        raise _load_error(use, file, name, exc) from exc
    return module


def _plugin_types(module: ModuleType) -> list[type[Plugin[Any]]]:
    """Return the plugin classes that *module* defines; for a package, those of its modules too."""
    prefix = f"{module.__name__}."
    types = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Plugin)]
    return [each for each in dict.fromkeys(types) if f"{each.__module__}.".startswith(prefix)]


def _found(use: str, classes: list[type[Plugin[Any]]], file: Path, version: str) -> FoundPlugin:
    if len(classes) != 1:
        names = ", ".join(each.__name__ for each in classes)
        raise PluginError.of(use, str(file), f"expected one Plugin class, found {names or 'none'}")
    plugin_type = classes[0]
    found = FoundPlugin(use=use, plugin_type=plugin_type, file=file, version=version)
    config_type = getattr(plugin_type, "config_type", None)
    if not (isinstance(config_type, type) and issubclass(config_type, PluginConfig)):
        raise found.failure(f"{plugin_type.__name__} names no config_type; set it to its PluginConfig")
    try:
        msgspec.inspect.type_info(config_type)
    except (AttributeError, NameError, SyntaxError, TypeError) as exc:
        raise found.failure(f"{config_type.__name__} can't be read: {type(exc).__name__}: {exc}") from exc
    if inspect.isabstract(plugin_type):
        raise found.failure(f"{plugin_type.__name__} is abstract")
    if found.is_channel and not getattr(plugin_type, "dialects", ()):
        raise found.failure(f"{plugin_type.__name__} names no dialects")
    return found


def reason_of(exc: BaseException, module_name: str) -> str:
    """Say what was raised, and the last line of the module or package that it passed; a syntax error names its own."""
    places = [f" ({file.name}, line {line})" for file, line in _own_places(exc, module_name)]
    return f"{type(exc).__name__}: {exc}{''.join(places[-1:])}"


def _own_places(exc: BaseException, module_name: str) -> list[tuple[Path, int]]:
    return [
        (Path(frame.f_code.co_filename), line)
        for frame, line in walk_tb(exc.__traceback__)
        if f"{frame.f_globals.get('__name__')}.".startswith(f"{module_name}.")  # generated code may have no name
    ]


def _load_error(use: str, file: Path, module_name: str, exc: BaseException) -> PluginError:
    return PluginError.of(use, str(file), f"cannot be loaded: {reason_of(exc, module_name)}")


def _file_of(module: ModuleType) -> Path:
    return Path(module.__file__ or module.__name__)
