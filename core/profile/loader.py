"""Loads a profile: reads one strict YAML file, and returns a checked `Profile` or reports every problem at once."""

from collections.abc import Mapping as Map
from pathlib import Path
from typing import get_args

import msgspec

from ..errors import PluginError, ProfileError
from ..exchange import Dialect
from ..finder import FoundPlugin, find_plugin
from ..registry import check_channel, check_plugin, hooks_of
from .checks import check_sections, collect_names
from .convert import BROKEN, convert, convert_struct
from .document import DocumentError, Mapping, Scalar, read_document
from .loaded import Loaded
from .place import Place, Report
from .presets import USED_WITH, takes_presets, with_presets
from .secrets import read_secret
from .structs import Membership, Profile

BUNDLED = Path(__file__).parents[2] / "profiles"
SIMULATOR = "channels.simulator"
NEEDED_HOOKS = ("authenticate", "settle")
"""If no plugin implements one of these, every request is refused."""


def find_profile(name: str) -> Path:
    """Return the file that *name* means: an existing path, else the bundled profile of that name.

    Raises:
        ProfileError: Neither exists.
    """
    path, bundled = Path(name), BUNDLED / name
    if path.exists():
        return path
    if path.name == name and bundled.is_file():
        return bundled
    raise ProfileError([f"{name}: no such file; bundled profiles are {', '.join(bundled_profiles())}"])


def bundled_profiles() -> list[str]:
    """Return the names of the profiles that come with relay."""
    return sorted(path.name for path in BUNDLED.glob("*.yaml"))


def load_profile(path: Path) -> Loaded:
    """Return the profile in the file at *path*, checked as a whole.

    Plugins are imported to check their settings; nothing is opened or connected. A missing secret
    is a warning here; `resolve_secrets` makes it an error.

    Raises:
        ProfileError: Every problem of the file, in the order of the file.
    """
    try:
        node = with_presets(read_document(path))
    except DocumentError as exc:
        line = Report(str(path), {}).line(exc.mark, "", str(exc))
        raise ProfileError([line]) from exc
    names = collect_names(Place(node, "", Report(str(path), {})))
    root = Place(node, "", Report(str(path), names))
    _check_plugins(root, path.parent)
    profile = convert(root, Profile)
    check_sections(root, path.parent)
    if problems := root.report.problems():
        raise ProfileError(problems, root.report.warnings()) from root.report.cause
    assert isinstance(profile, Profile), "what is no profile has problems"
    memberships = {"default": Membership(), **profile.memberships}
    return Loaded(
        profile=msgspec.structs.replace(profile, memberships=memberships),
        path=path,
        warnings=root.report.warnings(),
        use_places=tuple(
            _line(entry.entry("use")) for section in ("plugins", "channels") for entry in root.entry(section).items()
        ),
        key_places=_key_places(root),
    )


def for_demo(profile: Profile) -> Profile:
    """Return *profile* with every channel replaced by the simulator: no keys, no address, no other plugin's settings.

    The dialects of a preset are dropped with it: the simulator may not speak them.
    """
    channels = tuple(
        msgspec.structs.replace(
            section,
            use=SIMULATOR,
            preset=None,
            keys=(),
            base_url=None,
            dialects=() if section.preset else section.dialects,
            settings=section.settings if section.use == SIMULATOR else {},
        )
        for section in profile.channels
    )
    return msgspec.structs.replace(profile, channels=channels)


def resolve_secrets(loaded: Loaded) -> Map[str, tuple[str, ...]]:
    """Return each channel's upstream keys, by the channel's name.

    Raises:
        ProfileError: Secrets are missing; names them all.
    """
    problems: list[str] = []
    secrets: dict[str, tuple[str, ...]] = {}
    for section in loaded.profile.channels:
        pool: list[str] = []
        for reference in section.keys:
            try:
                pool.append(read_secret(reference, loaded.path.parent))
            except ValueError as exc:
                place = loaded.key_places.get(reference, f"{loaded.path}: channel '{section.name}'")
                problems.append(f"{place}: {exc}; set it, or run with --demo")
        secrets[section.name] = tuple(pool)
    if problems:
        raise ProfileError(list(dict.fromkeys(problems)))
    return secrets


def _key_places(root: Place) -> dict[str, str]:
    """Return where each key reference first occurs, as ``file:line:column: path``."""
    places: dict[str, str] = {}
    for channel in root.entry("channels").items():
        for key in channel.entry("keys").items():
            places.setdefault(key.text or "", _line(key))
    return places


def _line(place: Place) -> str:
    return place.report.line(place.node.mark, place.path, "").removesuffix(": ")


def _check_plugins(root: Place, folder: Path) -> None:
    """Find every plugin and check its settings; one that can't be found doesn't hide other problems."""
    hooks: set[str] = set()
    made: list[tuple[FoundPlugin, object]] = []
    for entry in (root.entry("plugins"), *root.entry("plugins").items()):
        if entry.text is not None:
            entry.problem("expected '- use: ID' for each plugin, found text")
    for entry in root.entry("plugins").items():
        found, config = _check_plugin(entry, entry, folder)
        hooks.update(hooks_of(found) if found is not None else NEEDED_HOOKS)
        if found is not None and config is not BROKEN:
            if (found, config) in made:
                entry.problem(f"'{found.use}' is listed twice with the same settings; it would do everything twice")
            made.append((found, config))
    for channel in root.entry("channels").items():
        preset = channel.entry("preset")
        if preset.text is not None and not takes_presets(channel.entry("use").node):
            preset.problem(f"presets are for {USED_WITH}; write that as 'use', or leave the preset out")
        found, _ = _check_plugin(channel, channel.entry("settings"), folder)
        spoken = getattr(found.plugin_type, "dialects", None) if found is not None else None
        for dialect in channel.entry("dialects").items():
            if isinstance(spoken, tuple) and dialect.text in get_args(Dialect) and dialect.text not in spoken:
                dialect.problem(
                    f"the channel's plugin does not speak {dialect.text}; expected some of {', '.join(spoken)}"
                )
    plugins = root.entry("plugins")
    for hook in NEEDED_HOOKS:
        if hook not in hooks and isinstance(root.node, Mapping):
            plugins.warning(f"no plugin answers '{hook}', so every request will be refused")


def _check_plugin(entry: Place, settings: Place, folder: Path) -> tuple[FoundPlugin | None, object]:
    """Check one ``use`` and its *settings*, and return the plugin and its config.

    The settings of a plugin are beside its ``use``, those of a channel in a section of their own. The plugin is None
    if there is none, the config `BROKEN` if it can't be read.
    """
    is_beside = settings is entry
    use = entry.entry("use")
    if use.text is None:
        if is_beside and isinstance(entry.node, Mapping):
            use.problem("expected the id of a plugin, such as billing.token_ratio")
        return None, BROKEN
    try:
        found = find_plugin(use.text, folder)
        found = check_plugin(found) if is_beside else check_channel(found)
    except PluginError as exc:
        use.problem(str(exc))
        entry.report.cause = entry.report.cause or exc
        return None, BROKEN
    if isinstance(settings.node, Scalar) and settings.node.value is None:
        settings = Place(Mapping(settings.node.mark, (), (), 1, 1), settings.path, settings.report)
    beside = frozenset({"use"}) if is_beside else frozenset[str]()
    return found, convert_struct(settings, found.plugin_type.config_type, beside=beside)
