"""Writes what is due to the sessions of this process, room by room, so that nobody else waits for long."""

import asyncio

from django.conf import settings

from chatsite.gateway.rooms import Room

BREATH = 4  # this part of a session's budget is delivered before the sessions may write
SLICE = 500  # sessions written to in one turn of the loop: 2 to 3 ms


class Writer:
    """The rooms in which something is due."""

    def __init__(self) -> None:
        self._unwritten: dict[Room, None] = {}  # in the order in which it became so
        self._delivered = 0  # bytes since it was last waited until they were written
        self._all_written = asyncio.Event()
        self._all_written.set()

    def broadcast(self, room: Room, frame: bytes, pos: int) -> None:
        """Let an event be due to everybody in a room, and begin to write in the loop's next turn."""
        room.broadcast(frame, pos)
        if not self._unwritten:
            self._all_written.clear()
            asyncio.get_running_loop().call_soon(self._write)
        self._unwritten[room] = None

    def _write(self) -> None:
        """Write what is due to so many sessions that nobody else waits for long; the next turn goes on."""
        left = SLICE
        while left and self._unwritten:
            room = next(iter(self._unwritten))
            left -= room.write(left)
            del self._unwritten[room]
            if not left:
                self._unwritten[room] = None  # Perhaps there is more: behind the others.
        if self._unwritten:
            asyncio.get_running_loop().call_soon(self._write)
        else:
            self._all_written.set()

    async def breathe(self, size: int) -> None:
        """Count what was delivered, of all rooms; after so many bytes wait until they are written."""
        self._delivered += size
        if self._delivered >= settings.GATEWAY["OUTBOUND_BYTES"] // BREATH:
            await self._all_written.wait()
            self._delivered = 0
