"""What staff do about reports: each looks at one, calls the command for the deed, and closes it.

Whoever reported is told nothing of it.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import QuerySet

from chat.commands import changes, participants
from chat.commands.locking import Staff, note
from chat.fold import MessageState
from chat.models import Chat, MessageFlag
from chat.moderation import Outcome, State
from chat.queries.reviews import around
from chatsite.accounts.policy import require_name
from chatsite.kernel.errors import Conflict, NotFound
from chatsite.kernel.ids import ChatId, MessageId

MUTED = timedelta(hours=24)
MAX_WHY = 200  # characters of why staff read what somebody said


@transaction.atomic
def dismiss(flag_id: UUID, *, by: Staff) -> None:
    """Close a report: nothing is to be done. Conflict where it is closed."""
    _close(_open(flag_id), by, State.DISMISSED)


def delete_message(flag_id: UUID, *, by: Staff) -> None:
    """Delete the message of a report, which closes all reports of it. Conflict where it is closed."""
    with transaction.atomic():
        flag = _open(flag_id)
    # Between two transactions, for the log is no part of either: after a crash here it is deleted, and done again.
    async_to_sync(changes.remove)(ChatId(flag.chat_id), MessageId(flag.message_id), by=by)
    with transaction.atomic():
        about = MessageFlag.objects.select_for_update().filter(chat=flag.chat_id, message_id=flag.message_id)
        for one in about.filter(state=State.OPEN).order_by("id"):
            _close(one, by, State.ACTED, Outcome.DELETED)


@transaction.atomic
def mute_author(flag_id: UUID, *, by: Staff, now: datetime) -> None:
    """Let the author of a reported message post nothing in its chat for a day. Conflict, NotFound."""
    flag = _open_with_chat(flag_id)
    participants.mute(flag.chat_id, user_id=_author(flag), until=now + MUTED, by=by)
    _close(flag, by, State.ACTED, Outcome.MUTED)


@transaction.atomic
def ban_author(flag_id: UUID, *, by: Staff) -> None:
    """Take the author of a reported message out of its chat for good. Conflict, NotFound."""
    flag = _open_with_chat(flag_id)
    participants.ban(flag.chat_id, user_id=_author(flag), by=by)
    _close(flag, by, State.ACTED, Outcome.BANNED)


def read(flag_id: UUID, *, why: str, by: Staff) -> list[MessageState]:
    """The message of a report and what stands around it, once it is on the record why staff read them. Invalid."""
    why = require_name(why, field="why", limit=MAX_WHY)
    with transaction.atomic():
        flag = _find(MessageFlag.objects.filter(id=flag_id))
        note("chat.message.read", flag.chat_id, by.user, {**_about(flag), "why": why}, is_staff=True)
    return async_to_sync(around)(ChatId(flag.chat_id), MessageId(flag.message_id))


def _find(found: "QuerySet[MessageFlag]") -> MessageFlag:
    if (flag := found.first()) is None:
        raise NotFound("There is no such report.")
    return flag


def _open(flag_id: UUID) -> MessageFlag:
    flag = _find(MessageFlag.objects.select_for_update().filter(id=flag_id))
    if flag.state != State.OPEN:
        raise Conflict("It is closed already.")
    return flag


def _open_with_chat(flag_id: UUID) -> MessageFlag:
    """An open report behind the lock of its chat: who deletes a chat locks them in this order too."""
    chat = _find(MessageFlag.objects.filter(id=flag_id)).chat_id
    Chat.objects.select_for_update(no_key=True).filter(id=chat).first()
    return _open(flag_id)


def _author(flag: MessageFlag) -> UUID:
    if flag.author_id is None:
        raise Conflict("Its author is gone.")
    return flag.author_id


def _close(flag: MessageFlag, by: Staff, state: State, outcome: Outcome | None = None) -> None:
    flag.state, flag.outcome = state, outcome or ""
    flag.closed_by, flag.closed_at = by.user, datetime.now(UTC)
    flag.save(update_fields=["state", "outcome", "closed_by", "closed_at"])
    what = {"outcome": str(outcome)} if outcome else {}
    note(f"chat.message.flag.{state}", flag.chat_id, by.user, _about(flag) | what, is_staff=True)


def _about(flag: MessageFlag) -> dict[str, str]:
    return {"flag": str(flag.id), "message": str(flag.message_id)}
