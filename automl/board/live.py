"""News of a run as it goes on: server-sent events, and a version to poll where those fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from automl.board.source import OpenLeaderboard
from automl.errors import AutoMLError

_LOOK_SECONDS = 2.0
# A line that says nothing tells both ends that the other is there.
_QUIET_SECONDS = 15.0


def version(source: OpenLeaderboard, run_id: int) -> str:
    """Return what changes when anything of a run does. Raises ``UnknownNameError``."""
    return str(source.version(source.summary(run_id)))


def events(request: Request, source: OpenLeaderboard, run_id: int) -> StreamingResponse:
    """Return a stream with an event "changed" whenever the run's version does; its data is the version."""
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_changes(request, source, run_id), media_type="text/event-stream", headers=headers)


async def _changes(request: Request, source: OpenLeaderboard, run_id: int) -> AsyncIterator[str]:
    seen, quiet = "", 0.0
    while not await request.is_disconnected():
        now = seen
        with suppress(AutoMLError):  # busy, or gone: the page shows what it has, and asks again
            now = await run_in_threadpool(version, source, run_id)
        if now != seen or quiet >= _QUIET_SECONDS:
            yield f"event: changed\ndata: {now}\n\n" if now != seen else ": still here\n\n"
            seen, quiet = now, 0.0
        await asyncio.sleep(_LOOK_SECONDS)
        quiet += _LOOK_SECONDS
