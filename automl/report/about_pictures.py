"""The section on what a network sees in single images: saliency pictures by integrated gradients."""

from collections.abc import Callable

import numpy as np

from automl.explain.gradients import STEPS, integrated_gradients, mean_row
from automl.export.member import members_of
from automl.report import charts, quality
from automl.report.about_reasons import MOST_BYTES, telling
from automl.report.document import Chart, Section, Text
from automl.report.subject import Finished
from automl.task import present
from automl.training.torch_model import TorchModel

# Rows of the sample whose mean stands for nothing to see, and the numbers along a side of a picture.
MEAN_ROWS, SIDE = 100, 48


def looks(run: Finished, goes_on: Callable[[], bool]) -> Section | None:
    """Return what the heaviest network of what is shipped looks at in a few images; None where there is none."""
    task = run.task
    if task.data.x.image is None or not run.weights:
        return None
    heaviest = max(run.weights, key=lambda id: run.weights[id])
    if run.kept.n_bytes(heaviest) > MOST_BYTES:
        return None
    member = members_of(task, run.kept, {heaviest: 1.0}, n_folds=1)[0]
    network = member.model.model
    if not isinstance(network, TorchModel):
        return None
    section = Section("What a network looks at")
    rows = member.model.transform(task.data.x.take(task.sample_index))
    base, answers = mean_row(rows.take(slice(0, MEAN_ROWS))), member.model.answer(rows)
    for at in telling(run).tolist():
        if section.parts and not goes_on():
            break
        k = int(answers[at].argmax()) if run.names else run.middle
        found, change = integrated_gradients(network, rows.take(np.array([at])), base, np.array([k]))
        what = f"'{run.names[k]}'" if run.names else "more"
        picture = charts.picture(
            quality.grey(present(rows.image)[at], SIDE), quality.coarse(found[0].sum(axis=-1), SIDE)
        )
        told = f"they add up to {found.sum():.3g}, and the score differs by {change[0]:.3g} from that of the mean image"
        section.add(Chart(picture, f"Row {task.sample_index[at] + 1:,}: blue speaks for {what}, red against; {told}."))
    section.add(
        Text(
            f"Integrated gradients of one fitted network, {member.family} #{heaviest}, in {STEPS} steps from the mean "
            "image: what each pixel adds to the score of what that network says. They are about one network before "
            "compression, not about all that is shipped.",
            soft=True,
        )
    )
    return section
