"""Shows what a profile resolves to, to people and to programs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

import click
import msgspec

from ..catalog import translated
from ..exchange import Dialect
from ..finder import FoundPlugin, find_plugin
from ..money import format_exact
from ..profile.exact import to_json
from ..profile.loaded import Loaded
from ..profile.presets import load_preset
from ..profile.structs import ChannelSection
from ..registry import hook_names, hooks_of
from .output import print_cells
from .unopened import unopened_registry


class PluginRow(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin of the profile; ``channel`` is the channel that it belongs to, if it is a channel plugin."""

    use: str
    file: str
    version: str
    hooks: tuple[str, ...]
    channel: str | None = None


class OfferRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model as one group gets it from one channel.

    ``model_ratio`` and ``completion_ratio`` are the profile's; ``group_ratio`` multiplies the price.
    ``passed`` has the customers' dialects that pass through unchanged; ``translated`` those that the
    hub translates, each with the dialect that is sent to the channel.
    """

    group: str
    model: str
    channel: str
    model_sent: str
    priority: int
    weight: int
    group_ratio: Fraction
    model_ratio: Fraction | None
    completion_ratio: Fraction
    passed: tuple[Dialect, ...]
    translated: dict[Dialect, Dialect]


class PresetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a channel's preset; ``is_brought`` says that its value is in use, not one of the channel's own."""

    channel: str
    preset: str
    field: str
    value: str
    is_brought: bool


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile resolves to. ``hooks`` lists the plugins of each hook in the order of their calls."""

    profile: str
    plugins: tuple[PluginRow, ...]
    hooks: dict[str, tuple[str, ...]]
    offers: tuple[OfferRow, ...]
    presets: tuple[PresetRow, ...]


def explain(loaded: Loaded) -> Explanation:
    """Return what *loaded* resolves to."""
    found = _found_plugins(loaded)
    return Explanation(
        profile=str(loaded.path),
        plugins=list_plugins(loaded),
        hooks={hook: tuple(each.use for each in found if hook in hooks_of(each)) for hook in hook_names()},
        offers=_offers(loaded),
        presets=tuple(row for section in loaded.profile.channels for row in _preset_rows(section)),
    )


def list_plugins(loaded: Loaded) -> tuple[PluginRow, ...]:
    """Return the plugins of *loaded*: those with hooks, in order, then those of the channels."""
    folder = loaded.path.parent
    rows = [_row(each) for each in _found_plugins(loaded)]
    rows += [_row(find_plugin(section.use, folder), section.name) for section in loaded.profile.channels]
    return tuple(rows)


def print_plugins(rows: tuple[PluginRow, ...], *, is_json: bool) -> None:
    """Print plugins as a table, or as a JSON array."""
    if is_json:
        click.echo(to_json(rows))
        return
    cells = [(row.use, row.channel or "-", row.version[:12], ", ".join(row.hooks) or "-", row.file) for row in rows]
    print_cells([("plugin", "channel", "version", "hooks", "file"), *cells])


def print_explanation(explanation: Explanation, *, is_json: bool) -> None:
    """Print everything as tables, or as one JSON object."""
    if is_json:
        click.echo(to_json(explanation))
        return
    print_plugins(explanation.plugins, is_json=False)
    click.echo()
    asked = [(hook, ", ".join(uses) or "-") for hook, uses in explanation.hooks.items()]
    print_cells([("hook", "asked in this order"), *asked])
    click.echo()
    head = (
        "group",
        "model",
        "channel",
        "sent as",
        "priority",
        "weight",
        "group ratio",
        "model ratio",
        "completion",
    )
    print_cells([head, *(_cells(row) for row in explanation.offers)])
    click.echo()
    print_cells([("channel", "asked in", "by customers of", "models"), *_ways(explanation.offers)])
    if explanation.presets:
        click.echo()
        brought = [
            (row.channel, row.preset, row.field, row.value, "the preset" if row.is_brought else "the channel")
            for row in explanation.presets
        ]
        print_cells([("channel", "preset", "field", "value", "said by"), *brought])


def _found_plugins(loaded: Loaded) -> list[FoundPlugin]:
    return [find_plugin(entry["use"], loaded.path.parent) for entry in loaded.profile.plugins]


def _row(found: FoundPlugin, channel: str | None = None) -> PluginRow:
    return PluginRow(use=found.use, file=str(found.file), version=found.version, hooks=hooks_of(found), channel=channel)


def _preset_rows(section: ChannelSection) -> Iterator[PresetRow]:
    if section.preset is None:
        return
    preset = load_preset(section.preset)
    fields = {"base_url": (section.base_url, preset.base_url)}
    if preset.dialects:
        fields["dialects"] = (", ".join(section.dialects), ", ".join(preset.dialects))
    for name, value in preset.settings.items():
        fields[f"settings.{name}"] = (to_json(section.settings[name]), to_json(value))
    for field, (value, brought) in fields.items():
        yield PresetRow(
            channel=section.name, preset=section.preset, field=field, value=value or "-", is_brought=value == brought
        )


def _offers(loaded: Loaded) -> tuple[OfferRow, ...]:
    rows: list[OfferRow] = []
    profile, channels = loaded.profile, unopened_registry(loaded).channels
    for group_name, group in profile.groups.items():
        sections = [section for section in profile.channels if group_name in section.groups]
        for section in sorted(sections, key=lambda each: -each.priority):
            for name, model_sent in section.upstream_names.items():
                price, dialects = profile.prices[name], channels[section.name].dialects
                rows.append(
                    OfferRow(
                        group=group_name,
                        model=name,
                        channel=section.name,
                        model_sent=model_sent,
                        priority=section.priority,
                        weight=section.weight,
                        group_ratio=group.ratio,
                        model_ratio=price.model_ratio,
                        completion_ratio=price.completion_ratio,
                        passed=tuple(dialect for dialect in dialects if dialect in profile.endpoints),
                        translated={
                            dialect: asked
                            for dialect, asked in translated(dialects, name, model_sent)
                            if dialect in profile.endpoints
                        },
                    )
                )
    return tuple(rows)


def _cells(row: OfferRow) -> tuple[str, ...]:
    return (
        row.group,
        row.model,
        row.channel,
        row.model_sent,
        str(row.priority),
        str(row.weight),
        format_exact(row.group_ratio),
        "-" if row.model_ratio is None else format_exact(row.model_ratio),
        format_exact(row.completion_ratio),
    )


def _ways(offers: Sequence[OfferRow]) -> Iterator[tuple[str, ...]]:
    """Yield each channel's dialects, and the customers' dialects sent in each.

    Models are named if it depends on them.
    """
    models_of: defaultdict[str, set[str]] = defaultdict(set)
    ways: dict[tuple[str, Dialect], defaultdict[str, dict[str, None]]] = {}
    for row in offers:
        models_of[row.channel].add(row.model)
        customers = {dialect: [dialect] for dialect in row.passed}
        for dialect, asked in row.translated.items():
            customers.setdefault(asked, []).append(dialect)
        for asked, dialects in customers.items():
            ways.setdefault((row.channel, asked), defaultdict(dict))[", ".join(dialects)][row.model] = None
    for (channel, asked), models in ways.items():
        for whose, names in models.items():
            yield channel, asked, whose, "all" if len(names) == len(models_of[channel]) else ", ".join(names)
