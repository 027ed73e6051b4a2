"""Limits on what is known of a candidate before it is trained: what is beyond them is made smaller, or left out."""

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import cycle
from typing import TypeVar

import numpy as np

from automl.assemble import MORE_STEPS, build
from automl.errors import NotApplicable
from automl.export.front import declare_inputs
from automl.export.graph import Graph
from automl.export.measure import numbers_in
from automl.export.within import COMPRESSED
from automl.goals import COUNTED, Goals
from automl.quiet import quiet
from automl.registry import load
from automl.space import Choice, Defaults, Inherit, Params, Question, Scalar, Space, draw, questions
from automl.task import FAMILY_FOLDER, Rows, Task
from automl.training.pipeline import Pipeline
from automl.training.torch_model import TorchModel
from automl.types import Values

Value = TypeVar("Value")

# How often each parameter of the smallest candidate is looked at, and how often each one of others comes nearer to it.
SWEEPS, ROUNDS = 3, 3
EXAMPLES = 4
# Where steps before a network learn, so many rows of the first fold say what they make of them.
LEARNED_FROM = 5_000
# A graph holds some more numbers than the network in it: scales of its input, the temperature of its answers.
SPARE_PARAMETERS = 32
# The bytes of a graph: those of a number, and about so many of all that is not numbers.
BYTES_OF_A_NUMBER, BYTES_OF_A_GRAPH = 4, 4_000
# What is known of a candidate before it is trained; the bytes only nearly.
KNOWN = (*COUNTED, "bytes")


