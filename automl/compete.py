"""``automl compete``: from the files of a contest to a checked submission."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl import files, metrics, multi_target, pseudo_labels, run_folder
from automl.contest import form, submission
from automl.errors import AutoMLError, ConfigError, DataError
from automl.hydra_app import composed
from automl.options import number
from automl.overrides import TARGET, names_several
from automl.run_folder import RunFolder
from automl.runtime.arrays import as_array
from automl.runtime.model import Model
from automl.runtime.printable import printable

# Of the budget, what is kept for answering the test rows: a share, and at most and at least so many seconds.
ANSWER_SHARE, MOST_SECONDS, LEAST_SECONDS = 0.05, 60.0, 3.0
SHORT_SHARE = 0.2  # of a short budget
# From this ROC AUC on, training and test rows are said to differ.
TELLS_APART = 0.6
# A shorter budget has no time to find that out.
COMPARED_FROM = 60.0
_METRICS: Mapping[form.Answers, str] = {"probability": "roc_auc", "probabilities": "log_loss", "labels": "accuracy"}
# In the run's folder: the files of the contest, and what is to be handed in.
RECORD = "contest.json"


@dataclass(frozen=True)
class Assignment:
    """What is asked for, and how it is searched for.

    ``forms``: one for each target. ``test``, ``sample``: their tables. ``config``: of the search. ``seconds``: of the
    budget, what is not kept for answering; None: no limit. ``look``: gets the first task before its search.
    ``record``: what is noted in the run's folder.
    """

    forms: Sequence[form.Form]
    test: Mapping[str, np.ndarray]
    sample: Mapping[str, np.ndarray]
    config: dict[str, Any]
    seconds: float | None
    look: Callable[[Any], None]
    record: Mapping[str, Any]


def compete(train: str, test: str, sample: str, overrides: Sequence[str], started: float, pseudo: bool = False) -> None:
    """Search as ``overrides`` say, answer the test rows, and write ``submission.csv`` into the run's folder.

    Where the sample asks for several targets, there is a search for each. Where one is interrupted, what it shipped by
    then answers. ``pseudo``: whether pseudo-labels are tried (``pseudo_labels``).
    """
    contest = understood(train, test, sample, overrides, pseudo)
    folder, interrupted = search(contest, contest.config, started, contest.look)
    until = None if contest.seconds is None else started + contest.seconds
    answer(contest, folder, folder / "submission.csv", pseudo and not interrupted, until)


def understood(
    train: str, test: str, sample: str, overrides: Sequence[str], pseudo: bool = False, n_runs: int = 1
) -> Assignment:
    """Return what the files of a contest ask for, and say it. ``n_runs``: how many are to answer together."""
    from automl.data.options import Options

    said = composed(["data.train=none", *overrides])["data"]
    known, encoding = table(train, Options(encoding=said["encoding"]).codec)
    (asked_about, _), (wanted, _) = table(test, encoding), table(sample, encoding)
    forms = form.understand_each(known, asked_about, wanted, _own_target(overrides), said["quantiles"])
    config = composed(_overrides(train, forms, overrides))
    _leave_out_id(config["data"], forms[0].id, known)
    chosen = str(config["metric"])
    forms = [_with_metric(asked, chosen) for asked in forms]
    _check_targets(forms, config["data"]["target"])
    if pseudo and config["task"] in ("auto", "regression") and all(f.answers in ("values", "quantiles") for f in forms):
        raise ConfigError("Pseudo-labels are of classes, and numbers are asked for: leave --pseudo-labels out.")
    for asked in forms:
        say(f"Predict '{asked.target}' by {chosen}: {_WORDS[asked.answers]} in {', '.join(asked.columns[:5])}.")
    seconds = config["budget"]["seconds"]
    if seconds is not None:
        number("key 'budget.seconds'", seconds, 1)
        kept = min(MOST_SECONDS, max(ANSWER_SHARE * seconds, LEAST_SECONDS * n_runs), SHORT_SHARE * seconds)
        seconds -= kept
        config["budget"]["seconds"] = (1 - pseudo_labels.SHARE * pseudo) * seconds
    is_long = seconds is None or seconds >= COMPARED_FROM
    look = _compared_with(asked_about) if is_long else do_not_look
    given = {"train": train, "test": test, "sample": sample}
    record = {name: str(Path(path).absolute()) for name, path in given.items()} | {"encoding": encoding}
    return Assignment(forms, asked_about, wanted, config, seconds, look, record)


def search(
    contest: Assignment, config: dict[str, Any], started: float, look: Callable[[Any], None]
) -> tuple[Path, bool]:
    """Search as ``config`` says, and note in the run's folder what it is for; return that, and whether it was
    interrupted.
    """
    folder, interrupted = multi_target.searched(config, started, look)
    forms = [asked.to_dict() for asked in contest.forms]
    files.write(folder / RECORD, json.dumps({**contest.record, "forms": forms}) + "\n")
    return folder, interrupted


def answer(contest: Assignment, folder: Path, path: Path, pseudo: bool = False, until: float | None = None) -> None:
    """Answer the test rows by what a run shipped, and write the submission to ``path``.

    ``pseudo``: whether pseudo-labels are tried before, ``until`` then; None: however long they take.
    """
    if not (folder / "model").exists():
        raise AutoMLError(f"There is no submission: not every target has a model; see {folder}.")
    runs = run_folder.begun_in(folder) or {contest.forms[0].target: run_folder.find(folder)}
    told = _pseudo_labelled(runs, contest.test, until) if pseudo else {}
    models = {target: Model(told[target].model if told else run.path / "model") for target, run in runs.items()}
    filled: dict[str, list[Any]] = {}
    for asked in contest.forms:
        model = models[asked.target]
        decision = as_class_weights(model.manifest.get("decision"))
        said = model.scores(contest.test)
        filled |= submission.fill_in(asked, contest.sample, contest.test, said, model.classes, decision)
    hand_in(contest.forms, contest.sample, filled, path)
    names = [model.manifest["metric"]["name"] for model in models.values()]
    scores = [m.manifest["scores"][f"validation {name}"] for m, name in zip(models.values(), names, strict=True)]
    metric, score = " and ".join(dict.fromkeys(names)), float(np.mean(scores))
    held = "; ".join([folder.name, *(f"pseudo-labels of {target}: {one.why}" for target, one in told.items())])
    submission.log(path, folder.parent, held, metric, score, n_rows(contest.sample))


def _pseudo_labelled(
    runs: Mapping[str, RunFolder], test: Mapping[str, np.ndarray], until: float | None
) -> dict[str, pseudo_labels.Verdict]:
    """Try pseudo-labels for each target, which share the time by equal parts, and say what came of them."""
    found = {}
    for i, (target, run) in enumerate(runs.items()):
        now = time.time()
        found[target] = pseudo_labels.tried(run, test, now, None if until is None else (until - now) / (len(runs) - i))
        say(f"pseudo-labels of {target}: {found[target].why}")
    return found


def say(text: str) -> None:
    """Print a line for a person; what comes from data steers no terminal."""
    print(printable(text), file=sys.stderr)


_WORDS: Mapping[form.Answers, str] = {
    "labels": "labels",
    "values": "values",
    "quantiles": "a quantile each",
    "probability": "the probability of the second class",
    "probabilities": "a probability of each class",
}


def _own_target(overrides: Sequence[str]) -> str | None:
    """Return the one target that a person names; several are those of the sample (``_check_targets``)."""
    named = (o.partition("=")[2] for o in overrides if o.startswith("data.target="))
    return next((name for name in named if not names_several(TARGET, name)), None)


def _check_targets(forms: Sequence[form.Form], named: Any) -> None:
    """Raise ``DataError`` where a person names other targets than the sample has columns for."""
    asked = {asked.target for asked in forms}
    if isinstance(named, list) and {str(name) for name in named} != asked:
        raise DataError(
            f"The sample has columns for {', '.join(sorted(asked))}; data.target names {', '.join(map(str, named))}. "
            "Leave it out."
        )


def _overrides(train: str, forms: Sequence[form.Form], overrides: Sequence[str]) -> list[str]:
    """Return the overrides of the search: what the forms say, then what the person says."""
    said = {override.partition("=")[0].lstrip("+") for override in overrides}
    kinds = {"probability": "classification", "probabilities": "classification", "labels": "classification"}
    tasks = {kinds.get(asked.answers, "auto") for asked in forms}
    judged = {_METRICS.get(asked.answers, "auto") for asked in forms}
    own = {
        "data.train": train,
        "data.target": forms[0].target if len(forms) == 1 else _list_of(*(asked.target for asked in forms)),
        "experiment": "competition",
        "task": tasks.pop() if len(tasks) == 1 else "auto",
        "metric": judged.pop() if len(judged) == 1 else "auto",
    }
    return [*(f"{key}={value}" for key, value in own.items() if key not in said), *overrides]


def _leave_out_id(data: dict[str, Any], id: str, train: Mapping[str, np.ndarray]) -> None:
    """Drop the column that names the rows, beside what a person drops; not where they say by a role what it is."""
    if id in train and id not in map(str, [*data["drop"], *data["roles"]]):
        data["drop"] = [*data["drop"], id]


def _list_of(*names: str) -> str:
    """Return names as a list, each in the quotes that are not in it."""
    quotes = ["'" if '"' in name else '"' for name in names]
    return f"[{','.join(f'{quote}{name}{quote}' for name, quote in zip(names, quotes, strict=True))}]"


def _with_metric(asked: form.Form, metric: str) -> form.Form:
    """Return the form for a metric: where it judges probabilities of two classes, one column of labels holds these."""
    if asked.answers not in ("labels", "probability") or ":" in metric or metric == "auto":
        return asked
    needs = {m.needs for m in _of_targets(metric)}
    if asked.answers == "labels" and needs == {"probabilities"}:
        return form.Form(asked.id, asked.target, asked.columns, "probability")
    if asked.answers == "probability" and needs == {"labels"}:
        return form.Form(asked.id, asked.target, asked.columns, "labels")
    return asked


def _of_targets(metric: str) -> list[metrics.Metric]:
    found = []
    for target in ("binary", "multiclass"):
        try:
            found.append(metrics.get(metric, target))
        except ConfigError:
            continue
    return found


def _compared_with(test: Mapping[str, np.ndarray]) -> Callable[[Any], None]:
    """Return what says whether test rows can be told from training rows (adversarial validation)."""
    from automl.data import rows
    from automl.explain import drift

    def look(task: Any) -> None:
        told = drift.adversarial(task.schema, task.data.x, rows(task.schema, test), task.seed)
        say(f"Training and test rows are told apart with a ROC AUC of {told.auc:.3f} (0.5: not at all).")
        if told.auc >= TELLS_APART:
            names = ", ".join(name for name, _ in told.columns[:5])
            say(f"They differ in: {names}. Validation scores may not hold there.")

    return look


def do_not_look(task: Any) -> None:
    """A short budget has no time to compare."""


def hand_in(
    forms: Sequence[form.Form], sample: Mapping[str, np.ndarray], filled: Mapping[str, Sequence[Any]], path: Path
) -> None:
    """Write a submission, and check it as it lies there. Raises ``DataError`` for what is wrong with it."""
    submission.write({column: filled[column] for column in sample}, path)
    for asked in forms:
        submission.check(asked, sample, path)
    print(printable(f"submission: {os.path.relpath(path)} ({n_rows(sample):,} rows, checked against the sample)"))


def as_class_weights(decision: Any) -> np.ndarray | None:
    """Return by how much each class counts where labels are decided, as an array."""
    return None if decision is None else np.asarray(decision, np.float64)


def table(path: str, encoding: str) -> tuple[dict[str, np.ndarray], str]:
    """Return the columns of a table in a file, and the encoding of others of its kind (see ``Source``).

    ``encoding``: of text that is not Unicode, "" for the most likely one. Raises ``DataError`` for what is no table.
    """
    from automl.data import files as data_files

    read = data_files.read(path, "table", encoding=encoding)[0]
    if not read.columns:
        raise DataError(f"The files of a contest are tables; '{path}' is none.")
    return {name: as_array(values) for name, values in read.columns.items()}, encoding or read.encoding


def n_rows(table: Mapping[str, np.ndarray]) -> int:
    """Return the number of rows of a table."""
    return len(next(iter(table.values())))
