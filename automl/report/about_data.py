"""The sections on what went in: columns and their roles, what is missing, the target, drift."""

import numpy as np

from automl.explain import drift
from automl.explain.task_rows import TaskRows
from automl.report import charts
from automl.report.document import Chart, Items, Section, Table, Text
from automl.report.subject import Finished
from automl.runtime.printable import shown
from automl.runtime.schema import takes

# Columns, levels and classes that a table of a report lists.
MOST_LINES = 40


def data(run: Finished) -> Section:
    """Return what the data is, as it was understood."""
    task, section = run.task, Section("Data")
    section.add(Items(task.notes))
    section.add(_target(run))
    if task.kind in ("image", "sequence"):
        section.add(Text(f"Each row is {takes(task.schema.to_dict())}."))
        return section
    lines = [[column.name, column.role, _missing(run, column.name), _known(column)] for column in task.schema.columns]
    section.add(Table(("column", "role", "missing", "what is known of it"), lines[:MOST_LINES]))
    if len(lines) > MOST_LINES:
        section.add(Text(f"and {len(lines) - MOST_LINES} more columns", soft=True))
    return section


def _known(column: object) -> str:
    levels = getattr(column, "levels", ())
    if getattr(column, "reason", ""):
        return str(column.reason)  # type: ignore[attr-defined]
    if levels:
        text = ", ".join(map(shown, levels[:6]))
        return f"{len(levels)} levels: {text}" + (" ..." if len(levels) > 6 else "")
    terms = getattr(column, "terms", ())
    return f"{len(terms):,} terms" if terms else ""


def _missing(run: Finished, name: str) -> str:
    """Return the share that is missing in training, and in the locked rows where there are some."""
    shares = []
    for batch in (run.task.data, run.task.test):
        if batch is None:
            continue
        rows = TaskRows.of(run.task.schema, batch.x)
        if name not in rows.features:
            return ""
        field, columns = rows.parts[rows.features.index(name)]
        if field == "sparse":
            return ""
        values = getattr(batch.x, field)[:, columns[0]]
        shares.append(float(np.mean(np.isnan(values) if field == "numeric" else values == 0)))
    return " / ".join(f"{share:.1%}" for share in shares) if any(shares) else "-"


def _target(run: Finished) -> Chart | Table:
    task = run.task
    if not task.target.is_classification:
        caption = f"{task.schema.target_name}: {len(task.data):,} values"
        return Chart(charts.histogram(task.data.y, task.schema.target_name), caption)
    counts = np.bincount(task.data.y, minlength=len(run.names))
    order = np.argsort(-counts, kind="stable")[:MOST_LINES]
    rows = [[run.names[i], f"{counts[i]:,}", f"{counts[i] / counts.sum():.1%}"] for i in order]
    return Table((f"{task.schema.target_name} (class)", "rows", "share"), rows)


def drifted(run: Finished) -> Section | None:
    """Return how the locked rows differ from those that were learnt from; None without locked rows."""
    task = run.task
    if task.test is None:
        return None
    section = Section("Drift between training and test rows")
    told = drift.adversarial(task.schema, task.data.x, task.test.x, task.seed)
    words = "cannot be told apart" if told.auc < 0.55 else "differ a little" if told.auc < 0.7 else "differ"
    section.add(
        Text(
            f"A forest that tries to tell test rows from training rows reaches a ROC AUC of {told.auc:.3f} "
            f"(0.5: not at all, 1: always): they {words}."
        )
    )
    if told.columns and told.auc >= 0.55:
        section.add(Text("What it tells them apart by: " + ", ".join(name for name, _ in told.columns[:5]) + "."))
    if task.kind in ("table", "text"):
        moved = [d for d in drift.by_column(task.schema, task.data.x, task.test.x, task.seed) if d.p_value < 0.01][:10]
        if moved:
            rows = [[d.name, f"{d.distance:.3f}", f"{d.p_value:.1e}"] for d in moved]
            section.add(Table(("column", "distance of the distributions", "p"), rows))
            section.add(Text("Distance: Kolmogorov's of numbers, total variation of levels; 0 is none.", soft=True))
        else:
            section.add(Text("No single column differs beyond chance (p < 0.01)."))
    return section
