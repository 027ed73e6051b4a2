"""The section on how right the model is: confusion, curves, calibration, thresholds, residuals; out of fold."""

import numpy as np

from automl.explain.mistakes import least_certain, worst
from automl.explain.told import Told
from automl.formulas import MeanPinball
from automl.report import cells, charts, quality
from automl.report.document import Chart, Part, Section, Table, Text
from automl.report.subject import Finished

# Classes of a confusion matrix, and curves in one picture.
MOST_CLASSES, MOST_CURVES = 20, 6
MOST_POINTS = 600
# Of the rows that are shown: columns, and pictures.
MOST_COLUMNS, MOST_PICTURES = 12, 6
_AT = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def answers(run: Finished) -> Section:
    """Return what the out-of-fold predictions of the shipped model look like beside the true values."""
    section = Section("How right it is")
    y, p = run.task.data.y[run.seen], run.prediction[run.seen]
    section.add(Text(f"On {len(y):,} validation rows, each answered by models that had not seen it.", soft=True))
    if run.task.target.quantiles:
        section.add(*_quantiles(run, y, p))
    section.add(*(_classes(run, y, p) if run.task.target.is_classification else _values(run, y, p[:, run.middle])))
    section.add(*mistakes(run))
    return section


def mistakes(run: Finished) -> list[Part]:
    """Return the rows that it is most mistaken about, with their values; of images, with their pictures."""
    task = run.task
    y, p = task.data.y[run.seen], run.prediction[run.seen]
    found = worst(y, p, run.names, value=run.middle)
    title = "The rows that it is most mistaken about:"
    if run.names and not found:
        found, title = least_certain(y, p, run.names), "No row is misclassified. The rows that it is least certain of:"
    if not found:
        return []
    at = run.seen[[one.at for one in found]]
    told = Told.of(task.schema, task.data.x)
    names = told.names[:MOST_COLUMNS] if told else []
    values = told.lines(at) if told else [[] for _ in found]
    far = "probability of the true class" if run.names else "error"
    lines = [
        [f"{i + 1:,}", one.true, one.predicted, one.far, *(cell or "-" for cell in cells[: len(names)])]
        for i, one, cells in zip(at.tolist(), found, values, strict=True)
    ]
    parts: list[Part] = [Text(title), Table(("row", "true", "predicted", far, *names), lines)]
    if told and len(told.names) > len(names):
        parts.append(Text(f"The first {len(names)} of {len(told.names)} columns are shown.", soft=True))
    if task.data.x.image is not None:
        parts += [
            Chart(
                cells.picture(quality.grey(task.data.x.image[i])),
                f"Row {i + 1:,}: true {one.true}, predicted {one.predicted}.",
            )
            for i, one in list(zip(at.tolist(), found, strict=True))[:MOST_PICTURES]
        ]
    return parts


def _classes(run: Finished, y: np.ndarray, p: np.ndarray) -> list[Part]:
    parts: list[Part] = [_confusion(run, y, p)]
    positive = (
        [1] if len(run.names) == 2 else np.argsort(-np.bincount(y, minlength=len(run.names)))[:MOST_CURVES].tolist()
    )
    with_both = [k for k in positive if 0 < np.count_nonzero(y == k) < len(y)]
    if with_both:
        roc = {run.names[k]: quality.thinned(*quality.roc(y == k, p[:, k])) for k in with_both}
        pr = {run.names[k]: quality.thinned(*quality.precision_recall(y == k, p[:, k])) for k in with_both}
        unit = (0.0, 1.0, 0.0, 1.0)
        of = f"of '{run.names[1]}'" if len(run.names) == 2 else "of each class against the others"
        drawn = charts.lines(_listed(roc), "false positive rate", "true positive rate", diagonal=True, bounds=unit)
        parts.append(Chart(drawn, f"ROC curve {of}."))
        drawn = charts.lines(_listed(pr), "recall", "precision", bounds=unit)
        parts.append(Chart(drawn, f"Precision and recall {of}."))
    parts.append(_calibration(run, y, p))
    if len(run.names) == 2 and with_both:
        parts += _thresholds(run, y == 1, p[:, 1])
    return parts


def _listed(curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, tuple[list[float], list[float]]]:
    return {name: (x.tolist(), y.tolist()) for name, (x, y) in curves.items()}


