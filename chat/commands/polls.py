"""Voting in a poll and closing it: facts of Django's database that all in the chat are told.

The message is looked for before the transaction: it is in another store. Of an
anonymous poll nothing that leaves the transaction says who has voted.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count

from chat import policy, polls
from chat.commands import locking
from chat.commands.messages import asks_of
from chat.events import Poll, PollChanged
from chat.messages import Message
from chat.models import Chat, PollVote
from chat.models import Poll as PollRow
from chat.policy import Action
from chat.queries.messages import require_undeleted
from chat.queries.participants import chat_id, require_open_roster
from chatsite.kernel import chores, clock, outbox
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict, Unavailable
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.limits import require

CLOSE = "close_poll"  # the chore that closes one at its time


async def vote(chat: ChatId, message: MessageId, *, choices: Sequence[int], by: UserId) -> int:
    """Choose options of a poll, by their numbers from 0, in place of what one chose before; none takes that back.

    Answers the version. Raises Invalid for an unknown option, NotFound, Conflict where the message is deleted or no
    poll, or the poll closed, Unavailable.
    """
    await require_open_roster(chat, by)
    await require(*asks_of(chat, by))
    poll, _ = await _require_poll(chat, message, by)
    chosen = polls.require_choices(poll, choices)
    with unavailable_when_away():
        return await in_db_thread(_vote, chat, message, poll, chosen, by)


async def close(chat: ChatId, message: MessageId, *, by: UserId) -> int:
    """Let nobody vote any more; answers the version. One that is closed stays as it is.

    Raises NotFound, Forbidden for another's poll where the role does not allow it, Conflict where the message is
    deleted or no poll, Unavailable.
    """
    _, seat = await require_open_roster(chat, by)
    poll, author = await _require_poll(chat, message, by)
    if author != str(by):
        policy.require(seat.role, Action.CLOSE_ANY_POLL)
    with unavailable_when_away():
        return await in_db_thread(_close, chat, message, poll, by)


@chores.handles(CLOSE)
async def close_in_time(payload: dict[str, Any]) -> None:
    """Close a poll whose time has come; one that is deleted or closed stays as it is."""
    chat, message = chat_id(payload["chat"]), MessageId(int(payload["message"]))
    state = await Message.objects.find(chat, message)
    if state is None and not await in_db_thread(_is_there, chat):
        return
    if state is None:  # History is late: the chore comes again.
        raise Unavailable(code="store_unavailable", retry_after_ms=500)
    if state.poll is not None:
        await in_db_thread(_close, chat, message, state.poll, None)


def close_at(moment: datetime, *, chat: str, message: str) -> None:
    """Have a poll closed at a moment, with the caller's transaction."""
    chores.add(CLOSE, key=f"{chat}:{message}", payload={"chat": chat, "message": message}, due_at=moment)


async def _require_poll(chat: ChatId, message: MessageId, viewer: UserId) -> tuple[Poll, str | None]:
    """A poll and who asked it; refused where the message is deleted, or no poll."""
    state = await require_undeleted(chat, message, viewer=viewer)
    if state.poll is None:
        raise Conflict("The message is no poll.")
    return state.poll, state.sender_id


@transaction.atomic
def _vote(chat: ChatId, message: MessageId, poll: Poll, chosen: Sequence[int], by: UserId) -> int:
    """Keep what somebody chooses, and tell how the poll stands where that is new."""
    locking.place(chat, by)  # Who was removed a moment ago votes no more.
    row = _locked(chat, message)
    if row.is_closed or polls.is_over(poll, now_ms=clock.now_ms()):
        raise Conflict("The poll is closed.")
    mine = PollVote.objects.filter(poll=row, user=by)
    if set(mine.values_list("choice", flat=True)) == set(chosen):
        return row.version
    mine.delete()
    PollVote.objects.bulk_create([PollVote(poll=row, user_id=by, choice=choice) for choice in chosen])
    return _tell(row, poll, voter=None if poll.anonymous else by, chosen=chosen, actor=by)


@transaction.atomic
def _close(chat: ChatId, message: MessageId, poll: Poll, by: UserId | None) -> int:
    if by is not None:
        locking.place(chat, by)
    elif not Chat.objects.select_for_update(no_key=True).filter(id=chat).exists():
        return 0  # It was deleted for good.
    row = _locked(chat, message)
    if row.is_closed:
        return row.version
    row.is_closed = True
    return _tell(row, poll, voter=None, chosen=(), actor=by)


def _is_there(chat: ChatId) -> bool:
    return Chat.objects.filter(id=chat).exists()


def _locked(chat: ChatId, message: MessageId) -> PollRow:
    """The row of a poll, in the caller's transaction alone: so votes are counted one after the other."""
    return PollRow.objects.select_for_update().get_or_create(chat_id=chat, message_id=message)[0]


def _tell(row: PollRow, poll: Poll, *, voter: UserId | None, chosen: Sequence[int], actor: UserId | None) -> int:
    """Tell how a poll stands, counted from its votes; answers the version."""
    row.version = clock.version(above=row.version)
    row.save(update_fields=["is_closed", "version"])
    votes = PollVote.objects.filter(poll=row)
    given = dict(votes.values_list("choice").annotate(given=Count("user")).order_by())
    event = PollChanged(
        message_id=str(row.message_id),
        room_id=str(row.chat_id),
        counts=[given.get(number, 0) for number in range(len(poll.options))],
        voters=votes.values("user").distinct().count(),
        is_closed=row.is_closed,
        user_id=str(voter) if voter is not None else None,
        choices=list(chosen) if voter is not None else [],
    )
    # Whoever does something in an anonymous poll is not named by the envelope either.
    by = None if poll.anonymous else actor
    outbox.append(fact(event, key=row.chat_id, actor=by, version=row.version))
    return row.version
