"""A fitted estimator as a folder: all of its models, or one candidate alone."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from automl import run_folder
from automl.clock import UNHURRIED_SECONDS
from automl.estimator.fitted import Fitted, fit_on_all
from automl.export.compress import Compression
from automl.export.config import CompressConfig
from automl.export.member import Member, normalised, validation_prediction
from automl.export.refit import Refitted, of_members
from automl.export.ship import ship_members
from automl.export.shipped import Shipped
from automl.goals import Goals


def export(fitted: Fitted, path: Path, goals: Goals, max_loss: float, compact: bool, compress: bool) -> Shipped:
    """Write and verify a model folder at ``path``, within the limits of ``goals``; see ``AutoML.export``."""
    if compress or compact:
        fitted.need_rows("making a model smaller takes")
    run_folder.refuse_used("An export", path, "Choose another path.")
    config = CompressConfig(max_loss) if compact or compress else CompressConfig(options=())
    members, refitted, judged = fitted.members, fitted.refitted, fitted.members
    if compact:
        judged = [one for one in members if one.candidate_id == members[0].candidate_id]
        refitted = _alone(fitted, judged, bool(goals.limits))
        members = normalised(judged[:1] if refitted else judged)
    return ship_members(
        fitted.task,
        list(members),
        path,
        "compact" if compact else "ensemble",
        Compression(fitted.task, config),
        fitted=refitted,
        unseen=validation_prediction(fitted.task, judged),
        goals=goals,
    )


def _alone(fitted: Fitted, of_one: Sequence[Member], limited: bool) -> Mapping[str, Refitted]:
    """Return the one candidate's model that was fitted on all rows, if it can be; ``of_one``: its fold models."""
    id = of_one[0].candidate_id
    if id in fitted.refitted:
        return {id: fitted.refitted[id]}
    if limited or not of_one[0].model.refits:
        return {}
    (params,) = (trial.candidate.params for trial in fitted.board.trials if trial.candidate.id == id)
    return fit_on_all(fitted.task, [of_members(of_one, params)], time.time() + UNHURRIED_SECONDS)
