"""Mails of what was missed: who wants them, and the chore that looks whether one is due.

Each person who wants them has one chore, which leaves itself for the next look. Of a
period one mail is sent at most: it is marked before it is handed over, and the mark is
taken back only where the mail server surely did not take it. Where a process or the
connection dies in between, what it would have told is told with the next period.
"""

import asyncio
import hmac
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac

from chat.commands.locking import take_turn
from chat.digests import Frequency, next_look, period_of
from chat.inboxes import MOST
from chat.models import MailDigest
from chat.queries.away import may_be_notified
from chat.queries.digests import Missed, find, news_of
from chatsite.accounts.models import User
from chatsite.kernel import chores, clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict, NotFound, NotSupported, Unavailable
from chatsite.kernel.ids import id_at

logger = logging.getLogger(__name__)

DIGEST = "mail_digest"  # the chore that looks whether one person's mail is due
TEST = "mail_digest_test"  # the chore that mails a test
AT_ONCE = 2  # a mail server that is slow holds up no other chores
AGAIN = timedelta(hours=1)  # until it is looked at again of who is there, or wants quiet
RETRY = timedelta(minutes=10)  # while something is away: it is tried as long as the person wants mails
REFUSED_FOR_GOOD = 500  # and above, as SMTP numbers its answers
_ID_LETTERS = 32
_SALT = "chat.commands.digests"  # whatever this module is called one day: links in mails must go on working
_TEST = """This is a test: mails of what you missed come here.

You have them switched off with this link, without signing in:
{off}
"""


class NotTaken(Exception):
    """The mail server did not take a mail. It says nothing of whose: this stands in the log."""


class Refused(NotTaken):
    """Nor is it to be tried again: it will not be taken, or has been, for all that one knows."""


@transaction.atomic
def choose(frequency: Frequency, *, user: User) -> None:
    """Say how often one wants a mail, from now on. Conflict without an address, NotSupported."""
    if frequency is not Frequency.NEVER:
        _require_possible(user)
    take_turn(user)
    chores.drop(DIGEST, begin=str(user.id))
    if frequency is Frequency.NEVER:
        MailDigest.objects.filter(user=user).delete()
        return
    # What is unread by now is no news; who only wants mails more or less often has missed nothing by that.
    first = {"frequency": frequency, "told_message_id": id_at(clock.now_ms())}
    MailDigest.objects.update_or_create(user=user, defaults={"frequency": frequency}, create_defaults=first)
    _look(user.id, next_look(frequency, user.id, now=datetime.now(UTC)))


@transaction.atomic
def mail_test(*, user: User) -> None:
    """Mail somebody that mails come. Conflict without an address, NotSupported."""
    _require_possible(user)
    chores.add(TEST, key=str(user.id), payload={"user": str(user.id)})


@transaction.atomic
def stop(token: str) -> None:
    """Mail somebody nothing more, as the link in their mails says; NotFound for what is none."""
    MailDigest.objects.filter(user=whose(token)).delete()


def whose(token: str) -> UUID:
    """Whose mails a link switches off; NotFound for what is none."""
    try:
        user = UUID(hex=token[:_ID_LETTERS])
    except ValueError:
        raise NotFound from None
    if not hmac.compare_digest(token[_ID_LETTERS:].encode(), _signature(user).encode()):
        raise NotFound
    return user


@chores.handles(DIGEST, at_once=AT_ONCE)
async def look(payload: dict[str, Any]) -> None:
    """Mail a person what they missed, if that is due, and look again later."""
    user, now = UUID(payload["user"]), datetime.now(UTC)
    try:
        again = await _mail_if_due(user, now)
    except (Unavailable, NotTaken) as error:
        logger.warning("the mail digest of %s waits: %s", user, error)
        again = now + RETRY
    if again is not None:
        await in_db_thread(_look_again, user, again)


@chores.handles(TEST, at_once=AT_ONCE)
async def send_test(payload: dict[str, Any]) -> None:
    """Mail a test."""
    user = await in_db_thread(User.objects.filter(id=payload["user"], is_active=True).exclude(email="").first)
    if user is not None:
        text = _TEST.format(off=off_address(user.id))
        try:
            await asyncio.to_thread(_hand_over, _mail(user, "A test of your mails from the chat", text))
        except NotTaken as error:  # Whoever waits for it tries again.
            logger.warning("the test of %s's mails: %s", user.id, error)


