"""A table made into a contest: what is handed out, and the answers, which stay in one sealed file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl import files
from automl.contest import submission
from automl.contest.form import Answers, Form, understand
from automl.data import copies, echoes, identity, splits
from automl.data import files as data_files
from automl.data.make import build
from automl.data.options import Options
from automl.data.source import Source
from automl.errors import DataError, unknown_name
from automl.options import number
from automl.runtime.labels import label
from automl.runtime.printable import shown
from automl.runtime.table import read_csv
from automl.task import Task

RECORD, SOLUTION, LOG, GIVEN = "contest.json", "solution.csv", "log.jsonl", "public"
PUBLIC, PRIVATE = "public", "private"
_ID_NAMES = ("id", "row_id", "contest_id")


@dataclass(frozen=True)
class Rules:
    """How a contest is to be made.

    target: the column to predict. id: the column that names a row; None: rows get new numbers, at random. metric, task,
    group, order: as in a search; groups stay in one part, and what is later in the order is asked about. test_share: of
    the rows, those that are asked about; public_share: of these, those whose score is told at once. quota: the scored
    submissions of a team on one day (UTC). seed: of the parts and of the order of the rows.
    """

    target: str | None = None
    id: str | None = None
    metric: str = "auto"
    task: str = "auto"
    group: str | None = None
    order: str | None = None
    test_share: float = 0.3
    public_share: float = 0.3
    quota: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("test_share", "public_share"):
            number(name, getattr(self, name), 0.01, 0.99)
        number("quota", self.quota, 1, whole=True)


def seal(path: str, folder: Path, rules: Rules) -> tuple[str, ...]:
    """Make a contest of the table at ``path`` in the new folder ``folder``; return what its host should know.

    ``public/`` has train.csv, test.csv and sample_submission.csv; solution.csv, of mode 0600, has the answers. Raises
    ``DataError`` for data that makes no contest.
    """
    data = data_files.read(path, "table")[0]
    if data.columns is None:
        raise DataError(f"A contest is made of a table; '{path}' is none.")
    options = Options(target_kind=rules.task, metric=rules.metric, group=rules.group, order=rules.order)
    if rules.id is not None:
        _refuse_no_id(rules.id, data)
        options = Options.of({**vars(options), "drop": [rules.id]})
    task = build(data, None, rules.target, options)
    if task.n_rows < len(data):
        raise DataError(
            f"Each row of a contest must have its target; {len(data) - task.n_rows:,} of {len(data):,} rows lack it. "
            "Remove them."
        )
    train, asked, is_public = _parts(task, rules)
    id, ids = _named(data, task, rules, train, asked)
    form = _form(task, id)
    _hand_out(folder / GIVEN, data, task, form, (train, ids[: len(train)]), (asked, ids[len(train) :]))
    truth = task.data.y[asked].tolist()
    answers = truth if form.answers == "values" else [task.schema.classes[k] for k in truth]
    part = np.where(is_public, PUBLIC, PRIVATE).tolist()
    solution = {form.id: ids[len(train) :], form.target: answers, "part": part}
    submission.write(solution, folder / SOLUTION, files.PRIVATE)
    record = {
        "form": form.to_dict(),
        "metric": task.metric.name if ":" not in rules.metric else rules.metric,
        "kind": task.schema.target,
        "classes": list(task.schema.classes),
        "quota": rules.quota,
        "closed": False,
    }
    files.write(folder / RECORD, json.dumps(record, indent=1) + "\n")
    n_public = int(is_public.sum())
    what = f"{form.target} by {task.metric.name}: {len(train):,} rows to learn from, {len(asked):,} to answer"
    said = *map(echoes.note, task.echoes), *map(identity.note, task.suspects)
    return (f"{what}, {n_public:,} of them with public scores.", *said)


def _refuse_no_id(id: str, data: Source) -> None:
    columns = data.columns or {}
    if id not in columns:
        raise unknown_name("column for id", id, columns)
    if len(set(map(label, columns[id].tolist()))) < len(data):
        raise DataError(f"An id names one row; '{shown(id)}' has values that are empty or there twice. Leave it out.")


def _parts(task: Task, rules: Rules) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows to learn from, those that are asked about, and which of these are public; in a random order."""
    rng = np.random.default_rng(rules.seed)
    codes, _ = copies.among(task.data, None, task.schema, None)
    layout = splits.Layout(task.data.y, task.data.groups, task.data.order, rules.seed, codes)
    train, asked = splits.hold_out(layout, rules.test_share)
    public, _ = splits.hold_out(layout.take(asked), 1 - rules.public_share)
    is_public = np.isin(np.arange(len(asked)), public)
    train, order = rng.permutation(train), rng.permutation(len(asked))
    return train, asked[order], is_public[order]


def _named(data: Source, task: Task, rules: Rules, train: np.ndarray, asked: np.ndarray) -> tuple[str, list[Any]]:
    """Return the column of ids, and the id of each row to learn from, then of each that is asked about."""
    columns = data.columns or {}
    if rules.id is not None:
        return rules.id, columns[rules.id][np.concatenate([train, asked])].tolist()
    taken = {*columns, *map(label, task.schema.classes)}
    free = [name for name in _ID_NAMES if name not in taken]
    if not free:
        raise DataError(f"Each row needs an id; '{_ID_NAMES[0]}' is a column already. Say that it is one, by --id.")
    return free[0], list(range(len(train) + len(asked)))


def _form(task: Task, id: str) -> Form:
    target, classes = task.schema.target_name, tuple(map(label, task.schema.classes))
    if task.schema.target == "regression":
        return Form(id, target, (target,), "values")
    if task.metric.needs == "labels":
        return Form(id, target, (target,), "labels")
    return (
        Form(id, target, (target,), "probability") if len(classes) == 2 else Form(id, target, classes, _EACH, classes)
    )


_EACH: Answers = "probabilities"


def _hand_out(
    folder: Path,
    data: Source,
    task: Task,
    form: Form,
    train: tuple[np.ndarray, list[Any]],
    asked: tuple[np.ndarray, list[Any]],
) -> None:
    """Write what everybody gets; who reads it must understand what is asked for."""
    columns = {name: values for name, values in (data.columns or {}).items() if name != form.id}
    features = {name: values for name, values in columns.items() if name != form.target}
    learnt = {form.id: train[1]} | {name: values[train[0]].tolist() for name, values in columns.items()}
    test = {form.id: asked[1]} | {name: values[asked[0]].tolist() for name, values in features.items()}
    sample = {form.id: asked[1], **_sample(task, form, train[0], len(asked[0]))}
    folder.mkdir()
    tables = {"train": learnt, "test": test, "sample_submission": sample}
    for name, table in tables.items():
        submission.write(table, folder / f"{name}.csv")
    read = {name: read_csv(folder / f"{name}.csv") for name in tables}
    found = understand(read["train"], read["test"], read["sample_submission"], form.target)
    if (found.id, found.columns, found.classes) != (form.id, form.columns, form.classes):
        raise DataError(
            f"The files of a contest must say what they ask for; the sample would be read as {found}, and is {form}. "
            "Rename the columns or classes that are alike."
        )


def _sample(task: Task, form: Form, train: np.ndarray, n: int) -> Mapping[str, list[Any]]:
    """Return an answer that knows no row: the mean, the most frequent class, or all classes alike."""
    y = task.data.y[train]
    if form.answers == "values":
        return {form.target: [float(y.mean())] * n}
    if form.answers == "labels":
        return {form.target: [task.schema.classes[int(np.bincount(y).argmax())]] * n}
    return {name: [1 / len(task.schema.classes)] * n for name in form.columns}
