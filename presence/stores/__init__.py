"""The port of who is there: what its twins promise.

`presence.stores.presence_store()` is the one of this process. What changes is
decided by `presence.policy`; a store keeps it, gives the time, and tells of each
change once, whoever asks for it first.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from chatsite.kernel.backends import backend
from presence.policy import Choice, Shown

SWEPT = 64  # devices and people that one turn of a sweep looks at, in each of sixteen shards: 5,000 in five turns


class Arrival(NamedTuple):
    """A device that came; its id is one that its person never had before."""

    user: str
    device: str
    choice: Choice


class Beat(NamedTuple):
    """A sign of life of a device; `active` where its person did something."""

    user: str
    device: str
    active: bool = False


class Change(NamedTuple):
    """What others see of a person from now on."""

    user: str
    shown: Shown


class Beaten(NamedTuple):
    """What came of some beats: changes, and those whose device is not known (any more)."""

    changes: Sequence[Change]
    unknown: Sequence[Beat]


class Swept(NamedTuple):
    """What a turn of the sweep found."""

    changes: Sequence[Change]
    online: int  # people with a device, invisible ones too, over all servers
    is_frozen: bool  # something may be lost: nobody is found gone until all had time to say that they are there
    since_ms: int  # from when on what is known can be believed; where that rises, who is here had better say so


class PresenceStore(Protocol):
    """Who is there over all servers, by the clock of what holds it; Unavailable where nobody can be asked."""

    async def arrive(self, arrivals: Sequence[Arrival]) -> Sequence[Change]:
        """Add devices, each with its person's choice; a newer choice stays."""

    async def beat(self, beats: Sequence[Beat]) -> Beaten:
        """Give devices another TTL; one that is not known stays so."""

    async def leave(self, user: str, device: str) -> None:
        """Take a device away; where it was the last, its person is there for a grace more."""

    async def choose(self, user: str, choice: Choice) -> Sequence[Change]:
        """Take over what a person chose, unless a newer choice is known; nothing of who is not there."""

    async def statuses(self, users: Sequence[str]) -> dict[str, Shown]:
        """What others see of some people, in one call; who is gone for longer than a TTL is left out."""

    async def sweep(self) -> Swept:
        """Tell what time changed: once, however many sweep, and so much at a time that nobody else waits."""


def presence_store() -> PresenceStore:
    """The store, as PRESENCE_STORE names it."""
    return cast(PresenceStore, backend("PRESENCE_STORE"))
