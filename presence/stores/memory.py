"""Presence in memory, one process only."""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterator, Sequence

from presence import policy
from presence.policy import Choice, Person, Shown, Sweeping
from presence.stores import SWEPT, Arrival, Beat, Beaten, Change, Swept

SLICE = 16  # people looked at in one turn of the loop: less than 1 ms


def _now_us() -> int:
    return time.time_ns() // 1_000


class MemoryPresenceStore:
    """People of one process, who are gone with it."""

    def __init__(self, now_us: Callable[[], int] = _now_us) -> None:
        self._now_us = now_us
        self._people: dict[str, Person] = {}  # as many as have sockets, and who left since a TTL
        self._there: set[str] = set()
        self._looks: list[tuple[int, str]] = []  # a heap of when to look at whom; some are out of date
        self._planned: dict[str, int] = {}  # the earliest of each
        self._sweeping: Sweeping | None = None
        self._version = 0

    async def arrive(self, arrivals: Sequence[Arrival]) -> Sequence[Change]:
        now = self._now
        return [
            change
            for user, device, choice in arrivals
            for change in self._keep(user, policy.arrive(self._person(user), device, choice, now=now))
        ]

    async def beat(self, beats: Sequence[Beat]) -> Beaten:
        changes: list[Change] = []
        unknown: list[Beat] = []
        for one in beats:
            person = self._person(one.user)
            if one.device in person.devices:
                changes += self._keep(one.user, policy.beat(person, one.device, active=one.active, now=self._now))
            else:
                unknown.append(one)
        return Beaten(changes, unknown)

    async def leave(self, user: str, device: str) -> None:
        if (person := self._people.get(user)) is not None:
            self._put(user, policy.leave(person, device, now=self._now))

    async def choose(self, user: str, choice: Choice) -> Sequence[Change]:
        if (person := self._people.get(user)) is None or not policy.is_there(person, now=self._now):
            return ()
        return list(self._keep(user, policy.choose(person, choice)))

    async def statuses(self, users: Sequence[str]) -> dict[str, Shown]:
        found = {user: person.shown for user in users if (person := self._people.get(user)) is not None}
        return {user: shown for user, shown in found.items() if policy.is_fresh(shown, now=self._now)}

    async def sweep(self) -> Swept:
        now = self._now
        changes: list[Change] = []
        self._sweeping, is_frozen = policy.sweeping(self._sweeping, now=now)
        for number in range(0 if is_frozen else 16 * SWEPT):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            if not self._looks or self._looks[0][0] > now:
                break
            moment, user = heapq.heappop(self._looks)
            if self._planned.get(user) != moment:
                continue  # It was looked at earlier.
            del self._planned[user]
            changes += self._keep(user, policy.expire(self._people[user], now=now))
        return Swept(changes, len(self._there), is_frozen, self._sweeping.since_ms)

    @property
    def _now(self) -> int:
        return self._now_us() // 1_000

    def _person(self, user: str) -> Person:
        known = self._people.get(user, Person())
        return known if policy.is_there(known, now=self._now) else Person(shown=known.shown)

    def _keep(self, user: str, person: Person) -> Iterator[Change]:
        """Keep a person as others are to see them now; a change where that is another."""
        settled = policy.settle(person, now=self._now, version=max(self._now_us(), self._version + 1))
        self._put(user, settled)
        if settled.shown != person.shown:
            self._version = settled.shown.version
            yield Change(user, settled.shown)

    def _put(self, user: str, person: Person) -> None:
        now = self._now
        looks = [*person.devices.values()]
        if policy.is_there(person, now=now):
            self._there.add(user)
            looks += filter(None, [policy.next_look(person, now=now)])
        else:
            self._there.discard(user)
            if policy.is_fresh(person.shown, now=now):
                looks.append(person.shown.version // 1_000 + policy.TTL_MS)
        if not looks:
            self._people.pop(user, None)
            self._planned.pop(user, None)
            return
        self._people[user] = person
        look = max(now + 1, min(looks))
        if look < self._planned.get(user, look + 1):
            self._planned[user] = look
            heapq.heappush(self._looks, (look, user))
