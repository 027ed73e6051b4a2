"""What a contest asks for, read off its three files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from automl.errors import DataError, unknown_name
from automl.runtime.labels import label
from automl.runtime.missing import says_nothing
from automl.runtime.printable import shown

Answers = Literal["labels", "values", "quantiles", "probability", "probabilities"]
Table = Mapping[str, np.ndarray]
# Of what ``Form.to_dict`` returns (``runtime.fault``).
SHAPE = {"id": str, "target": str, "columns": [str], "answers": {*get_args(Answers)}, "classes": [str]}


@dataclass(frozen=True)
class Form:
    """What is to be handed in.

    ``id``: the column that names a row, "" where rows go by their order. ``target``: the column of the training data to
    predict. ``columns``: those of the sample after the id. ``answers``: a label or value in one column, each quantile
    in a column of its own, ascending, the probability of one class in one column, or one of each class in a column of
    its own. ``classes``: the class of each column, as a text, for "probabilities".
    """

    id: str
    target: str
    columns: tuple[str, ...]
    answers: Answers
    classes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Form":
        """Return what ``to_dict`` was made of."""
        return cls(given["id"], given["target"], tuple(given["columns"]), given["answers"], tuple(given["classes"]))


def understand_each(
    train: Table, test: Table, sample: Table, target: str | None = None, quantiles: Sequence[float] = ()
) -> list[Form]:
    """Read the form of each target off the tables: several where all columns of the sample are targets themselves.

    That they are where the training data has them too, and the test data lacks them; else see ``understand``.
    """
    columns = [name for name in sample if name in train and name not in test]
    ids = [name for name in sample if name in test]
    several = len(columns) > 1 and len(columns) == len(sample) - len(ids[:1])
    if target is not None or quantiles or not several:
        return [understand(train, test, sample, target, quantiles)]
    id = ids[0] if ids else ""
    return [Form(id, name, (name,), _one_answer(train[name], sample[name])) for name in columns]


def understand(
    train: Table, test: Table, sample: Table, target: str | None = None, quantiles: Sequence[float] = ()
) -> Form:
    """Read the form off the tables. Raises ``DataError`` where it cannot be told.

    The id is the column that sample and test share; the target is the column of the sample that the training data has
    too, else the only column of the training data that the test data lacks. Several columns that are its classes, as
    they stand or behind one prefix, ask for probabilities; one column asks for a probability where the sample has
    broken numbers from 0 to 1 and the target does not. ``target``: where it is known. ``quantiles``: of the target,
    where they are asked for: the sample then has a column for each.
    """
    if target is not None and target not in train:
        raise unknown_name("target column in the training data:", target, train)
    ids = [name for name in sample if name in test]
    columns = [name for name in sample if name not in ids[:1]]
    if not columns:
        raise DataError("The sample submission must have a column to fill in beside the id; it has none.")
    id = ids[0] if ids else ""
    named = [name for name in columns if name in train and name not in test]
    if quantiles:
        if len(columns) != len(quantiles):
            raise DataError(
                f"The sample has a column to fill in for each quantile; it has {len(columns)} "
                f"({', '.join(map(shown, columns[:5]))}), and data.quantiles has {len(quantiles)}."
            )
        target = target or (named[0] if len(named) == 1 else _the_only_one(train, test, id))
        return Form(id, target, tuple(columns), "quantiles")
    if len(columns) == 1:
        target = target or (named[0] if named else _the_only_one(train, test, id))
        return Form(id, target, tuple(columns), _one_answer(train[target], sample[columns[0]]))
    target = target or _the_only_one(train, test, id)
    return Form(id, target, tuple(columns), "probabilities", _classes(columns, train[target]))


def _only_in(train: Table, test: Table) -> list[str]:
    return [name for name in train if name not in test]


def _the_only_one(train: Table, test: Table, id: str) -> str:
    only = [name for name in _only_in(train, test) if name != id]
    if len(only) != 1:
        shown_names = ", ".join(map(shown, only[:8])) or "none"
        raise DataError(
            f"The target is the one column that the training data has and the test data lacks; these are: "
            f"{shown_names}. Take out of the training file what is no target, or give data.target=COLUMN."
        )
    return only[0]


def _classes(columns: Sequence[str], target: np.ndarray) -> tuple[str, ...]:
    """Return the class of each column: its name, or what stands in it behind the prefix that all columns share."""
    classes = {label(value) for value in target.tolist() if not says_nothing(label(value))}
    for cut in range(_shared_prefix(columns) + 1):  # classes may begin alike too
        found = [name[cut:] for name in columns]
        if set(found) == classes:
            return tuple(found)
    few = ", ".join(sorted(map(shown, classes))[:8])
    raise DataError(
        f"The columns of the sample must be the classes of the target, as they stand or behind one prefix; the columns "
        f"are {', '.join(map(shown, columns[:8]))}, the classes {few}."
    )


def _shared_prefix(names: Sequence[str]) -> int:
    return next((i for i, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1), 0)


def _one_answer(target: np.ndarray, sample: np.ndarray) -> Answers:
    distinct = {label(value) for value in target.tolist() if not says_nothing(label(value))}
    numbers = _as_numbers(np.array([label(value) for value in sample.tolist()], object))
    if len(distinct) == 2:
        broken = numbers is not None and ((numbers >= 0) & (numbers <= 1)).all() and _are_written_broken(sample)
        return "probability" if broken else "labels"
    values = _as_numbers(np.array(sorted(distinct), object))
    if values is None:
        return "labels"
    # Numbers: the kind of target is inferred from the training data; both are written as they are.
    return "values"


def _are_written_broken(sample: np.ndarray) -> bool:
    """Whether numbers are written with a point: 0.5 or 0.0 asks for a probability, 0 for a label."""
    return any("." in str(value) or "e" in str(value).lower() for value in sample.tolist())


def _as_numbers(texts: np.ndarray) -> np.ndarray | None:
    try:
        return texts.astype(float)
    except ValueError:
        return None
