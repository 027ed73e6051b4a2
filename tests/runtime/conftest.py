"""The folder that most tests of the runtime predict with."""

from pathlib import Path

import numpy as np
import pytest

from automl.export.graph import ML, Graph
from tests.runtime.folders import schema, write_folder


@pytest.fixture
def table_folder(tmp_path: Path) -> Path:
    """p("yes") = sigmoid(n + 10 * (c == "hot")), with an open model of one number and one category."""
    g = Graph()
    n, c = g.input("numeric", np.float32, [1]), g.input("categories", str, [1])
    hot = g.op("LabelEncoder", c, domain=ML, keys_strings=["hot"], values_floats=[10.0], default_float=0.0)
    yes = g.op("Sigmoid", g.op("Add", n, hot))
    no = g.op("Sub", g.constant(np.ones(1, np.float32)), yes)
    s = schema(n="numeric", c="categorical", z="dropped", classes=["no", "yes"])
    return write_folder(tmp_path / "model", s, g.model({"prediction": g.concat([no, yes])}))
