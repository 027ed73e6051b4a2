"""The epochs of a fit in the reports of its trial: a bounded number of points, the best among them."""

import json
import math

import numpy as np
import pytest

from automl.epochs import MOST, Epoch, by_fold, told, without
from automl.types import Report


@pytest.mark.parametrize("n", [1, 2, 49, 50, 51, 800])
def test_a_bounded_number_is_kept_with_the_best_and_both_ends(n: int) -> None:
    rng = np.random.default_rng(n)
    judged = [Epoch(i / 3, score, rng.random()) for i, score in enumerate(rng.normal(size=n).tolist(), start=1)]
    reports = [Report(0.5, 0.0, 1.0, {"x": 1.0, **told(3, judged)}), Report(1.0, 0.0, 2.0)]
    assert len(json.dumps(reports[0].extra)) < 3000
    ((fold, kept),) = by_fold(reports).items()
    assert fold == 3
    assert len(kept) == min(n, len(kept)) <= MOST
    assert [one.epochs for one in kept] == sorted(one.epochs for one in kept)
    for end in (0, -1):
        assert kept[end].epochs == pytest.approx(judged[end].epochs, rel=1e-5)
    assert max(one.score for one in kept) == pytest.approx(max(one.score for one in judged), rel=1e-5)
    assert without(reports[0].extra) == {"x": 1.0}


def test_what_has_no_number_is_left_out() -> None:
    judged = [Epoch(1, math.nan, 1.0), Epoch(2, 0.5, math.inf), Epoch(3, 0.25, 1.5)]
    assert by_fold([Report(1.0, 0.0, 1.0, told(0, judged))]) == {0: judged[2:]}
    assert told(0, judged[:2]) == {}
    assert by_fold([Report(1.0, 0.0, 1.0, {"x": 2.0})]) == {}
