"""``automl board``: what stands for a leaderboard, and whether the libraries of the page are there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl import run_folder
from automl.errors import ConfigError
from automl.options import number


def board(leaderboards: Sequence[str], host: str, port: int | None, names: Sequence[str], browse: bool) -> None:
    """Serve the page over leaderboards until Ctrl-C. Raises ``ConfigError`` where its libraries are not installed."""
    urls = [_leaderboard_of(given) for given in leaderboards or ["runs"]]
    server(port).serve(urls, host, port, names, browse)


def server(port: int | None) -> Any:
    """Return what serves pages. Raises ``ConfigError`` where its libraries are not installed, or for no port."""
    if port is not None:
        number("port, --port,", port, 0, 65535, whole=True)
    try:
        from automl.board import serve
    except ImportError as error:
        raise ConfigError(
            f"The page needs libraries that are not installed ({error}): pip install 'automl[board]' brings them."
        ) from None
    return serve


def _leaderboard_of(given: str) -> str:
    """Return the URL or path of the leaderboard that a run's folder, a folder, a file or a URL stands for."""
    if "://" in given:
        return given
    if run_folder.is_one(given):  # nothing is unpickled
        several = [*run_folder.begun_in(given).values()]
        return (several[0] if several else run_folder.find(given, trust=True)).leaderboard_url
    return str((Path(given) / "leaderboard.db" if Path(given).is_dir() or given == "runs" else Path(given)).absolute())
