"""One search over model family, architecture, loss, optimizer, features and compression.

from automl import AutoML, load

model = AutoML(seconds=120).fit(X, y)
model.export("model")
load("model").predict(X)
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.artifact import Artifact, load
    from automl.estimator import AutoML, AutoMLClassifier, AutoMLRegressor
    from automl.search_cv import SearchCV

__version__ = "0.1.0"
__all__ = ["Artifact", "AutoML", "AutoMLClassifier", "AutoMLRegressor", "SearchCV", "load"]

# Wherever onnxruntime is imported, it sends nothing and keeps no file where temporary ones go.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# What is for those who write options of their own, and search over functions of their own.
_MODULES = ("option", "space", "testing", "tuner")
_HOMES = {"Artifact": "automl.artifact", "SearchCV": "automl.search_cv", "load": "automl.artifact"}


def __dir__() -> list[str]:
    """Return what there is for people, also what has not been imported yet."""
    return sorted([*__all__, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    """Import the public names when they are asked for: ``automl --help`` needs none of them."""
    if name in _MODULES:
        return importlib.import_module(f"automl.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'automl' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES.get(name, "automl.estimator")), name)
