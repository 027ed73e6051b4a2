"""Small tasks of every kind of data, as ``automl.testing`` publishes them."""

from automl.testing import TARGETS
from automl.testing import make_task as make

__all__ = ["TARGETS", "make"]
