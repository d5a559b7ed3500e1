"""The socket: one conversation with one page.

Nothing is queued: what a page wants is a table by id, in which a newer wish replaces an older one, and what was sent is
known, so that of curves only new points follow. A page that does not read is waited for, with one message in hand, and
left in the end.
"""

import json
import math
import struct
import time
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from pellucid.core.errors import InputError
from pellucid.outlets.explorer.desk import Desk
from pellucid.outlets.explorer.failing import words_of
from pellucid.outlets.explorer.messages import Ask, read_ask
from pellucid.outlets.explorer.wish import HEAVY_SECONDS, SHARE, Message, Wish, pictures_of, versions_of

MOST_WISHES = 128  # of one page at one time
PATIENCE_SECONDS = 30.0  # with a page that does not read
_PAUSE_SECONDS = 1.0
_PAUSES_OF_LIST = 2  # all rows of live runs change each time, and nobody reads them as fast as a curve
_TOGETHER = 16  # light pictures that are drawn at one go: a slider waits no longer than for them
_SENDING_SECONDS = 0.0002  # of a core, a message; measured
_HEAD = struct.Struct("<II")


class Conversation:
    """What one page wants, and what it was sent.

    Args:
        socket: Not accepted yet.
        desk: What all pages share.
    """

    def __init__(self, socket: WebSocket, desk: Desk) -> None:
        self._socket = socket
        self._desk = desk
        self._asked: dict[int, Ask] = {}
        self._kept: dict[int, Wish] = {}
        self._wake = anyio.Event()
        self._speaking = anyio.Lock()

    async def hold(self) -> None:
        """Talk until the page is closed, says something that no page of ours says, or reads no more."""
        await self._socket.accept()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._answer)
                group.start_soon(self._follow)
                await self._listen()
                group.cancel_scope.cancel()
        except* (WebSocketDisconnect, TimeoutError):
            pass  # the page was closed, or reads no more

    # ------------------------------------------------------------------------------------------------ listening

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                return
            try:
                text = message.get("text")
                if text is None:
                    raise InputError("This message is binary, expected JSON as text.")
                self._note(read_ask(text))
            except InputError as error:
                await self._say({"id": 0, "error": words_of(error)})
                with anyio.move_on_after(PATIENCE_SECONDS):
                    await self._socket.close(1008)
                return

    def _note(self, ask: Ask) -> None:
        if ask.kind == "stop":
            self._asked.pop(ask.id, None)
            self._kept.pop(ask.id, None)
            return
        known = self._asked.keys() | self._kept.keys()
        if ask.id not in known and len(known) >= MOST_WISHES:
            raise InputError(f"A page may want {MOST_WISHES} things at one time. Say stop for some of them.")
        self._asked[ask.id] = ask
        self._wake.set()

    # ------------------------------------------------------------------------------------------------ answering

    async def _answer(self) -> None:
        while True:
            if not self._asked:
                self._wake = anyio.Event()
                await self._wake.wait()
            ask = self._asked.pop(next(iter(self._asked)))
            if ask.kind == "value":
                await self._say(self._value(ask))
                continue
            wish = self._kept[ask.id] = Wish(ask=ask)
            await self._tell(wish, first=True)

    def _value(self, ask: Ask) -> dict[str, Any]:
        """Answer with one number of a picture, as exact as it was computed."""
        from pellucid.core.stored import arrays_of

        kept = self._kept.get(ask.of)
        arrays = arrays_of(kept.shown) if kept is not None and kept.shown is not None else []
        if ask.array >= len(arrays):
            return {"id": ask.id, "error": f"The picture {ask.of} has {len(arrays)} arrays, and no array {ask.array}."}
        array = arrays[ask.array]
        if len(ask.index) != array.ndim or any(one >= size for one, size in zip(ask.index, array.shape, strict=True)):
            return {"id": ask.id, "error": f"The array {ask.array} has the shape {array.shape}, and no such place."}
        value = float(array[ask.index])
        return {"id": ask.id, "value": value if math.isfinite(value) else None}

    async def _tell(self, wish: Wish, *, first: bool = False) -> None:
        """Answer a wish."""
        if wish.is_picture and not wish.ask.runs and self._desk.warmed:
            message = await self._desk.draw(wish.prepared_picture, self._desk)  # nothing to read: one thread is enough
        elif wish.is_picture:
            message = await self._desk.read(wish.prepare, self._desk)
            if not wish.failed:
                message = await self._desk.draw(wish.picture, self._desk)
        else:
            message = await self._desk.read(wish.part, self._desk)
        await self._send((wish, message))
        pauses = _PAUSES_OF_LIST if wish.ask.part == "runs" else 1
        wish.rest(first=first, pause=_PAUSE_SECONDS * (pauses - 0.1))

    # ------------------------------------------------------------------------------------------------ following

    async def _follow(self) -> None:
        """Tell what has changed, once a second; less often when that would take more than a twentieth of a core."""
        pause = _PAUSE_SECONDS
        while True:
            await anyio.sleep(pause)
            begun = time.monotonic()
            # Who waited longest comes first, so that no picture starves behind the others.
            followed = sorted((one for one in self._kept.values() if one.ask.follow), key=lambda one: one.due)
            versions, seconds = await self._desk.read(versions_of, followed)
            found = list(zip(followed, versions, strict=True))
            light = [
                (wish, new) for wish, new in found if wish.is_light and new is not None and self._is_due(wish, new)
            ]
            for place in range(0, len(light), _TOGETHER):
                seconds += await self._tell_light(light[place : place + _TOGETHER])
            for wish, new in found:
                if (not wish.is_light or new is None) and self._is_due(wish, new):
                    await self._tell(wish)
                    if wish.seconds > HEAVY_SECONDS:
                        self._desk.rest_until = time.monotonic() + SHARE * wish.seconds
            if any(one.ask.part == "runs" for one in followed):
                await self._desk.read(self._desk.judge)
            # Once a second, also where telling took a part of it; never without a breath.
            pause = max(_PAUSE_SECONDS, SHARE * seconds) - min(time.monotonic() - begun, _PAUSE_SECONDS / 2)

    async def _tell_light(self, light: list[tuple[Wish, tuple[int, ...]]]) -> float:
        """Send what was added to curves; return what it took of a core."""
        for wish, versions in light:
            wish.versions = versions
        wishes = [wish for wish, _ in light]
        messages = await self._desk.draw(pictures_of, wishes, self._desk)
        await self._send(*zip(wishes, messages, strict=True))
        for wish in wishes:
            wish.rest(first=False, pause=_PAUSE_SECONDS * 0.9)
        return sum(wish.seconds + _SENDING_SECONDS for wish in wishes)

    def _is_due(self, wish: Wish, versions: tuple[int, ...] | None) -> bool:
        """Whether to look at a wish again: it may have changed, nothing newer is wanted, and there is time for it.

        Heavy ones share their twentieth of a core among all pages, so that curves move while they wait.
        """
        moved = versions is None or versions != wish.versions
        wanted = self._kept.get(wish.ask.id) is wish and wish.ask.id not in self._asked
        now = time.monotonic()
        rested = wish.seconds <= HEAVY_SECONDS or now >= self._desk.rest_until
        return moved and wanted and rested and now >= wish.due

    # ------------------------------------------------------------------------------------------------ speaking

    async def _send(self, *answers: tuple[Wish, Message]) -> None:
        """Send answers, but for those where there is nothing to say, or the page wants something else by now."""
        async with self._speaking:
            with anyio.fail_after(PATIENCE_SECONDS):
                for wish, message in answers:
                    if message is not None and self._kept.get(wish.ask.id) is wish:
                        head = _HEAD.pack(wish.ask.id, 0)
                        await self._out(head + message if isinstance(message, bytes) else message)

    async def _say(self, message: dict[str, Any]) -> None:
        async with self._speaking:
            with anyio.fail_after(PATIENCE_SECONDS):
                await self._out(message)

    async def _out(self, message: bytes | dict[str, Any]) -> None:
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_text(json.dumps(message, ensure_ascii=False))
