"""What the shipped models came to on the rows that were locked away, beside what validation had promised."""

from pathlib import Path

import numpy as np

from automl.explain.sample import sampled
from automl.export.package import opened_graph
from automl.leaderboard import words
from automl.leaderboard.records import ArtifactRecord
from automl.report import quality
from automl.report.document import Part, Table, Text
from automl.report.quality import Interval
from automl.report.share import Share
from automl.report.subject import Finished
from automl.runtime.errors import PredictionError
from automl.runtime.model import Model


def tested(run: Finished, validation: Interval, share: Share) -> list[Part]:
    """Return the test scores with their intervals; where the ensemble's lies apart from ``validation``, that too."""
    found = {one.kind: _interval(run, one, share) for one in run.board.artifacts if one.test_score is not None}
    if not found or run.task.test is None:
        return []
    name = run.metric.name
    rows = [[kind, words.number(one.value), one.said] for kind, one in found.items()]
    parts: list[Part] = [Table((f"test {name}", "score", "95 %"), rows)]
    parts.append(Text(f"On {run.task.n_test:,} locked rows, scored once; intervals as above.", soft=True))
    if "ensemble" in found and found["ensemble"].is_apart(validation):
        run.apart = (
            f"The intervals of the validation and the test {name} do not overlap ({validation.said} and "
            f"{found['ensemble'].said}): chance does not explain the difference. Expect the test score of new rows."
        )
        parts.append(Text(run.apart))
    return parts


def _interval(run: Finished, artifact: ArtifactRecord, share: Share) -> Interval:
    """Return the test score of what was shipped, with an interval where there is time to answer rows again."""
    test, score = run.task.test, artifact.test_score or 0.0
    alone = Interval(run.metric.shown(score))
    most = min(quality.MOST_ROWS, run.rows_within(share.left / 4))
    if test is None or not share() or most < min(len(test), 50):
        return alone
    try:
        model = run.model if artifact.kind == "ensemble" else Model(run.folder / Path(artifact.path).name)
    except PredictionError:  # nothing but the ensemble has to be there still
        return alone
    some = test.take(sampled(np.arange(len(test)), most, run.task.seed))
    answers = opened_graph(model.graph(), run.task.schema)(some.x)
    decision = model.manifest.get("decision")
    how = (None if decision is None else np.asarray(decision, np.float64), run.task.seed, share)
    return quality.of_locked(run.metric, some, answers, score, *how)
