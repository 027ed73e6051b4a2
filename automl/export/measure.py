"""What a fitted model costs where it is shipped: counted, or measured on its exported graph."""

import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import numpy_helper

from automl.errors import in_one_line
from automl.export.front import raw_inputs
from automl.export.member import Member, to_onnx
from automl.goals import COUNTED, ZERO_COST
from automl.kept import KeptTrials
from automl.runtime.session import open_session
from automl.task import Task
from automl.training.network import Network
from automl.training.pipeline import Pipeline
from automl.training.torch_model import TorchModel
from automl.types import Values

REPEATS = 20
BATCH = 64  # rows by which an untrained network is judged
# The domain of nodes whose attributes are what was learned; of others they are sizes of kernels and the like.
TREES_AND_TABLES = "ai.onnx.ml"


def measured(task: Task, model: Pipeline, names: Collection[str]) -> Values:
    """Return what is asked for of a fitted model, of ``goals.LIMITABLE`` and ``goals.ZERO_COST``.

    bytes: of its graph. row_ms: the median milliseconds in which one core answers a row, in this process.
    parameters, multiply_adds: of a network, the numbers that it holds and what a row takes, of its graph if there are
    more; of another model, the numbers that its graph holds, and no more than one multiplication for each. What a
    network was worth before it was trained: see ``training.zero_cost``; other models have none of it. Raises what a
    converter raises.
    """
    early = [name for name in ZERO_COST if name in names]
    names = [name for name in names if name not in early]
    values = dict(counted(task, model) or {}) if set(COUNTED) & set(names) else {}
    if names and (set(names) - values.keys() or model.steps):
        graph = graph_of(task, model)
        held = numbers_in(graph)
        values = {**dict.fromkeys(COUNTED, held), **values, **on_graph(task, graph)}
        values["parameters"] = max(values["parameters"], held)
    return {**{name: values[name] for name in names}, **(untrained(task, model, early) if early else {})}


def measure_kept(task: Task, kept: KeptTrials, note: Callable[[str], None]) -> None:
    """Measure what the goals of ``kept`` ask for of one model of each trial, where the search has not."""
    for id in kept.ids():
        trial = kept.trial(id)
        if names := set(kept.goals.measured) - trial.values.keys():
            try:
                kept.learn(id, measured(task, kept.model(id, trial.folds[0].fold), names))
            except Exception as error:  # a converter raises anything; what is not measured is within no limit
                note(f"trial {id} could not be measured: {in_one_line(error)}")


def counted(task: Task, model: Pipeline) -> Mapping[str, float] | None:
    """Return the parameters and multiply-adds of a network, None of another model."""
    if not isinstance(model.model, TorchModel):
        return None
    return model.model.sizes(model.transform(task.data.x.take(task.sample_index[:1])))


def untrained(task: Task, model: Pipeline, names: Sequence[str]) -> Values:
    """Return scores of a network's first weights, of ``goals.ZERO_COST``; none of another model.

    They are of the first fold, on ``BATCH`` rows of its training part.
    """
    if not isinstance(model.model, Network):
        return {}
    from automl.training import zero_cost

    train = task.fold(0)[0]
    train = replace(train, x=model.transform(train.x))
    return zero_cost.scores(*model.model.untrained(train, BATCH), names)


def numbers_in(graph: bytes) -> float:
    """Return how many numbers a graph holds: in its constants, and in the trees and tables that are nodes of it."""
    model = onnx.load_from_string(graph)
    total = sum(int(np.prod(constant.dims)) for constant in model.graph.initializer)
    for node in model.graph.node:
        for attribute in node.attribute:
            total += numpy_helper.to_array(attribute.t).size if attribute.HasField("t") else 0
            if node.domain == TREES_AND_TABLES:
                total += len(attribute.floats) + len(attribute.ints)
    return float(total)


def of_members(task: Task, members: Sequence[Member], names: Collection[str]) -> dict[str, float]:
    """Return the sums over members of what is counted (``COUNTED``), of ``names``."""
    wanted = [name for name in COUNTED if name in names]
    found = [measured(task, member.model, wanted) for member in members] if wanted else []
    return {name: sum(values[name] for values in found) for name in wanted}


def graph_of(task: Task, model: Pipeline) -> bytes:
    """Return the graph of one model that answers for itself."""
    return to_onnx(task, [Member("", "", 0, 1.0, model, np.zeros(0, np.int64), np.zeros(0))])


def on_graph(task: Task, graph: bytes) -> dict[str, float]:
    """Return the bytes of a graph, and the median milliseconds in which it answers one row."""
    session = open_session(graph, threads=1)
    inputs = raw_inputs(task.schema, task.data.x.take(task.sample_index[:1]))
    row = {i.name: inputs[i.name] for i in session.get_inputs()}
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        session.run(None, row)
        taken.append(time.perf_counter() - began)
    return {"bytes": float(len(graph)), "row_ms": 1000 * statistics.median(taken)}
