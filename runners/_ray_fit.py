"""What runs in a Ray worker: one process that fits one candidate after the other."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.tune import Trainable

from automl.machine import n_cores, total_bytes
from automl.runners._child import THREAD_VARIABLES
from automl.runners._memory import SHARE, Watch
from automl.runners._messages import SNAPSHOT
from automl.runners.blocks import failed, reason, taken_up
from automl.schedulers._ray import result_of
from automl.types import Candidate, Objective, Trial

# So that the calls of tiny trials cost little.
STEP_SECONDS = 0.2


@dataclass(frozen=True)
class Terms:
    """What all trials of a run have in common.

    ``share_bytes``: None divides the memory of the worker's node. ``folder``: of the machine that searches, for the
    last words of workers there. ``step_seconds``: one remote call does at least this much work.
    """

    threads: int
    deadline: float | None
    share_bytes: float | None
    folder: Path
    step_seconds: float


class FitTrainable(Trainable):
    """Fits candidates of an objective, one after the other, in the same process."""

    def setup(  # type: ignore[override]  # tune.with_parameters gives what Ray's own does not have
        self, config: dict[str, Any], objective: Objective, terms: Terms
    ) -> None:
        """Take the objective out of the object store, once per process."""
        limit_threads(terms.threads)
        hide_other_gpus()
        self.objective, self.terms = objective, terms
        self.watch = Watch(terms.share_bytes or node_share(terms.threads), self._last_words)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another candidate."""
        self.close_steps()
        self.config = new_config
        self.snapshot = taken_up(Candidate(new_config["id"], new_config["params"]))
        self.resume_from: dict[str, Any] = {}
        self.watch.restart()
        return True

    def step(self) -> dict[str, Any]:
        """Work on the candidate for a while, or to its end."""
        give_back_at = time.monotonic() + self.terms.step_seconds
        try:
            if self.steps is None:
                self.steps = self._begin()
            for snapshot in self.steps:
                self.snapshot = snapshot
                if snapshot.status != "running" or time.monotonic() >= give_back_at:
                    break
            else:
                raise RuntimeError("the trial came to no end")
        except Exception as error:
            self.snapshot = failed(self.snapshot, reason(error))
        done = self.snapshot.status != "running"
        result = {**result_of(self.snapshot), "done": done, SNAPSHOT: self.snapshot}
        if done:
            self.close_steps()
        return result

    def _begin(self) -> Iterator[Trial]:
        arguments = (self.snapshot.candidate, self.terms.threads, self.terms.deadline)
        if "state" in self.resume_from:
            return self.objective.resume(*arguments, self.resume_from["state"])  # type: ignore[attr-defined]
        steps, progress = self.objective(*arguments), self.resume_from.get("progress", 0.0)
        return _beyond(steps, progress) if progress else steps  # unwrapped, it may have a state to save

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        """Return where the trial is, for a scheduler that pauses it: its state, else how far it is."""
        if hasattr(self.steps, "state"):
            return {"state": self.steps.state()}
        return {"progress": self.snapshot.reports[-1].progress if self.snapshot.reports else 0.0}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Go on from ``save_checkpoint``'s value at the next step."""
        self.resume_from = checkpoint or {}

    def cleanup(self) -> None:
        """Let go of the candidate."""
        self.close_steps()

    steps: Any = None

    def close_steps(self) -> None:
        """End the current candidate's iterator."""
        if hasattr(self.steps, "close"):
            self.steps.close()
        self.steps = None

    def _last_words(self, why: str) -> None:
        if self.terms.folder.exists():
            last_words_file(self.terms.folder, self.snapshot.candidate.id).write_text(why)


def last_words_file(folder: Path, id: str) -> Path:
    """Return where a worker that ends itself leaves the reason."""
    return folder / f"last_words_{id}"


def _beyond(steps: Iterator[Trial], progress: float) -> Iterator[Trial]:
    """Skip the snapshots up to ``progress``: a trial without a state to save is done again up to there."""
    for snapshot in steps:
        if snapshot.status != "running" or not snapshot.reports or snapshot.reports[-1].progress > progress:
            yield snapshot


def limit_threads(threads: int) -> None:
    """Let the libraries of this process, loaded or not yet, use ``threads`` cores."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if "threadpoolctl" in sys.modules:
        sys.modules["threadpoolctl"].threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def hide_other_gpus() -> None:
    """Hide all GPUs from a process that was given none; Ray hides the others only from one that was given some."""
    if not ray.get_gpu_ids():
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def node_share(threads: int) -> float:
    """Return 80 % of this node's memory, divided by the trials that fit on its cores."""
    return SHARE * total_bytes() / max(1, n_cores() // threads)
