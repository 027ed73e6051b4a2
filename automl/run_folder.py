"""The folder of one run: its configuration, what its trials left, and what it ships.

DIR/run.json      which run of which leaderboard this is
DIR/config.yaml   the composed configuration, for ``automl resume``
DIR/validation.npz  the targets of the rows that are searched on, and the rows of each fold
DIR/trials/       out-of-fold predictions and fold models of the better trials (internal)
DIR/model/        the shipped ensemble
DIR/compact/      the shipped small model

Where several targets are searched for, DIR holds a run's folder for each, targets.json, which names them, config.yaml,
which is of all of them, and DIR/model, which answers all.

A run folder is its owner's alone (mode 0700), and its records too (0600): it holds what is known of the data, and, in
``trials``, models that are code for whoever opens them.
"""

import contextlib
import errno
import itertools
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automl import files
from automl.errors import AutoMLError, ConfigError
from automl.runtime.fault import fault
from automl.runtime.manifest import checksum

_RECORD = {
    "run_id": int,
    "leaderboard": str,
    "key?": re.compile(r"[0-9a-f]*"),
    "begun_in?": (str, None),
    "checksum?": str,
    ...: object,
}
TARGETS = "targets.json"
_INSIDE = re.compile(r"\w[\w-]*", re.ASCII)
_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)  # in an address
_LARGEST_ID = 2**63 - 1  # of SQLite


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the leaderboard it writes to.

    ``key``: tells its models from those of other runs, where several have one store. ``begun_in``: the folder that its
    search was begun in; modules of one's own may lie there.
    """

    path: Path
    leaderboard_url: str
    run_id: int | None = None
    key: str = ""
    begun_in: str | None = None

    @property
    def name(self) -> str:
        """What the run is called: as its folder; where that lies in another run's, with its name in front."""
        parent = self.path.parent
        return f"{RunFolder(parent, '').name}/{self.path.name}" if is_one(parent) else self.path.name

    def models(self, store: str | None) -> str:
        """Return where trials leave their predictions and models: in the folder, or below ``store`` where there is one.

        There, each run has a folder of its own: trials of all runs are numbered alike.
        """
        if not store:
            return str(self.path / "trials")
        # Of a run from before there were keys, the store is its own.
        return f"{store.rstrip('/')}/{_UNSAFE.sub('_', self.path.name)}-{self.key}" if self.key else store

    @property
    def validation(self) -> Path:
        """The targets that trials are judged on."""
        return self.path / "validation.npz"

    @property
    def config(self) -> Path:
        """The composed configuration."""
        return self.path / "config.yaml"

    def bind(self, run_id: int) -> "RunFolder":
        """Write down which run of the leaderboard this folder belongs to."""
        bound = replace(self, run_id=run_id)
        record = {"run_id": run_id, "leaderboard": self.leaderboard_url, "key": self.key, "begun_in": self.begun_in}
        files.write(self.path / "run.json", json.dumps(record | {"checksum": checksum(record)}) + "\n")
        return bound


def create(path: str | Path | None = None, leaderboard_url: str = "auto") -> RunFolder:
    """Make a new run folder; None: one named by the time, in ``runs``.

    ``auto``: the leaderboard is ``leaderboard.db`` beside it, or beside the folder of several targets that it lies in.
    Raises ``ConfigError`` when the folder holds a run already, be it one that starts at the same moment, or cannot be
    written.
    """
    path = _named_by_time(Path("runs").absolute()) if path is None else Path(path).absolute()
    used = f"Choose another run.dir, or go on with it: automl resume {path} (in Python: warm_start=True)"
    refuse_used("A run", path, used)
    make(path, "run.dir", 0o700)
    with _writable(path, "run.dir"):
        path.chmod(0o700)  # of a folder that was there
        try:
            (path / "trials").mkdir(mode=0o700)  # who makes it has the folder
        except FileExistsError:
            raise ConfigError(f"A run needs a folder of its own; '{path}' was just taken by another. {used}") from None
    key, here = secrets.token_hex(4), str(Path.cwd())
    if leaderboard_url != "auto":
        return RunFolder(path, _absolute(leaderboard_url), key=key, begun_in=here)
    beside = path.parent if _is_several(path.parent) else path
    database = beside.parent / "leaderboard.db"
    with files.room(database.parent):
        os.close(os.open(database, os.O_CREAT | os.O_WRONLY, files.PRIVATE))
    return RunFolder(path, str(database), key=key, begun_in=here)


def _absolute(url: str) -> str:
    """Return the URL of a leaderboard as it holds in any folder."""
    prefix = "sqlite:///"
    place = url.removeprefix(prefix)
    return prefix + os.path.abspath(place) if url.startswith(prefix) and place[:1] not in ("", ":") else url


def create_several(path: str | Path | None, runs: Mapping[str, str]) -> Path:
    """Make a new folder for the runs of several targets, that of each in a folder there; None: see ``create``."""
    path = create_private(path, f"Choose another run.dir, or go on with it: automl resume {path}")
    files.write(path / TARGETS, json.dumps({"targets": dict(runs)}) + "\n")
    return path


