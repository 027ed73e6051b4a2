"""This project in the AutoML Benchmark; what runs here is the harness's own Python."""

from typing import Any

from amlb.utils import call_script_in_same_dir


def setup(*args: Any, **kwargs: Any) -> None:
    """Install the project into an environment of its own."""
    call_script_in_same_dir(__file__, "setup.sh", *args, **kwargs)


def run(*args: Any, **kwargs: Any) -> Any:
    """Fit and predict one fold of a task."""
    from .exec import run as run_fold

    return run_fold(*args, **kwargs)
