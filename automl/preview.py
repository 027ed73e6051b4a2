"""A network of the space as a diagram, before there is any data but its shape."""

from collections.abc import Sequence

import numpy as np

from automl import metrics
from automl.assemble import SpaceConfig, build, task_space
from automl.errors import ConfigError, unknown_name
from automl.figures.network import Diagram
from automl.space import Choice, Defaults, Random, draw
from automl.target import TargetKind
from automl.task import FAMILY_FOLDER, Batch, DataKind, Problem, Rows, Schema, Task
from automl.training.torch_model import TorchModel

_EXAMPLES = 4
_SHAPES: dict[DataKind, str] = {"image": "height,width,channels", "sequence": "steps,channels"}


def preview(path: str, config: SpaceConfig, shape: Sequence[int], n_classes: int, seed: int | None = None) -> Diagram:
    """Return what the networks at ``path`` ("images.conv_stages") look like for rows of ``shape``.

    n_classes: of the target; 0 for values. seed: of a random candidate; None: the one that is tried first. Raises
    ``ConfigError`` for what is no family of networks, or has another shape.
    """
    folder, _, family = path.partition(".")
    kinds: dict[str, DataKind] = {FAMILY_FOLDER[kind]: kind for kind in _SHAPES}
    if folder not in kinds:
        raise unknown_name("part of the space that has networks by shape:", folder, kinds)
    task = _task(kinds[folder], shape, n_classes)
    (choice,) = task_space(task, config).values()
    assert isinstance(choice, Choice)
    if family not in choice:
        raise unknown_name(f"family of {folder}", family, choice.options)
    answers = Defaults() if seed is None else Random(np.random.default_rng(seed))
    params = draw({"family": Choice({family: choice.options[family]})}, answers)
    model = build(params, task.problem).model
    if not isinstance(model, TorchModel):
        raise ConfigError(f"'{path}' is no network: there is nothing to draw.")
    return model.diagram(task.data.x)


def _task(kind: DataKind, shape: Sequence[int], n_classes: int) -> Task:
    wanted = _SHAPES[kind]
    if len(shape) != wanted.count(",") + 1 or min(shape) < 1:
        raise ConfigError(f"The shape of a row of this kind is {wanted}; got {','.join(map(str, shape))}.")
    if n_classes < 0 or n_classes == 1:
        raise ConfigError(f"The number of classes is 2 or more, or 0 for values; got {n_classes}.")
    values = np.zeros((_EXAMPLES, *shape), np.float32)
    rows = Rows(image=values) if kind == "image" else Rows(sequence=values, lengths=np.full(_EXAMPLES, shape[0]))
    y = np.arange(_EXAMPLES) % n_classes if n_classes else np.arange(_EXAMPLES, dtype=float)
    target: TargetKind = "regression" if not n_classes else "binary" if n_classes == 2 else "multiclass"
    schema = Schema(kind, target, "y", classes=tuple(range(n_classes)), shape=tuple(shape))
    batch = Batch(rows, y)
    return Task(Problem.of(schema, metrics.get("auto", target), batch), batch, ())
