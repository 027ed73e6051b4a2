"""The sections on what the shipped model goes by: importance, and what its answers to single rows are made of."""

from typing import Any

import numpy as np

from automl import alarm
from automl.explain import task_rows
from automl.explain.explanation import MOST_ANSWERS, Explanation, RowExplanation, explain
from automl.export.member import members_of
from automl.export.package import opened_graph
from automl.report import bars, cells, quality
from automl.report.document import Chart, Part, Section, Table, Text
from automl.report.share import Share
from automl.report.subject import ExplainedRows, Finished
from automl.runtime.printable import shown

SHOWN_FEATURES, SHOWN_ROWS = 15, 4
# Rows whose contributions are summed up, in so many at a time; and background rows, of which each stands in for another
# random order of the features where these are sampled. Where the model is slow, fewer.
SUMMED_ROWS, AT_A_TIME, PAIRS, LEAST_PAIRS = 40, 5, 32, 8
# Fitted models of more bytes than this are not read again for the sake of a report.
MOST_BYTES = 150_000_000
REPEATS = 5
_BRIEF = 8  # characters
_HOW = {
    "trees": "exact, from the trees themselves",
    "coalitions": "exact, from all coalitions of features",
    "permutations": "from random orders of the features, with their standard error as a line",
}
_LEARNED = {
    True: "The rows are test rows, which the model did not learn from.",
    False: (
        "No rows were locked away, so the model learned from these rows, and is surer of them than of new ones. "
        "What was predicted out of fold, by models that had not seen the row, stands beside it."
    ),
}


def matters(run: Finished, share: Share) -> Section:
    """Return the permutation importance: of what is shipped on locked rows, else of its members out of fold."""
    section, task = Section("What matters"), run.task
    if task.test is not None:
        answer = opened_graph(run.model.graph(), task.schema)
        found = task_rows.on_locked(task, answer, task.test, REPEATS, task.seed, _rows(run, share), share)
        on = "locked rows, by the shipped model"
    elif sum(map(run.kept.n_bytes, run.weights)) <= MOST_BYTES:
        with alarm.whole():
            members = members_of(task, run.kept, run.weights)
        found = task_rows.out_of_fold(task, members, REPEATS, task.seed, _rows(run, share), share)
        on = "validation rows, by the models that had not seen them"
    else:
        section.add(Text("The fitted models are too large to be asked again here, and no rows were locked away."))
        return section
    frame = found.frame().head(SHOWN_FEATURES)
    names, values, spreads = (frame[column].tolist() for column in ("feature", "importance", "spread"))
    caption = f"How much of the score is lost when a feature is put in random order: {run.metric.name} on {on}."
    rows = [[n, f"{v:.4g}", f"{s:.2g}"] for n, v, s in zip(names, values, spreads, strict=True)]
    section.add(Chart(bars.bars(names, values, spreads), caption, Table(("feature", "importance", "spread"), rows)))
    return section


