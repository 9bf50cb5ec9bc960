"""Reporting a message to staff: a fact of Django's database, which nobody in the chat hears of.

The message is looked for before the transaction: it is in another store. Of its text
nothing is kept here, so what is edited or deleted later is so for staff too.
"""

import logging
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chat.events import MessageFlagged
from chat.models import MessageFlag
from chat.moderation import MAX_NAME, MAX_TEXT, Reason, State, reason_of
from chat.queries.messages import require_undeleted
from chat.rules import Rule
from chatsite.accounts.models import User
from chatsite.accounts.policy import printable
from chatsite.kernel import clock, outbox
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict, Invalid
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId

logger = logging.getLogger(__name__)

RULE = "rule"  # the source of what a rule of staff found
MAX_OPEN = 1_000  # flags of one person or program that wait: what nobody looks at does not pile up


class Report(NamedTuple):
    """What is said of a message; `source`, `label` and `score` are a program's."""

    reason: str
    text: str = ""
    source: str = ""
    label: str = ""
    score: float | None = None


class Kept(NamedTuple):
    """A flag that stands; `repeated` where it stood already."""

    flag: MessageFlag
    repeated: bool


async def flag(chat: ChatId, message: MessageId, *, report: Report, by: UserId) -> Kept:
    """Report a message that one may read; while one's flag of it is open that stays as it is.

    Raises Invalid, NotFound, Conflict for a deleted message or where 1,000 of one's
    flags are open, Unavailable.
    """
    report = _checked(report)
    state = await require_undeleted(chat, message, viewer=by)
    author = UUID(state.sender_id) if state.sender_id else None
    with unavailable_when_away():
        return await in_db_thread(keep, chat, message, report, by, author)


def _checked(report: Report) -> Report:
    """A report as it is kept; Invalid for what is none."""
    reason_of(report.reason)
    report = report._replace(source=printable(report.source), label=printable(report.label), text=report.text.strip())
    for name, longest in (("text", MAX_TEXT), ("source", MAX_NAME), ("label", MAX_NAME)):
        text = getattr(report, name)
        if len(text) > longest or "\x00" in text:
            raise Invalid(f"at most {longest:,} characters of text.", field=name)
    if report.score is not None and not 0 <= report.score <= 1:
        raise Invalid("expected a number from 0 to 1.", field="score")
    return report


@transaction.atomic
def keep(chat: ChatId, message: MessageId, report: Report, by: UserId, author: UUID | None) -> Kept:
    """Keep a report of a message that was found, and write down the fact where it is new."""
    locking.place(chat, by)  # One's devices take turns.
    mine = MessageFlag.objects.filter(by=by, state=State.OPEN)
    if (there := mine.filter(chat=chat, message_id=message).first()) is not None:
        return Kept(there, repeated=True)
    if mine.count() >= MAX_OPEN:
        raise Conflict(f"{MAX_OPEN:,} of your reports wait for staff; wait until they are looked at.")
    kept = MessageFlag.objects.create(chat_id=chat, message_id=message, author_id=author, by_id=by, **report._asdict())
    _tell(kept)
    return Kept(kept, repeated=False)


def record_found(chat: UUID, message: int, rule: Rule, *, author: UUID | None, text_version: int) -> None:
    """Report, with the caller's transaction, a text in which a rule of staff found something.

    Of a rule that finds more than staff can look at no more is kept than of a person.
    """
    if MessageFlag.objects.filter(rule=rule.id, state=State.OPEN).count() >= MAX_OPEN:
        logger.warning("rule %s has %d open reports: no more are kept", rule.id, MAX_OPEN)
        return
    kept = MessageFlag.objects.create(
        chat_id=chat,
        message_id=message,
        author=User.objects.filter(id=author).first() if author else None,
        reason=Reason.OTHER,
        source=RULE,
        label=rule.name,
        rule_id=rule.id,
        text_version=text_version,
    )
    _tell(kept)


def _tell(kept: MessageFlag) -> None:
    event = MessageFlagged(
        flag_id=str(kept.id),
        message_id=str(kept.message_id),
        room_id=str(kept.chat_id),
        author_id=str(kept.author_id) if kept.author_id else None,
        by=str(kept.by_id) if kept.by_id else None,
        reason=kept.reason,
        text=kept.text,
        source=kept.source,
        label=kept.label,
        score=kept.score,
    )
    outbox.append(fact(event, key=kept.chat_id, actor=kept.by_id, version=clock.version()))
