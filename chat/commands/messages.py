"""Saying something: facts of the event log."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

from django.conf import settings

from chat import policy
from chat.events import MessageSent, body_digest
from chat.policy import Action, Seat
from chat.queries.messages import require_message
from chat.queries.participants import Roster, require_open_roster
from chatsite.gateway.protocol import MAX_CONTENT
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.errors import DomainError, Forbidden, Internal, Invalid, KeyReused, NotSupported
from chatsite.kernel.eventlog import Appended, log
from chatsite.kernel.events import Record, iso, new_record
from chatsite.kernel.ids import ChatId, MessageId, UserId, unix_ms_of, version_of
from chatsite.kernel.limits import Ask, Rule, buckets, require, rule
from chatsite.kernel.metrics import messages_ingested
from chatsite.kernel.nonces import nonce_key, nonces

MAX_NONCE = 64
MAX_MENTIONS = 50
ALL, HERE = "all", "here"


class Sent(NamedTuple):
    """What a send answers, the first time and every time its nonce comes again."""

    message_id: MessageId
    chat_id: ChatId
    ts: str
    pos: int
    epoch: str
    event: MessageSent
    repeated: bool


class Draft(NamedTuple):
    """What somebody wants to say, before it is checked."""

    content: str
    nonce: str | None = None
    retry: bool = False
    reply_to: MessageId | None = None
    mentions: Sequence[str] = ()  # user ids, or "all"


async def accept(chat: ChatId, draft: Draft, *, sender: UserId) -> "asyncio.Future[Sent]":
    """Check a message and hand it to the log; the future resolves once it is durable.

    A nonce that was used answers with its first result before anything else is
    checked. Raises Invalid, NotFound, Forbidden, Conflict, RateLimited, KeyReused,
    Unavailable.
    """
    require_content(draft.content)
    _require_nonce(draft.nonce)
    key = nonce_key(chat, sender, draft.nonce) if draft.nonce else None
    digest = body_digest(draft.content, str(draft.reply_to) if draft.reply_to is not None else None, draft.mentions)
    if key and (first := await _find_first(key, digest, retry=draft.retry)):
        return first
    slowed = await _require_allowed(chat, draft, sender)
    epoch = await stream().epoch()
    # From here to the append nothing waits, so the order of ids is the order of the log.
    message_id = clock.mint()
    event = _event_of(draft, message_id, chat, sender)
    appended = log().append(
        new_record(
            event,
            event_id=uuid5(chat, event.message_id),
            key=chat,
            version=version_of(message_id),
            occurred_ms=unix_ms_of(message_id),
            actor=sender,
            region=settings.REGION,
            unique_key=key,
        )
    )
    result: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    result.add_done_callback(_look_at_error)
    appended.add_done_callback(lambda done: _settle(result, done, event, epoch, digest))
    if slowed:
        result.add_done_callback(lambda done: _give_back(slowed, done))
    if key:
        nonces().reserve(key, digest, result)
    return result


def _give_back(slowed: Ask, done: "asyncio.Future[Sent]") -> None:
    """Let who was not heard try again at once."""
    if done.cancelled() or done.exception():
        task = asyncio.get_running_loop().create_task(buckets().give_back(slowed))
        _giving_back.add(task)
        task.add_done_callback(_giving_back.discard)


_giving_back: "set[asyncio.Task[None]]" = set()  # as many as sends fail at once in chats in slow mode


async def send(chat: ChatId, draft: Draft, *, sender: UserId) -> Sent:
    """Say something and wait until it is durable; raises what `accept` raises."""
    accepted = await accept(chat, draft, sender=sender)
    # Shielded: a caller that goes away must not take the answer from the others with its nonce.
    return await asyncio.shield(accepted)


async def require_can_type(chat: ChatId, sender: UserId) -> None:
    """Refuse to tell others that somebody writes who may not post."""
    members, seat = await require_open_roster(chat, sender)
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())


async def _require_allowed(chat: ChatId, draft: Draft, sender: UserId) -> Ask | None:
    """Refuse what the sender may not say here; answers what slow mode took, to be given back if it is not said."""
    members, seat = await require_open_roster(chat, sender)
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())
    # A stranger was refused above, so nobody from outside can use up a chat's bucket.
    await require(*asks_of(chat, sender))
    if draft.reply_to is not None:
        policy.require(seat.role, Action.REPLY)
        await require_message(chat, draft.reply_to, viewer=sender)
    if draft.mentions:
        _require_mentions(draft.mentions, members, seat)
    return await _require_slow_mode(chat, sender, members, seat)


async def _require_slow_mode(chat: ChatId, sender: UserId, members: Roster, seat: Seat) -> Ask | None:
    """Refuse a second message within the chat's slow mode; moderators are not slowed."""
    if not members.slow_mode_seconds or policy.may(seat.role, Action.DELETE_ANY):
        return None
    seconds = members.slow_mode_seconds
    ask = Ask(Rule("slow_mode", 1 / seconds, 1), f"{chat}:{sender}:{seconds}")
    decision = await buckets().take(ask)
    if not decision.allowed:
        raise Forbidden(code="slow_mode", retry_after_ms=decision.retry_after_ms)
    return ask


