"""The rooms of this process: joined many at a time, and forgotten when nobody is in them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from channels.layers import get_channel_layer

from chatsite.gateway.notices import group_of
from chatsite.gateway.protocol import Cursor
from chatsite.gateway.registry import foresee, mode_of
from chatsite.gateway.rooms import FULL, Room
from chatsite.gateway.streams import stream
from chatsite.gateway.watches import Watches

TOGETHER = 50  # rooms whose heads and members are asked for at once; between them others have a turn


class JoinedRooms:
    """Rooms by subject, and the groups of the layer that this process is in for them and for its watches."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._rooms: dict[str, Room] = {}
        self._joining: dict[str, asyncio.Task[None]] = {}
        self._own: list[str] = []  # people's own subjects, to be joined together in the loop's next turn
        self._channel: str | None = None
        self.groups: set[str] = set()  # the subjects whose group this process is in

    def get(self, subject: str) -> Room | None:
        """The room of a subject, where it has been joined."""
        return self._rooms.get(subject)

    def all(self) -> tuple[Room, ...]:
        """Every room as of now."""
        return tuple(self._rooms.values())

    @property
    def heard(self) -> set[str]:
        """Every subject that somebody here hears or watches."""
        return self._rooms.keys() | self._watches.subjects

    async def channel(self) -> str:
        """The channel of the layer on which this process hears."""
        if self._channel is None:
            self._channel = await get_channel_layer().new_channel("hub")
        return self._channel

    async def joined(self, subject: str, *, is_own: bool = False) -> Room:
        """The room that is known now: one that was left again while others joined it is joined anew."""
        while (room := self._rooms.get(subject)) is None:
            if subject not in self._joining:
                self._join_own_soon(subject) if is_own else self._begin_joining([subject])
            await asyncio.shield(self._joining[subject])
        return room

    def _join_own_soon(self, subject: str) -> None:
        if self._own:
            self._joining[subject] = self._joining[self._own[0]]
        else:
            self._joining[subject] = asyncio.create_task(self._join_own())
        self._own.append(subject)

    async def _join_own(self) -> None:
        subjects, self._own = self._own, []
        await self._join(subjects, is_own=True)

    async def enter(self, subjects: Iterable[str], come: Callable[[Room], None]) -> None:
        """Come into the room of each subject, of which so many are joined at a time.

        One that nobody comes into is soon forgotten.
        """
        every = list(subjects)
        for start in range(0, len(every), TOGETHER):
            some = every[start : start + TOGETHER]
            if cold := [subject for subject in some if subject not in self._rooms]:
                await foresee(cold)
            if cold := [subject for subject in cold if subject not in self._rooms and subject not in self._joining]:
                self._begin_joining(cold)
            for subject in some:
                come(self._rooms.get(subject) or await self.joined(subject))

    def _begin_joining(self, subjects: Sequence[str]) -> None:
        task = asyncio.create_task(self._join(subjects))
        self._joining.update(dict.fromkeys(subjects, task))

    async def _join(self, subjects: Sequence[str], *, is_own: bool = False) -> None:
        try:
            channel = await self.channel()
            modes: dict[str, str] = {}
            for subject in subjects:  # One by one: what is asked here was foreseen, and the layer hears one at a time.
                modes[subject] = FULL if is_own else await mode_of(subject)
                await self._enter_group(subject, channel)
            for subject, head in (await stream().heads(subjects)).items():
                self._rooms[subject] = Room(subject, Cursor(head.epoch, head.pos), modes[subject], is_own=is_own)
        finally:
            # Before the task is done: whoever awaited a finished one again would never let the loop run.
            for subject in subjects:
                del self._joining[subject]

    async def watch(self, subjects: Iterable[str]) -> None:
        """Be in the groups of subjects that somebody watches."""
        for subject in set(subjects) - self.groups:
            await self._enter_group(subject, await self.channel())

    async def _enter_group(self, subject: str, channel: str) -> None:
        await get_channel_layer().group_add(group_of(subject), channel)
        self.groups.add(subject)

    def leave_if_empty(self, room: Room) -> None:
        """Forget a room without hearers; its group is left by the next comparison of heads."""
        if not (room.live or room.skimming or room.held or room.leaving) and self._rooms.get(room.subject) is room:
            del self._rooms[room.subject]

    async def leave_forgotten(self) -> None:
        """Leave the groups of which nothing is heard any more."""
        layer, channel = get_channel_layer(), await self.channel()
        for room in self.all():
            self.leave_if_empty(room)  # Whoever it was joined for went away before it was.
        for subject in self.groups - self.heard - self._joining.keys():
            await layer.group_discard(group_of(subject), channel)
            self.groups.discard(subject)
            if subject in self._rooms or subject in self._joining or subject in self._watches.subjects:
                await self._enter_group(subject, channel)  # Somebody came while it was being left.
