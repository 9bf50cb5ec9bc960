"""Messages on their way out: which may be sent now, in what order, and what became of them.

Nothing here reads a clock: `now` is passed in, in ms since 1970.
"""

import json
import random as chance
from collections.abc import Callable, MutableMapping
from dataclasses import asdict, dataclass

from tests.chat_client.backoff import full_jitter
from tests.chat_client.listener import Frame

MOST_IN_FLIGHT = 16  # the server stops reading a socket that has more sends than this without an answer
ANSWER_MS = 30_000  # an answer takes 5 s at worst (the server's own buffer); after this it counts as lost
REMEMBERED_MS = 23 * 3_600_000  # the server remembers a nonce for 24 h; later, a retry could show the message twice
LONGEST_WAIT_MS = 300_000  # a longer wait (a mute of hours, say) is a refusal to whoever waits

OUTCOME_UNKNOWN = {
    "code": "outcome_unknown",
    "message": "It is not known whether this was sent. Look at the chat before you send it again.",
}
STORED = (
    "nonce", "room_id", "content", "reply_to_id", "thread_id", "mentions", "important", "created_at", "first_tried_at",
    "status", "reason",
)  # fmt: skip


@dataclass
class Entry:
    """One message that the server has not taken yet; times in ms since 1970."""

    nonce: str
    room_id: str
    content: str
    mentions: list[str]
    created_at: float
    reply_to_id: str | None = None
    thread_id: str | None = None
    important: bool = False
    first_tried_at: float | None = None
    status: str = "pending"  # or "failed"
    reason: dict[str, str] | None = None  # code and message, of a failed one
    sent_at: float | None = None  # from here on: how it stands on this connection, never stored
    is_retry: bool = False
    attempts: int = 0
    not_before: float = 0

    def rest(self) -> None:
        """Stand as no connection knows of it."""
        self.sent_at, self.is_retry, self.attempts, self.not_before = None, False, 0, 0


