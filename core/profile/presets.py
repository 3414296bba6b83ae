"""Presets: how vendors who copy OpenAI deviate from it, written down as data.

A channel that says ``preset: deepseek`` gets the address, the dialects, the settings and the model
names of ``profiles/presets/deepseek.yaml``; whatever the channel itself says wins.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..errors import ProfileError
from ..exchange import Dialect
from .convert import convert
from .document import Mapping, Node, Scalar, Sequence, SourceMark, read_document
from .place import Place, Report
from .structs import Section, Text

FOLDER = Path(__file__).parents[2] / "profiles" / "presets"
USED_WITH = "channels.openai"
"""The plugin whose settings a preset brings; an operator's own may have the same."""
_BROUGHT = ("base_url", "dialects", "settings")
"""Fields that a channel takes over as a whole if it does not have them itself."""


class Fact(Section, frozen=True, kw_only=True):
    """A deviation of a vendor, and the source for it."""

    says: Annotated[str, Meta(description="What is different, in one sentence.", min_length=1)]
    source: Annotated[str, Meta(description="Address, or recording of wire/ as w:NAME.", min_length=1)]
    read: Annotated[str, Meta(description="Day on which the source was read.", pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Preset(Section, frozen=True, kw_only=True):
    """What is known about one vendor; the settings are those of ``channels.openai``."""

    label: Annotated[Text, Meta(description="The vendor's name.")]
    base_url: Annotated[str, Meta(description="The vendor's address.", min_length=1)]
    dialects: Annotated[
        tuple[Dialect, ...], Meta(description="What the vendor speaks, where a fact says so; else the usual ones.")
    ] = ()
    models: Annotated[
        dict[str, str], Meta(description="Names as customers write them, and the vendor's own of today.")
    ] = msgspec.field(default_factory=dict)
    settings: Annotated[dict[str, Any], Meta(description="Settings of channels.openai.")] = msgspec.field(
        default_factory=dict
    )
    facts: Annotated[tuple[Fact, ...], Meta(description="Why each of it is so.", min_length=1)]


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_preset(name: str) -> Preset:
    """Return the preset called *name*, which is one of `preset_names`.

    Raises:
        ProfileError: Every problem of its file.
    """
    root = Place(read_document(FOLDER / f"{name}.yaml"), "", Report(f"{name}.yaml", {}))
    preset = convert(root, Preset)
    if problems := root.report.problems():
        raise ProfileError(problems)
    assert isinstance(preset, Preset), "what is no preset has problems"
    return preset


def with_presets(root: Node) -> Node:
    """Return the profile *root* with what its channels' presets bring.

    The added fields get the position at which the channel names its preset, so that their problems are
    reported there. An unknown preset adds nothing, and neither does one on a channel of another plugin:
    both are reported when the profile is checked.
    """
    if not isinstance(root, Mapping):
        return root
    channels = next((node for name, node in root.entries if name.text == "channels"), None)
    return root if channels is None else _replaced(root, {"channels": _channels(channels)})


def _channels(channels: Node) -> Node:
    if not isinstance(channels, Sequence):
        return channels
    items = tuple(_channel(each) if isinstance(each, Mapping) else each for each in channels.items)
    return msgspec.structs.replace(channels, items=items)


def _channel(channel: Mapping) -> Node:
    own = {name.text: node for name, node in channel.entries}
    named = own.get("preset")
    if not isinstance(named, Scalar) or named.value not in preset_names() or not takes_presets(own.get("use")):
        return channel
    document = _moved(read_document(FOLDER / f"{named.value}.yaml"), named.mark)
    assert isinstance(document, Mapping), "a preset is a mapping"
    preset = {name.text: node for name, node in document.entries}
    brought = {name: preset[name] for name in _BROUGHT if name in preset and name not in own}
    settings, own_settings = preset.get("settings"), own.get("settings")
    if isinstance(settings, Mapping) and isinstance(own_settings, Mapping):
        brought["settings"] = _filled_up(own_settings, settings)
    models, own_models = preset.get("models"), own.get("models")
    if isinstance(models, Mapping) and isinstance(own_models, Sequence):
        brought["models"] = _renamed(own_models, models)
    return _replaced(channel, brought)


def takes_presets(use: Node | None) -> bool:
    """Say whether the channel plugin that *use* names may have presets: of relay's own, only `USED_WITH`."""
    return not (isinstance(use, Scalar) and use.text.startswith("channels.") and use.text != USED_WITH)


def _filled_up(own: Mapping, preset: Mapping) -> Mapping:
    """Return *own* with the entries of *preset* that it lacks."""
    names = {name.text for name, _ in own.entries}
    return _replaced(own, {name.text: node for name, node in preset.entries if name.text not in names})


def _renamed(sold: Sequence, names: Mapping) -> Sequence:
    """Return the models *sold* with the vendor's own name beside each that customers write differently."""
    upstream = {name.text: node for name, node in names.entries}
    items: list[Node] = []
    for model in sold.items:
        if isinstance(model, Scalar) and model.value in upstream:
            entries = (_word("name", model.mark), model), (_word("upstream", model.mark), upstream[model.text])
            items.append(Mapping(model.mark, entries, (), 5, 2))
        else:
            items.append(model)
    return msgspec.structs.replace(sold, items=tuple(items))


def _replaced(mapping: Mapping, nodes: dict[str, Node]) -> Mapping:
    """Return *mapping* with *nodes* in place of its own, or after them."""
    names = {name.text for name, _ in mapping.entries}
    kept = [(name, nodes.get(name.text, node)) for name, node in mapping.entries]
    added = [(_word(name, node.mark), node) for name, node in nodes.items() if name not in names]
    return msgspec.structs.replace(mapping, entries=(*kept, *added))


def _word(text: str, mark: SourceMark) -> Scalar:
    return Scalar(mark, text, text, False)


def _moved(node: Node, mark: SourceMark) -> Node:
    """Return *node* as if all of it stood at *mark*."""
    if isinstance(node, Sequence):
        return msgspec.structs.replace(node, mark=mark, items=tuple(_moved(each, mark) for each in node.items))
    if isinstance(node, Mapping):
        entries = tuple((msgspec.structs.replace(name, mark=mark), _moved(each, mark)) for name, each in node.entries)
        return msgspec.structs.replace(node, mark=mark, entries=entries)
    return msgspec.structs.replace(node, mark=mark)