def _rows(run: Finished, share: Share) -> int:
    """Return on how many rows a model is asked again and again: fewer where it is slow."""
    n_features = max(1, len(run.task.schema.columns) or 49)
    return int(np.clip(run.rows_within(share.left) // (n_features * 3), 100, task_rows.MOST_ROWS))


def contributions(run: Finished, share: Share) -> Section:
    """Return the Shapley values of a few rows and, summed up, of more."""
    section, rows = Section("What the answers are made of"), run.explained
    chosen = telling(run, rows.y, rows.prediction)
    rng = np.random.default_rng(run.task.seed)
    more = rng.permutation(np.setdiff1d(np.arange(len(rows.y)), chosen))[: SUMMED_ROWS - len(chosen)]
    answers = run.rows_within(share.left / 2) // len(chosen)
    parts = [_explained(run, rows, chosen, answers)]
    for start in range(0, len(more), AT_A_TIME):
        if not share():
            break
        parts.append(_explained(run, rows, more[start : start + AT_A_TIME], answers))
    found = [row for part in parts for row in part.rows]
    what = "probability" if run.names else "value" if not run.task.target.quantiles else run.value
    section.add(Text(f"Shapley values: how much each feature adds to the {what}, {_HOW[parts[0].method]}."))
    section.add(Text(_LEARNED[rows.locked], soft=True))
    if len({row.features for row in found}) == 1:
        section.add(_summed(run, found))
    for at, row in zip(chosen.tolist(), found, strict=False):
        section.add(*_one_row(run, rows, at, row))
    return section


def _explained(run: Finished, rows: ExplainedRows, at: np.ndarray, answers: int) -> Explanation:
    """Explain some rows. ``answers``: how many of the model there is time for, of each."""
    n_features = max(1, len(run.task.schema.columns) or 49)
    pairs = int(np.clip(answers // (2 * n_features), LEAST_PAIRS, PAIRS))
    (x, lengths), (others, their_lengths) = run.taken(rows, at), run.sample(run.background(pairs))
    how = {"lengths": lengths, "background_lengths": their_lengths, "pairs": pairs, "seed": run.task.seed}
    return explain(run.subject, x, others, **how, most_answers=min(MOST_ANSWERS, answers))


def _summed(run: Finished, rows: list[RowExplanation]) -> Chart:
    columns = slice(None) if run.names else [run.middle]
    strength = np.mean([np.abs(row.contributions[:, columns]).mean(axis=1) for row in rows], axis=0)
    order = np.argsort(-strength, kind="stable")[:SHOWN_FEATURES]
    names = [rows[0].features[j] for j in order]
    classes = f" and the {len(run.names)} classes" if len(run.names) > 2 else ""
    caption = f"Mean absolute contribution over {len(rows)} rows{classes}."
    numbers = Table(
        ("feature", "mean absolute contribution"),
        [[n, f"{strength[j]:.4g}"] for n, j in zip(names, order, strict=True)],
    )
    return Chart(bars.bars(names, strength[order].tolist()), caption, numbers)


def telling(run: Finished, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the rows that tell most: very right, very wrong, and on the edge; of values the extremes.

    ``y``: their targets; ``p``: (n, width) what was predicted, NaN where nothing was.
    """
    known = np.flatnonzero(np.isfinite(p).all(axis=1))
    if not len(known):
        return np.arange(min(2, len(y)))
    p, y = p[known], y[known]
    if run.names:
        right = p[np.arange(len(p)), y]
        top = np.sort(p, axis=1)
        picks = [right.argmax(), right.argmin(), (top[:, -1] - top[:, -2]).argmin()]
    else:
        value = p[:, run.middle]
        error = np.abs(y - value)
        picks = [value.argmax(), value.argmin(), error.argmax(), error.argmin()]
    return known[list(dict.fromkeys(int(pick) for pick in picks))][:SHOWN_ROWS]


def _one_row(run: Finished, rows: ExplainedRows, at: int, row: RowExplanation) -> list[Part]:
    k = int(row.answer.argmax()) if run.names else run.middle
    true = f"'{run.names[rows.y[at]]}'" if run.names else f"{rows.y[at]:.5g}"
    unseen = "" if rows.locked or np.isnan(rows.prediction[at]).any() else _said(run, rows.prediction[at])
    order = np.argsort(-np.abs(row.contributions[:, k]), kind="stable")[:10]
    names = [row.features[j] for j in order]
    cells = ["" if row.values[j] is None else brief(row.values[j]) for j in order]
    values, errors = row.contributions[order, k].tolist(), row.errors[order, k].tolist()
    caption = f"{rows.kind} {rows.number[at]}: true {true}, predicted {_said(run, row.answer)}"
    caption += f", out of fold {unseen}" if unseen else ""
    caption += f". The mean of the background is {row.base[k]:.5g}."
    numbers = Table(
        ("feature", "its value", "adds", "standard error"),
        [
            [n, c, f"{v:+.4g}", f"{e:.2g}" if e else "0"]
            for n, c, v, e in zip(names, cells, values, errors, strict=True)
        ],
    )
    parts: list[Part] = [Chart(bars.bars(names, values, errors, cells=cells), caption, numbers)]
    if run.task.kind == "image" and len(row.features) > 1:
        parts.append(_overlay(run, rows.x[at], row, k))
    return parts


def _said(run: Finished, answer: np.ndarray) -> str:
    k = int(answer.argmax()) if run.names else run.middle
    return f"'{run.names[k]}' ({answer[k]:.3f})" if run.names else f"{answer[k]:.5g}"


def brief(value: Any) -> str:
    """Return a value as a person would say it: of a broken number with many digits the first five."""
    said = shown(value)
    try:
        return f"{float(said):.5g}" if len(said) > _BRIEF and "." in said else said
    except ValueError:
        return said


def _overlay(run: Finished, image: np.ndarray, row: RowExplanation, k: int) -> Chart:
    down = len({name.split(",")[0] for name in row.features})
    drawn = cells.picture(quality.grey(image), row.contributions[:, k].reshape(down, -1))
    return Chart(drawn, f"Blue speaks for '{run.names[k] if run.names else 'more'}', red against.")
