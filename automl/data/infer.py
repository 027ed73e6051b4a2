"""What each column is: numeric, categorical, boolean, datetime, text, or not used."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from automl.data.decimals import Decimals, evidence
from automl.data.declared import declared
from automl.data.findings import Findings, some
from automl.data.inferred import inferred, text_or_nothing
from automl.data.source import refuse_nested
from automl.errors import DataError, unknown_name
from automl.runtime.printable import shown
from automl.task import Column, Role

ROLES: tuple[Role, ...] = ("numeric", "categorical", "boolean", "datetime", "text", "dropped")


def infer_columns(
    columns: Mapping[str, np.ndarray],
    roles: Mapping[str, Role],
    drop: Mapping[str, str],
    only_text: bool = False,
    seed: int = 0,
    row_numbers: Sequence[int] | None = None,
    missing: tuple[str, ...] = (),
    decimals: Decimals | None = None,
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return a ``Column`` for each of ``columns``, and notes.

    ``roles``: what is declared instead of inferred. ``drop``: columns not to use, with the reason.
    ``only_text``: use columns of text and nothing else. ``row_numbers``: how errors call the rows. ``missing``: the
    words that are missing, where they are not those of ``runtime.missing.MISSING``. ``decimals``: what is known of its
    marks.
    """
    _check_roles(roles, columns)
    found: list[Column] = []
    findings = Findings(seed, row_numbers, missing, decimals or Decimals(evidence=evidence(columns)))
    for name, values in columns.items():
        is_used = name not in drop and roles.get(name) != "dropped"
        if is_used:
            refuse_nested(name, values)
        if name in drop:
            column = Column(name, "dropped", reason=drop[name])
        elif name in roles:
            column = declared(name, values, roles[name], findings)
        elif only_text:
            column = text_or_nothing(name, values, findings)
        else:
            column = inferred(name, values, findings)
        found.append(column if column.role == "dropped" or column.missing else replace(column, missing=missing))
    if all(c.role == "dropped" for c in found):
        if not found:
            raise DataError("There is no column besides the target, so nothing to predict it from. Add columns.")
        reasons = "; ".join(f"'{c.name}': {c.reason}" for c in found[:10])
        raise DataError(f"No column can be used ({reasons}). Declare what a column is with roles={{column: role}}.")
    return tuple(found), (*_summary(found, findings, columns), *findings.notes)


def _check_roles(roles: Mapping[str, Role], columns: Mapping[str, np.ndarray]) -> None:
    for name, role in roles.items():
        if name not in columns:
            raise unknown_name("column in roles", name, columns)
        if role not in ROLES:
            raise unknown_name(f"role of column '{name}'", role, ROLES)


def _summary(columns: Sequence[Column], findings: Findings, values: Mapping[str, np.ndarray]) -> list[str]:
    notes = []
    for role in ROLES[:-1]:
        names = [c.name for c in columns if c.role == role]
        if names:
            notes.append(f"{len(names)} {role}: {some(names)}.")
    notes += [f"Column '{shown(c.name)}' is not used: {c.reason}." for c in columns if c.role == "dropped"]
    gaps = {c.name: findings.missing.get(c.name, 0) for c in columns if c.role != "dropped"}
    shares = [
        f"{name} ({gaps[name] / len(values[name]):.1%})" for name in sorted(gaps, key=lambda n: -gaps[n]) if gaps[name]
    ]
    if shares:
        notes.append(f"Missing values in {len(shares)} of the columns: {some(shares)}.")
    return notes
