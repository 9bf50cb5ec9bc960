"""Who is told of some people and reads in their own time: of each the latest, however slowly."""

import asyncio
from collections.abc import Mapping

from presence.policy import Shown


class Follower:
    """What is to be told: at most one thing of each person it follows."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._news: dict[str, Shown] = {}
        self._wake = asyncio.Event()
        self._has_ended = False

    def tell(self, user: str, shown: Shown) -> None:
        """Something new of somebody, unless a newer version was told."""
        if shown.version > self._versions.get(user, -1):
            self._versions[user] = shown.version
            self._news[user] = shown
            self._wake.set()

    def end(self) -> None:
        """There will be no more: what was told last can still be taken."""
        self._has_ended = True
        self._wake.set()

    async def take(self) -> Mapping[str, Shown] | None:
        """What is new, once there is something; None at the end."""
        if not self._news and not self._has_ended:
            self._wake.clear()
            await self._wake.wait()
        news, self._news = self._news, {}
        return news or None