def _confusion(run: Finished, y: np.ndarray, p: np.ndarray) -> Part:
    matrix = quality.confusion(y, run.model.codes(p), len(run.names))
    if len(run.names) <= MOST_CLASSES:
        drawn = cells.heat(matrix, run.names, run.names, "true", "predicted")
        lines = [[name, *(f"{n:,}" for n in row)] for name, row in zip(run.names, matrix, strict=True)]
        numbers = Table(("true, predicted", *run.names), lines)
        return Chart(drawn, "Confusion matrix: how many rows of each class are predicted as each.", numbers)
    wrong = matrix - np.diag(np.diag(matrix))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CLASSES]
    found = [np.unravel_index(i, wrong.shape) for i in worst]
    rows = [[run.names[a], run.names[b], f"{wrong[a, b]:,}", f"{matrix[a].sum():,}"] for a, b in found if wrong[a, b]]
    return Table(("true", "predicted", "rows", "of"), rows)


def _calibration(run: Finished, y: np.ndarray, p: np.ndarray) -> Part:
    if len(run.names) == 2:
        said, was, error = quality.calibration(y == 1, p[:, 1])
        what = f"predicted probability of '{run.names[1]}'"
    else:
        said, was, error = quality.calibration(y == p.argmax(axis=1), p.max(axis=1))
        what = "probability of the predicted class"
    low = quality.axis_from(np.append(said, was))
    curve, bounds = {"": (said.tolist(), was.tolist())}, (low, 1.0, low, 1.0)
    drawn = charts.lines(curve, what, "observed frequency", diagonal=True, dots=True, bounds=bounds)
    caption = f"Calibration: on the dashed line, probabilities are frequencies. Expected calibration error {error:.3f}."
    numbers = Table(
        ("predicted probability", "observed frequency"),
        [[f"{a:.3f}", f"{b:.3f}"] for a, b in zip(said, was, strict=True)],
    )
    return Chart(drawn, caption, numbers)


def _thresholds(run: Finished, positive: np.ndarray, p: np.ndarray) -> list[Part]:
    best = quality.best_threshold(positive, p)
    found = quality.thresholds(positive, p, sorted({*_AT, best}))
    rows = [
        [
            f"{one.threshold:.3f}" + (" (best F1)" if one.threshold == best else ""),
            *(f"{v:.3f}" for v in (one.called, one.precision, one.recall, one.f1, one.accuracy)),
        ]
        for one in found
    ]
    header = ("threshold", f"share predicted '{run.names[1]}'", "precision", "recall", "F1", "accuracy")
    return [Text(f"Predicting '{run.names[1]}' from some probability on:"), Table(header, rows)]


def _quantiles(run: Finished, y: np.ndarray, p: np.ndarray) -> list[Part]:
    """Return how often the truth lies below each quantile and between the outermost two, and their distance."""
    levels, found = run.task.target.quantiles, quality.coverage(y, p)
    lines = [
        [f"{level:g}", f"{below:.3f}", f"{MeanPinball((level,))(y, p[:, [k]], None):.5g}"]
        for k, (level, below) in enumerate(zip(levels, found.below, strict=True))
    ]
    numbers = Table(("quantile", "share of rows below it", "pinball loss"), lines)
    unit = (0.0, 1.0, 0.0, 1.0)
    drawn = charts.lines(
        {"": (list(levels), found.below.tolist())}, "quantile", "share of rows below it", diagonal=True, bounds=unit
    )
    parts: list[Part] = [Chart(drawn, "Coverage: on the dashed line, as many rows lie below as should.", numbers)]
    if len(levels) > 1:
        parts.append(
            Text(
                f"Between the quantiles {levels[0]:g} and {levels[-1]:g} lie {found.inside:.1%} of the rows "
                f"({levels[-1] - levels[0]:.1%} should); the mean width of that interval is {found.width:.5g}."
            )
        )
    parts.append(Text(f"What follows is about the {run.value}.", soft=True))
    return parts


def _values(run: Finished, y: np.ndarray, p: np.ndarray) -> list[Part]:
    name, residual = run.task.schema.target_name, y - p
    some = np.random.default_rng(run.task.seed).permutation(len(y))[:MOST_POINTS]
    parts: list[Part] = [
        Chart(charts.points(p[some], y[some], "predicted", f"true {name}", diagonal=True), "True by predicted values."),
        Chart(charts.points(p[some], residual[some], "predicted", "true - predicted", zero=True), "Residuals."),
        Chart(charts.histogram(residual, "true - predicted"), "Distribution of the residuals."),
    ]
    bins = [part for part in np.array_split(np.argsort(p, kind="stable"), 10) if len(part)]
    rows = [
        [
            f"{p[part].min():.5g} to {p[part].max():.5g}",
            f"{p[part].mean():.5g}",
            f"{y[part].mean():.5g}",
            f"{np.abs(residual[part]).mean():.4g}",
            f"{np.percentile(residual[part], 5):.4g} to {np.percentile(residual[part], 95):.4g}",
        ]
        for part in bins
    ]
    header = ("predicted from, to", "mean predicted", "mean true", "mean absolute error", "90 % of residuals")
    return [*parts, Text("Calibration of values, by tenths of the predictions:"), Table(header, rows)]
