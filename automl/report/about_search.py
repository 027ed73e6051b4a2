"""The sections on the search: what was tried, what won and by how much, how it went, what was shipped."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from automl.figures.trials import better_part
from automl.goals import is_scored
from automl.leaderboard import words
from automl.report import about_test, charts, quality
from automl.report.document import Chart, Items, Section, Table, Text
from automl.report.quality import Interval
from automl.report.share import Share
from automl.report.subject import Finished
from automl.types import Trial

SHOWN_TRIALS = 10
Curves = dict[str, tuple[list[float], list[float]]]


def searched(run: Finished) -> Section:
    """Return which families were tried, how often, and what they came to."""
    section, by_family = Section("What was searched"), defaultdict[str, list[Trial]](list)
    for trial in run.board.trials:
        by_family[trial.candidate.family].append(trial)
    rows, ranked = [], run.ranked()
    order = list(dict.fromkeys(trial.candidate.family for trial in ranked))
    for family in [*order, *(name for name in by_family if name not in order)]:
        trials = by_family[family]
        best = next((t for t in ranked if t.candidate.family == family and t.status == "finished"), None)
        shown = "-" if best is None else words.number(run.metric.shown(best.score or 0.0))
        counts = [str(sum(t.status == status for t in trials)) for status in ("finished", "stopped", "failed")]
        rows.append([family, *counts, shown, f"{sum(t.seconds for t in trials):,.1f}"])
    header = ("family", "finished", "stopped early", "failed", f"best {run.metric.name}", "seconds")
    section.add(Table(header, rows))
    trials = ranked[:SHOWN_TRIALS]
    spread = [words.spread(trial.fold_scores) for trial in trials]
    section.add(
        Table(
            ("trial", "family", run.metric.name, "spread over folds", "seconds", "ended", "weight in the model"),
            [
                [
                    trial.candidate.id,
                    trial.candidate.family,
                    words.number(run.metric.shown(trial.score or 0.0)),
                    "-" if s is None else words.number(s, 2),
                    f"{trial.seconds:,.1f}",
                    trial.status,
                    f"{run.weights[trial.candidate.id]:.0%}" if trial.candidate.id in run.weights else "",
                ]
                for trial, s in zip(trials, spread, strict=True)
            ],
        )
    )
    return section


def won(run: Finished, share: Share) -> Section:
    """Return what won, over the baseline and over the default of its family, with intervals."""
    section = Section("What won")
    best = max(run.weights, key=lambda id: run.weights[id])
    winner = run.trial(best)
    family = winner.candidate.family if winner else ""
    compared: dict[str, np.ndarray | None] = {"the shipped model": run.prediction}
    if winner is not None and run.weights[best] < 1:
        compared[f"its heaviest member, trial {best} ({family})"] = run.predictions_of(winner)
    default = run.first_of(family)
    if default is not None and default.candidate.id != best:
        compared[f"the first {family} that was tried, trial {default.candidate.id}"] = run.predictions_of(default)
    compared["a guess that looks at no column"] = quality.prior(run.task)
    there = {name: p for name, p in compared.items() if p is not None}
    scores, gains = quality.bootstrap(run.task, there, run.task.seed, share)
    rows = [[name, *_said(scores[name]), *_said(gains.get(name), "+")] for name in there]
    header = (f"validation {run.metric.name}", "score", "95 %", "the shipped model is better by", "95 %")
    section.add(Table(header, rows))
    section.add(
        Text(
            "Out of fold: each row is scored by models that had not seen it. Intervals are percentiles of up to "
            f"{quality.RESAMPLES} resamples of the rows, the same for all; the search chose among its trials by these "
            "same rows, so the score of the chosen one is a little too good; the test score, if any, is not.",
            soft=True,
        )
    )
    section.add(*about_test.tested(run, scores["the shipped model"], share))
    if winner is not None:
        chosen = _chosen(winner, next((p for p in run.firsts if p["family"] == family), {}))
        if chosen.rows:
            section.add(Text(f"What the search chose for trial {best}, where it is not the first {family}'s:"), chosen)
        else:
            section.add(Text(f"Trial {best}, which counts most in it, is the {family} that is tried first."))
    return section


def _said(interval: Interval | None, sign: str = "") -> list[str]:
    if interval is None:
        return ["", ""]
    value = f"{interval.value:{sign}.5g}"
    return [value, "" if interval.low is None else f"{interval.low:{sign}.4g} to {interval.high:{sign}.4g}"]


def _chosen(trial: Trial, default: Mapping[str, Any]) -> Table:
    rows = []
    for name, value in trial.candidate.params.items():
        if default.get(name, None) != value or name not in default:
            before = json.dumps(default[name], default=str) if name in default else ""
            rows.append([str(name), json.dumps(value, default=str), before])
    return Table(("parameter", "chosen", "first"), rows[:60])


def curves(run: Finished) -> Section | None:
    """Return how the search and its best trials got better; None where nothing was reported on the way."""
    section = Section("Learning curves")
    eligible = run.board.run.goals.eligible([t for t in run.board.trials if t.status == "finished" and is_scored(t)])
    whole = {trial.candidate.id for trial in eligible}
    scores = np.array([t.score if t.candidate.id in whole else np.nan for t in run.board.trials], float)
    if np.isfinite(scores).any():
        best = np.fmax.accumulate(scores)
        growth: Curves = {"best": (np.arange(1.0, len(best) + 1).tolist(), best.tolist())}
        section.add(_curve(run, growth, "trials that ended", "The best score after each trial.", steps=True))
    series: Curves = {}
    for trial in [t for t in run.ranked() if len(t.reports) > 1][:5]:
        x = [report.progress for report in trial.reports]
        series[f"{trial.candidate.id} {trial.candidate.family}"] = (x, [report.score for report in trial.reports])
    if series:
        caption = "Scores of the best trials while they ran: the mean over the folds seen so far."
        section.add(_curve(run, series, "share of the trial", caption))
    return section if section.parts else None


def _curve(run: Finished, series: Curves, x_label: str, caption: str, steps: bool = False) -> Chart:
    """Return lines of scores; a few that are far worse than the others do not flatten these."""
    scores = np.concatenate([y for _, y in series.values()])
    bounds, beyond = better_part(scores[np.isfinite(scores)].tolist(), run.metric)
    shown = {name: (x, [run.metric.shown(score) for score in y]) for name, (x, y) in series.items()}
    picture = charts.lines(shown, x_label, run.metric.name, y_bounds=bounds, steps=steps)
    return Chart(picture, f"{caption} Worse points, {beyond} of them, are out of sight." if beyond else caption)


def shipped(run: Finished) -> Section:
    """Return what was shipped, how large and fast it is, and how it was compressed."""
    section = Section("What is shipped")
    rows = [
        [
            artifact.kind,
            words.size(artifact.n_bytes),
            words.milliseconds(artifact.row_p50_ms),
            words.milliseconds(artifact.batch_p50_ms),
            _number(run, artifact.score),
            _number(run, artifact.compressed_score),
            _number(run, artifact.test_score),
        ]
        for artifact in run.board.artifacts
    ]
    name = run.metric.name
    header = ("model", "bytes", "one row", "256 rows", f"validation {name}", "after compression", "test")
    section.add(Table(header, rows))
    members = run.model.manifest["members"]
    steps = defaultdict[tuple[str, str, str], list[str]](list)
    for member in members:
        key = (str(member["trial"]), str(member["family"]), ", then ".join(member["compression"]) or "as it was fitted")
        steps[key].append("all rows" if member["fold"] is None else str(member["fold"]))
    lines = [[trial, family, ", ".join(folds), what] for (trial, family, what), folds in steps.items()]
    section.add(Table(("trial", "family", "models of the folds", "compression"), lines))
    parity = run.model.manifest.get("parity", {})
    if parity:
        section.add(
            Text(
                f"Replayed in a fresh process on {parity['rows']} rows: largest difference to the fitted models "
                f"{parity['largest_difference']:.2g}, {parity['changed_labels']} labels changed."
            )
        )
    return section


def _number(run: Finished, score: float | None) -> str:
    return "-" if score is None else words.number(run.metric.shown(score))


def limits(run: Finished, missed: list[str]) -> Section:
    """Return what the model should not be trusted with. ``missed``: the sections that are left out for want of time."""
    task, said = run.task, []
    said.append(
        f"It learnt from {task.n_rows:,} rows. It answers rows from the same source; nothing here says how it does on "
        "others."
    )
    if task.target.is_classification:
        counts = np.bincount(task.data.y, minlength=len(run.names))
        rare = [run.names[i] for i in np.flatnonzero(counts < 30)]
        if rare:
            names = ", ".join(rare[:8]) + (f" and {len(rare) - 8} more" if len(rare) > 8 else "")
            said.append(f"Classes of fewer than 30 rows, about which it knows little: {names}.")
    if any(column.levels for column in task.schema.columns):
        said.append("A level that it has not seen is taken for a missing value.")
    if any(column.role in ("numeric", "datetime") for column in task.schema.columns):
        said.append(
            "Beyond the range of a column in the training data, trees answer as at its end; others extrapolate."
        )
    if task.data.order is not None:
        said.append("It was validated on what came later; it will grow old as the world moves on.")
    else:
        said.append("Rows were split at random: if they depend on each other or on time, its scores are too good.")
    said.append("Importance and contributions say what the model goes by, not what causes what.")
    if task.test is None:
        said.append("No rows were locked away: there is no score on rows that took no part in the search.")
    if run.apart:
        said.append(run.apart)
    if missed:
        left_out = ", ".join(missed)
        said.append(
            f"Left out of this report for want of time: {left_out}. `automl report` with the run's folder, and with "
            "--seconds 60 if need be, has them."
        )
    section = Section("Limits of use")
    section.add(Items(said))
    return section
