"""What is to be said later: facts of Django's database, and the chore that says it when its time has come.

The chore sends with the row's id as nonce: however often it runs, one message is
said. Whether its author may say it is asked then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.commands import locking, messages
from chat.commands.messages import require_content
from chat.models import ScheduledMessage
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import chores, clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import CODES, Conflict, DomainError, Forbidden, Invalid, NotFound
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId, MessageId, UserId

SAY = "say_scheduled"  # the chore that says one
LONGEST = timedelta(days=366)
MOST = 100  # of one person that wait


@dataclass(frozen=True)
class Plan:
    """What is to be said, and when; None leaves a thing as it is."""

    content: str | None = None
    send_at: datetime | None = None
    reply_to: MessageId | None = None
    mentions: Sequence[str] | None = None
    important: bool | None = None


def schedule(chat_id: UUID, plan: Plan, *, user: User, now: datetime) -> ScheduledMessage:
    """Keep a message for later. Invalid, NotFound, Conflict where too many wait."""
    if plan.send_at is None:
        raise Invalid("say when.", field="send_at")
    with transaction.atomic():
        locking.take_turn(user)
        locking.place(chat_id, user.id)
        if ScheduledMessage.objects.filter(user=user).count() >= MOST:
            raise Conflict(f"At most {MOST} scheduled messages.")
        row = ScheduledMessage(chat_id=chat_id, user=user, version=0)
        return _keep(row, plan, now=now)


def change(scheduled_id: UUID, plan: Plan, *, user: User, now: datetime) -> ScheduledMessage:
    """Change what is to be said or when; one that was refused is tried anew. Invalid, NotFound."""
    with transaction.atomic():
        return _keep(_locked(scheduled_id, user), plan, now=now)


def cancel(scheduled_id: UUID, *, user: User) -> None:
    """Let it not be said. NotFound, where it was said in the meantime too."""
    with transaction.atomic():
        row = _locked(scheduled_id, user)
        chores.drop(SAY, begin=f"{row.id}:")
        _tell(row, version=clock.version(above=row.version), state="cancelled")
        row.delete()


@chores.handles(SAY)
async def say(payload: dict[str, Any]) -> None:
    """Say one whose time has come, unless it was changed or cancelled since."""
    row = await in_db_thread(_due, UUID(payload["id"]), payload["version"])
    if row is None:
        return
    if not row.user.is_active:
        await in_db_thread(_refused, row, "forbidden")
        return
    draft = messages.Draft(
        row.content,
        nonce=f"scheduled:{row.id}",
        retry=True,
        reply_to=MessageId(row.reply_to) if row.reply_to is not None else None,
        mentions=row.mentions,
        important=row.important,
    )
    try:
        await messages.send(ChatId(row.chat_id), draft, sender=UserId(row.user_id))
    except DomainError as error:
        # Who is muted or has to wait is refused: it is for them to say when it is to be tried again.
        if CODES[error.code].retryable and not isinstance(error, Forbidden):
            raise  # It comes again, later and later.
        await in_db_thread(_refused, row, error.code)
    else:
        await in_db_thread(_said, row)


def _keep(row: ScheduledMessage, plan: Plan, *, now: datetime) -> ScheduledMessage:
    row.content = row.content if plan.content is None else plan.content
    require_content(row.content)
    row.reply_to = row.reply_to if plan.reply_to is None else plan.reply_to
    row.mentions = row.mentions if plan.mentions is None else list(plan.mentions)
    row.important = row.important if plan.important is None else plan.important
    row.send_at = plan.send_at or row.send_at
    if not now < row.send_at <= now + LONGEST:
        raise Invalid("expected a time within the next year.", field="send_at")
    row.refused_with, row.version = "", clock.version(above=row.version)
    row.save()
    chores.drop(SAY, begin=f"{row.id}:")
    # The version is in the key: one that runs just now finds another one, and does nothing.
    payload = {"id": str(row.id), "version": row.version}
    chores.add(SAY, key=f"{row.id}:{row.version}", payload=payload, due_at=row.send_at)
    _tell(row, version=row.version, state="waiting")
    return row


def _locked(scheduled_id: UUID, user: User) -> ScheduledMessage:
    row = ScheduledMessage.objects.select_for_update().filter(id=scheduled_id, user=user).first()
    if row is None:
        raise NotFound("There is no such scheduled message.")
    return row


def _due(scheduled_id: UUID, version: int) -> ScheduledMessage | None:
    found = ScheduledMessage.objects.select_related("user")
    return found.filter(id=scheduled_id, version=version, refused_with="").first()


@transaction.atomic
def _said(row: ScheduledMessage) -> None:
    if (found := _same(row)) is not None:
        _tell(found, version=clock.version(above=found.version), state="sent")
        found.delete()


@transaction.atomic
def _refused(row: ScheduledMessage, code: str) -> None:
    if (found := _same(row)) is not None:
        found.refused_with, found.version = code, clock.version(above=found.version)
        found.save(update_fields=["refused_with", "version"])
        _tell(found, version=found.version, state="refused")


def _same(row: ScheduledMessage) -> ScheduledMessage | None:
    return ScheduledMessage.objects.select_for_update().filter(id=row.id, version=row.version).first()


def _tell(row: ScheduledMessage, *, version: int, state: str) -> None:
    """Tell the person's devices; what was changed while it was said is told as it was said."""
    told = {
        "id": str(row.id),
        "roomId": str(row.chat_id),
        "state": state,
        "sendAt": iso(int(row.send_at.timestamp() * 1_000)),
        "code": row.refused_with or None,
    }
    person_changed(row.user_id, kind="scheduled", state=told, version=version)
