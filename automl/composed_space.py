"""The space in Hydra's hands: what of it is composed, what it has no form for, and the way back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from automl.space import OFF

# What may change the space: its keys, its group, a file of one's own, an experiment. Anything else leaves it as it is.
_CHANGES_SPACE = re.compile(r"[+~]*(space|experiment)")
# What changes one option of a kind alone, or says which there are.
_CHANGES_OPTION = re.compile(r"\+{0,2}space\.(\w+)(?:\.(\w+)[^=]*=|=\[).*", re.DOTALL)
# A list for a part of the space, which has no list there: only these options, or values.
_ONLY_THESE = re.compile(r"\+{0,2}space\.([\w.-]+)=(\[.*)", re.DOTALL)
_ONLY = "__only__"


def touched(overrides: Sequence[str], space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the space that overrides change; all of it where they may change anything.

    Hydra takes most of its time for the space, so the rest takes no part in the composition.
    """
    part: dict[str, Any] = {}
    listed = set()
    for override in overrides:
        match = _CHANGES_OPTION.fullmatch(override)
        if match is None and not _CHANGES_SPACE.match(override):
            continue
        kind, option = match.groups() if match else ("", None)
        options = space.get(kind)
        if not isinstance(options, Mapping) or option not in (None, *options):
            return dict(space)
        listed |= {kind} if option is None else set()
        part[kind] = part.get(kind, {}) | ({option: options[option]} if option else {})
    # Of options that are listed and changed too, the others have to be turned off.
    return {kind: dict(space[kind]) if kind in listed and options else options for kind, options in part.items()}


def as_hydra(changes: Mapping[str, Any], space: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes of the space in the form that its keys have: a list in the place of a mapping is marked, and of
    ``options`` that have spaces of their own, the others are off. What is wrong stays, for whoever checks it.
    """
    found: dict[str, Any] = {}
    for name, value in changes.items():
        part = space.get(name)
        if isinstance(value, Mapping):
            found[name] = as_hydra(value, part if isinstance(part, Mapping) else {})
        else:
            found[name] = {_ONLY: value} if isinstance(value, list) and isinstance(part, Mapping) else value
    chosen = found.get("options")
    if isinstance(chosen, list) and "options" not in space and set(map(str, chosen)) <= space.keys():
        del found["options"]
        found |= {name: OFF for name in space if name not in (*map(str, chosen), "default")}
    return found


def as_list(override: str, space: Mapping[str, Any]) -> str:
    """Return an override that gives a part of the space a list, where it is a mapping, as Hydra takes it."""
    listed = _ONLY_THESE.fullmatch(override)
    if listed is None or not isinstance(_part(space, listed[1].split(".")), Mapping):
        return override
    return f"++space.{listed[1]}.{_ONLY}={listed[2]}"


def as_written(override: str) -> str:
    """Return an override as it was before ``as_list``."""
    return re.sub(rf"\+\+(space\.[\w.-]+)\.{_ONLY}=", r"\1=", override)


def _part(tree: Any, path: Sequence[str]) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def restored(composed: Mapping[str, Any], space: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole ``space`` as a composition of a ``part`` of it changed it; what was deleted is off."""
    changed = with_deletions(composed, part)
    kinds = {kind: {**space.get(kind, {}), **v} if isinstance(v, Mapping) else v for kind, v in changed.items()}
    return {**space, **kinds}


def with_deletions(tree: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what was deleted from the generated tree (Hydra's ``~space.tables.svm``) into ``off``; find its lists."""
    kept = {k: _restored(v, whole.get(k)) for k, v in tree.items()}
    return kept | {k: OFF for k, v in whole.items() if k not in tree and isinstance(v, Mapping)}


def _restored(value: Any, whole: Any) -> Any:
    if not isinstance(value, Mapping) or not isinstance(whole, Mapping):
        return value
    only, rest = value.get(_ONLY), {k: v for k, v in value.items() if k != _ONLY}
    if only is None:
        return with_deletions(rest, whole)
    # Of options that have spaces of their own, those that are listed may be changed too.
    if rest == whole or not {str(name) for name in only} <= whole.keys():
        return only
    return {k: v if k in (*only, "default") else OFF for k, v in with_deletions(rest, whole).items()}
