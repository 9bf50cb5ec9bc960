"""The frames of presence: whom one hears of, and what one shows."""

from datetime import datetime
from uuid import UUID

from chatsite.gateway.protocol import frame, prepare
from chatsite.gateway.registry import on
from chatsite.gateway.session import Session
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Invalid
from presence import commands
from presence.protocol import MAX_WATCHED, PresenceSet, PresenceWatch, presence_frame
from presence.tracker import tracker


@on(PresenceWatch)
async def watch(session: Session, asked: PresenceWatch) -> None:
    """Hear of these people and no others: of each as they are, then whenever that changes."""
    if len(asked.user_ids) > MAX_WATCHED:
        raise Invalid(f"at most {MAX_WATCHED} people.", field="userIds")
    found = await tracker.watch(session, asked.user_ids)
    session.push(b"".join(prepare(presence_frame(user, shown)) for user, shown in found.items()))


@on(PresenceSet)
async def choose(session: Session, asked: PresenceSet) -> None:
    """Show others something else; it is kept when the ACK leaves."""
    wanted = commands.Choose(status=asked.status, text=asked.text, until=read_moment(asked.until))
    row = await in_db_thread(commands.choose, UUID(session.require_user), wanted)
    await tracker.take_over(row)
    session.reply(frame("ACK", ref=asked.ref, version=row.version))


def read_moment(text: str | None, field: str = "until") -> datetime | None:
    """A moment with its offset from UTC, as ISO 8601."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("a moment as ISO 8601.", field=field) from None
    if moment.tzinfo is None:
        raise Invalid("a moment with its offset from UTC.", field=field)
    return moment
