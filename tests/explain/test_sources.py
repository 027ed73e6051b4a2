"""What the columns that a model sees follow: a feature each, several where a step has mixed them, none if constant."""

from dataclasses import replace

import numpy as np

from automl.explain.sources import called, sources
from automl.task import Rows
from automl.testing import make_task


def test_columns_are_traced_through_what_is_done_with_them() -> None:
    task = make_task("table", "binary")
    x = task.data.x.take(slice(0, 60))
    names = [column.name for column in task.schema.columns]

    def transform(rows: Rows) -> Rows:
        numeric = np.nan_to_num(rows.numeric)
        turned = np.column_stack(
            [numeric[:, 2], numeric[:, 0] - numeric[:, 1], np.ones(len(rows)), numeric.sum(axis=1)]
        )
        return replace(rows, numeric=turned.astype(np.float32))

    found = sources(task.schema, x, transform)
    assert found["numeric"][:3] == [("count",), ("number", "noise"), ()]
    assert called(found["numeric"][3]) == "number, noise, count and 2 more"
    assert found["categories"] == [("colour",)]
    assert set(names) == {*found["numeric"][3], "colour"}


def test_columns_that_are_left_as_they_are_follow_themselves() -> None:
    task = make_task("table", "binary")
    found = sources(task.schema, task.data.x, lambda rows: rows)
    # The days have no hours, minutes and seconds: these are the same in all rows.
    assert sorted(map(len, found["numeric"]))[:4] == [0, 0, 0, 1]
    assert set(found["numeric"]) == {(name,) for name in ("number", "noise", "count", "flag", "day")} | {()}
