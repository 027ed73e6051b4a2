"""The page as an ASGI application: addresses to views."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from automl.board import compare, drawing, export, leaderboard_page, live, run_page, tabs, trial_page
from automl.board.actions import Actions
from automl.board.asked import Asked
from automl.board.guard import KNOWS, TAKES_TOKEN, Guard
from automl.board.source import OpenLeaderboard
from automl.board.words import environment
from automl.errors import AutoMLError, UnknownNameError

STATIC = Path(__file__).with_name("static")
RUN = "/{db}/runs/{run_id}"


def make_app(sources: Sequence[OpenLeaderboard], token: str, hosts: Collection[str] = ()) -> ASGIApp:
    """Return the page over leaderboards, ``/0/...`` being the first. token, hosts: see ``Guard``."""
    app = FastAPI(title="automl board", openapi_url=None, docs_url=None, redoc_url=None)
    views = Views(sources)
    app.add_exception_handler(AutoMLError, views.refused)
    app.mount("/static", StaticFiles(directory=STATIC), "static")
    pages: dict[str, Any] = {
        "/": views.home,
        "/compare": views.compare,
        "/compare/figure": views.compare_figure,
        RUN: views.leaderboard,
        f"{RUN}/trials/{{id}}": views.trial,
        f"{RUN}/figures/{{name}}": views.figure,
        f"{RUN}/trials/{{id}}/figures/{{name}}": views.trial_figure,
        f"{RUN}/trials/{{id}}/mistakes": views.mistakes,
        f"{RUN}/trials/{{id}}/export.json": views.trial_export,
        f"{RUN}/export.{{form}}": views.export,
        f"{RUN}/version": views.version,
        f"{RUN}/events": views.events,
        f"{RUN}/{{tab}}": views.tab,
    }
    for path, view in pages.items():
        app.add_api_route(path, view, methods=["GET"], response_model=None)
    actions = Actions()

    def act(db: int, run_id: int, action: str, seconds: float = 600.0) -> Response:
        views.source(db)
        said = actions.act(views.source(db), run_id, action, seconds)
        return HTMLResponse(views.template("said.html", said=said))

    app.add_api_route(f"{RUN}/actions/{{action}}", act, methods=["POST"], response_model=None)
    return Guard(app, token, hosts)


class Views:
    """What each address answers. Functions that are not ``async`` run in threads."""

    def __init__(self, sources: Sequence[OpenLeaderboard]) -> None:
        self.sources = sources
        self._templates = environment()

    def source(self, db: int) -> OpenLeaderboard:
        """Return a leaderboard by its place. Raises ``UnknownNameError``."""
        if not 0 <= db < len(self.sources):
            raise UnknownNameError(f"There is no leaderboard {db}; there are {len(self.sources)}, from 0.")
        return self.sources[db]

    def template(self, name: str, **values: Any) -> str:
        """Return a filled template."""
        return self._templates.get_template(name).render(values)

    def home(self) -> Response:
        """Show all runs of all leaderboards."""
        return HTMLResponse(self.template("home.html", **run_page.home(self.sources)))

    def leaderboard(self, request: Request, db: int, run_id: int) -> Response:
        """Show a run's trials."""
        choice = Asked.read(request.query_params.multi_items())
        shown = leaderboard_page.leaderboard(self.source(db), db, run_id, choice)
        answer = self._of_run(request, "leaderboard.html", shown)
        # A form names all that it has; the address has what is not as usual.
        address = shown["base"] + choice.query(page=choice.page)
        there = urlsplit(request.headers.get("hx-current-url", ""))
        answer.headers["HX-Push-Url"] = "false" if f"{there.path}?{there.query}" == address else address
        return answer

    def tab(self, request: Request, db: int, run_id: int, tab: str) -> Response:
        """Show another view of a run."""
        if tab not in run_page.TABS:
            return RedirectResponse(f"/{db}/runs/{run_id}")
        shown = tabs.tab(self.source(db), db, run_id, tab, dict(request.query_params))
        return self._of_run(request, f"{tab}.html", shown)

    def trial(self, request: Request, db: int, run_id: int, id: str, to: str = "") -> Response:
        """Show one trial beside others."""
        return self._of_run(request, "trial.html", trial_page.trial(self.source(db), db, run_id, id, to))

    def _of_run(self, request: Request, name: str, shown: dict[str, Any]) -> Response:
        """Return a view of a run, with what whoever asks may do to it."""
        return HTMLResponse(self.template(name, **shown, may_act=request.scope[KNOWS], takes_token=TAKES_TOKEN))

    def mistakes(self, db: int, run_id: int, id: str) -> Response:
        """Show the rows that a trial is most mistaken about: a part of its page, which asks for it."""
        return HTMLResponse(self.template("mistakes.html", **trial_page.mistakes(self.source(db), run_id, id)))

    def compare(self, request: Request) -> Response:
        """Show runs side by side."""
        chosen = request.query_params.getlist("run")
        return HTMLResponse(self.template("compare.html", **compare.runs(self.sources, chosen)))

    def compare_figure(self, request: Request, of: int = 0) -> Response:
        """Return a figure of runs side by side, the ``of``-th, as JSON for Plotly."""
        return JSONResponse(compare.figure(self.sources, request.query_params.getlist("run"), of))

    def figure(self, request: Request, db: int, run_id: int, name: str) -> Response:
        """Return a figure of a run, as JSON for Plotly."""
        return JSONResponse(drawing.of_run(self.source(db), run_id, name, dict(request.query_params)))

    def trial_figure(self, db: int, run_id: int, id: str, name: str) -> Response:
        """Return a figure of a trial, as JSON for Plotly."""
        return JSONResponse(drawing.of_trial(self.source(db), run_id, id, name))

    def export(self, request: Request, db: int, run_id: int, form: str) -> Response:
        """Return a run as a file, "csv", "json" or "html", with the trials that are asked for as on its leaderboard."""
        choice = Asked.read(request.query_params.multi_items())
        return _file(*export.run(self.source(db), run_id, form, choice))

    def trial_export(self, db: int, run_id: int, id: str) -> Response:
        """Return a trial as a file."""
        return _file(*export.trial(self.source(db), run_id, id))

    def version(self, db: int, run_id: int) -> Response:
        """Return what changes when anything of a run does."""
        return PlainTextResponse(live.version(self.source(db), run_id))

    async def events(self, request: Request, db: int, run_id: int) -> Response:
        """Send an event whenever anything of a run changes."""
        return live.events(request, self.source(db), run_id)

    def refused(self, request: Request, error: Exception) -> Response:
        """Say what is wrong."""
        code = 404 if isinstance(error, UnknownNameError) else 409
        return HTMLResponse(self.template("error.html", why=str(error), run=self._run_of(request)), code)

    def _run_of(self, request: Request) -> tuple[str, str] | None:
        """Return the address and the name of the run that was asked for, where there is one."""
        db, run_id = (request.path_params.get(name) for name in ("db", "run_id"))
        try:
            return f"/{db}/runs/{run_id}", self.source(int(str(db))).summary(int(str(run_id))).name
        except (AutoMLError, ValueError):
            return None


def _file(name: str, kind: str, parts: Iterator[str]) -> Response:
    """Return what a browser keeps as a file of that name."""
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type=kind, headers=named)
