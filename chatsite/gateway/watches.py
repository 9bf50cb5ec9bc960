"""Who waits to be told that something happens in a subject, without being sent it.

A watch is woken by the hub at each notice of the layer, and where the notice was
lost by the next comparison of heads. It is a hint too: what there is to read, and
whether its person may, is asked of the stream and of the members.
"""

import asyncio
from collections.abc import Iterator, KeysView, Mapping
from contextlib import contextmanager

from chatsite.gateway.protocol import Cursor


class Watch:
    """One waiter: its sign-in, and the subjects that it has read up to a cursor each."""

    def __init__(self, sign_in_id: str, cursors: Mapping[str, Cursor]) -> None:
        self.sign_in_id, self.cursors = sign_in_id, cursors
        self._news: set[str] = set()
        self._woken = asyncio.Event()

    def wake(self, *subjects: str) -> None:
        """End the wait for news; of no subject where something else is to be noticed."""
        self._news.update(subjects)
        self._woken.set()

    async def news(self) -> set[str]:
        """Wait to be woken; answers the subjects in which something may have happened."""
        await self._woken.wait()
        self._woken.clear()
        news, self._news = self._news, set()
        return news


class Watches:
    """The watches of this process, by subject."""

    def __init__(self) -> None:
        self._open: set[Watch] = set()
        self._by_subject: dict[str, set[Watch]] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def subjects(self) -> KeysView[str]:
        """Every subject that is watched."""
        return self._by_subject.keys()

    @contextmanager
    def opened(self, watch: Watch) -> Iterator[None]:
        """Let a watch be woken while its waiter waits."""
        self._open.add(watch)
        for subject in watch.cursors:
            self._by_subject.setdefault(subject, set()).add(watch)
        try:
            yield
        finally:
            self._open.discard(watch)
            for subject in watch.cursors:
                self._by_subject[subject].discard(watch)
                if not self._by_subject[subject]:
                    del self._by_subject[subject]

    def note(self, subject: str) -> None:
        """Something happened in a subject."""
        for watch in self._by_subject.get(subject, ()):
            watch.wake(subject)

    def compare(self, subject: str, head: Cursor) -> None:
        """Wake those who have not read a subject up to its head."""
        for watch in self._by_subject.get(subject, ()):
            if watch.cursors[subject] != head:
                watch.wake(subject)

    def end(self, sign_ins: set[str]) -> None:
        """Wake the waiters of sign-ins that have ended."""
        for watch in self._open:
            if watch.sign_in_id in sign_ins:
                watch.wake()

    def end_all(self) -> None:
        """Wake everybody: the server stops."""
        for watch in self._open:
            watch.wake()
