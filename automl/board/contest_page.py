"""The page of a contest, or of several rounds: who leads, and what everybody may know of it.

What is sealed does not come here: private scores stand in a closed contest's standings alone.
"""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from automl.board.app import STATIC
from automl.board.guard import Guard
from automl.board.words import environment
from automl.contest import standings
from automl.contest.book import Contest
from automl.errors import AutoMLError, UnknownNameError
from automl.runtime.printable import defused


def make_app(folders: Sequence[Path], token: str, hosts: Collection[str] = ()) -> ASGIApp:
    """Return the page over the contests in ``folders``, in their order. token, hosts: see ``Guard``."""
    app = FastAPI(title="automl host", openapi_url=None, docs_url=None, redoc_url=None)
    templates = environment()
    app.mount("/static", StaticFiles(directory=STATIC), "static")

    def refused(request: Request, error: Exception) -> Response:
        shown = templates.get_template("error.html").render(why=str(error), run=None)
        return HTMLResponse(shown, 404 if isinstance(error, UnknownNameError) else 409)

    def home() -> Response:
        rounds = [Contest(folder) for folder in folders]
        found = [standings.of(contest) for contest in rounds]
        values = {
            "rounds": [
                {"contest": contest, "places": places, "n_scored": sum(place.n for place in places)}
                for contest, places in zip(rounds, found, strict=True)
            ],
            "totals": standings.together(found) if len(rounds) > 1 else [],
            "running": not all(contest.is_closed for contest in rounds),
        }
        return HTMLResponse(templates.get_template("contest.html").render(values))

    def export(number: int) -> Response:
        if not 0 <= number < len(folders):
            raise UnknownNameError(f"There is no round {number}; there are {len(folders)}, from 0.")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(field.name for field in fields(standings.Place))
        for place in standings.of(Contest(folders[number])):
            writer.writerow(map(defused, asdict(place).values()))
        named = {"Content-Disposition": f'attachment; filename="standings_{number}.csv"'}
        return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=named)

    app.add_exception_handler(AutoMLError, refused)
    app.add_api_route("/", home, methods=["GET"], response_model=None)
    app.add_api_route("/{number}.csv", export, methods=["GET"], response_model=None)
    return Guard(app, token, hosts)
