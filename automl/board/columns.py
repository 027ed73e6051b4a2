"""The columns of a run's leaderboard that hold what was measured: of which trials what is known, and what to offer."""

from collections.abc import Mapping, Sequence

from automl.board.asked import COLUMNS, VALUE, Asked
from automl.board.run_page import Seen
from automl.board.trials import ShownTrial
from automl.figures.marks import Mark
from automl.goals import COUNTED, SCORE
from automl.leaderboard.records import ArtifactRecord

# Values of a trial with a column of their own, and the size of a run's part that tells which values it has.
_OWN_COLUMNS = ("bytes", "row_ms")
_LOOKED_AT = 200


def measured(seen: Seen, lines: Sequence[ShownTrial]) -> dict[str, dict[str, float]]:
    """Return what is known of each trial by its id, beside its score.

    Bytes and latency are of what was shipped of it alone, else of its first fold; what its network is made of is of
    its diagram, where that was kept.
    """
    alone = {artifact.candidates[0]: artifact for artifact in seen.artifacts if len(artifact.candidates) == 1}
    networks = _networks(seen, [line.mark.id for line in lines])
    return {line.mark.id: {**networks.get(line.mark.id, {}), **_known(line.mark, alone)} for line in lines}


def offered(seen: Seen, known: Mapping[str, Mapping[str, float]]) -> tuple[list[str], list[str]]:
    """Return the columns that are not empty in this run, and the names of its values without a column of their own."""
    best, _ = seen.trials.page(Asked(), _LOOKED_AT)
    names = {name for line in best for name in line.mark.values} | {name for own in known.values() for name in own}
    shipped = any(len(artifact.candidates) == 1 for artifact in seen.artifacts)
    empty = {name for name in _OWN_COLUMNS if name not in names and not shipped}
    empty |= set() if seen.weights else {"weight"}
    order = {name: i for i, name in enumerate(COUNTED)}
    values = sorted(names - {SCORE, *_OWN_COLUMNS}, key=lambda name: (order.get(name, len(order)), name))
    return [name for name in COLUMNS if name not in empty], values


def names(columns: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """Return what a person may show or hide, as the address has it, and its title."""
    return {name: name for name in columns} | {f"{VALUE}{name}": name for name in values}


def _networks(seen: Seen, ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return what the networks of some trials are made of, where the run's folder on this machine has it."""
    if seen.run.config.get("run", {}).get("store"):  # a page that waits for another machine for each trial is slow
        return {}

    def ask() -> dict[str, dict[str, float]]:
        store = seen.source.models(seen.run)
        found = {id: diagram for id in ids if (diagram := store.diagram(id)) is not None}
        return {id: {name: float(getattr(diagram, name)) for name in COUNTED} for id, diagram in found.items()}

    return seen.source.once((seen.run.id, seen.trials.version, "networks", tuple(ids)), ask)


def _known(mark: Mark, alone: Mapping[str, ArtifactRecord]) -> dict[str, float]:
    own, artifact = {name: value for name, value in mark.values.items() if name != SCORE}, alone.get(mark.id)
    if artifact:
        own |= {"bytes": float(artifact.n_bytes)}
        own |= {} if artifact.row_p50_ms is None else {"row_ms": artifact.row_p50_ms}
    return own