class Outbox:
    """What one person has not got rid of yet.

    It takes up what `owner` left unsent in `storage`; `random` gives 0 up to 1.
    """

    def __init__(
        self,
        *,
        storage: MutableMapping[str, str] | None = None,
        owner: str = "",
        random: Callable[[], float] = chance.random,
    ) -> None:
        self._storage = {} if storage is None else storage
        self._prefix = f"chat.outbox.{owner}."
        self._random = random
        stored = [Entry(**json.loads(text)) for key, text in self._storage.items() if key.startswith(self._prefix)]
        self.entries = sorted(stored, key=lambda entry: entry.created_at)

    def add(
        self,
        *,
        nonce: str,
        room_id: str,
        content: str,
        mentions: list[str],
        now: float,
        reply_to_id: str | None = None,
        thread_id: str | None = None,
        important: bool = False,
    ) -> Entry:
        """Add a message to send; answers its entry."""
        # Strictly rising times keep the order over a restart, also of two messages in one ms.
        created_at = max(now, self.entries[-1].created_at + 1) if self.entries else now
        entry = Entry(nonce, room_id, content, mentions, created_at, reply_to_id, thread_id, important)
        self.entries.append(entry)
        self._save(entry)
        return entry

    def take(self, now: float) -> list[Frame]:
        """The SEND_MESSAGE frames that may go out now, counted as sent.

        First tries of a chat go out one behind the other. A retry waits until
        everything before it is answered, and everything after it waits for the
        retry: the order of a chat is the order of its sends.
        """
        frames: list[Frame] = []
        under_way: set[str] = set()
        held: set[str] = set()
        for entry in self._pending():
            if entry.sent_at is not None and now - entry.sent_at >= ANSWER_MS:
                entry.sent_at = None
        free = MOST_IN_FLIGHT - sum(entry.sent_at is not None for entry in self._pending())
        for entry in self._pending():
            room, is_retry = entry.room_id, entry.first_tried_at is not None
            if entry.sent_at is not None:
                (held if entry.is_retry else under_way).add(room)
            elif entry.first_tried_at is not None and now - entry.first_tried_at > REMEMBERED_MS:
                self._fail(entry, OUTCOME_UNKNOWN)
            elif free <= 0 or room in held or (is_retry and room in under_way) or entry.not_before > now:
                held.add(room)
            else:
                frames.append(self._sent(entry, now))
                (held if is_retry else under_way).add(room)
                free -= 1
        return frames

    def wake_at(self, now: float) -> float | None:
        """When `take` has something new to say without any answer, or None."""
        answers = [entry.sent_at + ANSWER_MS for entry in self._pending() if entry.sent_at is not None]
        waits = [entry.not_before for entry in self._pending() if entry.sent_at is None and entry.not_before > now]
        return min(answers + waits, default=None)

    def settle(self, nonce: str | None) -> Entry | None:
        """End an entry that the server has taken, or that was given up; answers it."""
        entry = self.find(nonce)
        if entry is not None:
            self.entries.remove(entry)
            self._remove(entry.nonce)
        return entry

    def refuse(self, nonce: str, error: Frame, now: float) -> None:
        """Handle an ERROR frame about a send: wait for a retry, or fail it with the reason."""
        entry = self.find(nonce)
        if entry is None or entry.status == "failed":
            return
        wait = error.get("retryAfterMs")
        if wait is None:
            wait = full_jitter(entry.attempts, self._random)
        if not error["retryable"] or wait > LONGEST_WAIT_MS:
            self._fail(entry, {"code": error["code"], "message": error["message"]})
            return
        entry.sent_at = None
        entry.attempts += 1
        entry.not_before = now + wait

    def lost(self) -> None:
        """Handle the end of a connection: whatever had no answer becomes a retry."""
        for entry in self.entries:
            entry.rest()

    def retry(self, nonce: str, fresh_nonce: str) -> None:
        """Send a failed entry again; under `fresh_nonce` where the server may have forgotten the first one."""
        entry = self.find(nonce)
        if entry is None or entry.status != "failed":
            return
        if entry.reason == OUTCOME_UNKNOWN:
            self._remove(nonce)
            entry.nonce, entry.first_tried_at = fresh_nonce, None
        entry.rest()
        entry.status, entry.reason = "pending", None
        self._save(entry)

    def find(self, nonce: str | None) -> Entry | None:
        """The entry with this nonce."""
        return next((entry for entry in self.entries if entry.nonce == nonce), None)

    def clear(self) -> None:
        """Forget everything, in storage too."""
        for entry in self.entries:
            self._remove(entry.nonce)
        self.entries = []

    def _pending(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.status == "pending"]

    def _sent(self, entry: Entry, now: float) -> Frame:
        entry.sent_at, entry.is_retry = now, entry.first_tried_at is not None
        fields = {"roomId": entry.room_id, "content": entry.content, "nonce": entry.nonce}
        frame: Frame = {"type": "SEND_MESSAGE", "ref": entry.nonce, **fields}
        if entry.reply_to_id is not None:
            frame["replyToId"] = entry.reply_to_id
        if entry.thread_id is not None:
            frame["threadId"] = entry.thread_id
        if entry.mentions:
            frame["mentions"] = entry.mentions
        if entry.important:
            frame["important"] = True
        if entry.first_tried_at is not None:
            return {**frame, "retry": True, "firstTriedMs": max(0, int(now - entry.first_tried_at))}
        # Stored before the frame leaves: after a crash in between, the next try must say that it is a retry.
        entry.first_tried_at = now
        self._save(entry)
        return frame

    def _fail(self, entry: Entry, reason: dict[str, str]) -> None:
        entry.rest()
        entry.status, entry.reason = "failed", reason
        self._save(entry)

    def _save(self, entry: Entry) -> None:
        fields = asdict(entry)
        self._storage[self._prefix + entry.nonce] = json.dumps({name: fields[name] for name in STORED})

    def _remove(self, nonce: str) -> None:
        self._storage.pop(self._prefix + nonce, None)
