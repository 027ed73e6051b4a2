"""What the views of runs show: all runs, the leaderboard of one, and its other tabs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select

from automl.board.asked import Asked
from automl.board.families import FamilySum
from automl.board.index import STATUSES
from automl.board.source import OpenLeaderboard
from automl.board.trials import ShownTrial, Trials
from automl.figures.style import colours
from automl.leaderboard import queries
from automl.leaderboard.records import ArtifactRecord, EnsembleRecord, Run, RunSummary
from automl.leaderboard.store import as_artifact, as_ensemble
from automl.leaderboard.tables import ArtifactRow, EnsembleRow
from automl.leaderboard.words import spread

TABS = {"leaderboard": "Leaderboard", "progress": "Progress", "parameters": "Parameters", "about": "About"}
# Of so many of the newest trials it is said how busy the workers were, and their time line is drawn.
TIMED = 1500
WHISKER = 120


@dataclass(frozen=True)
class Seen:
    """A run and all that its views have in common."""

    source: OpenLeaderboard
    run: Run
    trials: Trials
    families: Sequence[FamilySum]
    ensemble: EnsembleRecord | None
    artifacts: Sequence[ArtifactRecord]

    @classmethod
    def of(cls, source: OpenLeaderboard, run_id: int) -> "Seen":
        """Return what is known of a run now. Raises ``UnknownNameError``."""
        run = source.run(run_id)
        trials = Trials(source, run.id, source.version(run), run.goals)
        with source.database.read() as session:
            ensemble = session.get(EnsembleRow, run.id)
            rows = session.scalars(select(ArtifactRow).filter_by(run_id=run.id).order_by(ArtifactRow.id))
            artifacts = [as_artifact(row) for row in rows]
        return cls(
            source, run, trials, trials.families(), None if ensemble is None else as_ensemble(ensemble), artifacts
        )

    @property
    def colours(self) -> dict[str, str]:
        """The colour of each family of the run."""
        return colours(one.family for one in self.families)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials ended with each status."""
        return {s: n for s in STATUSES if (n := sum(one.counts.get(s, 0) for one in self.families))}

    @property
    def seconds(self) -> float:
        """For how long the run has been going on, or did."""
        end = self.run.ended_at
        if end is None and self.run.status != "running":
            end = max((mark.ended_at for mark in self.trials.newest(1)), default=self.run.started_at)
        return max(0.0, (time.time() if end is None else end) - self.run.started_at)

    @property
    def baseline(self) -> float | None:
        """The score of predicting the same for every row."""
        return self.run.task.get("baseline")

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the trials in the ensemble."""
        return dict(self.ensemble.members) if self.ensemble else {}

    def share_of(self, family: str) -> float:
        """Return the share of a family in the ensemble."""
        own = {line.mark.id for line in self.trials.lines_of(list(self.weights)) if line.mark.family == family}
        return sum(weight for id, weight in self.weights.items() if id in own)

    @property
    def shipped(self) -> dict[str, list[str]]:
        """The kinds of models that were shipped, by the trials inside them."""
        found: dict[str, list[str]] = {}
        for artifact in self.artifacts:
            for id in artifact.candidates:
                found.setdefault(id, []).append(artifact.kind)
        return found


def home(sources: Sequence[OpenLeaderboard]) -> dict[str, Any]:
    """Return the values of the list of runs."""
    boards: list[dict[str, Any]] = []
    for db, source in enumerate(sources):
        with source.database.read() as session:
            sums = {row.run_id: (row.n, row.best) for row in session.execute(queries.sums_of_runs())}
        runs = []
        for run in source.runs():
            n, best = sums.get(run.id, (0, None))
            runs.append((run, n, _best_within(source, run) if n and run.goals.limits else best))
        boards.append({"db": db, "name": source.name, "runs": runs})
    return {"boards": boards, "running": any(run.status == "running" for board in boards for run, *_ in board["runs"])}


def _best_within(source: OpenLeaderboard, run: RunSummary) -> float | None:
    """Return the score of a run's best trial, within its limits if any is; None where that is no whole one."""
    first = Trials(source, run.id, source.version(run), run.goals).best(1)
    return first[0].score if first and first[0].status == "finished" else None


def common(seen: Seen, db: int, tab: str) -> dict[str, Any]:
    """Return the values of the head of a run's view."""
    best = seen.trials.page(Asked(), 1)[0]
    return {
        "db": db,
        "base": f"/{db}/runs/{seen.run.id}",
        "run": seen.run,
        "metric": seen.run.metric,
        "seen": seen,
        "tabs": TABS,
        "tab": tab,
        "best": best[0] if best and best[0].rank else None,
        "colours": seen.colours,
    }


def whiskers(lines: Sequence[ShownTrial], baseline: float | None) -> dict[str, Any]:
    """Return where the scores lie, with a standard deviation to each side: in pixels, better to the right."""
    ends = {line.mark.id: _ends(line) for line in lines if line.mark.is_scored}
    if not ends:
        return {"of": {}, "baseline": None}
    low, high = (
        float(np.quantile([low for low, _, _ in ends.values()], 0.05)),
        max(high for _, _, high in ends.values()),
    )
    room = (high - low) or 1.0

    def place(score: float) -> float:
        return round(4 + (WHISKER - 8) * min(1.0, max(0.0, (score - low) / room)), 1)

    shown = baseline is not None and low < baseline < high
    return {
        "of": {id: tuple(map(place, of)) for id, of in ends.items()},
        "baseline": place(baseline) if shown and baseline is not None else None,
    }


def _ends(line: ShownTrial) -> tuple[float, float, float]:
    score, half = line.mark.score or 0.0, spread(line.fold_scores) or 0.0
    return score - half, score, score + half
