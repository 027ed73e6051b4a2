"""``automl ensemble``: several runs of one contest as one checked submission."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from automl import ensemble as selection
from automl import files, run_folder
from automl.compete import RECORD, as_class_weights, hand_in, n_rows, say, table
from automl.contest import blend, form, submission
from automl.errors import AutoMLError, ConfigError
from automl.past_run import open_run
from automl.run_folder import RunFolder
from automl.runtime.fault import fault
from automl.runtime.model import Model

# What is read of it; "encoding" came later than the others.
_RECORD = {"test": str, "sample": str, "encoding?": str, "forms": [form.SHAPE], ...: object}


def ensemble(runs: Sequence[str], output: str, trust: bool = False) -> None:
    """Blend the runs of one contest by their out-of-fold predictions, and write a submission to ``output``.

    Of several targets each has a blend of its own.
    """
    if len(runs) < 2:
        raise ConfigError("A blend is of two runs or more; give their folders.")
    folders = {Path(run).name: Path(run).absolute() for run in runs}
    if len(folders) < len(runs):
        raise ConfigError("The folders of the runs must have names of their own.")
    found = {name: _runs_of(folder, trust) for name, folder in folders.items()}
    record = _record(next(iter(folders.values())))
    forms = [form.Form.from_dict(asked) for asked in record["forms"]]
    encoding = record.get("encoding", "")
    (test, _), (sample, _) = table(record["test"], encoding), table(record["sample"], encoding)
    filled: dict[str, list[Any]] = {}
    blends: list[tuple[str, blend.Blend]] = []
    for asked in forms:
        if len(forms) > 1:
            say(f"target {asked.target}")
        own = {name: _run_of(runs, asked.target, name) for name, runs in found.items()}
        columns, metric, chosen = _blended(own, asked, test, sample)
        filled |= columns
        blends.append((metric, chosen))
    path = Path(output)
    hand_in(forms, sample, filled, path)
    weights = ", ".join(" + ".join(f"{w:.2f} {name}" for name, w in one.weights.items()) for _, one in blends)
    judged = " and ".join(dict.fromkeys(metric for metric, _ in blends))
    score = float(np.mean([one.score for _, one in blends]))
    submission.log(path, next(iter(folders.values())).parent, weights, judged, score, n_rows(sample))


def _runs_of(folder: Path, trust: bool) -> Mapping[str, RunFolder]:
    """Return the run in a folder, as "", or those of several targets, by these."""
    return run_folder.begun_in(folder, trust) or {"": run_folder.find(folder, trust)}


def _run_of(runs: Mapping[str, RunFolder], target: str, name: str) -> RunFolder:
    found = runs.get("") or runs.get(target)
    if found is None:
        raise ConfigError(f"Runs are blended target by target: '{name}' has none for '{target}'. Leave it out.")
    return found


def _blended(
    folders: Mapping[str, RunFolder],
    asked: form.Form,
    test: Mapping[str, np.ndarray],
    sample: Mapping[str, np.ndarray],
) -> tuple[dict[str, list[Any]], str, blend.Blend]:
    """Return the columns that the blend of one target's runs fills in, the metric's name, and the blend."""
    tasks, predictions = {}, {}
    for name, folder in folders.items():
        tasks[name], predictions[name] = _out_of_fold(folder)
    found = blend.blend(tasks, predictions)
    task = next(iter(tasks.values()))
    for name, score in found.alone.items():
        say(f"{name}: {score:.6g}, weight {found.weights.get(name, 0):.0%}")
    say(f"blend: {task.metric.name} {found.score:.6g}")
    models = {name: Model(folders[name].path / "model") for name in found.weights}
    answered = selection.blend(task.target, {name: model.scores(test) for name, model in models.items()}, found.weights)
    whole = selection.blend(task.target, predictions, found.weights)
    decision = as_class_weights(task.metric.decide(task.data.y, whole, task.data.weights))
    classes = next(iter(models.values())).classes
    return (
        submission.fill_in(asked, sample, test, answered, classes, decision),
        task.metric.name,
        found,
    )


def _record(folder: Path) -> dict[str, Any]:
    """Return what a run of a contest noted. Raises ``AutoMLError`` where there is no such note, or it is damaged."""
    try:
        found: dict[str, Any] = files.read_json(folder / RECORD)
        wrong = fault(found, _RECORD) or ("" if found["forms"] else "its forms are none")
    except OSError:
        raise AutoMLError(
            f"'{folder}' is no run of `automl compete`, which notes what is to be handed in. Blend runs of it."
        ) from None
    except ValueError as error:
        wrong = str(error)
    if wrong:
        raise AutoMLError(f"'{folder / RECORD}' is damaged: {wrong}. Bring it back from a copy.")
    return found


def _out_of_fold(folder: RunFolder) -> tuple[Any, np.ndarray]:
    from automl.export.choose import out_of_fold

    run = open_run(folder)
    if run.board.ensemble is None:
        raise AutoMLError(f"The run '{folder.path}' has shipped nothing. Finish it with: automl resume {folder.path}")
    return run.task, out_of_fold(run.task, run.kept, dict(run.board.ensemble.members))