def _require_mentions(mentions: Sequence[str], members: Roster, seat: Seat) -> None:
    if len(mentions) > MAX_MENTIONS:
        raise Invalid(f"at most {MAX_MENTIONS}; mention all instead.", field="mentions")
    for mention in mentions:
        if mention == ALL:
            policy.require(seat.role, Action.MENTION_ALL, members.overrides)
        elif mention == HERE:
            raise NotSupported("@here belongs to a later version.")
        elif mention not in members.members:
            raise Invalid("only participants can be mentioned.", field="mentions")


def _event_of(draft: Draft, message_id: MessageId, chat: ChatId, sender: UserId) -> MessageSent:
    return MessageSent(
        message_id=str(message_id),
        room_id=str(chat),
        sender_id=str(sender),
        content=draft.content,
        sent_at=iso(unix_ms_of(message_id)),
        attachments=[],
        nonce=draft.nonce,
        reply_to_id=str(draft.reply_to) if draft.reply_to is not None else None,
        mentions=list(dict.fromkeys(draft.mentions)),
    )


async def _find_first(key: str, digest: bytes, *, retry: bool) -> "asyncio.Future[Sent] | None":
    if (first := nonces().find(key, digest)) is not None:
        return _repeat(first)
    if not retry or (record := await log().find(key)) is None:
        return None  # A first try needs no look-up: the log's unique key catches one that is none.
    result: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    result.set_result(_first_result(record, await stream().epoch(), digest))
    nonces().reserve(key, digest, result)
    return result


def _repeat(first: "asyncio.Future[Sent]") -> "asyncio.Future[Sent]":
    """The same answer for another asker, who is told that it is not new."""
    result: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    result.add_done_callback(_look_at_error)

    def copy(done: "asyncio.Future[Sent]") -> None:
        if result.done():
            return
        if error := done.exception():
            result.set_exception(error)
        else:
            result.set_result(done.result()._replace(repeated=True))

    if first.done():
        copy(first)
    else:
        first.add_done_callback(copy)
    return result


def _settle(
    result: "asyncio.Future[Sent]",
    done: "asyncio.Future[Appended]",
    event: MessageSent,
    epoch: str,
    digest: bytes,
) -> None:
    if result.done():
        return
    if error := done.exception():
        result.set_exception(error)
        return
    appended = done.result()
    try:
        if appended.first is not None:
            result.set_result(_first_result(appended.first, epoch, digest))
        else:
            messages_ingested.inc()
            result.set_result(_result(event, epoch, appended.pos, repeated=False))
    except DomainError as refusal:
        result.set_exception(refusal)


def _first_result(record: Record, epoch: str, digest: bytes) -> Sent:
    event = record.fact.payload
    if not isinstance(event, MessageSent):
        raise Internal(f"The record of a nonce is a {record.event_type}.")
    if body_digest(event.content, event.reply_to_id, event.mentions) != digest:
        raise KeyReused(code="nonce_reused")
    return _result(event, epoch, record.pos, repeated=True)


def _result(event: MessageSent, epoch: str, pos: int, *, repeated: bool) -> Sent:
    message_id, chat = MessageId(int(event.message_id)), ChatId(UUID(event.room_id))
    return Sent(message_id, chat, event.sent_at, pos, epoch, event, repeated=repeated)


def asks_of(chat: ChatId, sender: UserId) -> tuple[Ask, ...]:
    """What a message, or a change of one, takes from the buckets."""
    where, who = str(chat), str(sender)
    return (
        Ask(rule("sends"), f"{where}:{who}"),
        Ask(rule("person_sends"), who),
        Ask(rule("chat_sends"), where),
    )


def require_content(content: str) -> None:
    """Refuse a text that is empty, too long or no text."""
    if not content.strip():
        raise Invalid("say something.", field="content")
    if len(content) > MAX_CONTENT:
        raise Invalid(f"at most {MAX_CONTENT} code points, not {len(content)}.", field="content")
    if "\x00" in content:
        raise Invalid("NUL is no text.", field="content")


def _require_nonce(nonce: str | None) -> None:
    if nonce is not None and not 1 <= len(nonce) <= MAX_NONCE:
        raise Invalid(f"1 to {MAX_NONCE} characters.", field="nonce")


def _look_at_error(result: "asyncio.Future[Sent]") -> None:
    """Mark the error as seen: a sender that went away has nobody to await it."""
    if not result.cancelled():
        result.exception()
