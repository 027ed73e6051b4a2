"""Random conditional spaces for property tests: nested choices, groups, constants and repeats."""

from typing import Any

from hypothesis import strategies as st

from automl.space import Choice, Constant, Float, Int, Repeat

SEEDS = st.integers(0, 2**32 - 1)
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


def repeats(children: st.SearchStrategy) -> st.SearchStrategy:
    times = st.sampled_from([Int(0, 2), Int(1, 3, default=1), Int(2, 2), Choice([1, 3]), Constant(2)])
    return st.builds(Repeat, children, times)


def choices(children: st.SearchStrategy) -> st.SearchStrategy:
    options = st.sampled_from(["a", "b", "c", "d"])
    nested = st.dictionaries(options, children, min_size=1, max_size=3).map(Choice)
    plain = st.lists(st.integers(-3, 3) | st.text("xyz", min_size=1, max_size=2), min_size=1, max_size=4, unique=True)
    return nested | plain.map(Choice)


def spaces() -> st.SearchStrategy:
    leaf = floats() | ints() | st.sampled_from([Constant(1), Constant("x")])
    flat = st.dictionaries(NAMES, leaf, max_size=3)

    def nested(inner: st.SearchStrategy) -> st.SearchStrategy:
        return st.dictionaries(NAMES, leaf | choices(inner) | repeats(inner) | inner, max_size=4)

    return st.recursive(flat, nested, max_leaves=12)
