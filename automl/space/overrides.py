"""Overrides: a space as plain nested values, and what a person changes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from automl.errors import SpaceError, nearest
from automl.space.domains import Choice, Constant, Domain, Float, Int, Repeat, Scalar, Space, is_number, is_whole

OFF = "off"


def describe(space: Space) -> dict[str, Any]:
    """Return the space as plain nested values: what ``automl space`` prints and overrides speak of."""
    return {name: _describe(domain) for name, domain in space.items()}


def _describe(domain: Domain | Space) -> Any:
    if isinstance(domain, Mapping):
        return describe(domain)
    if isinstance(domain, Repeat):
        return {"n": _describe(domain.times), **describe(domain.space)}
    if isinstance(domain, Constant):
        return domain.value
    if isinstance(domain, Choice):
        if not domain.nested:
            return {"options": list(domain.options), "default": domain.start}
        return {"default": domain.start} | {str(o): describe(nested) for o, nested in domain.options.items()}
    log = {"log": True} if domain.log else {}
    return {"low": domain.low, "high": domain.high, **log, "default": domain.start}


def configure(space: Space, config: Mapping[str, Any], path: str = "space") -> dict[str, Domain | Space]:
    """Return ``space`` narrowed, widened, frozen or thinned by ``config`` (same shape as ``describe``).

    A mapping changes the named attributes of a domain or goes down into an option; a list keeps
    these options; a plain value freezes the parameter; ``off`` removes an option. Below a ``Repeat``, ``n``
    is the number of repetitions, and the rest holds for each of them; a list of mappings has one for each,
    and they are as many. What ``config`` does not name stays as it is. Raises ``SpaceError`` naming the nearest path.
    """
    _known_keys(config, space, path)
    return {n: _configure(d, config[n], f"{path}.{n}") if n in config else d for n, d in space.items()}


def _configure(domain: Domain | Space, config: Any, path: str) -> Domain | Space:
    if isinstance(domain, Mapping):
        if not isinstance(config, Mapping):
            raise SpaceError(f"'{path}' is a group of {', '.join(domain)}: set one of these; got {config!r}.")
        return configure(domain, config, path)
    if isinstance(domain, Repeat):
        return _configure_repeat(domain, config, path)
    if isinstance(config, Mapping):
        if isinstance(domain, Choice):
            return configure_choice(domain, config, path)
        if isinstance(domain, Constant):
            raise SpaceError(f"'{path}' is the constant {domain.value!r}: set it to a plain value, not {dict(config)}.")
        _known_keys(config, ("low", "high", "log", "default"), path)
        return _change(domain, config, path)
    if isinstance(config, list | tuple):
        if isinstance(domain, Choice):
            return configure_choice(domain, {"options": config}, path)
        for value in config:
            _check_kind(domain, value, path)
        return Choice(config)
    if isinstance(domain, Choice):
        if config not in domain:
            raise SpaceError(f"'{path}' has no option {config!r}.{nearest(config, domain.options)}")
        return Choice({config: domain.options[config]})
    _check_kind(domain, config, path)
    return Constant(config)


def configure_choice(choice: Choice, config: Mapping[str, Any], path: str) -> Choice:
    """Apply ``config`` to one choice: ``options``, ``default``, ``<option>: off`` or its nested config."""
    names = {str(o): o for o in choice.options}
    _known_keys(config, [*names, "default", "options"], path)
    kept = dict(choice.options)
    if "options" in config:
        wanted = list(config["options"])
        for option in wanted:
            if option not in choice:
                raise SpaceError(f"'{path}' has no option {option!r}.{nearest(option, names)}")
        kept = {o: choice.options[o] for o in wanted}
    for name, value in config.items():
        if name in ("default", "options"):
            continue
        if value is None or value is False or value == OFF:
            kept.pop(names[name], None)
        elif isinstance(value, Mapping) and names[name] in kept:
            kept[names[name]] = configure(kept[names[name]], value, f"{path}.{name}")
        elif value is not True and value != "on" and not isinstance(value, Mapping):
            raise SpaceError(f"'{path}.{name}' is an option: set it to off, on, or what is below it; got {value!r}.")
    if not kept:
        raise SpaceError(f"'{path}' needs at least one option; all of {', '.join(names)} are turned off.")
    default = config.get("default", choice.start)
    if "default" in config and default not in choice:
        raise SpaceError(f"'{path}' has no option {default!r}.{nearest(default, names)}")
    return Choice(kept, default if default in kept else None)


def begin_at(space: Space, path: str, usual: Scalar, start: Scalar) -> dict[str, Domain | Space]:
    """Return ``space`` with ``start``, or the nearest value in range, as the first value at ``path``.

    Only where it is ``usual`` still: what a person has changed, frozen or turned off stays.
    """
    name, _, rest = path.partition(".")
    domain, changed = space.get(name), dict(space)
    if isinstance(domain, Mapping):
        changed[name] = begin_at(domain, rest, usual, start)
    elif isinstance(domain, Choice):
        option, _, below = rest.partition(".")
        if not rest and domain.start == usual and start in domain:
            changed[name] = Choice(domain.options, start)
        elif option in domain:
            options = {**domain.options, option: begin_at(domain.options[option], below, usual, start)}
            changed[name] = Choice(options, domain.start)
    elif isinstance(domain, Float | Int) and isinstance(start, int | float) and not rest and domain.start == usual:
        changed[name] = _change(domain, {"default": min(max(start, domain.low), domain.high)}, path)
    return changed


def _configure_repeat(repeat: Repeat, config: Any, path: str) -> Repeat | Space:
    if isinstance(config, list | tuple):
        return _configure_each(repeat, config, path)
    if not isinstance(config, Mapping):
        known = ", ".join(["n", *repeat.space])
        raise SpaceError(
            f"'{path}' is a group that is repeated: set one of {known}, or give a list with a mapping for each; got "
            f"{config!r}."
        )
    changed = configure({"n": repeat.times, **repeat.space}, config, path)
    times = changed.pop("n")
    try:
        return Repeat(changed, times)  # type: ignore[arg-type]
    except SpaceError as error:
        raise SpaceError(f"'{path}.n': {error}") from None


def _configure_each(repeat: Repeat, config: Sequence[Any], path: str) -> Space:
    """Return a group in the place of ``repeat`` that draws the same paths; each repetition has a space of its own."""
    if not config:
        raise SpaceError(f"'{path}' is a list with a mapping for each repetition; it has none. Use n: 0.")
    each: dict[str, Domain | Space] = {"n": Constant(len(config))}
    for i, own in enumerate(config):
        if not isinstance(own, Mapping):
            raise SpaceError(f"'{path}.{i}' is a mapping of what is changed, {{}} for nothing; got {own!r}.")
        each[str(i)] = configure(repeat.space, own, f"{path}.{i}")
    return each


def _change(domain: Float | Int, config: Mapping[str, Any], path: str) -> Float | Int:
    for key, value in config.items():
        if key != "log" and not is_number(value):
            raise SpaceError(f"'{path}.{key}' must be a number; got {value!r}.")
    low, high = config.get("low", domain.low), config.get("high", domain.high)
    # A default that the person did not name follows the range.
    default = config.get("default", domain.start)
    if ("low" in config or "high" in config) and default == domain.start and low <= high:
        default = min(max(default, low), high)
    try:
        return replace(domain, **{**config, "default": default})
    except SpaceError as error:
        raise SpaceError(f"'{path}': {error}") from None


def _known_keys(config: Mapping[str, Any], known: Any, path: str) -> None:
    known = [str(k) for k in known]
    for key in config:
        if str(key) not in known:
            raise SpaceError(f"'{path}' has no '{key}'.{nearest(key, known)} Known: {', '.join(known)}.")


def _check_kind(domain: Float | Int | Constant, value: Any, path: str) -> None:
    if isinstance(domain, Int) and not is_whole(value):
        raise SpaceError(f"'{path}' is a whole number; got {value!r}.")
    if isinstance(domain, Float) and not is_number(value):
        raise SpaceError(f"'{path}' is a number; got {value!r}.")
