"""The tables of the leaderboard, as SQLAlchemy models. Times are Unix seconds; scores are greater-is-better."""

import json
import math
from collections.abc import Callable
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Dialect, ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

# The newest revision in ``migrations/versions``; a database with a greater number is refused.
SCHEMA_VERSION = 4
_NOT_FINITE = "$float"


def encode(value: Any) -> str:
    """Return ``value`` as strict JSON. Finite floats keep every bit; NaN and infinities are tagged objects."""
    text = json.dumps(_tagged(value), ensure_ascii=False, allow_nan=False)
    # Half of a surrogate pair is no text outside Python; JSON has a way to write it.
    return text.encode("utf-8", "backslashreplace").decode()


def decode(text: str) -> Any:
    """Return the value that ``encode`` was given (tuples come back as lists)."""
    return json.loads(text, object_hook=lambda v: float(v[_NOT_FINITE]) if v.keys() == {_NOT_FINITE} else v)


def _tagged(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_NOT_FINITE: repr(float(value))}
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(k): _tagged(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(v) for v in value]
    return _tagged(value.tolist()) if hasattr(value, "tolist") else value  # NumPy's arrays and numbers


class Json(TypeDecorator[Any]):
    """A JSON value in a text column, readable by any other tool."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else decode(value)


class Words(TypeDecorator[str]):
    """Text that any database can hold: a library's message may have bytes that are no text, or NUL; they become "?"."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.encode("utf-8", "replace").decode().replace("\0", "?")


class Score(UserDefinedType[float]):
    """A double that may be NaN, which SQLite would silently turn into NULL: there it is the text "NaN"."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "DOUBLE PRECISION"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        text = dialect.name == "sqlite"
        return lambda value: None if value is None else "NaN" if text and math.isnan(value) else float(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], float | None]:
        return lambda value: None if value is None else float(value)


class Base(DeclarativeBase):
    """The base of all tables."""

    type_annotation_map: ClassVar = {str: Words}


class VersionRow(Base):
    """Which version of these tables the database holds: one row, which alembic keeps."""

    __tablename__ = "leaderboard_version"
    version_num: Mapped[str] = mapped_column(String(32), primary_key=True)


class RunRow(Base):
    """One search. ``process``: who drives it, or did (a ``Process``).

    ``lease``: what this driver writes with; None when it has ended. ``leased_at``, ``renewed_at``: since when it
    holds the lease, and when it last said so, by the clock of the database (``Database.now``).
    """

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    process: Mapped[str]
    lease: Mapped[str | None]
    leased_at: Mapped[float | None]
    renewed_at: Mapped[float | None]
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    folder: Mapped[str] = mapped_column(index=True)
    metric: Mapped[str]
    greater_is_better: Mapped[bool]
    seed: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[str]
    config: Mapped[Any] = mapped_column(Json)
    task: Mapped[Any] = mapped_column(Json)
    versions: Mapped[Any] = mapped_column(Json)


class TrialRow(Base):
    """One ended trial; ``id`` grows in the order in which they ended.

    ``values``: what was measured of it, by name. ``folds``: one reference for each fold whose predictions and model are
    stored. ``worker``, ``started_at``: which process took it up, and when. ``found``: the parameters of the candidates
    that a one-shot search proposes.
    """

    __tablename__ = "trial"
    __table_args__ = (
        UniqueConstraint("run_id", "candidate_id"),
        Index("ix_trial_standing", "run_id", "status", "score"),
        # All that whole runs are summed up and sorted by: rows with their JSON are many times larger.
        Index("ix_trial_summary", "run_id", "id", "family", "status", "score", "seconds", "ended_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    candidate_id: Mapped[str]
    family: Mapped[str]
    status: Mapped[str]
    params: Mapped[Any] = mapped_column(Json)
    score: Mapped[float | None] = mapped_column(Score)
    values: Mapped[Any] = mapped_column("measured", Json, nullable=True)  # "values" is a word of SQL
    folds: Mapped[Any] = mapped_column(Json, nullable=True)
    fold_scores: Mapped[Any] = mapped_column(Json)
    reports: Mapped[Any] = mapped_column(Json)
    seconds: Mapped[float]
    failure: Mapped[str | None]
    ended_at: Mapped[float]
    worker: Mapped[str | None]
    started_at: Mapped[float | None]
    found: Mapped[Any] = mapped_column(Json, nullable=True)


class EnsembleRow(Base):
    """The ensemble of a run: JSON pairs of candidate id and weight."""

    __tablename__ = "ensemble"
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    members: Mapped[Any] = mapped_column(Json)
    score: Mapped[float] = mapped_column(Score)


class ArtifactRow(Base):
    """One shipped model folder, with what was measured on it."""

    __tablename__ = "artifact"
    __table_args__ = (UniqueConstraint("run_id", "path"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    path: Mapped[str]
    kind: Mapped[str]
    n_bytes: Mapped[int] = mapped_column(BigInteger)
    row_p50_ms: Mapped[float | None]
    row_p95_ms: Mapped[float | None]
    batch_p50_ms: Mapped[float | None]
    batch_p95_ms: Mapped[float | None]
    score: Mapped[float | None] = mapped_column(Score)
    compressed_score: Mapped[float | None] = mapped_column(Score)
    test_score: Mapped[float | None] = mapped_column(Score)
    verified: Mapped[bool]
    candidates: Mapped[Any] = mapped_column(Json)
    details: Mapped[Any] = mapped_column(Json)
