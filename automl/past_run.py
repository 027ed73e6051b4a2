"""A run of the command line, opened again: its configuration, its data, its trials and what they left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl import configuration, files, settings
from automl.errors import AutoMLError
from automl.run_folder import RunFolder

if TYPE_CHECKING:
    from automl.kept import KeptTrials
    from automl.leaderboard.records import Board
    from automl.task import Task


@dataclass(frozen=True)
class PastRun:
    """What there is of a run. ``config``: whole, as ``recorded`` returns it."""

    folder: RunFolder
    config: Mapping[str, Any]
    task: "Task"
    board: "Board"
    kept: "KeptTrials"


def open_run(folder: RunFolder, config: Mapping[str, Any] | None = None) -> PastRun:
    """Read the run in a folder; nothing there is changed or removed. Raises ``AutoMLError``.

    ``config``: what ``recorded`` has returned, where it is known already, or has been changed.
    """
    config = config or recorded(folder)
    from automl.kept import KeptTrials
    from automl.leaderboard.store import Store
    from automl.model_store import ModelStore

    settings.reach_own_modules(config, folder.begun_in)
    task = settings.load_task(config)
    with Store(folder.leaderboard_url, read_only=True) as store:
        board = store.board(folder.run_id)
    models = ModelStore(folder.models(config["run"]["store"]))
    kept = KeptTrials(models, task.valid_rows, task.n_rows, settings.goals_of(config))
    kept.look(board.trials)
    return PastRun(folder, config, task, board, kept)


def recorded(folder: RunFolder) -> dict[str, Any]:
    """Return the configuration of a run; keys that came after it have their defaults. Raises ``AutoMLError``."""
    try:
        config = configuration.completed(files.read_yaml(folder.config))
        configuration.check(config)
        return config
    except OSError:
        raise AutoMLError(
            f"'{folder.path}' has no config.yaml: only runs of `automl search` can be resumed or exported again."
        ) from None
    except ValueError as error:
        raise AutoMLError(
            f"'{folder.config}' is damaged: {error} Bring it back from a copy; what was shipped is whole."
        ) from None
