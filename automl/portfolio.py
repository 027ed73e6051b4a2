"""What a search tries first: configurations of several families that were put in order beforehand.

``search_spaces/<kind>/portfolio.yaml`` is a list of entries, ``family: {path: value, ...}``: a family's defaults but
for what is named, by the paths that ``automl space`` prints. ``benchmarks/build_portfolio.py`` finds an order.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import yaml

from automl.errors import ConfigError
from automl.space import Choice, Defaults, Float, Int, Params, Scalar, Space, draw
from automl.task import FAMILY_FOLDER, DataKind

Entry = Mapping[str, Mapping[str, Scalar]]


def entries(folder: str) -> list[Entry]:
    """Return the portfolio of a folder of ``search_spaces``, in order; none where it has no file.

    Raises ``ConfigError`` for a file that is no such list.
    """
    file = files("automl.search_spaces").joinpath(folder, "portfolio.yaml")
    return checked(yaml.safe_load(file.read_text(encoding="utf-8")), str(file)) if file.is_file() else []


def checked(read: Any, where: str) -> list[Entry]:
    """Return what was read if it is a list of entries. Raises ``ConfigError``."""
    for entry in read if isinstance(read, list) else [read]:
        one = isinstance(read, list) and isinstance(entry, Mapping) and len(entry) == 1
        if not one or not all(isinstance(settings, Mapping) for settings in entry.values()):
            raise ConfigError(f"A portfolio is a list of entries like 'svm: {{kernel: rbf}}'; {where} has {entry!r}.")
    return list(read)


def starts(space: Space, kind: DataKind) -> list[Params]:
    """Return what a search over ``space`` tries first on a kind of data."""
    return first_candidates(space, entries(FAMILY_FOLDER[kind]))


def named(space: Space, kind: DataKind) -> list[Params]:
    """Return those of ``starts`` near which a search goes on: what the portfolio names, or all where it names none."""
    return _there(space, entries(FAMILY_FOLDER[kind])) or starts(space, kind)


def first_candidates(space: Space, portfolio: Sequence[Entry] = ()) -> list[Params]:
    """Return what is tried first: the entries of the portfolio, then the defaults of each family that it lacks."""
    family = space["family"]
    assert isinstance(family, Choice)
    others: list[Entry] = [{str(name): {}} for name in family.options if not any(name in e for e in portfolio)]
    return _there(space, [*portfolio, *others])


def _there(space: Space, portfolio: Sequence[Entry]) -> list[Params]:
    """Return the parameters of the entries that the space has."""
    found = (params_of(space, entry) for entry in portfolio)
    return [params for params in found if params is not None]


def params_of(space: Space, entry: Entry) -> Params | None:
    """Return an entry's parameters; None where the space lacks its family, or an option that it names.

    A number that a person has put out of range is the family's default instead.
    """
    ((name, settings),) = entry.items()
    asked = _Answers({"family": name} | {f"family.{name}.{path}": value for path, value in settings.items()})
    family = space["family"]
    if not isinstance(family, Choice) or name not in family:
        return None
    params = draw(space, asked)
    return None if asked.refused else params


class _Answers(Defaults):
    """Answers like ``Defaults``, and never with what is not in a domain; ``refused``: the options among these."""

    def __init__(self, fixed: Params) -> None:
        super().__init__(fixed)
        self.refused: list[str] = []

    def number(self, path: str, domain: Float | Int) -> float:
        value = super().number(path, domain)
        return value if value in domain else domain.start

    def choice(self, path: str, domain: Choice) -> Scalar:
        value = super().choice(path, domain)
        if value in domain:
            return value
        self.refused.append(path)
        return domain.start
