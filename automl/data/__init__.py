"""Data rooms: files, frames and arrays become a ``Task``; raw rows become ``Rows``."""

from automl.data.encode import rows
from automl.data.make import foreseen, from_arrays, load

__all__ = ["foreseen", "from_arrays", "load", "rows"]
