"""``automl board`` and the page of a contest: a port is bound, and the page served until Ctrl-C."""

import contextlib
import platform
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from automl.board import leaderboard_page
from automl.board.app import make_app
from automl.board.asked import Asked
from automl.board.guard import is_loopback
from automl.board.source import OpenLeaderboard
from automl.errors import AutoMLError
from automl.runtime.printable import printable

DEFAULT_PORT = 8710


def serve(urls: Sequence[str | Path], host: str, port: int | None, names: Sequence[str], browse: bool) -> None:
    """Serve the page over the leaderboards at ``urls``; the rest: see ``listen``.

    Raises ``AutoMLError`` for a leaderboard that cannot be opened.
    """
    sources = [OpenLeaderboard(url) for url in urls]
    with contextlib.ExitStack() as stack:
        for source in sources:
            stack.callback(source.close)
            threading.Thread(target=warm, args=(source,), daemon=True).start()
        shown = ", ".join(source.name for source in sources)
        listen(partial(make_app, sources), shown, host, port, names, browse)


def warm(source: OpenLeaderboard) -> None:
    """Make what is likely to be looked at first, the leaderboard of the newest run, and load what its figures take."""
    with contextlib.suppress(AutoMLError):
        for run in source.runs()[:1]:
            leaderboard_page.leaderboard(source, 0, run.id, Asked())
    with contextlib.suppress(ImportError):
        import optuna  # noqa: F401 - it takes half a second


def listen(
    make: Callable[[str, Collection[str]], ASGIApp],
    shown: str,
    host: str,
    port: int | None,
    names: Sequence[str],
    browse: bool,
) -> None:
    """Serve a page until Ctrl-C.

    make: of the token that opens it and the names by which it is reached beyond loopback (see ``Guard``). shown: what
    it is about. host, port: where to listen; None: ``DEFAULT_PORT``, or any other that is free. names: further names by
    which the page is reached. browse: whether to open it in the browser. Raises ``AutoMLError`` for a port that cannot
    be had.
    """
    with _listening(host, port) as listening:
        at, token = listening.getsockname()[1], secrets.token_urlsafe(24)
        app = make(token, [*names, *([] if is_loopback(host) else _own_names(host))])
        named = "127.0.0.1" if host in ("0.0.0.0", "127.0.0.1", "") else f"[{host}]" if ":" in host else host
        address = f"http://{named}:{at}/?token={token}"
        print(printable(shown), address, "Ctrl-C ends it.", sep="\n", flush=True)
        if browse:
            webbrowser.open(address)
        # Streams that are open when it ends would hold it up.
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in (port,) if port is not None else (DEFAULT_PORT, 0):
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((host, tried))
            opened.listen()
            return opened
        except OSError as error:
            opened.close()
            why = error
    raise AutoMLError(
        f"The page cannot listen on {host}:{port or DEFAULT_PORT} ({why}). Give another --host or --port."
    )


def _own_names(host: str) -> list[str]:
    """Return the names and addresses by which this machine is reached where it listens."""
    found = {host, platform.node()}
    if host in ("0.0.0.0", "::"):
        with contextlib.suppress(OSError):
            found |= {str(info[4][0]) for info in socket.getaddrinfo(platform.node(), None)}
    return sorted(found)
