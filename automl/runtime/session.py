"""onnxruntime, opened."""

import os
from typing import Any

from automl.runtime.errors import PredictionError


def open_session(model: bytes, threads: int) -> Any:
    # It would send what it measures to its maker, and keep a file for that where temporary ones go.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime as ort
    except ImportError:
        raise PredictionError("The package onnxruntime is missing. Install it: pip install onnxruntime") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise PredictionError(
            f"onnxruntime {ort.__version__} cannot open the model, which needs 1.21 or newer: {error}"
        ) from None
