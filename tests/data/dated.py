"""Days and moments in random order, and what is asked of a column of them."""

import datetime as dt
from typing import Any

import numpy as np

from automl.data import from_arrays, rows
from automl.runtime.date_parts import DATE_PARTS

N = 120
rng = np.random.default_rng(0)
MOMENTS = [
    dt.datetime(2015, 1, 1) + dt.timedelta(days=int(d), seconds=int(s))
    for d, s in zip(rng.integers(0, 2000, N), rng.integers(0, 86_400, N), strict=True)
]
DAYS = [dt.datetime(m.year, m.month, m.day) for m in MOMENTS]
OTHER = rng.normal(size=N)
Y = np.arange(N) % 2


def check(values: Any, expected: Any, **options: Any) -> Any:
    """The parts of the dates are right in the task, alone, and from the schema as JSON would hold it."""
    columns = {"when": values, "other": OTHER[: len(values)]}
    task = from_arrays(columns, Y[: len(values)], **options)
    assert task.schema.columns[0].role == "datetime"
    parts = task.data.x.numeric[:, : len(DATE_PARTS) - 1]
    known = [[m.year, m.month, m.day, m.weekday(), m.timetuple().tm_yday, m.hour, m.minute, m.second] for m in expected]
    np.testing.assert_array_equal(parts, known)
    few = {name: v[:5] for name, v in columns.items()}
    np.testing.assert_array_equal(rows(task.schema, few).numeric, task.data.x.numeric[:5])
    return task
