"""One-shot architecture search: many networks are trained for a few steps each on weights that they share, then told
apart by what these weights are worth in them (Bender et al. 2018; Guo et al. 2020, arXiv:1904.00420).

Nothing here knows a space. What of it is architecture is seen: where another answer changes what the untrained network
answers. All else stays as it is in the candidate that the search is around, so weights are shared by networks that are
trained alike.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from automl import options
from automl.errors import AutoMLError, TooLittleTimeError, TrialError
from automl.space import Choice, Cross, Inherit, Mutate, Params, Random, Space, draw, questions
from automl.task import Batch, Problem, Task
from automl.training import averages
from automl.training import network as training
from automl.training.feed import Feed, evaluate, place
from automl.training.network import Network
from automl.training.pipeline import Pipeline
from automl.training.shared_weights import SharedWeights
from automl.training.sizes import n_numbers
from automl.training.visits import Visits
from automl.types import (
    ONE_SHOT,
    ONE_SHOT_FOUND,
    ONE_SHOT_JOINT,
    ONE_SHOT_SHARE,
    Candidate,
    Searcher,
    Trial,
)

Build = Callable[[Params, Problem], Pipeline]
Make = Callable[[Params], Network]

# Each visit takes so many steps: to make networks until one is small enough takes about as long as one or two.
STEPS = 4
# Of the time, what goes into training shared weights; the rest is for the search by what they are worth.
TRAINING = 0.7
# No network takes more multiply-adds, or has more weights, than so many times those of the one in the middle; so often
# one is drawn.
MOST_COST, MOST_WEIGHTS, DRAWS = 2.0, 10.0, 30
# Scores by shared weights are of at most so many rows, with statistics of so many batches; less while training.
ROWS, BATCHES = 500, 2
ROWS_BETWEEN, BATCHES_BETWEEN = 256, 1
# So many of the networks that were visited last are scored first: from them on, a searcher knows more than chance.
FIRST = 20
# A parameter belongs to the architecture where one of so many other answers changes what so many rows are answered.
TRIES, PROBES = 4, 4
# So many rows say what a network's input is like.
EXAMPLES = 500
# With less time than this, none is begun.
LEAST_SECONDS = 10.0
# Without a time, so many candidates are scored.
SCORED = 60


@dataclass
class OneShot:
    """A search around the candidate ``base`` of a family of networks.

    ``make``: the network of other parameters, not yet fitted. ``space``: has the one family. ``searcher``: its
    configuration, ``{"name": ...}``. ``joint``: whether it chooses what is trained, too, and learns from each visit (as
    ENAS and TuNAS do: Bender et al. 2020, arXiv:2008.06120); else what is trained is drawn at random. ``seconds``: None
    for as many steps as the epochs of ``base`` have, which depends on no clock.
    """

    make: Make
    space: Space
    base: Params
    train: Batch
    valid: Batch
    searcher: Mapping[str, Any]
    joint: bool = False
    seconds: float | None = None
    seed: int = 0
    n_found: int = 6
    scores: dict[str, tuple[float, Params]] = field(default_factory=dict)

    def run(self) -> Iterator[float]:
        """Yield the share of the search that is over; afterwards ``found`` has something to say."""
        began = time.monotonic()
        self.rng = np.random.default_rng(self.seed)
        self.shared = SharedWeights()
        self.few = self.train.take(np.sort(self.rng.permutation(len(self.train))[:EXAMPLES]))
        self.some = self.valid.take(self.rng.permutation(len(self.valid))[:ROWS])
        middle = self.make(self.base)
        middle.begin(self.train)
        self.head = middle.head
        self.most, self.most_weights = MOST_COST * cost(middle), MOST_WEIGHTS * n_numbers(middle.fitted)
        self.fixed = self._fixed()
        self.chosen: Searcher = options.make("searchers", self.searcher, self.space, self.seed)
        self.number, self.visited = 0, deque([self.base], maxlen=FIRST)
        until = None if self.seconds is None else began + self.seconds
        left = None if until is None else TRAINING * (until - time.monotonic())
        self.visits = Visits(middle, self.train, left)
        yield from (TRAINING * share for share in self._train())
        yield from (TRAINING + (1 - TRAINING) * share for share in self._search(until))

    @property
    def found(self) -> tuple[Params, ...]:
        """The best ``n_found`` candidates by the weights that they inherit, the best first."""
        ranked = sorted(self.scores.values(), key=lambda scored: scored[0], reverse=True)
        return tuple(params for _, params in ranked[: self.n_found])

    def begun(self, params: Params) -> Network:
        """Return the network of ``params`` with the weights that a fit begins with."""
        network = self.make(params)
        network.begin(self.few)
        if hasattr(network.fitted, "remember"):
            raise TrialError(
                f"Networks that answer by the rows that they remember share no weights; family {params['family']!r} is "
                "one. Search it by another searcher, or leave it out of the space."
            )
        network.head = self.head
        torch.manual_seed(int(self.rng.integers(2**31)))
        return network

    def score(self, network: Network, rows: Batch, n_batches: int) -> float:
        """Return the score on ``rows`` of ``network`` with the weights that it inherits."""
        module = network.fitted.to(place())
        self.shared.lend(module)
        averages.measure_anew(module, self.visits.some(n_batches))
        raw = torch.cat(list(evaluate(module, Feed(module, rows.x)))).cpu().numpy()
        if not np.isfinite(raw).all():
            return -math.inf
        return network.problem.metric.score(rows.y, network.head.predict(raw), rows.weights)

    def _train(self) -> Iterator[float]:
        n_good = n_bad = 0
        while not self.visits.over:
            asked, params, network = self._next(self.chosen.ask if self.joint else self._around)
            try:
                self.visits.visit(network, self.shared, STEPS)
                n_good += 1
                self.visited.append(params)
            except FloatingPointError:
                n_bad += 1
            if n_bad > n_good + DRAWS:
                raise TrialError(
                    f"Networks that share weights diverge (learning rate {self.visits.learning_rate:.2g}). Lower the "
                    "learning rate, or clip gradients."
                )
            if self.joint:
                index = self.rng.integers(len(self.some), size=min(ROWS_BETWEEN, len(self.some)))
                self._tell(asked, self.score(network, self.some.take(index), BATCHES_BETWEEN))
            yield self.visits.on_schedule / self.visits.planned

    def _search(self, until: float | None) -> Iterator[float]:
        began, n = time.monotonic(), 0
        while (n < SCORED) if until is None else (time.monotonic() < until or not n):
            asked, params, network = self._next(self._visited_or_asked)
            key = repr(sorted(params.items()))
            if key not in self.scores:
                self.scores[key] = self.score(network, self.some, BATCHES), params
            self._tell(asked, self.scores[key][0])
            n += 1
            yield n / SCORED if until is None else (time.monotonic() - began) / max(1e-9, until - began)

    def _visited_or_asked(self, number: int) -> Params | None:
        return self.visited.popleft() if self.visited else self.chosen.ask(number)

    def _around(self, number: int) -> Params:
        """Return a random candidate that has half of its answers from the one in the middle."""
        return draw(self.space, Cross(self.base, draw(self.space, Random(self.rng)), self.rng))

    def _next(self, ask: Callable[[int], Params | None]) -> tuple[Params, Params, Network]:
        """Return what was asked for, the candidate that it is, and its network; a random one where ``ask`` has none.

        What is too large, or cannot be built, is passed over.
        """
        for _ in range(DRAWS):
            asked = ask(self.number) or self._around(self.number)
            params = draw(self.space, Inherit(self.fixed, Inherit(asked, Random(self.rng))))
            if (network := self._allowed(params)) is not None:
                return asked, params, network
            if ask != self._around:
                self.chosen.tell(Trial(Candidate(str(self.number), asked), "failed", failure="too large"))
        return self.base, self.base, self.begun(self.base)

    def _tell(self, asked: Params, score: float) -> None:
        status = "finished" if math.isfinite(score) else "failed"
        self.chosen.tell(Trial(Candidate(str(self.number), asked), status, {"score": score}))  # type: ignore[arg-type]
        self.number += 1

    def _allowed(self, params: Params) -> Network | None:
        """Return the network of ``params``; None where it cannot be built, is beyond a limit, or costs too much."""
        try:
            if self.make(params).sizes(self.few.x, ("parameters",))["parameters"] > self.most_weights:
                return None
            network = self.begun(params)
            return network if cost(network) <= self.most else None
        except (AutoMLError, RuntimeError, ValueError):
            return None

    def _fixed(self) -> Params:
        """Return the answers of ``base`` that are none of its architecture."""
        asked = questions(self.space, self.base)
        known = self._answers(self.base)
        return {
            path: self.base[path]
            for path, domain in asked.items()
            if path == "family" or not self._shapes(path, domain, known)
        }

    def _shapes(self, path: str, domain: Any, known: np.ndarray | None) -> bool:
        """Return whether another answer at ``path`` makes another network."""
        family = f"family.{self.base['family']}."
        if path.removeprefix(family).split(".")[0] in {*training.SPACE, *training.PARTS}:
            return False
        n_tries = len(domain.options) - 1 if isinstance(domain, Choice) else TRIES
        for _ in range(min(n_tries, TRIES)):
            other = draw(self.space, Mutate(self.base, self.rng, (path,), scale=1.0))
            answers = self._answers(other)
            if answers is None or known is None or answers.shape != known.shape or not np.allclose(answers, known):
                return True
        return False

    def _answers(self, params: Params) -> np.ndarray | None:
        """Return what the untrained network of ``params`` answers to some rows, (n, ...); None where there is none."""
        try:
            network = self.begun(params)
            module = network.fitted
            return torch.cat(list(evaluate(module, Feed(module, self.train.x.take(slice(0, PROBES)))))).numpy()
        except (AutoMLError, RuntimeError, ValueError):
            return None


def cost(network: Network) -> float:
    """Return about how many multiply-adds of layers a row takes.

    ``training.sizes`` counts those of all operations, which takes too long for every candidate.
    """
    module, total = network.fitted, 0.0

    def count(layer: nn.Module, given: Any, output: Any) -> None:
        nonlocal total
        weights = layer.get_parameter("weight") if isinstance(layer, nn.Linear | _ConvNd) else None
        own = sum(part.numel() for part in layer.parameters(recurse=False))
        total += own if weights is None else output.numel() * weights[0].numel()

    handles = [part.register_forward_hook(count) for part in module.modules()]
    try:
        assert network.example is not None
        for _ in evaluate(module, Feed(module, network.example.take(slice(0, 1)))):
            pass
    finally:
        for handle in handles:
            handle.remove()
    return total


def asked(task: Task, space: Space, build: Build, params: Params, deadline: float | None) -> OneShot:
    """Return the search that ``params`` ask for (``types.ONE_SHOT``), around the candidate that they are otherwise.

    It takes a share of the time until ``deadline`` (``time.time()``; None: see ``OneShot``), and looks at the rows of
    the first fold alone. Raises ``TooLittleTimeError``, and ``TrialError`` where the family is none of networks.
    """
    base = dict(params)
    name, share, joint, n = (base.pop(key) for key in (ONE_SHOT, ONE_SHOT_SHARE, ONE_SHOT_JOINT, ONE_SHOT_FOUND))
    seconds = None if deadline is None else share * (deadline - time.time())
    if seconds is not None and seconds < LEAST_SECONDS:
        raise TooLittleTimeError(
            f"A one-shot search takes {LEAST_SECONDS:g} s at least; its share of the time left is {seconds:.2g} s. "
            "Raise the budget."
        )
    families, family = space["family"], base["family"]
    assert isinstance(families, Choice)
    own: Space = {"family": Choice({family: families.options[family]})}
    make, train, valid = networks_of(build, task.problem, base, *task.fold(0))
    return OneShot(make, own, base, train, valid, {"name": name}, joint, seconds, task.seed, n)


def networks_of(build: Build, problem: Problem, base: Params, train: Batch, valid: Batch) -> tuple[Make, Batch, Batch]:
    """Return what makes networks of parameters, and the rows as they see them, behind the feature steps of ``base``."""
    pipeline = build(base, problem)
    if not isinstance(pipeline.model, Network):
        raise TrialError(f"Weights are shared by networks; the family '{base['family']}' is none.")
    x = train.x
    for step in pipeline.steps:
        x = step.fit_transform(x, train.y)

    def make(params: Params) -> Network:
        network = build(params, problem).model
        assert isinstance(network, Network)
        return network

    return make, replace(train, x=x), replace(valid, x=pipeline.transform(valid.x))
