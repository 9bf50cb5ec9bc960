"""Browsers that are told of what is new while no window is open, and the chore that tells them.

A note that cannot be handed over comes again later and later, and is no news after
ten minutes. It is made of the message as it is then, so what was deleted meanwhile
tells nothing; nor does what its person has read.
"""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction

from chat import push
from chat.commands.locking import take_turn
from chat.fold import MessageState
from chat.models import Chat, Participant, PushSubscription
from chat.notifiers import Address, notifier
from chat.queries.messages import require_message
from chat.queries.push import forget_nobody, standing
from chatsite.accounts.models import User
from chatsite.kernel import chores, clock, outbound
from chatsite.kernel.addresses import networks
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict, Invalid, NotFound, NotSupported, Unavailable
from chatsite.kernel.ids import ChatId, MessageId, UserId

MOST_TESTS = 8  # that wait for push services at the same time: whoever named those can make them slow
NOTIFY = "notify"  # the chore that tells one browser of one message
AT_ONCE = 4  # in one process: a slow push service holds up no other chores
NEWS_MS = 600_000  # what is older is no news
MOST = 10  # browsers of one person
MAX_ENDPOINT = 1_000
MAX_TEXT = 200  # code points: a note has room for 3,000 bytes
GONE = (404, 410)
_SPOILER = re.compile(r"\|\|(?=\S)[^|]*(?:\|[^|]+)*?\|\|")

_tests = asyncio.Semaphore(MOST_TESTS)


class NotTaken(Exception):
    """A push service did not take a note; it comes again."""


class Tried(NamedTuple):
    """What came of a test: the status of the answer, or why there was none."""

    status: int | None
    error: str


@transaction.atomic
def subscribe(address: Address, *, user: User, sign_in: UUID, has_texts: bool) -> PushSubscription:
    """Tell a browser of what is new for a person, and for nobody else any more. Invalid, Conflict, NotSupported."""
    if notifier().key is None:
        raise NotSupported("Notifications are switched off here (CHAT_PUSH).")
    endpoint = outbound.require_url(address.endpoint, allowed=networks(settings.WEBHOOK_ALLOW), field="endpoint")
    if len(endpoint) > MAX_ENDPOINT or not endpoint.isascii():
        raise Invalid(f"expected at most {MAX_ENDPOINT} characters of ASCII.", field="endpoint")
    push.require_keys(address.p256dh, address.auth)
    take_turn(user)
    # Whoever signs in with the same browser takes it over.
    PushSubscription.objects.filter(endpoint=endpoint).exclude(user=user).delete()
    PushSubscription.objects.filter(user=user).exclude(id__in=standing().values("id")).delete()
    mine = PushSubscription.objects.filter(user=user)
    if not mine.filter(endpoint=endpoint).exists() and mine.count() >= MOST:
        raise Conflict(f"At most {MOST} browsers; take some away first.")
    keys = {"sign_in_id": sign_in, "p256dh": address.p256dh, "auth": address.auth, "has_texts": has_texts}
    row, _ = PushSubscription.objects.update_or_create(user=user, endpoint=endpoint, defaults=keys)
    transaction.on_commit(forget_nobody)
    return row


@transaction.atomic
def unsubscribe(subscription_id: UUID, *, user: User) -> None:
    """Tell a browser nothing any more. NotFound."""
    _require(subscription_id, user).delete()


def _require(subscription_id: UUID, user: User) -> PushSubscription:
    row = standing().filter(id=subscription_id, user=user).first()
    if row is None:
        raise NotFound("There is no such subscription.")
    return row


async def send_test(subscription_id: UUID, *, user: User) -> Tried:
    """Tell a browser that it is told, at once. NotFound, NotSupported, Unavailable while others try theirs."""
    row = await in_db_thread(_require, subscription_id, user)
    if _tests.locked():
        raise Unavailable("Others try theirs just now.", code="store_unavailable", retry_after_ms=2_000)
    note = msgspec.json.encode({"title": "Chat", "body": "This is a test: notifications come here."})
    async with _tests:
        try:
            return Tried(await _send(row, note, topic="test"), "")
        except outbound.Unreachable as error:
            return Tried(None, str(error))


def notify_soon(subscription: UUID, *, chat: UUID, message: str, pos: int, said_ms: int) -> None:
    """Leave telling a browser of a message for later, with the caller's transaction."""
    payload = {"subscription": str(subscription), "chat": str(chat), "message": message, "pos": pos, "said_ms": said_ms}
    chores.add(NOTIFY, key=f"{subscription}:{message}", payload=payload)


@chores.handles(NOTIFY, at_once=AT_ONCE)
async def notify(payload: dict[str, Any]) -> None:
    """Tell a browser of a message that is still there, unread, and news."""
    if clock.now_ms() - payload["said_ms"] > NEWS_MS:
        return
    chat, message = ChatId(UUID(payload["chat"])), MessageId(int(payload["message"]))
    subscription = await in_db_thread(_find, UUID(payload["subscription"]), chat, payload["pos"])
    if subscription is None:
        return
    try:
        said = await require_message(chat, message, viewer=UserId(subscription.user_id))
    except NotFound:
        return
    if not said.is_deleted:
        note = await in_db_thread(_note, said, subscription)
        status = await _send(subscription, note, topic=chat.hex)
        if status not in GONE and not 200 <= status < 300:
            raise NotTaken(f"the push service answered {status}")


async def _send(subscription: PushSubscription, note: bytes, *, topic: str) -> int:
    address = Address(subscription.endpoint, subscription.p256dh, subscription.auth)
    status = await notifier().send(note, address, topic=topic)
    if status in GONE:
        await in_db_thread(PushSubscription.objects.filter(id=subscription.id, auth=subscription.auth).delete)
    return status


def _find(subscription_id: UUID, chat: ChatId, pos: int) -> PushSubscription | None:
    """A subscription of somebody who is in a chat, has not read so far and has not silenced it meanwhile."""
    found = standing().filter(id=subscription_id).first()
    place = Participant.objects.filter(chat=chat, user=found.user_id, is_active=True).first() if found else None
    if place is None or place.last_read_pos >= pos:
        return None
    until = place.notifications_muted_until
    return None if until is not None and until > datetime.now(UTC) else found


def _note(said: MessageState, subscription: PushSubscription) -> bytes:
    chat = Chat.objects.get(id=UUID(said.chat_id))
    sender = str(User.objects.filter(id=UUID(said.sender_id)).first() or "Somebody") if said.sender_id else "Somebody"
    text = _SPOILER.sub("▒▒▒", said.content).strip() if subscription.has_texts else ""
    note = {
        "title": f"{sender} in {chat.name}" if chat.name and chat.chat_type != "direct" else sender,
        "body": text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…",
        "chatId": said.chat_id,
        "messageId": str(said.message_id),
    }
    return msgspec.json.encode(note | {"body": note["body"] or "A new message"})
