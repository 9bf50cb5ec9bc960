"""Who is there, away or gone, as others see it. Pure: the clock is an argument.

A person has devices, each with a deadline that a sign of life moves; what others
see follows from those, from what the person chose, and from the time. Times are
Unix milliseconds; versions are microseconds and rise with every change that others
can see, and with no other: whoever is invisible looks like somebody who left.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

TTL_MS = 90_000  # three missed heartbeats of 30 s, and a device is gone
GRACE_MS = 10_000  # who closes a page mostly opens another
IDLE_MS = 300_000  # without having done anything, a person is away
STALL_MS = TTL_MS // 2  # nobody swept for so long: the clock jumped, or what kept the deadlines stood still
MAX_TEXT = 200  # code points of a status text


class Status(StrEnum):
    """What somebody chooses, and all but INVISIBLE are what others see."""

    ONLINE = "ONLINE"
    AWAY = "AWAY"
    DND = "DND"
    INVISIBLE = "INVISIBLE"
    OFFLINE = "OFFLINE"  # never chosen


class Choice(NamedTuple):
    """What a person wants others to see, until a moment or for good, and when to be left alone."""

    status: Status = Status.ONLINE
    text: str = ""
    until_ms: int = 0  # of status and text; 0 = for good
    quiet_from_ms: int = 0
    quiet_until_ms: int = 0  # of the present or next quiet hours; 0 = none
    shows_last_seen: bool = True
    version: int = 0  # the highest wins

    def holds(self, now: int) -> bool:
        """Whether status and text are still meant."""
        return not self.until_ms or now < self.until_ms


class Shown(NamedTuple):
    """What others see of a person."""

    status: Status
    text: str
    last_seen_ms: int  # of who is there: since when it looks so; 0 = not told
    version: int


class Person(NamedTuple):
    """What is known of somebody who is there, or was a moment ago."""

    devices: Mapping[str, int] = {}  # the deadline of each
    grace_ms: int = 0  # until then the last one may be replaced
    active_ms: int = 0  # when the person last did something
    seen_ms: int = 0  # the last sign of life of a device that is gone
    choice: Choice = Choice()
    shown: Shown = Shown(Status.OFFLINE, "", 0, 0)


def arrive(person: Person, device: str, choice: Choice, *, now: int) -> Person:
    """One more device; it is no sign that its person does something, unless nobody was there."""
    is_new = not person.devices and person.grace_ms <= now
    return _chosen(person, choice)._replace(
        devices={**person.devices, device: now + TTL_MS}, active_ms=now if is_new else person.active_ms
    )


def beat(person: Person, device: str, *, active: bool, now: int) -> Person:
    """A sign of life of a device that is known."""
    return person._replace(
        devices={**person.devices, device: now + TTL_MS}, active_ms=now if active else person.active_ms
    )


def leave(person: Person, device: str, *, now: int) -> Person:
    """A device that said goodbye; its person is there for a grace more."""
    if device not in person.devices:
        return person
    left = {one: deadline for one, deadline in person.devices.items() if one != device}
    return person._replace(devices=left, grace_ms=max(person.grace_ms, now + GRACE_MS), seen_ms=now)


def expire(person: Person, *, now: int) -> Person:
    """Without the devices whose deadline has passed."""
    alive = {device: deadline for device, deadline in person.devices.items() if deadline > now}
    gone = [deadline - TTL_MS for deadline in person.devices.values() if deadline <= now]
    return person._replace(devices=alive, seen_ms=max([person.seen_ms, *gone]))


def _chosen(person: Person, choice: Choice) -> Person:
    return person._replace(choice=choice) if choice.version >= person.choice.version else person


def choose(person: Person, choice: Choice) -> Person:
    """With another choice, unless a newer one is known."""
    return _chosen(person, choice)


def is_there(person: Person, *, now: int) -> bool:
    """Whether a device is there, or has just left."""
    return bool(person.devices) or person.grace_ms > now


def status_of(person: Person, *, now: int) -> Status:
    """What others are to see now."""
    choice = person.choice
    if not is_there(person, now=now):
        return Status.OFFLINE
    if choice.holds(now) and choice.status is not Status.ONLINE:
        return Status.OFFLINE if choice.status is Status.INVISIBLE else choice.status
    if choice.quiet_from_ms <= now < choice.quiet_until_ms:
        return Status.DND
    return Status.ONLINE if now - person.active_ms < IDLE_MS else Status.AWAY


def wants_quiet(choice: Choice, *, now: int) -> bool:
    """Whether somebody wants to be left alone now, there or not."""
    is_busy = choice.status is Status.DND and choice.holds(now)
    return is_busy or choice.quiet_from_ms <= now < choice.quiet_until_ms


def settle(person: Person, *, now: int, version: int) -> Person:
    """With what others see brought up to date; a new version, at least `version`, only where that is another."""
    status, shown, choice = status_of(person, now=now), person.shown, person.choice
    text = choice.text if status is not Status.OFFLINE and choice.holds(now) else ""
    told = not shown.last_seen_ms
    is_same = (status, text) == (shown.status, shown.text)
    if is_same and (status is Status.OFFLINE or told != choice.shows_last_seen):
        return person
    seen = now if status is not Status.OFFLINE or is_there(person, now=now) else person.seen_ms
    return person._replace(
        shown=Shown(status, text, seen if choice.shows_last_seen else 0, max(version, shown.version + 1))
    )


def is_fresh(shown: Shown, *, now: int) -> bool:
    """Whether somebody is there for others, or has not been gone for longer than a TTL."""
    return bool(shown.version) and (
        shown.status is not Status.OFFLINE or shown.version // 1_000 + TTL_MS > now  # One who is invisible goes too.
    )


def next_look(person: Person, *, now: int) -> int | None:
    """The moment at which the time alone may change what others see; deadlines of devices are not counted."""
    return min((moment for moment in _moments(person) if moment > now), default=None)


def _moments(person: Person) -> Iterator[int]:
    choice = person.choice
    yield person.grace_ms
    yield choice.until_ms
    yield choice.quiet_from_ms
    yield choice.quiet_until_ms
    yield person.active_ms + IDLE_MS


class Sweeping(NamedTuple):
    """When deadlines were last looked at, and from when on they can be believed."""

    swept_ms: int
    since_ms: int


def sweeping(before: Sweeping | None, *, now: int) -> tuple[Sweeping, bool]:
    """What a sweep finds at `now`, and whether nobody may be found gone yet.

    After a stall every deadline may have passed while everybody was there: they
    have a TTL to say so.
    """
    if before is None:
        return Sweeping(now, 0), False
    since = now if now - before.swept_ms > STALL_MS else before.since_ms
    return Sweeping(now, since), now - since < TTL_MS


def quiet_hours(start: time, end: time, zone: ZoneInfo, *, now: int) -> tuple[int, int]:
    """The present or next stretch between two times of the day in a time zone; the same time twice is a whole day."""
    today = datetime.fromtimestamp(now / 1_000, UTC).astimezone(zone).date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        last = day if end > start else day + timedelta(days=1)
        begins, ends = (datetime.combine(date, at, zone) for date, at in ((day, start), (last, end)))
        if (until := int(ends.timestamp() * 1_000)) > now:
            return int(begins.timestamp() * 1_000), until
    raise AssertionError("The day after tomorrow never ends before now.")
