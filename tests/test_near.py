"""Properties of what lies near, over random spaces: valid, one change, the rest as it was, repeatable."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.space import (
    Choice,
    Cross,
    Defaults,
    Float,
    Int,
    Mutate,
    Params,
    Random,
    Repeat,
    Space,
    draw,
    mutate,
    questions,
    step,
    validate,
)
from tests.spaces import SEEDS, floats, ints, spaces


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(space: Space, seed: int) -> Params:
    return draw(space, Random(rng(seed)))


def changed(parent: Params, child: Params) -> list[str]:
    return [path for path in parent if path in child and parent[path] != child[path]]


def n_free(space: Space, params: Params) -> int:
    domains = questions(space, params).values()
    return sum(len(d.options) > 1 if isinstance(d, Choice) else d.low < d.high for d in domains)


@settings(max_examples=300, deadline=None)
@given(spaces(), SEEDS)
def test_a_mutation_is_valid_and_changes_one_thing(space: Space, seed: int) -> None:
    parent = drawn(space, seed)
    child = mutate(space, parent, rng(seed + 1))
    assert validate(space, child) == child
    if not n_free(space, parent):
        assert child == parent
        return
    (at,) = changed(parent, child)
    # What came or went lies below what changed: in a branch of it, or among the repetitions that it counts.
    below = f"{at.removesuffix('.n')}."
    assert all(path.startswith(below) for path in parent.keys() ^ child.keys())


@settings(max_examples=200, deadline=None)
@given(spaces(), SEEDS)
def test_a_cross_is_valid_and_takes_from_its_parents(space: Space, seed: int) -> None:
    first, second = drawn(space, seed), drawn(space, seed + 1)
    child = draw(space, Cross(first, second, rng(seed)))
    assert validate(space, child) == child
    for path, value in child.items():
        given = [p[path] for p in (first, second) if path in p]
        assert not given or value in given


@settings(max_examples=60, deadline=None)
@given(spaces(), SEEDS)
def test_a_parent_crossed_with_itself_is_itself(space: Space, seed: int) -> None:
    parent = drawn(space, seed)
    assert draw(space, Cross(parent, parent, rng(seed))) == parent


@settings(max_examples=60, deadline=None)
@given(spaces(), SEEDS)
def test_the_same_seed_gives_the_same(space: Space, seed: int) -> None:
    first, second = drawn(space, seed), drawn(space, seed + 1)
    assert mutate(space, first, rng(seed)) == mutate(space, first, rng(seed))
    one, two = (draw(space, Cross(first, second, rng(seed))) for _ in range(2))
    assert one == two


@settings(max_examples=60, deadline=None)
@given(spaces(), spaces(), SEEDS)
def test_parents_of_another_space_are_no_trouble(space: Space, other: Space, seed: int) -> None:
    foreign = drawn(other, seed)
    for child in (
        mutate(space, foreign, rng(seed)),
        draw(space, Mutate(foreign, rng(seed), at=list(foreign))),
        draw(space, Cross(foreign, drawn(space, seed), rng(seed))),
    ):
        assert validate(space, child) == child


@settings(max_examples=200, deadline=None)
@given(floats() | ints(), st.floats(0, 1), SEEDS, st.floats(1e-6, 3))
def test_a_step_leads_to_another_number_of_the_range(domain: Any, unit: float, seed: int, scale: float) -> None:
    value = domain.from_unit(unit)
    moved = step(value, domain, rng(seed), scale)
    assert moved in domain
    assert (moved != value) == (domain.low < domain.high)


@pytest.mark.parametrize(
    "domain", [Float(0, 1e-300), Float(1, np.nextafter(1, 2)), Int(4, 5), Float(1e-8, 1, log=True)]
)
def test_a_step_leaves_also_the_ends(domain: Any) -> None:
    for value in (domain.low, domain.high):
        assert step(value, domain, rng(0)) != value


def test_steps_are_small_and_go_both_ways() -> None:
    domain = Float(1e-4, 1, log=True)
    moved = np.log([step(1e-2, domain, rng(seed), 0.05) / 1e-2 for seed in range(400)])
    assert abs(moved.mean()) < 0.1
    assert np.std(moved) == pytest.approx(0.05 * np.log(1e4), rel=0.2)


def test_every_question_may_change_and_only_new_branches_are_drawn() -> None:
    space: Space = {
        "norm": Choice({"none": {}, "batch": {"momentum": Float(0, 1)}}),
        "blocks": Repeat({"kernel": Choice([3, 5, 7])}, Int(1, 3)),
        "rate": Float(0.1, 1, log=True),
    }
    parent = draw(space, Defaults({"norm": "none", "blocks.n": 2}))
    children = [mutate(space, parent, rng(seed), fresh=Defaults()) for seed in range(200)]
    assert {p for c in children for p in changed(parent, c)} == set(parent)
    entered = [c for c in children if c["norm"] == "batch"]
    assert entered
    assert all(c["norm.batch.momentum"] == 0.5 for c in entered)
    longer = [c for c in children if c["blocks.n"] == 3]
    assert longer
    assert all(c["blocks.2.kernel"] == 3 for c in longer)
