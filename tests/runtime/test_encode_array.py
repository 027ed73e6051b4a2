"""Images and sequences as the inputs of a model."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.runtime.encode_array import encode_array
from automl.runtime.errors import PredictionError
from tests.runtime.folders import schema


def test_sequences_are_padded_cut_and_masked() -> None:
    s = schema("sequence", (4, 2))
    short = encode_array(s, np.ones((2, 3, 2)), [2, 3])
    assert short["sequence"][:, :, 0].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert short["lengths"].tolist() == [2, 3]
    long = encode_array(s, np.ones((1, 9, 2)))
    assert long["sequence"].shape == (1, 4, 2)
    assert long["lengths"].tolist() == [4]
    assert encode_array(s, np.ones((2, 9, 2)), [9, 2])["lengths"].tolist() == [4, 2]


@pytest.mark.parametrize(
    ("kind", "shape", "x", "message"),
    [
        ("image", (4, 4, 3), np.zeros((2, 4, 4)), r"\(n, 4, 4, 3\)"),
        ("image", (4, 4, 1), np.zeros((2, 5, 4)), r"shape \(n, 4, 4, 1\)"),
        ("sequence", (4, 2), np.zeros((2, 4, 3)), r"\(n, steps, 2\)"),
        ("sequence", (4, 2), np.full((2, 4, 2), np.inf), "row 1"),
        ("image", (4, 4, 1), np.zeros((0, 4, 4, 1)), "no rows"),
        ("image", (4, 4, 1), {"a": [1], "b": [2]}, r"takes images.*\(n, 4, 4, 1\).*given: a table.*'a', 'b'"),
        ("sequence", (4, 2), pd.DataFrame({"a": [1]}), r"takes sequences.*\(n, steps, 2\).*given: a table.*'a'"),
        ("image", (4, 4, 1), [{"a": 1}], "given: a table"),
        ("image", (4, 4, 1), [["a"]], "array of numbers"),
        ("image", (4, 4, 1), [[1], [1, 2]], "one shape"),
    ],
)
def test_bad_arrays(kind: str, shape: tuple[int, ...], x: Any, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        encode_array(schema(kind, shape), x)


@pytest.mark.parametrize("lengths", [[1], [0.5, 1.0]])
def test_bad_lengths(lengths: Any) -> None:
    with pytest.raises(PredictionError, match="2 whole numbers"):
        encode_array(schema("sequence", (4, 2)), np.zeros((2, 4, 2)), lengths)


@pytest.mark.parametrize(
    ("lengths", "row"), [([3, 4], "row 2 has 4"), ([0, 3], "row 1 has 0"), ([1, -5], "row 2 has -5")]
)
def test_lengths_out_of_range_are_named(lengths: Any, row: str) -> None:
    with pytest.raises(PredictionError, match=f"from 1 to 3.*{row}"):
        encode_array(schema("sequence", (4, 2)), np.zeros((2, 3, 2)), lengths)


def test_lengths_are_not_for_images() -> None:
    with pytest.raises(PredictionError, match="Lengths are for sequences"):
        encode_array(schema("image", (4, 4, 1)), np.zeros((2, 4, 4)), [4, 4])


@pytest.mark.parametrize(
    ("known", "given"), [(255, 1.0), (255, 0.3), (4095, 1.0), (1.0, 255), (0.9, 200.0), (1.0, 4095)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_images_of_another_scale_are_refused(known: float, given: float, dtype: type) -> None:
    images: np.ndarray = np.linspace(0, given, 32).reshape(2, 4, 4).astype(dtype)
    with pytest.raises(PredictionError, match="another scale"):
        encode_array({**schema("image", (4, 4, 1)), "brightest": float(known)}, images)


@pytest.mark.parametrize(
    ("known", "given"),
    [(255.0, np.uint8(255)), (255.0, np.uint8(1)), (255.0, np.uint8(0)), (255.0, 0.0), (255.0, 90.0), (1.0, 0.001),
     (1.0, 0.0), (0.0, 255.0), (0.5, 1.0), (255.0, 300.0), (-1.0, 0.5)],
)  # fmt: skip
def test_images_of_the_scale_are_taken_dark_ones_too(known: float, given: Any) -> None:
    images: np.ndarray = np.full((2, 4, 4), given)
    assert len(encode_array({**schema("image", (4, 4, 1)), "brightest": known}, images)["image"]) == 2
