"""The group `notifications`: who is away is told of what is said, by a chore for each of their browsers.

What is older than ten minutes is no news: a replay tells nobody anything. Of what is
said later a crash may tell a browser twice, which shows it in the same place.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from chat.commands.notifying import NEWS_MS, notify_soon
from chat.events import MessageSent
from chat.mentions import ALL
from chat.models import Participant, ThreadFollow
from chat.notifiers import notifier
from chat.policy import Level, wants_news
from chat.queries.away import may_be_notified
from chat.queries.push import anybody, standing
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

notifications = group("notifications", may_lag=True)


class _News(NamedTuple):
    """A message, and the browsers of those who want to be told of it."""

    record: Record
    wanted: dict[str, list[UUID]]  # subscriptions by user


@notifications.project(MessageSent)
async def notify_later(records: Sequence[Record]) -> None:
    """Have the browsers told of those who want to know, and are away."""
    oldest_ms = clock.now_ms() - NEWS_MS
    fresh = [one for one in records if one.appended_ms > oldest_ms and one.fact.payload.message_type != "notice"]
    if not fresh or notifier().key is None or not await anybody():
        return
    news = await in_db_thread(_wanted, fresh)
    if people := {user for one in news for user in one.wanted}:
        await in_db_thread(_tell, news, await may_be_notified(people))


def _wanted(records: Sequence[Record]) -> list[_News]:
    chat = UUID(records[0].key)
    here = Participant.objects.filter(chat=chat, is_active=True, user__is_active=True)
    here = here.exclude(notification_level=Level.NOTHING).exclude(notifications_muted_until__gt=datetime.now(UTC))
    levels = dict(here.filter(user__push_subscriptions__isnull=False).values_list("user_id", "notification_level"))
    if not levels:
        return []
    browsers: dict[UUID, list[UUID]] = {}
    for user, one in standing().filter(user__in=levels).values_list("user_id", "id"):
        browsers.setdefault(user, []).append(one)
    roots = {int(one.fact.payload.thread_id) for one in records if one.fact.payload.thread_id}
    rows = ThreadFollow.objects.filter(chat=chat, root__in=roots, user__in=levels) if roots else ()
    follows = {(row.root, row.user_id): row.is_following for row in rows}

    def wants(user: UUID, sent: MessageSent) -> bool:
        root = int(sent.thread_id) if sent.thread_id else None
        # The group previews may not have written yet that who began the thread follows it.
        began = sent.thread_starter_id == str(user)
        return str(user) != sent.sender_id and wants_news(
            Level(levels[user]),
            is_named=str(user) in sent.mentions or ALL in sent.mentions,
            follows=None if root is None else follows.get((root, user), began),
        )

    return [
        _News(one, {str(user): ids for user, ids in browsers.items() if wants(user, one.fact.payload)})
        for one in records
    ]


@transaction.atomic
def _tell(news: Sequence[_News], away: Collection[str]) -> None:
    for record, wanted in news:
        sent: MessageSent = record.fact.payload
        for user in sorted(away & wanted.keys()):
            for one in wanted[user]:
                notify_soon(
                    one, chat=UUID(record.key), message=sent.message_id, pos=record.pos, said_ms=record.appended_ms
                )
