"""Being reminded of a message: facts of Django's database, for oneself alone, and the chore that reminds.

A reminder whose time has come stays until it is dropped or put off.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chat.models import Reminder
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.accounts.policy import printable
from chatsite.kernel import chores, clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict, Invalid, NotFound
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId, MessageId

REMIND = "remind"  # the chore that reminds of one message
LONGEST = timedelta(days=366)
MOST = 200  # of one person
MAX_NOTE = 200  # characters


@dataclass(frozen=True)
class Wish:
    """When somebody wants to be reminded, and what of; None leaves a thing as it is."""

    remind_at: datetime | None = None
    note: str | None = None


@transaction.atomic
def make(chat: ChatId, message: MessageId, wish: Wish, *, user: User, now: datetime) -> Reminder:
    """Remind somebody of a message that was found to be there. NotFound, Invalid, Conflict for too many."""
    if wish.remind_at is None:
        raise Invalid("say when.", field="remind_at")
    locking.take_turn(user)
    locking.place(chat, user.id)
    if Reminder.objects.filter(user=user).count() >= MOST:
        raise Conflict(f"At most {MOST} reminders; drop some first.")
    return _keep(Reminder(user=user, chat_id=chat, message_id=message, version=0), wish, now=now)


@transaction.atomic
def change(reminder_id: UUID, wish: Wish, *, user: User, now: datetime) -> Reminder:
    """Put a reminder off, or note something else. Invalid, NotFound."""
    return _keep(_locked(reminder_id, user), wish, now=now)


@transaction.atomic
def drop(reminder_id: UUID, *, user: User) -> None:
    """Be reminded no longer. NotFound."""
    row = _locked(reminder_id, user)
    chores.drop(REMIND, begin=f"{row.id}:")
    _tell(row, version=clock.version(above=row.version), state="dropped")
    row.delete()


@chores.handles(REMIND)
async def remind(payload: dict[str, Any]) -> None:
    """Tell a person's devices that the time of a reminder has come, unless it was put off or dropped since."""
    await in_db_thread(_remind, UUID(payload["id"]), payload["version"])


@transaction.atomic
def _remind(reminder_id: UUID, version: int) -> None:
    row = Reminder.objects.select_for_update().filter(id=reminder_id, version=version, is_due=False).first()
    if row is not None:
        row.is_due, row.version = True, clock.version(above=row.version)
        row.save(update_fields=["is_due", "version"])
        _tell(row, version=row.version, state="due")


def _keep(row: Reminder, wish: Wish, *, now: datetime) -> Reminder:
    row.note = row.note if wish.note is None else _require_note(wish.note)
    if wish.remind_at is not None:
        if not now < wish.remind_at <= now + LONGEST:
            raise Invalid("expected a time within the next year.", field="remind_at")
        row.remind_at, row.is_due = wish.remind_at, False
    row.version = clock.version(above=row.version)
    row.save()
    chores.drop(REMIND, begin=f"{row.id}:")
    if not row.is_due:
        # The version is in the key: one that runs just now finds another one, and does nothing.
        payload = {"id": str(row.id), "version": row.version}
        chores.add(REMIND, key=f"{row.id}:{row.version}", payload=payload, due_at=row.remind_at)
    _tell(row, version=row.version, state="due" if row.is_due else "waiting")
    return row


def _require_note(text: str) -> str:
    if len(clean := printable(text)) > MAX_NOTE:
        raise Invalid(f"at most {MAX_NOTE} characters.", field="note")
    return clean


def _locked(reminder_id: UUID, user: User) -> Reminder:
    row = Reminder.objects.select_for_update().filter(id=reminder_id, user=user).first()
    if row is None:
        raise NotFound("There is no such reminder.")
    return row


def _tell(row: Reminder, *, version: int, state: str) -> None:
    told = {
        "id": str(row.id),
        "roomId": str(row.chat_id),
        "messageId": str(row.message_id),
        "state": state,
        "remindAt": iso(int(row.remind_at.timestamp() * 1_000)),
        "note": row.note,
    }
    person_changed(row.user_id, kind="reminder", state=told, version=version)