class KnownSizes:
    """Brings candidates within limits on what a network has before it is trained (``KNOWN``).

    Steps before a network are fitted to some rows, and count: what they keep is shipped too. ``until``: when to give up
    on candidates (``time.time()``); None: never. ``compresses``: whether what is shipped is compressed: then every
    second candidate may have as many bytes as compression could bring within the limit. ``nearest``: what came nearest
    to the limits of all that could not be brought within them.
    """

    def __init__(self, task: Task, goals: Goals, until: float | None = None, compresses: bool = True) -> None:
        self.goals, self.until = goals.limited_to(KNOWN), math.inf if until is None else until
        self._aims = cycle(self._wanted(compressed) for compressed in ((False, True) if compresses else (False,)))
        self._aim = self._wanted(compressed=False)
        self.task, self.problem, self.kind = task, task.problem, task.kind
        self.nearest: Values = {}
        self._smallest: dict[tuple[Scalar, float | None], Params] = {}
        self._known: dict[tuple[object, ...], Values] = {}
        self._seen: tuple[Params, tuple[Rows, float]] | None = None

    def within(self, space: Space, params: Params, rng: np.random.Generator) -> Params | None:
        """Return ``params`` where they are within the limits, else what small changes make of them, or None.

        One parameter after the other, in random order, goes half of the way to the smallest candidate of the family.
        Where not even that one is within the limits, there is none.
        """
        self._aim = next(self._aims)
        known = self._smallest.get(self._key(params))
        if time.time() >= self.until or (known is not None and not self._fits(known)):
            return None
        if self._fits(params):
            return params
        smallest = self._smallest_like(space, params)
        if not self._fits(smallest):
            return None
        for _ in range(ROUNDS):
            asked = self._shaping(space, params)
            for i in rng.permutation(len(asked)):
                path, domain = list(asked.items())[i]
                if path in smallest and path in params:
                    nearer = _half_way(domain, params[path], smallest[path])
                    params = draw(space, Inherit({**params, path: nearer}, Defaults(smallest)))
                if self._fits(params):
                    return params
        return draw(
            space, Inherit({**params, **{path: smallest[path] for path in self._shaping(space, smallest)}}, Defaults())
        )

    def _smallest_like(self, space: Space, params: Params) -> Params:
        """Return the smallest candidate of the family, or one that is small enough: each parameter in turn at its best.

        The one that came nearest of all families is remembered.
        """
        if (key := self._key(params)) not in self._smallest:
            for _ in range(SWEEPS):
                before = params
                for path, domain in self._shaping(space, params).items():
                    for answer in _answers(domain):
                        if not self._fits(params):
                            params = self._smaller(params, draw(space, Inherit({**params, path: answer}, Defaults())))
                if params == before:
                    break
            if time.time() < self.until:
                self._smallest[key] = params
            values = self._of(params)
            if self._aim.excess(values) > 1 and (not self.nearest or self._size(values) < self._size(self.nearest)):
                self.nearest = values
        return self._smallest.get(key, params)

    def _wanted(self, compressed: bool) -> Goals:
        """Return the limits that candidates are to keep, with room for what is not known of them."""
        limits = dict(self.goals.limits)
        if "parameters" in limits:
            limits["parameters"] = max(1.0, limits["parameters"] - SPARE_PARAMETERS)
        if "bytes" in limits and compressed:
            limits["bytes"] = limits["bytes"] / COMPRESSED + BYTES_OF_A_GRAPH
        return replace(self.goals, limits=limits)

    def _key(self, params: Params) -> tuple[Scalar, float | None]:
        return params.get("family"), self._aim.limits.get("bytes")

    def _shaping(self, space: Space, params: Params) -> dict[str, Question]:
        """Return what a candidate is asked about its shape and about its steps: how it is trained has no size."""
        family = load(FAMILY_FOLDER[self.kind], str(params.get("family")))
        return self._below(questions(space, params), params, {*family.space, *family.steps, MORE_STEPS})

    @staticmethod
    def _below(asked: Mapping[str, Value], params: Params, parts: Collection[str]) -> dict[str, Value]:
        """Return what of ``asked`` is below one of the ``parts`` of the candidate's family."""
        start = f"family.{params.get('family')}."
        return {path: value for path, value in asked.items() if path.removeprefix(start).split(".")[0] in parts}

    def _smaller(self, params: Params, other: Params) -> Params:
        if time.time() >= self.until:
            return params
        return other if self._size(self._of(other)) < self._size(self._of(params)) else params

    def _fits(self, params: Params) -> bool:
        return self._aim.excess(self._of(params)) <= 1

    def _size(self, values: Values) -> tuple[float, float]:
        """Return what is to be small: the largest share of a limit, and the sum of all shares."""
        shares = [values[name] / limit for name, limit in self._aim.limits.items() if name in values]
        return max(shares, default=0.0), sum(shares)

    def _of(self, params: Params) -> Values:
        """Return what is known of a candidate: nothing where it is no network."""
        if (key := tuple(params.items())) not in self._known:
            self._known[key] = self._counted(params)
        return self._known[key]

    def _counted(self, params: Params) -> Values:
        try:
            with quiet():
                pipeline = build(params, self.problem)
                if not isinstance(pipeline.model, TorchModel):
                    return {}
                x, before = self._seen_by_network(params, pipeline)
                values = pipeline.model.sizes(x, self.goals.limits)
        except (NotApplicable, RuntimeError, ValueError):  # what cannot be built says so as a trial
            return {}
        held = before + values["parameters"]
        return {**values, "parameters": held, "bytes": held * BYTES_OF_A_NUMBER + BYTES_OF_A_GRAPH}

    def _seen_by_network(self, params: Params, pipeline: Pipeline) -> tuple[Rows, float]:
        """Return some rows behind the steps of a candidate, and how many numbers a graph holds of these.

        Those of the latest are kept: the next one often differs in the network alone.
        """
        if not pipeline.steps:
            return self.task.data.x.take(slice(0, EXAMPLES)), 0.0
        family = load(FAMILY_FOLDER[self.kind], str(params["family"]))
        of_steps = self._below(params, params, {"family", *family.steps, MORE_STEPS})
        if self._seen is None or self._seen[0] != of_steps:
            self._seen = of_steps, self._behind(pipeline)
        return self._seen[1]

    def _behind(self, pipeline: Pipeline) -> tuple[Rows, float]:
        index = self.task.splits[0][0] if self.task.splits else np.arange(self.task.n_rows)
        some = self.task.data.take(index[:: -(-len(index) // LEARNED_FROM)])
        graph, x = Graph(), some.x
        tensors = declare_inputs(graph, self.task.schema, x)
        for step in pipeline.steps:
            x, tensors = step.fit_transform(x, some.y), step.to_onnx(graph, tensors)
        return x, numbers_in(graph.model(tensors).SerializeToString())


def _answers(domain: Question) -> list[Scalar]:
    """Return the answers among which the smallest one should be: all options, or the ends of a range."""
    return list(domain.options) if isinstance(domain, Choice) else [domain.low, domain.high]


def _half_way(domain: Question, here: Scalar, there: Scalar) -> Scalar:
    """Return what lies in the middle of two answers, or the other one where nothing does."""
    if isinstance(domain, Choice):
        return there
    middle = domain.from_unit((domain.to_unit(here) + domain.to_unit(there)) / 2)  # type: ignore[arg-type]
    return there if middle == here else middle