def off_address(user: UUID) -> str:
    """Where a person, or their mail program, switches their mails off."""
    return f"{settings.PUBLIC_URL}/mail-digest/{user.hex}{_signature(user)}"


def _require_possible(user: User) -> None:
    if not settings.MAIL_DIGEST:
        raise NotSupported("Mails of what was missed are switched off here (CHAT_MAIL_DIGEST).")
    if not user.email:
        raise Conflict("Give a mail address first.")


async def _mail_if_due(user: UUID, now: datetime) -> datetime | None:
    """Mail what is due; answers when to look again, None of who wants no mails any more."""
    digest = await in_db_thread(find, user)
    if digest is None:
        return None
    frequency, before = Frequency(digest.frequency), digest.mailed_for
    period, after = period_of(frequency, now), next_look(frequency, user, now=now)
    if before is not None and before >= period:
        return after
    if not (settings.MAIL_DIGEST and digest.user.is_active and digest.user.email):
        return after
    if str(user) not in await may_be_notified({str(user)}):
        return min(now + AGAIN, after)
    news = await news_of(digest)
    if news is None or not await in_db_thread(_mark, user, period):
        return after
    try:
        await asyncio.to_thread(_hand_over, _digest(digest.user, news.missed))
    except Refused as error:
        # One try a period is enough; what it would have told the next one tells.
        logger.warning("the mail digest of %s: %s", user, error)
        return after
    except NotTaken:
        await in_db_thread(MailDigest.objects.filter(user=user, mailed_for=period).update, mailed_for=before)
        raise
    await in_db_thread(MailDigest.objects.filter(user=user).update, told_message_id=news.newest)
    return after


def _mark(user: UUID, period: datetime) -> bool:
    """Mark a period's mail as sent; False where somebody else did, or the person wants none any more."""
    unmarked = Q(mailed_for=None) | Q(mailed_for__lt=period)
    return bool(MailDigest.objects.filter(unmarked, user=user).update(mailed_for=period))


@transaction.atomic
def _look_again(user: UUID, at: datetime) -> None:
    if MailDigest.objects.select_for_update().filter(user=user).exists():
        _look(user, at)


def _look(user: UUID, at: datetime) -> None:
    chores.add(DIGEST, key=str(user), payload={"user": str(user)}, due_at=at)


def _digest(user: User, missed: Sequence[Missed]) -> EmailMultiAlternatives:
    count = sum(one.number for one in missed)
    chats = [
        {
            "title": one.title,
            "count": f"{MOST - 1}+" if one.number >= MOST else str(one.number),
            "what": ("unread message" if one.is_direct else "mention") + ("" if one.number == 1 else "s"),
            "address": f"{settings.PUBLIC_URL}/#/chat/{one.chat}",
        }
        for one in missed
    ]
    shown = {"name": str(user), "chats": chats, "off": off_address(user.id)}
    subject = "You missed a message in the chat" if count == 1 else "You missed messages in the chat"
    mail = _mail(user, subject, render_to_string("chat/digest.txt", shown))
    mail.attach_alternative(render_to_string("chat/digest.html", shown), "text/html")
    return mail


def _mail(user: User, subject: str, text: str) -> EmailMultiAlternatives:
    headers = {
        # RFC 8058: mail programs show a button, which posts there.
        "List-Unsubscribe": f"<{off_address(user.id)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMultiAlternatives(subject, text, to=[user.email], headers=headers)


def _hand_over(mail: EmailMultiAlternatives) -> None:
    """Hand a mail to the mail server. What is raised names nobody, as the texts of the errors behind it may."""
    server = mail.connection = get_connection()
    try:
        try:
            server.open()
        except OSError as error:  # What smtplib raises, too.
            raise NotTaken(f"the mail server does not answer ({type(error).__name__})") from None
        try:
            mail.send()
        except SMTPRecipientsRefused as error:
            raise _refusal(min(code for code, _ in error.recipients.values())) from None
        except SMTPResponseException as error:
            raise _refusal(error.smtp_code) from None
        except ValueError:
            raise Refused("the address is none that mails can be sent to") from None
        except OSError as error:
            raise Refused(f"the mail server may have taken it ({type(error).__name__})") from None
    finally:
        with suppress(OSError):
            server.close()


def _refusal(code: int) -> NotTaken:
    return (Refused if code >= REFUSED_FOR_GOOD else NotTaken)(f"the mail server refuses it ({code})")


def _signature(user: UUID) -> str:
    return salted_hmac(_SALT, user.hex, algorithm="sha256").hexdigest()
