"""How often others are told of one person: at most once a second, less of who comes and goes. Pure."""

from collections import OrderedDict
from typing import NamedTuple

from presence.policy import Shown, Status

FIRST_HOLD, LAST_HOLD = 1.0, 16.0  # seconds between two tellings of one person; doubled while it goes on
REMEMBERED = 100_000  # people, about 30 MB; over it who was told of longest ago is forgotten


class _Told(NamedTuple):
    shown: Shown
    at: float
    hold: float


class Pace:
    """What was told of whom, and what is due; moments are monotonic seconds."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._due: dict[str, Shown] = {}

    def note(self, user: str, shown: Shown) -> None:
        """Something new of somebody, unless a newer version is known."""
        known = self._due.get(user) or self.told(user)
        if known is None or shown.version > known.version:
            self._due[user] = shown

    def told(self, user: str) -> Shown | None:
        """What was told of somebody last."""
        told = self._told.get(user)
        return told.shown if told else None

    def meet(self, user: str, shown: Shown, *, now: float) -> None:
        """One who asked was told of somebody: the others may not have been, and still are."""
        if user in self._told or user in self._due or shown.status is not Status.OFFLINE:
            self.note(user, shown)
        else:
            self._keep(user, _Told(shown, now - LAST_HOLD, FIRST_HOLD))

    def forget(self, user: str) -> None:
        """Nobody is told of somebody any more: whoever is again begins anew."""
        self._told.pop(user, None)
        self._due.pop(user, None)

    def take(self, *, now: float) -> list[tuple[str, Shown]]:
        """What is to be told at `now`: nothing of who looks as before, and nothing too often."""
        taken = []
        for user, shown in tuple(self._due.items()):
            told = self._told.get(user)
            if told is not None and now - told.at < told.hold:
                continue
            del self._due[user]
            if told is not None and _looks(shown) == _looks(told.shown):
                self._keep(user, told._replace(shown=shown))
                continue
            goes_on = told is not None and now - told.at < 2 * told.hold
            hold = min(2 * told.hold, LAST_HOLD) if told is not None and goes_on else FIRST_HOLD
            self._keep(user, _Told(shown, now, hold))
            taken.append((user, shown))
        return taken

    def present(self) -> list[str]:
        """Those who were told to be there, who was told of longest ago first."""
        return [user for user, told in self._told.items() if told.shown.status is not Status.OFFLINE]

    def _keep(self, user: str, told: _Told) -> None:
        self._told[user] = told
        self._told.move_to_end(user)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)


def _looks(shown: Shown) -> tuple[Status, str, bool]:
    """What a client would show: since when somebody is there it does not."""
    return shown.status, shown.text, bool(shown.last_seen_ms)
