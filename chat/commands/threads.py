"""Following a thread, and saying how far one has read it: facts of Django's database, for oneself alone.

Who replies, began a thread or is named in it follows it without a command: that follows from what is said.
"""

from collections.abc import Callable
from typing import NamedTuple

from django.db import transaction

from chat.commands import locking
from chat.fold import Follow
from chat.models import ThreadFollow
from chat.queries import threads
from chat.queries.messages import require_message
from chat.queries.threads import Thread, require_root
from chatsite.accounts.notices import person_changed
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import ChatId, MessageId, UserId

Change = Callable[[Follow | None], Follow | None]


class Changed(NamedTuple):
    """A thread as somebody sees it now."""

    thread: Thread
    version: int | None  # of what they said of it, or what made them follow it; None where nothing did


async def follow(chat: ChatId, root: MessageId, *, by: UserId) -> Changed:
    """Follow a thread from here on; what was said in it is read. NotFound, Invalid, Unavailable."""
    await require_root(chat, root, viewer=by)
    here = (await stream().heads([str(chat)]))[str(chat)].pos

    def begin(before: Follow | None) -> Follow | None:
        if before is not None and before.following:
            return before
        return Follow(following=True, read_pos=here, version=0)

    return await _change(chat, root, by, begin)


async def unfollow(chat: ChatId, root: MessageId, *, by: UserId) -> Changed:
    """Follow a thread no longer, until one replies in it again; NotFound, Invalid, Unavailable."""
    await require_root(chat, root, viewer=by)

    def end(before: Follow | None) -> Follow | None:
        if before is None:  # Said before there is anything to follow: it is to stay so.
            return Follow(following=False, read_pos=0, version=0)
        return before._replace(following=False)

    return await _change(chat, root, by, end)


async def read(chat: ChatId, root: MessageId, message: MessageId, *, reader: UserId, pos: int | None = None) -> Changed:
    """Say that a thread was read up to a message, which is in it or above it; the highest pos wins.

    `pos` is how far the reader's client had heard the chat. Who does not follow a thread has nothing unread in it,
    and nothing is kept. Raises NotFound, Invalid, Unavailable.
    """
    said_at = await _pos_of(chat, root, message, reader)
    heard = min(pos or 0, (await stream().heads([str(chat)]))[str(chat)].pos)  # Nobody has read what is not said yet.
    reached = max(said_at, heard)

    def advance(before: Follow | None) -> Follow | None:
        if before is None or not before.following:
            return before
        return before._replace(read_pos=max(before.read_pos, reached))

    return await _change(chat, root, reader, advance)


async def unread_from(chat: ChatId, root: MessageId, message: MessageId, *, reader: UserId) -> Changed:
    """Take the position back to just before a message of a thread; raises NotFound, Invalid, Unavailable."""
    said_at = await _pos_of(chat, root, message, reader)

    def retreat(before: Follow | None) -> Follow | None:
        if before is None or not before.following:
            return before
        return before._replace(read_pos=max(0, said_at - 1))

    return await _change(chat, root, reader, retreat)


async def _pos_of(chat: ChatId, root: MessageId, message: MessageId, reader: UserId) -> int:
    above = await require_root(chat, root, viewer=reader)
    state = above if message == root else await require_message(chat, message, viewer=reader)
    if message != root and state.thread_id != root:
        raise Invalid("this message is not in the thread.", field="message_id")
    return state.pos or 0


async def _change(chat: ChatId, root: MessageId, by: UserId, change: Change) -> Changed:
    place = (chat, root)
    seen = (await threads.of([place], viewer=by))[place]
    wanted = change(seen.follow)
    if wanted is None or wanted == seen.follow:
        return Changed(seen, seen.follow.version if seen.follow is not None else None)
    left = (await threads.of([place], viewer=by, read_up_to=wanted.read_pos))[place]
    with unavailable_when_away():
        kept = await in_db_thread(_keep, chat, root, by, seen.follow, change, left)
    unread = left.unread if kept.following else 0
    return Changed(left._replace(follow=kept, unread=unread), kept.version)


@transaction.atomic
def _keep(chat: ChatId, root: MessageId, by: UserId, seen: Follow | None, change: Change, left: Thread) -> Follow:
    """Keep what somebody wants of a thread, and tell their devices; where that is so by now, as it is."""
    locking.place(chat, by)  # One's devices take turns.
    unknown = {"is_following": False, "last_read_pos": 0, "version": 0}
    row, _ = ThreadFollow.objects.select_for_update().get_or_create(
        user_id=by, chat_id=chat, root=root, defaults=unknown
    )
    stored = Follow(row.is_following, row.last_read_pos, row.version) if row.version else None
    # What follows from a reply of a moment ago may not be in the row yet.
    before = max((one for one in (stored, seen) if one is not None), key=lambda one: one.version, default=None)
    after = change(before)
    if after is None or after == before:
        return before or Follow(following=False, read_pos=0, version=0)
    version = clock.version(above=before.version if before is not None else 0)
    row.is_following, row.last_read_pos, row.version = after.following, after.read_pos, version
    row.save(update_fields=["is_following", "last_read_pos", "version"])
    state = {
        "roomId": str(chat),
        "threadId": str(root),
        "following": after.following,
        "readPos": after.read_pos,
        "unread": left.unread if after.following else 0,
        "upTo": left.up_to,
    }
    person_changed(by, kind="thread", state=state, version=version)
    return after._replace(version=version)
