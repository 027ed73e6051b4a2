"""The sections on what the shipped model goes by: importance, contributions, partial dependence, counterfactuals."""

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.explain import importance, task_rows
from automl.explain.counterfactual import Change, nearest_changes
from automl.explain.explanation import Explanation, RowExplanation, explain
from automl.explain.mixed import plain
from automl.export.member import members_of
from automl.export.package import opened_graph
from automl.report import charts, quality
from automl.report.document import Chart, Part, Section, Table, Text
from automl.report.subject import Finished
from automl.runtime.printable import shown

SHOWN_FEATURES, SHOWN_CURVES, SHOWN_ROWS = 15, 4, 4
# Rows whose contributions are summed up, in so many at a time; and random orders for each where they are sampled.
SUMMED_ROWS, AT_A_TIME, PAIRS = 40, 5, 32
# Rows of the sample that a mean answer is taken over.
MEAN_ROWS = 100
# Fitted models of more bytes than this are not read again for the sake of a report.
MOST_BYTES = 150_000_000
REPEATS = 5
_BRIEF = 8  # characters
_HOW = {
    "trees": "exact, from the trees themselves",
    "coalitions": "exact, from all coalitions of features",
    "permutations": "from random orders of the features, with the standard error said",
}


def matters(run: Finished, goes_on: Callable[[], bool]) -> Section:
    """Return the permutation importance: of what is shipped on locked rows, else of its members out of fold."""
    section, task = Section("What matters"), run.task
    if task.test is not None:
        answer = opened_graph(run.model.graph(), task.schema)
        found = task_rows.on_locked(task, answer, task.test, REPEATS, task.seed, _rows(run), goes_on)
        on = "locked rows, by the shipped model"
    elif sum(map(run.kept.n_bytes, run.weights)) <= MOST_BYTES:
        members = members_of(task, run.kept, run.weights)
        found = task_rows.out_of_fold(task, members, REPEATS, task.seed, _rows(run), goes_on)
        on = "validation rows, by the models that had not seen them"
    else:
        section.add(Text("The fitted models are too large to be asked again here, and no rows were locked away."))
        return section
    frame = found.frame().head(SHOWN_FEATURES)
    names, values, spreads = (frame[column].tolist() for column in ("feature", "importance", "spread"))
    caption = f"How much of the score is lost when a feature is put in random order: {run.metric.name} on {on}."
    rows = [[n, f"{v:.4g}", f"{s:.2g}"] for n, v, s in zip(names, values, spreads, strict=True)]
    section.add(Chart(charts.bars(names, values, spreads), caption, Table(("feature", "importance", "spread"), rows)))
    return section


def _rows(run: Finished) -> int:
    """Return on how many rows a model is asked again and again: fewer where it is slow."""
    per_row_ms = run.model.manifest["latency_ms"]["batch_256_p50"] / 256
    n_features = max(1, len(run.task.schema.columns) or 49)
    return int(np.clip(4000 / (per_row_ms * n_features * 3), 100, task_rows.MOST_ROWS))


def contributions(run: Finished, goes_on: Callable[[], bool]) -> Section:
    """Return the Shapley values of a few rows and, summed up, of more."""
    section, task = Section("What the answers are made of"), run.task
    chosen = telling(run)
    rng = np.random.default_rng(task.seed)
    more = rng.permutation(np.setdiff1d(np.arange(len(task.sample_index)), chosen))[: SUMMED_ROWS - len(chosen)]
    parts: list[Explanation] = []
    order = np.concatenate([chosen, more]).astype(int)
    starts = range(0, len(order), AT_A_TIME)
    for start in starts:
        if parts and not goes_on():
            break
        parts.append(_explained(run, order[start : start + AT_A_TIME]))
    rows = [row for part in parts for row in part.rows]
    how = _HOW[parts[0].method]
    what = "probability" if run.names else "value" if not task.target.quantiles else run.value
    section.add(Text(f"Shapley values: how much each feature adds to the {what}, {how}."))
    if len({row.features for row in rows}) == 1:
        section.add(_summed(run, rows))
    for at, row in zip(chosen, rows, strict=False):
        section.add(*_one_row(run, int(at), row))
    return section


def _explained(run: Finished, at: np.ndarray) -> Explanation:
    (x, lengths), (others, their_lengths) = run.sample(at), run.sample(np.arange(PAIRS))
    how = {"lengths": lengths, "background_lengths": their_lengths, "pairs": PAIRS, "seed": run.task.seed}
    return explain(run.subject, x, others, **how)


def _summed(run: Finished, rows: list[RowExplanation]) -> Chart:
    columns = slice(None) if run.names else [run.middle]
    strength = np.mean([np.abs(row.contributions[:, columns]).sum(axis=1) for row in rows], axis=0)
    if len(run.names) == 2:  # what one class gains the other loses
        strength = strength / 2
    order = np.argsort(-strength, kind="stable")[:SHOWN_FEATURES]
    names = [rows[0].features[j] for j in order]
    caption = f"Mean absolute contribution over {len(rows)} rows."
    numbers = Table(
        ("feature", "mean absolute contribution"),
        [[n, f"{strength[j]:.4g}"] for n, j in zip(names, order, strict=True)],
    )
    return Chart(charts.bars(names, strength[order].tolist()), caption, numbers)


