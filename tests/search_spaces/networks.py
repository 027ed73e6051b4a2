"""What the tests of network families and compressors share."""

from types import ModuleType

import numpy as np
import onnxruntime
from torch import nn

from automl.export.graph import Graph
from automl.space import Params
from automl.task import Rows, Task
from automl.types import Model

WHOLE_NUMBERS = ("lengths", "categories")


def fitted(family: ModuleType, params: Params, task: Task, rows: slice = slice(None), epochs: int = 1) -> Model:
    """Return the family's model after ``epochs`` on the first fold."""
    train, valid = task.fold(0)
    model = family.build({**params, "epochs": epochs}, task.problem)
    assert list(model.fit(train.take(rows), valid.take(rows)))[-1] == 1.0
    return model


def exported(model: Model, x: Rows) -> onnxruntime.InferenceSession:
    """Return a session over the whole graph of ``model``."""
    graph, inputs = Graph(), {}
    for name, value in x.parts().items():
        dtype = np.int64 if name in WHOLE_NUMBERS else np.float32
        inputs[name] = graph.input(name, dtype, value.shape[1:])
    finished = graph.model({"prediction": model.to_onnx(graph, inputs)})
    return onnxruntime.InferenceSession(finished.SerializeToString(), providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, x: Rows) -> np.ndarray:
    """Return what the session predicts for ``x``."""
    given = {name: value.astype(np.int64 if name in WHOLE_NUMBERS else np.float32) for name, value in x.parts().items()}
    return session.run(None, {i.name: given[i.name] for i in session.get_inputs()})[0]


def assert_exports(model: Model, x: Rows) -> None:
    """Hold the exported graph against ``predict``, for all rows at once and for one."""
    session = exported(model, x)
    expected = model.predict(x)
    np.testing.assert_allclose(run(session, x), expected, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(run(session, x.take(slice(0, 1))), expected[:1], atol=1e-4, rtol=1e-4)


def n_weights(module: nn.Module) -> int:
    """Return the number of weights."""
    return sum(p.numel() for p in module.parameters())