def create_private(path: str | Path | None, way_out: str) -> Path:
    """Make a new folder that is its owner's alone; None: see ``create``. Raises ``ConfigError`` where it is used."""
    path = _named_by_time(Path("runs").absolute()) if path is None else Path(path).absolute()
    refuse_used("A run", path, way_out)
    make(path, "run.dir", 0o700)
    with _writable(path, "run.dir"):
        path.chmod(0o700)
    return path


def is_one(path: str | Path) -> bool:
    """Whether a folder holds the record of a run, or of the runs of several targets."""
    return (Path(path) / "run.json").exists() or _is_several(path)


def _is_several(path: str | Path) -> bool:
    return (Path(path) / TARGETS).exists()


def runs_in(parent: str | Path, trust: bool = True) -> dict[str, Path]:
    """Return the runs of several targets that lie in a folder, by their targets; none where it holds no such runs.

    Their folders are there once their search has begun. ``trust``: also where the folder is another user's. Raises
    ``AutoMLError`` where what is written about them is damaged.
    """
    record = Path(parent) / TARGETS
    try:
        found = files.read_json(record)
        wrong = fault(found, {"targets": {...: str}})
    except OSError:
        return {}
    except ValueError as error:
        wrong = str(error)
    outside = [] if wrong else [name for name in found["targets"].values() if not _INSIDE.fullmatch(name)]
    if wrong or outside:
        wrong = wrong or f"{outside[0]!r} is no folder inside it"
        raise AutoMLError(f"'{record}' is damaged: {wrong}. Bring it back from a copy; what was shipped is whole.")
    if not trust:
        _refuse_others(Path(parent))
    return {target: Path(parent) / name for target, name in found["targets"].items()}


def begun_in(parent: str | Path, trust: bool = True) -> dict[str, "RunFolder"]:
    """Return the runs of several targets whose search has begun (see ``runs_in``); none where there are no such runs.

    Raises ``AutoMLError`` where none has begun.
    """
    runs = runs_in(parent, trust)
    found = {target: find(run, trust) for target, run in runs.items() if is_one(run)}
    if runs and not found:
        raise AutoMLError(f"No search has begun in '{parent}'. Begin with: automl resume {parent}")
    return found


def make(path: Path, option: str, mode: int = 0o777) -> None:
    """Make a folder, and those it lies in. Raises ``ConfigError`` naming ``option`` where that cannot be."""
    with _writable(path, option):
        path.mkdir(mode, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _named_by_time(parent: Path) -> Path:
    """Make a folder with a name that was free until now."""
    make(parent, "run.dir")
    stem = time.strftime("%Y-%m-%d_%H-%M-%S")
    for i in itertools.count():
        path = parent / (f"{stem}-{i}" if i else stem)
        with _writable(path, "run.dir"), contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return path
    raise AssertionError("there is always a free name")


@contextlib.contextmanager
def _writable(path: Path, option: str) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except (OSError, ValueError) as error:  # ValueError: no path at all, such as one with a zero byte
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"The folder '{path}' cannot be written ({why}); choose another {option}.") from None


def refuse_used(what: str, path: Path, way_out: str) -> None:
    """Raise ``ConfigError`` unless ``path`` is free for ``what`` to be written there: new, or an empty folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(f"{what} needs a new or empty folder; '{path}' exists. {way_out}")


def find(path: str | Path, trust: bool = False) -> RunFolder:
    """Open the folder of an earlier run. Raises ``AutoMLError`` when it is none, or damaged.

    ``trust``: also one of another user. Its configuration names functions, and models of options of one's own are
    pickles: opening them runs what they say.
    """
    path = Path(path).absolute()
    record = path / "run.json"
    if runs := runs_in(path):
        each = ", ".join(str(run) for run in runs.values())
        raise AutoMLError(f"'{path}' holds a run for each of its targets. Give one of them: {each}")
    try:
        found = files.read_json(record)
        wrong = fault(found, _RECORD) or _contradiction(found)
    except OSError:
        raise AutoMLError(
            f"A run's folder holds a run.json; '{path}' does not. Give the run.dir of an earlier search."
        ) from None
    except ValueError as error:
        wrong = str(error)
    if wrong:
        raise AutoMLError(f"'{record}' is damaged: {wrong}. Bring it back from a copy; what was shipped is whole.")
    if not trust:
        _refuse_others(path)
    return RunFolder(path, found["leaderboard"], found["run_id"], found.get("key", ""), found.get("begun_in"))


def _contradiction(record: Mapping[str, Any]) -> str:
    """Return what in a record of the right shape cannot be so; "" if there is nothing."""
    if not 0 < record["run_id"] <= _LARGEST_ID:
        return "its run_id is none"
    if record.get("checksum", own := checksum(record)) != own:
        return "its checksum is not that of its content (who has changed it on purpose leaves the checksum out)"
    return ""


def _refuse_others(path: Path) -> None:
    parts = (path, *(path / name for name in ("run.json", TARGETS, "config.yaml", "trials")))
    others = [part for part in parts if part.exists() and part.stat().st_uid != os.geteuid()]
    if others:
        raise AutoMLError(
            f"A run folder may be code, as it names functions and may hold pickles; '{others[0]}' belongs to another "
            "user. If you trust whoever wrote it, add --trust (in Python: trust=True)."
        )
