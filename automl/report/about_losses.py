"""The section on losses: what searching over what networks minimise gained over the loss they begin with."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from automl.leaderboard import words
from automl.report import quality
from automl.report.document import Section, Table, Text
from automl.report.subject import Finished
from automl.types import Trial


def losses(run: Finished, goes_on: Callable[[], bool]) -> Section | None:
    """Return what each loss came to, and by how much the best beats the default one; None where one alone was tried."""
    section, rows = Section("Losses of networks"), []
    for family, by_loss in _tried(run).items():
        default = next((p[_path(family)] for p in run.firsts if p["family"] == family), None)
        for loss, trials in by_loss.items():
            name = f"{loss} (default)" if loss == default else loss
            rows.append([family, name, str(len(trials)), words.number(run.metric.shown(trials[0].score or 0.0))])
        if default in by_loss:
            section.add(Text(_gain(run, family, by_loss, str(default), goes_on)))
    if not rows:
        return None
    section.parts.insert(0, Table(("family", "loss", "trials", f"best {run.metric.name}"), rows))
    section.add(Text("The metric compares them, whatever a network minimises.", soft=True))
    return section


def _path(family: str) -> str:
    return f"family.{family}.loss"


def _tried(run: Finished) -> dict[str, dict[str, list[Trial]]]:
    """Return the trials with a score, best first, by family and loss, of families that tried several losses."""
    found: defaultdict[str, defaultdict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in run.ranked():
        params = trial.candidate.params
        if (loss := params.get(_path(trial.candidate.family))) is not None:
            found[trial.candidate.family][str(loss)].append(trial)
    return {family: dict(by_loss) for family, by_loss in found.items() if len(by_loss) > 1}


def _gain(
    run: Finished, family: str, by_loss: dict[str, list[Trial]], default: str, goes_on: Callable[[], bool]
) -> str:
    loss, trials = next(iter(by_loss.items()))
    if loss == default:
        return f"{family}: no other loss came to a better {run.metric.name} than the default, {default}."
    best, usual = trials[0], by_loss[default][0]
    said = (
        f"{family}: trial {best.candidate.id} ({loss}) is better than trial {usual.candidate.id}, the best with the "
        f"default loss ({default}), by {words.number((best.score or 0.0) - (usual.score or 0.0))}"
    )
    return f"{said}{_interval(run, [best, usual], goes_on)}."


def _interval(run: Finished, trials: Sequence[Trial], goes_on: Callable[[], bool]) -> str:
    predictions = {t.candidate.id: p for t in trials if (p := run.predictions_of(t)) is not None}
    if len(predictions) < len(trials):
        return ""
    _, gains = quality.bootstrap(run.task, predictions, run.task.seed, goes_on)
    gain = gains[trials[1].candidate.id]
    return "" if gain.low is None else f" (95 % of resamples: {gain.low:+.4g} to {gain.high:+.4g})"
