"""What a fitted model would cost where it is shipped: measured on its exported graph, while the search goes on."""

import statistics
import time

import numpy as np

from automl.export.front import raw_inputs
from automl.export.member import Member, to_onnx
from automl.task import Task
from automl.types import Model, Values

# What can be measured, and so be a goal beside the score.
NAMES = ("bytes", "row_ms")
REPEATS = 20


def exported(task: Task, model: Model) -> Values:
    """Return the bytes of a fitted model's graph, and the median milliseconds in which it answers one row.

    One core answers, in this process. Raises what a converter raises where the model cannot be exported.
    """
    import onnxruntime

    member = Member("", "", 0, 1.0, model, np.zeros(0, np.int64), np.zeros(0))
    graph = to_onnx(task, [member])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    inputs = raw_inputs(task.schema, task.data.x.take(task.sample_index[:1]))
    row = {i.name: inputs[i.name] for i in session.get_inputs()}
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        session.run(None, row)
        taken.append(time.perf_counter() - began)
    return {"bytes": float(len(graph)), "row_ms": 1000 * statistics.median(taken)}
