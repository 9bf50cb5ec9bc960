"""Devices that other systems speak for, passed on once a second.

What they say of a device is gathered, the latest of each, and told to the store in
a few calls. A device that is new here arrives with its person's choice, and does so
again every ten minutes, so that quiet hours are those of today.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from chatsite.kernel import clock
from presence import queries
from presence.stores import Arrival, Beat, presence_store
from presence.tracker import AWAY, tracker

logger = logging.getLogger(__name__)

TURN_SECONDS = 1.0
AGAIN_SECONDS = 600.0  # after which a device arrives anew
MOST = 500  # devices of one turn, so that others have theirs between two
MOST_WAITING = 10_000  # devices that something waits for; over it nothing more is read of those who say it
MOST_KNOWN = 200_000  # devices that need not arrive, about 40 MB; over it who was heard of longest ago does again


class Device(NamedTuple):
    """A device of a person, by its name in the store."""

    user: str
    name: str


class Word(NamedTuple):
    """What was said last of a device; it waits since the `since`th thing that was said."""

    since: int
    active: bool
    goodbye: bool


class Guests:
    """What other systems said in this process, until the store knows."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Device, Word] = OrderedDict()  # who waits longest first
        self._known: OrderedDict[Device, float] = OrderedDict()  # when each arrived (monotonic)
        self._said = 0
        self._turned = asyncio.Event()
        self._is_away = False

    async def hear(self, device: Device, *, active: bool, goodbye: bool) -> None:
        """Take a word, once there is room for it."""
        while device not in self._waiting and len(self._waiting) >= MOST_WAITING:
            await self._turned.wait()
        self._said += 1
        before = self._waiting.get(device)
        is_active = active or (before is not None and before.active)
        self._waiting[device] = Word(before.since if before else self._said, is_active, goodbye)

    async def passed_on(self) -> None:
        """Wait until the store knows what was said so far."""
        last = self._said
        while self._waiting and next(iter(self._waiting.values())).since <= last:
            await self._turned.wait()

    async def run(self) -> None:
        """Pass on each second what waits until cancelled, and a last time then."""
        try:
            while True:
                await asyncio.sleep(TURN_SECONDS)
                await self.turn()
                while len(self._waiting) >= MOST and not self._is_away:
                    await self.turn()
        finally:
            await self.turn()

    async def turn(self) -> None:
        """Pass on what waits; what cannot be, waits for the next turn."""
        words = dict(islice(self._waiting.items(), MOST))
        if not words:
            return
        try:
            await self._pass_on(words)
            self._is_away = False
        except AWAY as error:
            if not self._is_away:
                logger.warning("what other systems say of presence waits until it is back: %s", error)
            self._is_away = True
            return
        except Exception:  # Whatever it is: it must not end the server for what is said again in 30 s.
            logger.exception("a turn of presence of other systems failed")
        for device, word in words.items():
            if self._waiting.get(device) is word:  # Nothing was said of it meanwhile.
                del self._waiting[device]
        self._turned.set()
        self._turned = asyncio.Event()

    async def _pass_on(self, words: dict[Device, Word]) -> None:
        now, store = time.monotonic(), presence_store()
        here = {device: word for device, word in words.items() if not word.goodbye}
        new = [device for device in here if now - self._known.get(device, -AGAIN_SECONDS) >= AGAIN_SECONDS]
        for device in words.keys() - here.keys():
            self._known.pop(device, None)
            await store.leave(*device)
        await self._arrive(new, now=now)
        beats = [Beat(*device, word.active) for device, word in here.items() if device in self._known]
        if not beats:
            return
        beaten = await store.beat(beats)
        await tracker.announce(beaten.changes)
        # What kept them was emptied, or they were silent for too long.
        await self._arrive([Device(beat.user, beat.device) for beat in beaten.unknown], now=now)

    async def _arrive(self, devices: list[Device], *, now: float) -> None:
        """Let devices come, of those who are somebody."""
        if not devices:
            return
        people = await queries.people_among({device.user for device in devices})
        choices = await queries.choices_of(people, now=clock.now_ms())
        coming = [device for device in devices if device.user in people]
        await tracker.announce(await presence_store().arrive([Arrival(*one, choices[one.user]) for one in coming]))
        await tracker.take_over_newer(choices)
        for device in coming:
            self._known[device] = now
            self._known.move_to_end(device)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
