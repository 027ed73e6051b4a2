"""The folder of one run: its configuration, what its trials left, and what it ships.

DIR/run.json      which run of which leaderboard this is
DIR/config.yaml   the composed configuration, for ``automl resume``
DIR/trials/       out-of-fold predictions and fold models of the better trials (internal)
DIR/model/        the shipped ensemble
DIR/compact/      the shipped small model
"""

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

from automl.errors import AutoMLError, ConfigError


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the leaderboard it writes to."""

    path: Path
    leaderboard_url: str
    run_id: int | None = None

    @property
    def models(self) -> Path:
        """Where trials leave their predictions and models, unless there is another store."""
        return self.path / "trials"

    @property
    def config(self) -> Path:
        """The composed configuration."""
        return self.path / "config.yaml"

    def bind(self, run_id: int) -> "RunFolder":
        """Write down which run of the leaderboard this folder belongs to."""
        draft = self.path / ".run.json"
        draft.write_text(json.dumps({"run_id": run_id, "leaderboard": self.leaderboard_url}) + "\n")
        os.replace(draft, self.path / "run.json")
        return RunFolder(self.path, self.leaderboard_url, run_id)


def create(path: str | Path, leaderboard_url: str = "auto") -> RunFolder:
    """Make a new run folder. ``auto``: the leaderboard is ``leaderboard.db`` beside it.

    Raises ``ConfigError`` when the folder holds a run already or cannot be written.
    """
    path = Path(path).absolute()
    refuse_used("A run", path, f"Choose another run.dir, or go on with it: automl resume {path}")
    make(path / "trials", "run.dir")
    url = str(path.parent / "leaderboard.db") if leaderboard_url == "auto" else leaderboard_url
    return RunFolder(path, url)


def make(path: Path, option: str) -> None:
    """Make a folder, and those it lies in. Raises ``ConfigError`` naming ``option`` where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigError(
            f"The folder '{path}' cannot be written ({error.strerror}); choose another {option}."
        ) from None


def refuse_used(what: str, path: Path, way_out: str) -> None:
    """Raise ``ConfigError`` unless ``path`` is free for ``what`` to be written there: new, or an empty folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(f"{what} needs a new or empty folder; '{path}' exists. {way_out}")


def find(path: str | Path) -> RunFolder:
    """Open the folder of an earlier run. Raises ``AutoMLError`` when it is none."""
    path = Path(path).absolute()
    try:
        record = json.loads((path / "run.json").read_text())
        return RunFolder(path, record["leaderboard"], int(record["run_id"]))
    except (OSError, ValueError, KeyError):
        raise AutoMLError(
            f"A run's folder holds a run.json; '{path}' does not. Give the run.dir of an earlier search."
        ) from None
