"""Properties of spaces: whatever is drawn lies in its space, replays, and survives JSON and overrides."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from automl.errors import SpaceError
from automl.space import (
    Choice,
    Constant,
    Defaults,
    Float,
    Int,
    Random,
    Repeat,
    Space,
    configure,
    describe,
    draw,
    scope,
    validate,
)
from tests.spaces import SEEDS, spaces


@settings(max_examples=150, deadline=None)
@given(spaces(), SEEDS)
def test_draws_are_valid_and_survive_json(space: Space, seed: int) -> None:
    params = draw(space, Random(np.random.default_rng(seed)))
    assert validate(space, params) == params
    assert validate(space, json.loads(json.dumps(params))) == params


@settings(max_examples=60, deadline=None)
@given(spaces())
def test_defaults_are_valid(space: Space) -> None:
    params = draw(space, Defaults())
    assert validate(space, params) == params


@settings(max_examples=60, deadline=None)
@given(spaces(), SEEDS)
def test_the_same_seed_draws_the_same(space: Space, seed: int) -> None:
    first, second = (draw(space, Random(np.random.default_rng(seed))) for _ in range(2))
    assert first == second


@settings(max_examples=60, deadline=None)
@given(spaces(), SEEDS)
def test_a_description_configures_its_own_space_to_itself(space: Space, seed: int) -> None:
    again = configure(space, json.loads(json.dumps(describe(space))))
    rngs = [np.random.default_rng(seed) for _ in range(2)]
    assert draw(space, Random(rngs[0])) == draw(again, Random(rngs[1]))


BLOCK: Space = {"kernel": Choice([3, 5]), "norm": Choice({"none": {}, "batch": {"m": Float(0, 1)}})}
SPACE: Space = {
    "depth": Int(1, 6),
    "rate": Float(1e-4, 1e-1, log=True),
    "norm": Choice({"none": {}, "batch": {"momentum": Float(0.01, 0.3)}}),
    "act": Choice(["relu", "gelu"]),
    "scale": {"method": Choice(["standard", "none"])},
    "blocks": Repeat(BLOCK, Int(1, 4)),
}


def test_only_the_chosen_branch_is_entered() -> None:
    params = draw(SPACE, Defaults({"norm": "none"}))
    assert "norm.batch.momentum" not in params
    assert scope(draw(SPACE, Defaults({"norm": "batch"})), "norm.batch") == {"momentum": pytest.approx(0.155)}


def test_a_block_is_drawn_as_often_as_n_says() -> None:
    params = draw({"blocks": SPACE["blocks"]}, Defaults({"blocks.n": 2, "blocks.1.kernel": 5}))
    assert params == {
        "blocks.n": 2,
        "blocks.0.kernel": 3,
        "blocks.0.norm": "none",
        "blocks.1.kernel": 5,
        "blocks.1.norm": "none",
    }
    assert [scope(params, f"blocks.{i}")["kernel"] for i in range(params["blocks.n"])] == [3, 5]


def test_a_repetition_too_many_is_a_stranger() -> None:
    params = draw(SPACE, Defaults({"blocks.n": 1}))
    with pytest.raises(SpaceError, match=r"no parameter 'blocks\.1\.kernel'"):
        validate(SPACE, params | {"blocks.1.kernel": 3})


def test_a_logarithmic_default_is_the_geometric_middle() -> None:
    assert Float(1e-4, 1e-2, log=True).start == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("config", "check"),
    [
        ({"depth": {"high": 9}}, lambda s: s["depth"].high == 9 and s["depth"].low == 1),
        ({"depth": {"low": 5}}, lambda s: s["depth"].start == 5),
        ({"depth": 3}, lambda s: s["depth"] == Constant(3)),
        ({"depth": [2, 4]}, lambda s: list(s["depth"].options) == [2, 4]),
        ({"act": "gelu"}, lambda s: list(s["act"].options) == ["gelu"]),
        ({"act": {"options": ["gelu"]}}, lambda s: list(s["act"].options) == ["gelu"]),
        ({"norm": {"none": "off"}}, lambda s: list(s["norm"].options) == ["batch"]),
        ({"norm": {"none": False}}, lambda s: list(s["norm"].options) == ["batch"]),
        ({"norm": {"batch": {"momentum": {"low": 0.2}}}}, lambda s: s["norm"].options["batch"]["momentum"].low == 0.2),
        ({"scale": {"method": "none"}}, lambda s: list(s["scale"]["method"].options) == ["none"]),
        ({"blocks": {"n": 3}}, lambda s: s["blocks"].times == Constant(3)),
        ({"blocks": {"n": {"high": 9}}}, lambda s: s["blocks"].times == Int(1, 9, default=2)),
        ({"blocks": {"n": [2, 4]}}, lambda s: s["blocks"].times == Choice([2, 4])),
        (
            {"blocks": {"kernel": 5}},
            lambda s: s["blocks"].space["kernel"] == Choice([5]) and s["blocks"].times.high == 4,
        ),
        ({"blocks": {"norm": {"none": "off"}}}, lambda s: list(s["blocks"].space["norm"].options) == ["batch"]),
    ],
)
def test_overrides(config: dict, check: Any) -> None:
    assert check(configure(SPACE, config))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"dept": 3}, "Did you mean 'depth'"),
        ({"depth": {"hihg": 3}}, "Did you mean 'high'"),
        ({"depth": {"low": 9}}, "low <= high"),
        ({"depth": {"low": "a"}}, "must be a number"),
        ({"depth": "deep"}, "is a whole number"),
        ({"depth": 1.5}, "is a whole number"),
        ({"depth": [1, 1.5]}, "is a whole number"),
        ({"depth": float("inf")}, "is a whole number"),
        ({"rate": ["fast"]}, "is a number"),
        ({"rate": {"low": 0.0}}, "low > 0"),
        ({"act": "rellu"}, "Did you mean 'relu'"),
        ({"norm": {"batch": {"momentu": 1}}}, "Did you mean 'momentum'"),
        ({"norm": {"none": "off", "batch": "off"}}, "at least one option"),
        ({"norm": {"default": "bath"}}, "Did you mean 'batch'"),
        ({"scale": "standard"}, "is a group"),
        ({"blocks": 3}, "set one of n, kernel, norm"),
        ({"blocks": {"kernal": 3}}, "Did you mean 'kernel'"),
        ({"blocks": {"n": -1}}, "'space.blocks.n': A space is repeated a whole number of times, 0 or more"),
        ({"blocks": {"n": {"low": -2}}}, "0 or more"),
    ],
)
def test_wrong_overrides_name_the_rule_and_the_nearest(config: dict, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        configure(SPACE, config)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Int(3, 1),
        lambda: Float(0, 1, log=True),
        lambda: Float(0, 1, default=2),
        lambda: Float(0, float("inf")),
        lambda: Float(float("nan"), 1),
        lambda: Float("a", "b"),  # type: ignore[arg-type]
        lambda: Int(0, 3, default=True),
        lambda: Choice([]),
        lambda: Repeat({}, Int(-1, 2)),
        lambda: Repeat({}, Choice(["a"])),
        lambda: Repeat({"n": Int(1, 2)}, Int(1, 2)),
    ],
)
def test_impossible_domains(make: Any) -> None:
    with pytest.raises(SpaceError):
        make()


def test_validate_refuses_strangers() -> None:
    params = draw(SPACE, Defaults())
    with pytest.raises(SpaceError, match="Did you mean 'depth'"):
        validate(SPACE, params | {"dept": 3})
    with pytest.raises(SpaceError, match="must lie in"):
        validate(SPACE, params | {"depth": 99})
    with pytest.raises(SpaceError, match="lack"):
        validate(SPACE, {})
