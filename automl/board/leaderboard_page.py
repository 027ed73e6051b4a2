"""What the view of a run's leaderboard shows."""

from typing import Any

from automl.board import asked as chosen
from automl.board import columns
from automl.board.asked import Asked
from automl.board.index import STATUSES
from automl.board.run_page import Seen, common, whiskers
from automl.board.source import OpenLeaderboard
from automl.leaderboard.words import spread


def leaderboard(source: OpenLeaderboard, db: int, run_id: int, choice: Asked) -> dict[str, Any]:
    """Return the values of a run's leaderboard."""
    seen = Seen.of(source, run_id)
    lines, total = seen.trials.page(choice, chosen.PAGE)
    last = max(1, -(-total // chosen.PAGE))
    if choice.page > last:
        return leaderboard(source, db, run_id, Asked(**{**vars(choice), "page": last}))
    known = columns.measured(seen, lines)
    usual, values = columns.offered(seen, known)
    return common(seen, db, "leaderboard") | {
        "choice": choice,
        "lines": lines,
        "known": known,
        "whiskers": whiskers(lines, seen.baseline),
        "total": total,
        "pages": chosen.pages(choice.page, last),
        "columns": usual,
        "offered": columns.names(usual, values),
        "statuses": STATUSES,
        "values": [name for name in values if choice.shows(f"{chosen.VALUE}{name}")],
        "spread": spread,
        "firsts": {one.first for one in seen.families},
        "front": set(seen.trials.front()) if len(seen.run.goals.objectives) > 1 else set(),
    }
