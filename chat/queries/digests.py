"""What somebody missed, as a mail tells it: how much is unread where, never what."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F

from chat.digests import told_of
from chat.models import MailDigest, Participant
from chat.policy import Level
from chat.queries import unread
from chat.queries.away import last_here
from chat.queries.chats import Membership, peers
from chat.queries.unread import position_of
from chatsite.accounts.models import User
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId, UserId, id_at, unix_ms_of

MOST_CHATS = 100  # that one mail is made of: direct ones first, then the latest


class Missed(NamedTuple):
    """How many messages of a chat somebody missed, 100 at most; of one of many those that name them."""

    chat: ChatId
    title: str
    is_direct: bool
    number: int


class News(NamedTuple):
    """What a mail tells, and the newest message that it counts."""

    missed: Sequence[Missed]
    newest: int


def find(user: UUID) -> MailDigest | None:
    """What somebody chose, None of who wants no mails."""
    return MailDigest.objects.filter(user=user).select_related("user").first()


async def news_of(digest: MailDigest) -> News | None:
    """What came since the last mail, and since the person was here, and is unread; None where nothing did."""
    after = max(digest.told_message_id, id_at(await last_here(str(digest.user_id))))
    # Asked before the positions are read, see `unread.of`.
    done = await unread.copied()
    places = await in_db_thread(_places, digest.user_id, after)
    copies = {ChatId(place.chat_id): position_of(place) for place in places}
    counted = await unread.of(UserId(digest.user_id), copies, done=done) if places else {}
    told: list[tuple[Participant, list[int]]] = []
    for place in places:
        messages = [(one.message_id, one.mentioned) for one in counted[ChatId(place.chat_id)].messages]
        ids = told_of(messages, Level(place.notification_level), is_direct=_is_direct(place))
        if ids and max(ids) > after:
            told.append((place, ids))
    if not told:
        return None
    titles = await in_db_thread(_titles, digest.user, [place for place, _ in told])
    missed = [Missed(ChatId(place.chat_id), titles[place.chat_id], _is_direct(place), len(ids)) for place, ids in told]
    return News(missed, max(max(ids) for _, ids in told))


def _is_direct(place: Participant) -> bool:
    return place.chat.pair is not None


def _places(user: UUID, after: int) -> list[Participant]:
    """The latest chats in which something was said since, that are neither silenced nor archived."""
    since = datetime.fromtimestamp(unix_ms_of(after) / 1_000, UTC)
    mine = Participant.objects.filter(
        user=user, is_active=True, chat__is_archived=False, chat__last_message_at__gte=since
    )
    mine = mine.exclude(notification_level=Level.NOTHING).exclude(notifications_muted_until__gt=datetime.now(UTC))
    return list(
        mine.select_related("chat").order_by(F("chat__pair").asc(nulls_last=True), "-chat__last_message_at")[
            :MOST_CHATS
        ]
    )


def _titles(user: User, places: Sequence[Participant]) -> dict[UUID, str]:
    """The names of chats as their list shows them: a direct chat has those of the others."""
    others = peers(user, [Membership(place.chat, place) for place in places])
    people = User.objects.in_bulk({one for ids in others.values() for one in ids})
    named = {chat: ", ".join(sorted(str(people[one]) for one in ids if one in people)) for chat, ids in others.items()}
    return {place.chat_id: named.get(place.chat_id) or place.chat.name or "A chat" for place in places}
