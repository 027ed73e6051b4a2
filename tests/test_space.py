"""Properties of spaces: whatever is drawn lies in its space, replays, and survives JSON and overrides."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import SpaceError
from automl.space import (
    Choice,
    Constant,
    Defaults,
    Float,
    Int,
    Random,
    Space,
    configure,
    describe,
    draw,
    scope,
    validate,
)

NAMES = st.sampled_from(["depth", "width", "rate", "norm", "kind", "shift"])


@st.composite
def floats(draw_: Any) -> Float:
    low = draw_(st.floats(1e-6, 1e3))
    high = low * draw_(st.floats(1.0, 1e3))
    default = draw_(st.none() | st.just(low) | st.just(high))
    return Float(low, high, log=draw_(st.booleans()), default=default)


@st.composite
def ints(draw_: Any) -> Int:
    low = draw_(st.integers(1, 1000))
    return Int(low, low + draw_(st.integers(0, 1000)), log=draw_(st.booleans()))


def choices(children: st.SearchStrategy) -> st.SearchStrategy:
    options = st.sampled_from(["a", "b", "c", "d"])
    nested = st.dictionaries(options, children, min_size=1, max_size=3).map(Choice)
    plain = st.lists(st.integers(-3, 3) | st.text("xyz", min_size=1, max_size=2), min_size=1, max_size=4, unique=True)
    return nested | plain.map(Choice)


def spaces() -> st.SearchStrategy:
    leaf = floats() | ints() | st.sampled_from([Constant(1), Constant("x")])
    flat = st.dictionaries(NAMES, leaf, max_size=3)
    return st.recursive(
        flat, lambda inner: st.dictionaries(NAMES, leaf | choices(inner) | inner, max_size=4), max_leaves=12
    )


@settings(max_examples=150, deadline=None)
@given(spaces(), st.integers(0, 2**32 - 1))
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
@given(spaces(), st.integers(0, 2**32 - 1))
def test_the_same_seed_draws_the_same(space: Space, seed: int) -> None:
    first, second = (draw(space, Random(np.random.default_rng(seed))) for _ in range(2))
    assert first == second


@settings(max_examples=60, deadline=None)
@given(spaces(), st.integers(0, 2**32 - 1))
def test_a_description_configures_its_own_space_to_itself(space: Space, seed: int) -> None:
    again = configure(space, json.loads(json.dumps(describe(space))))
    rngs = [np.random.default_rng(seed) for _ in range(2)]
    assert draw(space, Random(rngs[0])) == draw(again, Random(rngs[1]))


SPACE = {
    "depth": Int(1, 6),
    "rate": Float(1e-4, 1e-1, log=True),
    "norm": Choice({"none": {}, "batch": {"momentum": Float(0.01, 0.3)}}),
    "act": Choice(["relu", "gelu"]),
    "scale": {"method": Choice(["standard", "none"])},
}


def test_only_the_chosen_branch_is_entered() -> None:
    params = draw(SPACE, Defaults({"norm": "none"}))
    assert "norm.batch.momentum" not in params
    assert scope(draw(SPACE, Defaults({"norm": "batch"})), "norm.batch") == {"momentum": pytest.approx(0.155)}


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
    ],
)
def test_wrong_overrides_name_the_rule_and_the_nearest(config: dict, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        configure(SPACE, config)


@pytest.mark.parametrize(
    "make", [lambda: Int(3, 1), lambda: Float(0, 1, log=True), lambda: Float(0, 1, default=2), lambda: Choice([])]
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
