"""The sections on how answers follow single columns: partial dependence, counterfactuals."""

import numpy as np

from automl.explain import importance
from automl.explain.counterfactual import Change, nearest_changes
from automl.explain.mixed import plain
from automl.report import bars, charts
from automl.report.about_reasons import SHOWN_ROWS, brief
from automl.report.document import Chart, Section, Table, Text
from automl.report.share import Share
from automl.report.subject import Finished

SHOWN_CURVES = 4
# Rows of the sample that a mean answer is taken over, and values that are tried; where the model is slow, fewer rows.
MEAN_ROWS, LEAST_ROWS, POINTS = 100, 20, 16
MOST_CLASSES = 5


def depends(run: Finished, features: list[str], share: Share) -> Section | None:
    """Return how the mean answer follows the features that matter most; None for data without columns."""
    if run.task.kind != "table" or not features:
        return None
    section = Section("How answers follow single columns")
    n_rows = int(np.clip(run.rows_within(share.left) // (SHOWN_CURVES * POINTS), LEAST_ROWS, MEAN_ROWS))
    pool = run.subject.pool(run.sample(run.background(n_rows)))
    for name in features[:SHOWN_CURVES]:
        if section.parts and not share():
            break
        section.add(_curve(run, importance.partial_dependence(run.subject, pool, name, POINTS)))
    section.add(
        Text(f"Partial dependence: the mean answer to {pool.sizes[0]} random rows if all had that value.", soft=True)
    )
    return section


def _curve(run: Finished, found: importance.Dependence) -> Chart:
    classes = [1] if len(run.names) == 2 else list(range(min(len(run.names), MOST_CLASSES))) or [run.middle]
    labels = {k: f"P({run.names[k]})" if run.names else run.value for k in classes}
    tried = [brief(value) for value in found.values]
    numbers = Table(
        (found.feature, *labels.values()),
        [[v, *(f"{a[k]:.4g}" for k in classes)] for v, a in zip(tried, found.answers, strict=True)],
    )
    caption = f"Partial dependence on {found.feature}."
    try:
        x = [float(value) for value in found.values]
    except (TypeError, ValueError):
        series = {labels[k]: found.answers[:, k].tolist() for k in classes}
        return Chart(bars.levels(tried, series), caption, numbers)
    curves = {labels[k]: (x, found.answers[:, k].tolist()) for k in classes}
    return Chart(charts.lines(curves, found.feature, "mean answer"), caption, numbers)


def counterfactuals(run: Finished, share: Share) -> Section | None:
    """Return the smallest changes of one value after which rows near the boundary are predicted as another class."""
    if run.task.kind != "table" or not run.names:
        return None
    section, rows = Section("What would change the answer"), run.explained
    every = np.arange(len(rows.y))
    pool = run.subject.pool(run.taken(rows, every), run.sample(np.arange(len(run.task.sample_index))))
    answers = run.subject.answers(pool, plain(len(pool.features), every))
    top = np.sort(answers, axis=1)
    lines: list[list[str]] = []
    for at in np.argsort(top[:, -1] - top[:, -2], kind="stable")[:SHOWN_ROWS].tolist():
        if lines and not share():
            break
        found = nearest_changes(run.subject, pool, at, answers[at], run.task.seed)
        known = [str(rows.number[at]), run.names[rows.y[at]], run.names[int(answers[at].argmax())]]
        lines += [[*known, *_change(run, one)] for one in found[:2]] or [[*known, "no single value", "", ""]]
    section.add(Table((rows.kind.lower(), "true", "predicted", "column", "change", "then predicted"), lines))
    section.add(
        Text(
            "The smallest changes of one value, to one that another row has, after which another class is predicted. "
            "They are about the model: nobody need be able to make them.",
            soft=True,
        )
    )
    return section


def _change(run: Finished, change: Change) -> list[str]:
    return [change.feature, f"{brief(change.before)} → {brief(change.after)}", run.names[int(change.answer.argmax())]]
