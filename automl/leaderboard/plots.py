"""The pictures of one search in Python: Plotly figures that notebooks show, and a summary in HTML."""

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING

from automl.errors import ConfigError, unknown_name
from automl.figures import parameters, timeline, trials
from automl.figures.marks import Mark
from automl.figures.network import Diagram
from automl.figures.style import Figure, colours
from automl.goals import is_scored
from automl.leaderboard import words
from automl.leaderboard.records import Board
from automl.leaderboard.study import importances
from automl.runtime.printable import printable
from automl.types import Trial

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SUMMARY_ROWS = 10


class Plots:
    """Pictures of what is known about a run. Each but ``network`` returns a ``plotly.graph_objects.Figure``.

    ``networks``: the diagram of a trial's network by its id, of the best network in the ensemble without one.
    """

    def __init__(self, board: Board, networks: Callable[[str | None], Diagram] | None = None) -> None:
        self._board, self._metric, self._networks = board, board.run.metric, networks
        self._ranked = board.run.goals.rank(board.trials)
        self._marks = [Mark.of(trial) for trial in board.trials]
        self._colours = colours(trial.candidate.family for trial in board.trials)

    def leaderboard(self, top: int = 30) -> "go.Figure":
        """Show the scores of the ``top`` trials, best on top, with a standard deviation over the folds to each side."""
        best = [trial for trial in self._ranked if is_scored(trial)][:top]
        return _shown(trials.standings(best, self._metric, self._colours))

    def scores(self) -> "go.Figure":
        """Show each trial's score when it ended, and the best so far."""
        run = self._board.run
        return _shown(trials.scores(self._marks, self._metric, run.started_at, self._colours, run.goals))

    def curves(self, top: int = 12, over: str = "progress") -> "go.Figure":
        """Show how the scores of the ``top`` trials grew ``over`` "progress" or "seconds"."""
        if over not in ("progress", "seconds"):
            raise unknown_name("axis of curves", over, ("progress", "seconds"))
        of = [(t.candidate.id, t.candidate.family, t.reports) for t in self._ranked if t.reports and is_scored(t)]
        return _shown(trials.curves(of[:top], self._metric, self._colours, over))

    def front(self, cost: str = "seconds") -> "go.Figure":
        """Show the scores over what trials cost: "seconds", or the name of a value such as "bytes" or "row_ms"."""
        return _shown(trials.front(self._marks, cost, self._metric, self._colours, self._board.run.goals))

    def importance(self, family: str | None = None) -> "go.Figure":
        """Show which parameters of a family, by default the best one's, decided its scores (PED-ANOVA, by Optuna)."""
        own = self._of_family(family)
        found = importances(self._board.run, own)
        n_finished = sum(trial.status == "finished" and is_scored(trial) for trial in own)
        shown = parameters.shortened(found, own[0].candidate.family if own else "")
        return _shown(parameters.importance(shown, n_finished))

    def parallel(self, family: str | None = None, top: int = 60) -> "go.Figure":
        """Show the ``top`` finished trials of a family, by default the best one's, as lines across their parameters."""
        own = [trial for trial in self._of_family(family) if trial.status == "finished" and is_scored(trial)]
        return _shown(parameters.parallel(list(map(parameters.Polyline.of, own[:top])), self._metric))

    def timeline(self) -> "go.Figure":
        """Show what each worker did when."""
        run = self._board.run
        span = None if run.ended_at is None else (0.0, run.ended_at - run.started_at)
        return _shown(timeline.timeline(self._marks, run.started_at, self._colours, span))

    def network(self, trial: str | int | None = None) -> Diagram:
        """Show the layers of a trial's network, by default of the best in the ensemble, with their shapes and costs.

        Notebooks show it as SVG (``.svg()``), ``print`` as text. Raises ``ConfigError`` where there is no network.
        """
        if self._networks is None:
            raise ConfigError("Only a leaderboard is known here: the model that was searched for shows its networks.")
        return self._networks(None if trial is None else str(trial))

    def _of_family(self, family: str | None) -> list[Trial]:
        known = list(dict.fromkeys(trial.candidate.family for trial in self._ranked))
        chosen = known[0] if family is None and known else family
        if known and chosen not in known:
            raise unknown_name("family", str(chosen), known)
        return [trial for trial in self._ranked if trial.candidate.family == chosen]


def summary(board: Board, weights: Mapping[str, float], score: float) -> str:
    """Return what a search came to as HTML: its score, and the best trials. ``score``: in the metric's usual sign."""
    metric, cells = board.run.metric, []
    for rank, trial in enumerate(board.run.goals.rank(board.trials)[:_SUMMARY_ROWS], start=1):
        own, spread = trial.candidate, words.spread(trial.fold_scores)
        shown = "" if trial.score is None else words.number(metric.shown(trial.score))
        weight = f"{weights[own.id]:.0%}" if own.id in weights else ""
        values = (
            *(str(rank), f"#{own.id}", own.family, shown, "" if spread is None else f"{spread:.2g}"),
            *(f"{trial.seconds:.1f}", trial.status, weight),
        )
        cells.append("".join(f"<td>{escape(printable(value))}</td>" for value in values))
    heads = ("", "trial", "family", metric.name, "±", "seconds", "status", "weight")
    head = "".join(f"<th>{escape(printable(name))}</th>" for name in heads)
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    said = f"{metric.name} {words.number(score)} in validation, {words.counted(len(board.trials), 'trial')}"
    return (
        f"<p><b>{escape(printable(said))}</b></p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        "<p>More: <code>.leaderboard()</code>, <code>.plot.leaderboard()</code>, <code>.plot.timeline()</code></p>"
    )


def _shown(figure: Figure) -> "go.Figure":
    import plotly.graph_objects as go

    return go.Figure(figure)
