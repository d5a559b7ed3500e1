"""The application: which address leads where. Keys and names are looked up in tables; no part of one becomes a path."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from pellucid.core.errors import PellucidError
from pellucid.outlets.explorer.desk import Desk, Wanted
from pellucid.outlets.explorer.failing import words_of
from pellucid.outlets.explorer.guard import Guard, Keys
from pellucid.outlets.explorer.messages import MOST_RUNS
from pellucid.outlets.explorer.paper import script, style
from pellucid.outlets.explorer.socket import Conversation
from pellucid.outlets.store.following import IDLE_SECONDS

if TYPE_CHECKING:
    from pellucid.core.view import View

_WARM_AFTER_SECONDS = 0.3  # the first page is answered before torch is loaded
_TEXT_WIDTH = 110
_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}


def application(desk: Desk, keys: Keys) -> Guard:
    """Return the application, guarded.

    Args:
        desk: What pages and sockets share.
        keys: Where the server is, and what opens it.
    """
    answers = _Answers(desk)
    routes = [
        Route("/", answers.home),
        Route("/pages", answers.pages),
        Route("/page/{name}", answers.page),
        Route("/run/{key}", answers.run),
        Route("/run/{key}/text", answers.run_text),
        Route("/run/{key}/text/{view}", answers.picture_text),
        Route("/compare", answers.compare),
        Route("/assets/picture.js", answers.script),
        Route("/assets/style.css", answers.style),
        WebSocketRoute("/socket", answers.socket),
    ]
    handlers = {HTTPException: answers.missing, PellucidError: answers.refused}
    return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=answers.lifespan), keys)


class _Answers:
    """One answer a route."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._paper = desk.paper

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(self._warm)
            group.start_soon(self._tidy)
            yield
            group.cancel_scope.cancel()
        self._desk.leave()

    async def _tidy(self) -> None:
        """Close the indexes that nobody looks at any more."""
        while True:
            await anyio.sleep(IDLE_SECONDS)
            if self._desk.indexes.count:
                await self._desk.read(self._desk.indexes.let_go)

    async def _warm(self) -> None:
        await anyio.sleep(_WARM_AFTER_SECONDS)
        with contextlib.suppress(Exception):  # who asks for a picture is told what is wrong
            await self._desk.draw(self._desk.warm)
            for name in self._desk.rehearsed():
                await self._desk.draw_ahead(name)

    async def home(self, _: Request) -> Response:
        # The pages are read while torch is; a list of runs does not wait for them.
        views = await self._views() if self._desk.warmed else {}
        return HTMLResponse(await self._desk.read(self._paper.home, list(views.values())))

    async def pages(self, _: Request) -> Response:
        views = await self._views()
        return HTMLResponse(self._paper.pages(list(views.values())))

    async def page(self, request: Request) -> Response:
        views = await self._views()
        view = views.get(request.path_params["name"])
        if view is None:
            raise HTTPException(404, "There is no such page to learn from.")
        return HTMLResponse(self._paper.page(view))

    async def _views(self) -> "Mapping[str, View]":
        # Once they are loaded, nobody waits for a picture that is being drawn.
        return self._desk.pages() if self._desk.warmed else await self._desk.draw(self._desk.pages)

    async def run(self, request: Request) -> Response:
        row = await self._desk.read(self._desk.shelf.row, request.path_params["key"])
        if row is None:
            raise HTTPException(404, "There is no such run. It may have been deleted, moved or renamed.")
        return HTMLResponse(self._paper.run(row))

    async def run_text(self, request: Request) -> Response:
        await self._desk.draw(self._desk.warm)
        run = await self._desk.read(self._desk.run, request.path_params["key"])
        await self._desk.read(run.refresh)
        findings = await self._desk.read(run.findings)
        return _text(f"{run.name}\n\n{findings.text(all=True)}")

    async def picture_text(self, request: Request) -> Response:
        await self._desk.draw(self._desk.warm)
        run = await self._desk.read(self._desk.run, request.path_params["key"])
        wanted = Wanted(request.path_params["view"], (run,))
        await self._desk.read(self._desk.prepare, wanted)
        frame = await self._desk.draw(self._desk.frame, wanted, {})
        return _text(frame.figure.text(_TEXT_WIDTH))

    async def compare(self, request: Request) -> Response:
        keys = list(dict.fromkeys(request.query_params.getlist("run")))
        known = {row.key: row for row in await self._desk.read(self._desk.shelf.rows)}
        rows = [known[key] for key in keys if key in known]
        missing, left_out = len(keys) - len(rows), max(len(rows) - MOST_RUNS, 0)
        return HTMLResponse(self._paper.compare(rows[:MOST_RUNS], missing=missing, left_out=left_out))

    async def script(self, _: Request) -> Response:
        return Response(await self._desk.read(script), media_type="text/javascript", headers=_FOREVER)

    async def style(self, _: Request) -> Response:
        return Response(await self._desk.read(style), media_type="text/css", headers=_FOREVER)

    async def socket(self, socket: WebSocket) -> None:
        await Conversation(socket, self._desk).hold()

    async def missing(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        words = (
            error.detail
            if isinstance(error, HTTPException) and error.detail != "Not Found"
            else "There is no such page."
        )
        return HTMLResponse(self._paper.problem("Not here", words), status)

    async def refused(self, _: Request, error: Exception) -> Response:
        return HTMLResponse(self._paper.problem("That cannot be shown", words_of(error)), 404)


def _text(words: str) -> Response:
    return PlainTextResponse(words.encode("utf-8", "replace"))
