"""The group `stars`: facts become rows."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group
from tests.star_app.events import MessageStarred
from tests.star_app.models import Star

stars = group("stars")


@stars.project(MessageStarred)
async def keep_stars(records: Sequence[Record]) -> None:
    """Keep each star as the highest version says; replays land on the same rows."""
    await in_db_thread(_keep, records)


@transaction.atomic
def _keep(records: Sequence[Record]) -> None:
    for record in records:
        event: MessageStarred = record.fact.payload
        row, _ = Star.objects.get_or_create(
            user_id=UUID(event.user_id),
            chat_id=UUID(event.room_id),
            message_id=int(event.message_id),
            defaults={"starred": event.starred, "version": record.fact.version},
        )
        if row.version < record.fact.version:
            row.starred, row.version = event.starred, record.fact.version
            row.save(update_fields=["starred", "version"])
