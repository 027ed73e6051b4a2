"""Small tables that the tests of the data room share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes text, or columns, into a file and returns its path."""

    def write(content: str | dict[str, Any], name: str = "data.csv") -> Path:
        path = tmp_path / name
        if isinstance(content, dict):
            lines = [",".join(content), *(",".join(map(str, row)) for row in zip(*content.values(), strict=True))]
            content = "\n".join(lines) + "\n"
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.fixture
def table() -> dict[str, list[Any]]:
    """60 rows of two classes: a number, a category and a boolean."""
    rng = np.random.default_rng(0)
    return {
        "size": rng.normal(size=60).round(3).tolist(),
        "colour": rng.choice(["red", "green", "blue"], 60).tolist(),
        "open": rng.choice([True, False], 60).tolist(),
        "target": ["yes", "no", "no"] * 20,
    }
