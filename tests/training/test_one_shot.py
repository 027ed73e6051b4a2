"""A one-shot search on small images: what is architecture, what a visit is, what is found."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from automl.assemble import build, task_space
from automl.errors import TrialError
from automl.space import Choice, Params, Space, validate
from automl.task import Task
from automl.training import loop, one_shot
from automl.training.objective import FitFolds
from automl.training.one_shot import OneShot, networks_of
from automl.training.shared_weights import SharedWeights
from automl.training.visits import Visits
from automl.types import ONE_SHOT, ONE_SHOT_FOUND, ONE_SHOT_JOINT, ONE_SHOT_SHARE, Candidate
from tests.tasks import defaults, make

FAMILY = "conv_stages"
SMALL = {"epochs": 3, "width": 8}


def base(task: Task, **changed: Any) -> Params:
    params = defaults(task, FAMILY)
    assert params is not None
    return params | {f"family.{FAMILY}.{path}": value for path, value in (SMALL | changed).items()}


def searched(task: Task, **options: Any) -> OneShot:
    family = task_space(task)["family"]
    assert isinstance(family, Choice)
    space: Space = {"family": Choice({FAMILY: family.options[FAMILY]})}
    around = base(task)
    rows = networks_of(build, task.problem, around, *task.fold(0))
    return OneShot(rows[0], space, around, *rows[1:], **({"searcher": {"name": "random"}} | options))


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_shot, "SCORED", 12)
        yield


@pytest.fixture(scope="module")
def done() -> OneShot:
    search = searched(make("image", "binary"))
    progress = list(search.run())
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1)
    return search


def test_what_does_not_shape_the_network_stays_as_it_is(done: OneShot) -> None:
    fixed = {path.removeprefix(f"family.{FAMILY}.") for path in done.fixed}
    assert {
        "family",
        "optimizer",
        "optimizer.muon.lr",
        "batch_size",
        "loss",
        "dropout",
        "augment",
        "test_time_augmentation",
    } <= fixed
    free = {"width", "stages.n", "stages.0.block", "stages.1.depth", "norm", "activation", "pool"}
    assert not free & fixed


def test_what_is_found_are_candidates_of_the_space_the_best_first(done: OneShot) -> None:
    found = done.found
    assert len(found) == 6
    for params in found:
        assert validate(done.space, params) == params
        assert all(params.get(path, value) == value for path, value in done.fixed.items())
    values = [done.scores[repr(sorted(params.items()))][0] for params in found]
    assert values == sorted(values, reverse=True)
    assert len({repr(params) for params in found}) == 6


def test_no_network_is_much_larger_than_the_one_in_the_middle(done: OneShot) -> None:
    costs = [one_shot.cost(done.begun(params)) for _, params in done.scores.values()]
    assert max(costs) <= one_shot.MOST_COST * one_shot.cost(done.begun(done.base))


def test_a_first_visit_is_a_training_of_its_own() -> None:
    task = make("image", "binary")
    make_network, train, _ = networks_of(build, task.problem, base(task), *task.fold(0))

    def begun() -> Any:
        network = make_network(base(task))
        network.begin(train)
        return network

    visitor, alone = begun(), begun()
    visits = Visits(begun(), train, None)
    torch.manual_seed(1)
    visits.visit(visitor, SharedWeights(), 3)
    run = loop.Training(alone, train, alone.loss(train), alone.params["epochs"])
    torch.manual_seed(1)
    steps = run.epoch()
    run.live.train()
    for _ in range(3):
        next(steps)
    assert run.taken == visits.taken == 3
    for mine, other in zip(visitor.fitted.parameters(), run.live.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-6)


def test_a_search_may_learn_while_weights_are_trained() -> None:
    search = searched(make("image", "binary"), searcher={"name": "policy_gradient"}, joint=True)
    list(search.run())
    assert search.number > one_shot.SCORED
    assert len(search.found) == 6


def test_the_same_seed_finds_the_same(done: OneShot) -> None:
    again = searched(make("image", "binary"))
    list(again.run())
    assert again.found == done.found


@pytest.mark.parametrize("kind", ["table", "sequence", "text"])
def test_any_family_of_networks_can_be_searched(kind: str) -> None:
    task = make(kind, "multiclass")
    space = task_space(task)
    family = {"table": "mlp", "sequence": "temporal_conv", "text": "subword_bag"}[kind]
    params = defaults(task, family)
    assert params is not None
    asked = {ONE_SHOT: "evolution", ONE_SHOT_SHARE: 0.2, ONE_SHOT_JOINT: False, ONE_SHOT_FOUND: 2}
    *_, ended = FitFolds(task, space=space)(Candidate("0", {**params, **asked}), 1, None)
    assert (ended.status, ended.score, ended.folds) == ("stopped", None, ())
    assert len(ended.found) == 2
    for found in ended.found:
        assert validate(space, found) == found


def test_a_family_of_no_networks_fails_and_says_so() -> None:
    task = make("table", "binary")
    params = defaults(task, "linear")
    assert params is not None
    asked = {ONE_SHOT: "evolution", ONE_SHOT_SHARE: 0.2, ONE_SHOT_JOINT: False, ONE_SHOT_FOUND: 2}
    with pytest.raises(TrialError, match="'linear' is none"):
        list(FitFolds(task, space=task_space(task))(Candidate("0", {**params, **asked}), 1, None))


def test_scores_by_shared_weights_are_those_of_the_metric(done: OneShot) -> None:
    score = done.score(done.begun(done.base), done.some, one_shot.BATCHES)
    assert np.isfinite(score)
