"""Data rooms: files, frames and arrays become a ``Task``; raw rows become ``Rows``."""

from automl.data.encode import rows
from automl.data.make import from_arrays, load

__all__ = ["from_arrays", "load", "rows"]