def telling(run: Finished) -> np.ndarray:
    """Return rows of the sample that tell most: very right, very wrong, and on the edge; of values the extremes."""
    task, index = run.task, run.task.sample_index
    p, y = run.prediction[index], task.data.y[index]
    known = np.flatnonzero(np.isfinite(p).all(axis=1))
    if not len(known):
        return np.arange(min(2, len(index)))
    p, y = p[known], y[known]
    if task.target.is_classification:
        right = p[np.arange(len(p)), y]
        top = np.sort(p, axis=1)
        picks = [right.argmax(), right.argmin(), (top[:, -1] - top[:, -2]).argmin()]
    else:
        value = p[:, run.middle]
        error = np.abs(y - value)
        picks = [value.argmax(), value.argmin(), error.argmax(), error.argmin()]
    return known[list(dict.fromkeys(int(pick) for pick in picks))][:SHOWN_ROWS]


def _one_row(run: Finished, at: int, row: RowExplanation) -> list[Part]:
    task = run.task
    y, number = task.data.y[task.sample_index[at]], task.sample_index[at] + 1
    if run.names:
        k = int(row.answer.argmax())
        is_so = f"is '{run.names[y]}'; the model says '{run.names[k]}' with {row.answer[k]:.3f}"
        base = f"from {row.base[k]:.3f}, the mean"
    else:
        k = run.middle
        is_so, base = f"is {y:.5g}; the model says {row.answer[k]:.5g}", f"from {row.base[k]:.5g}, the mean"
    order = np.argsort(-np.abs(row.contributions[:, k]), kind="stable")[:10]
    said = [(row.features[j], row.values[j]) for j in order]
    names = [name if value is None else f"{name} = {_brief(value)}" for name, value in said]
    values, errors = row.contributions[order, k].tolist(), row.errors[order, k].tolist()
    caption = f"Row {number} {is_so} ({base})."
    numbers = Table(
        ("feature", "adds", "standard error"),
        [[n, f"{v:+.4g}", f"{e:.2g}" if e else "0"] for n, v, e in zip(names, values, errors, strict=True)],
    )
    parts: list[Part] = [Chart(charts.bars(names, values, errors), caption, numbers)]
    if task.kind == "image" and len(row.features) > 1:
        parts.append(_overlay(run, at, row, k))
    return parts


def _brief(value: Any) -> str:
    """Return a value as a person would say it: of a broken number with many digits the first five."""
    said = shown(value)
    try:
        return f"{float(said):.5g}" if len(said) > _BRIEF and "." in said else said
    except ValueError:
        return said


def _overlay(run: Finished, at: int, row: RowExplanation, k: int) -> Chart:
    down = len({name.split(",")[0] for name in row.features})
    drawn = charts.picture(quality.grey(run.task.sample["x"][at]), row.contributions[:, k].reshape(down, -1))
    return Chart(drawn, f"Blue speaks for '{run.names[k] if run.names else 'more'}', red against.")


def depends(run: Finished, features: list[str], goes_on: Callable[[], bool]) -> Section | None:
    """Return how the mean answer follows the features that matter most; None for data without columns."""
    if run.task.kind != "table" or not features:
        return None
    section = Section("How answers follow single columns")
    pool = run.subject.pool(run.sample(np.arange(MEAN_ROWS)))
    for name in features[:SHOWN_CURVES]:
        if section.parts and not goes_on():
            break
        found = importance.partial_dependence(run.subject, pool, name)
        section.add(_curve(run, found))
    section.add(Text("Partial dependence: the mean answer to the sample if all rows had that value.", soft=True))
    return section


def _curve(run: Finished, found: importance.Dependence) -> Chart:
    classes = [1] if len(run.names) == 2 else range(min(len(run.names), 5)) if run.names else [run.middle]
    labels = {k: f"P({run.names[k]})" if run.names else run.value for k in classes}
    numbers = Table(
        (found.feature, *labels.values()),
        [[_brief(v), *(f"{a[k]:.4g}" for k in classes)] for v, a in zip(found.values, found.answers, strict=True)],
    )
    caption = f"{found.feature}"
    try:
        x = [float(value) for value in found.values]
    except (TypeError, ValueError):
        k = classes[0]
        drawn = charts.bars([_brief(v) for v in found.values], found.answers[:, k].tolist(), label=labels[k])
        return Chart(drawn, caption, numbers)
    series = {labels[k]: (x, found.answers[:, k].tolist()) for k in classes}
    return Chart(charts.lines(series, found.feature, "mean answer"), caption, numbers)


def counterfactuals(run: Finished, goes_on: Callable[[], bool]) -> Section | None:
    """Return what would have to be otherwise for rows near the boundary to be called otherwise."""
    if run.task.kind != "table" or not run.names:
        return None
    section = Section("What would change the answer")
    pool = run.subject.pool(run.sample(np.arange(len(run.task.sample_index))))
    n_rows = len(run.task.sample_index)
    answers = run.subject.answers(pool, plain(len(pool.features), np.arange(n_rows)))
    top = np.sort(answers, axis=1)
    lines: list[list[str]] = []
    for at in np.argsort(top[:, -1] - top[:, -2], kind="stable")[:SHOWN_ROWS].tolist():
        if lines and not goes_on():
            break
        found = nearest_changes(run.subject, pool, at, answers[at], run.task.seed)
        number = str(run.task.sample_index[at] + 1)
        called = run.names[int(answers[at].argmax())]
        lines += [[number, called, *_change(run, one)] for one in found[:2]] or [
            [number, called, "no single value", "", ""]
        ]
    section.add(Table(("row", "called", "column", "instead of", "becomes"), lines))
    section.add(
        Text(
            "The smallest changes of one value, to one that another row has, after which the model says another class. "
            "They are about the model: nobody need be able to make them.",
            soft=True,
        )
    )
    return section


def _change(run: Finished, change: Change) -> list[str]:
    return [change.feature, f"{_brief(change.before)} → {_brief(change.after)}", run.names[int(change.answer.argmax())]]
