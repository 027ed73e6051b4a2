"""A contest as its host keeps it: what may be handed in, what it scored, and when private scores are told."""

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from automl import files, metrics
from automl.contest import seal, submission
from automl.contest.form import SHAPE, Form
from automl.data.classes import class_codes
from automl.errors import AutoMLError, DataError, in_one_line
from automl.runtime.fault import fault
from automl.runtime.labels import label
from automl.runtime.printable import printable, shown
from automl.runtime.table import read_csv

_RECORD = {"form": SHAPE, "metric": str, "kind": str, "classes": list, "quota": int, "closed": bool, ...: object}
_ENTRY = {
    "time": str,
    "team": str,
    "file": str,
    "sha256": str,
    "public?": (float, None),
    "private?": (float, None),
    "why?": str,
}
_LONGEST_TEAM = 60


@dataclass(frozen=True)
class Entry:
    """A file that a team handed in. Scores have the metric's usual sign; None, with ``why``, where it was refused."""

    time: str
    team: str
    file: str
    sha256: str
    public: float | None = None
    private: float | None = None
    why: str = ""


class Contest:
    """The folder that ``seal`` made, opened by its host.

    Raises ``AutoMLError`` where it is none, is damaged, or has a solution that others may read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        record = _opened(folder)
        self.name = folder.absolute().name
        self.form = Form.from_dict(record["form"])
        self.quota, self.is_closed = int(record["quota"]), bool(record["closed"])
        self.classes = tuple(record["classes"])
        self.metric = metrics.get(record["metric"], record["kind"])

    def entries(self) -> list[Entry]:
        """Return all that was handed in, in its order; damaged lines are an ``AutoMLError``."""
        with self._log() as log:
            return _entries(log)

    def submit(self, team: str, path: Path, now: datetime | None = None) -> Entry:
        """Check a file, score it, and write that down; what is refused is written down too, and costs nothing.

        now: the moment (default: this one). Raises ``AutoMLError`` where the contest is closed or the team has no
        submission left on this day (UTC), ``DataError`` for a file that is not as the sample is.
        """
        team, now = _team(team), now or datetime.now(UTC)
        if not path.is_file():
            raise DataError(f"There is no file '{path}'. Give the submission.")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        given = Entry(now.isoformat(timespec="microseconds"), team, str(path), digest)
        with self._log() as log:
            entries = _entries(log)
            try:
                self._refuse(team, now, entries)
                public, private = self.scores(submission.check(self.form, self._sample, path))
            except AutoMLError as error:
                _add(log, Entry(**{**asdict(given), "why": str(error)}))
                raise
            entry = Entry(**{**asdict(given), "public": public, "private": private})
            _add(log, entry)
        return entry

    def left(self, team: str, now: datetime | None = None) -> int:
        """Return how many scored submissions a team has left on the day of ``now`` (default: today, UTC)."""
        return self.quota - _used(team, now or datetime.now(UTC), self.entries())

    def scores(self, answers: Mapping[str, np.ndarray]) -> tuple[float, float]:
        """Return the scores of checked columns on the public and the private rows.

        Raises ``DataError`` for a label that is no class, or answers for which the metric has no value.
        """
        prediction, (y, is_public) = self._prediction(answers), self._truth
        with np.errstate(over="ignore", invalid="ignore"):
            public, private = (
                self.metric.shown(self.metric.score_decided(y[rows], prediction[rows], None))
                for rows in (is_public, ~is_public)
            )
        if not np.isfinite(public):
            raise DataError(f"A submission must have a score; {self.metric.name} is not defined for these answers.")
        return public, private

    def close(self) -> None:
        """End the contest: nothing more is taken, and private scores decide."""
        with self._log():
            record = _opened(self.folder)
            files.write(self.folder / seal.RECORD, json.dumps({**record, "closed": True}, indent=1) + "\n")
        self.is_closed = True

    @cached_property
    def _sample(self) -> dict[str, np.ndarray]:
        return read_csv(self.folder / seal.GIVEN / "sample_submission.csv")

    @cached_property
    def _truth(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the targets, codes or values, and which rows are public."""
        found = read_csv(self.folder / seal.SOLUTION)
        answers = found[self.form.target]
        y = class_codes(self.classes, answers) if self.classes else answers.astype(np.float64)
        return y, found["part"] == seal.PUBLIC

    def _prediction(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return (n, width) what the answers say, as a model says it."""
        first = answers[self.form.columns[0]]
        if self.form.answers == "probabilities":
            order = [self.form.columns[self.form.classes.index(label(name))] for name in self.classes]
            return np.column_stack([answers[name].astype(np.float64) for name in order])
        if self.form.answers == "values":
            return first.astype(np.float64)[:, None]
        if self.form.answers == "probability":
            p = first.astype(np.float64)
            return np.column_stack([1 - p, p])
        codes = class_codes(self.classes, first)
        if (codes < 0).any():
            wrong = shown(first[int(np.argmax(codes < 0))])
            raise DataError(f"A label is a class of the training data; '{wrong}' is none.")
        return np.eye(len(self.classes))[codes]

    def _refuse(self, team: str, now: datetime, entries: Sequence[Entry]) -> None:
        if self.is_closed or _opened(self.folder)["closed"]:
            raise AutoMLError(f"The contest '{self.name}' is closed: nothing more is taken.")
        if _used(team, now, entries) >= self.quota:
            again = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time())
            raise AutoMLError(
                f"A team has {self.quota} scored submissions a day; '{team}' has used them. The next is taken from "
                f"{again:%Y-%m-%d %H:%M} UTC on."
            )

    @contextmanager
    def _log(self) -> Iterator[Path]:
        """Give the log to one at a time: two files at once must not share the last place of a day."""
        path = self.folder / seal.LOG
        with files.locked(path):
            yield path


def _opened(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = files.read_json(folder / seal.RECORD)
        mode = (folder / seal.SOLUTION).stat().st_mode
        wrong = fault(found, _RECORD)
    except OSError:
        raise AutoMLError(f"'{folder}' is no contest. Make one with: automl host make DATA {folder}") from None
    except ValueError as error:
        wrong = str(error)
    if wrong:
        raise AutoMLError(f"'{folder / seal.RECORD}' is damaged: {wrong}. Bring it back from a copy.")
    if stat.S_IMODE(mode) & 0o077:
        raise AutoMLError(
            f"Only the host may read the answers; others may read '{folder / seal.SOLUTION}'. If nobody has looked, "
            "take that from them: chmod 600."
        )
    return found


def _team(given: str) -> str:
    team = " ".join(given.split())
    if not team or len(team) > _LONGEST_TEAM or printable(team) != team:
        raise AutoMLError(f"A team's name has 1 to {_LONGEST_TEAM} characters that can be printed; got {given[:80]!r}.")
    return team


def _used(team: str, now: datetime, entries: Sequence[Entry]) -> int:
    day = now.astimezone(UTC).date()
    own = (entry for entry in entries if entry.team == team and entry.public is not None)
    return sum(datetime.fromisoformat(entry.time).astimezone(UTC).date() == day for entry in own)


def _entries(log: Path) -> list[Entry]:
    try:
        return [_entry(line) for line in log.read_text(encoding="utf-8").split("\n") if line]
    except (ValueError, RecursionError) as error:
        raise AutoMLError(f"'{log}' is damaged ({in_one_line(error)}). Bring it back from a copy.") from None


def _entry(line: str) -> Entry:
    found = json.loads(line)
    if wrong := fault(found, _ENTRY):
        raise ValueError(wrong)
    datetime.fromisoformat(found["time"])
    return Entry(**found)


def _add(log: Path, entry: Entry) -> None:
    files.write(log, files.with_line(log.read_bytes(), json.dumps(asdict(entry)) + "\n"))
