"""Saying something: facts of the event log."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec
from django.conf import settings

from chat import policy, polls
from chat.commands import naming
from chat.events import Forwarded, MessageSent, Poll, body_digest, digest_of, forward_digest
from chat.fold import MessageState
from chat.markdown import html_of
from chat.mentions import ordered
from chat.messages import Message
from chat.policy import Action, Seat
from chat.queries.messages import is_caught_up, require_message
from chat.queries.participants import Roster, require_open_roster
from chat.queries.rules import rules
from chat.queries.threads import require_root
from chat.rules import Rule as StaffRule
from chat.rules import allowed
from chatsite.gateway.protocol import MAX_CONTENT
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Internal,
    Invalid,
    KeyReused,
    Unavailable,
)
from chatsite.kernel.eventlog import Appended, log
from chatsite.kernel.events import NewRecord, Record, iso, new_record
from chatsite.kernel.ids import ChatId, MessageId, UserId, unix_ms_of, version_of
from chatsite.kernel.limits import Ask, Rule, buckets, require, rule
from chatsite.kernel.metrics import messages_ingested
from chatsite.kernel.nonces import Elsewhere, Known, nonce_key, nonce_name, nonces

MAX_NONCE = 64
LAGGING_MS = 1_000  # until history may have caught up


class Sent(NamedTuple):
    """What a send answers, the first time and every time its nonce comes again."""

    message_id: MessageId
    chat_id: ChatId
    ts: str
    pos: int
    epoch: str
    event: MessageSent
    repeated: bool


class Copied(NamedTuple):
    """What a forward takes of a message beside its text, as it is at that moment."""

    html: str | None
    attachments: Sequence[str]
    taken: Forwarded


class Draft(NamedTuple):
    """What somebody wants to say, before it is checked."""

    content: str
    nonce: str | None = None
    retry: bool = False
    first_tried_ms: int = 0  # how long ago, where the sender says
    reply_to: MessageId | None = None
    thread: MessageId | None = None  # the message that the thread is under
    mentions: Sequence[str] = ()  # user ids, and what `chat.mentions` knows beside
    copied: Copied | None = None  # where it is forwarded
    important: bool = False  # whether everybody is asked to acknowledge it
    poll: Poll | None = None  # what is asked, where the text is a question


async def accept(chat: ChatId, draft: Draft, *, sender: UserId) -> "asyncio.Future[Sent]":
    """Check a message and hand it to the log; the future resolves once it is durable.

    A nonce that was used answers with its first result before anything else is
    checked. Raises Invalid, ContentRefused, NotFound, Forbidden, Conflict, RateLimited, KeyReused,
    Unavailable.
    """
    require_content(draft.content)
    _require_nonce(draft.nonce)
    digest = _digest_of(draft)
    earlier = await _find_earlier(chat, draft, sender, digest) if draft.nonce else None
    if isinstance(earlier, asyncio.Future):
        return earlier
    slowed, root, mentions, said, stays = await _require_allowed(chat, draft, sender)
    epoch = await stream().epoch()
    # From here to the append nothing waits but for a reservation in Redis, and a session reads its next
    # frame after that: the order of a sender's ids is the order of the log.
    message_id = MessageId(earlier.message_id) if earlier else clock.mint()
    result: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    result.add_done_callback(_look_at_error)
    if slowed:
        result.add_done_callback(lambda done: _give_back(slowed, done))
    try:
        faster = await _reserve(chat, draft, sender, digest, message_id, result) if draft.nonce else None
        if isinstance(faster, asyncio.Future):
            return faster
        message_id = MessageId(faster.message_id) if faster else message_id
        event = _event_of(said, message_id, chat, sender, root=root, mentions=mentions, stays=stays)
        if said is not draft:
            event = msgspec.structs.replace(event, unmasked_digest=_sealed(digest).hex())
        appended = log().append(_record_of(event, chat, sender))
    except BaseException:
        result.cancel()  # Nobody will make it: a retry counts as the first.
        raise
    appended.add_done_callback(lambda done: _settle(result, done, event, epoch, digest))
    return result


def _record_of(event: MessageSent, chat: ChatId, sender: UserId) -> NewRecord:
    message_id = MessageId(int(event.message_id))
    return new_record(
        event,
        event_id=uuid5(chat, event.message_id),
        key=chat,
        version=version_of(message_id),
        occurred_ms=unix_ms_of(message_id),
        actor=sender,
        region=settings.REGION,
        unique_key=nonce_key(chat, sender, event.nonce) if event.nonce else None,
    )


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


async def find_sent(chat: ChatId, draft: Draft, *, sender: UserId) -> Sent | None:
    """What a draft became when it was sent under its nonce before; None where it has none or was not sent."""
    earlier = await _find_earlier(chat, draft, sender, _digest_of(draft)) if draft.nonce else None
    return await asyncio.shield(earlier) if isinstance(earlier, asyncio.Future) else None


async def require_can_type(chat: ChatId, sender: UserId) -> None:
    """Refuse to tell others that somebody writes who may not post."""
    members, seat = await require_open_roster(chat, sender)
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())


class _Allowed(NamedTuple):
    slowed: Ask | None  # what slow mode took, to be given back if it is not said
    root: MessageState | None  # the message that its thread is under
    mentions: list[str]
    said: Draft  # as the rules of staff let it be said; the draft itself where they cover nothing
    stays: int  # seconds after which it goes by itself; 0 = it stays


async def _require_allowed(chat: ChatId, draft: Draft, sender: UserId) -> _Allowed:
    """Refuse what the sender may not say here."""
    members, seat = await require_open_roster(chat, sender)
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())
    # A stranger was refused above, so nobody from outside can use up a chat's bucket.
    await require(*asks_of(chat, sender))
    if draft.reply_to is not None:
        policy.require(seat.role, Action.REPLY)
        await require_message(chat, draft.reply_to, viewer=sender)
    root = None
    if draft.thread is not None:
        policy.require(seat.role, Action.REPLY)
        root = await require_root(chat, draft.thread, viewer=sender)
        if root.is_deleted:
            raise Conflict("The message is deleted.")
    if draft.important:
        policy.require(seat.role, Action.MARK_IMPORTANT)
    if draft.poll is not None:
        polls.require_time(draft.poll, now_ms=clock.now_ms())
    named = await naming.require(draft.mentions, members, seat, sender=sender) if draft.mentions else []
    said = _judged(draft, (await rules()).for_chat(chat, members.company))
    slowed = await _require_slow_mode(chat, sender, members, seat)
    return _Allowed(slowed, root, named, said, members.expire_seconds)


def _judged(draft: Draft, judging: Sequence[StaffRule]) -> Draft:
    """What is said with what rules cover covered; what a forward copies is rendered anew. ContentRefused."""
    if not judging:
        return draft
    content, poll = allowed(draft.content, judging), draft.poll
    if poll is not None:
        options = tuple(allowed(option, judging) for option in poll.options)
        poll = poll if options == poll.options else msgspec.structs.replace(poll, options=options)
    if content == draft.content and poll is draft.poll:
        return draft
    copied = draft.copied and draft.copied._replace(html=html_of(content))
    return draft._replace(content=content, copied=copied, poll=poll)


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


def _digest_of(draft: Draft) -> bytes:
    if draft.copied is not None:
        return forward_digest(draft.copied.taken)
    reply_to, thread = (str(one) if one is not None else None for one in (draft.reply_to, draft.thread))
    said = draft.content, reply_to, ordered(draft.mentions), thread
    return body_digest(*said, important=draft.important, poll=draft.poll)


def _sealed(digest: bytes) -> bytes:
    """A digest of what a rule covered, that tells whoever reads the log nothing: short texts could be tried out."""
    return blake2b(digest, key=settings.SECRET_KEY.encode()[:64], digest_size=16).digest()


def _event_of(
    draft: Draft,
    message_id: MessageId,
    chat: ChatId,
    sender: UserId,
    *,
    root: MessageState | None = None,
    mentions: Sequence[str] = (),
    stays: int = 0,
) -> MessageSent:
    copied = draft.copied
    return MessageSent(
        message_id=str(message_id),
        room_id=str(chat),
        sender_id=str(sender),
        content=draft.content,
        sent_at=iso(unix_ms_of(message_id)),
        attachments=list(copied.attachments) if copied else [],
        nonce=draft.nonce,
        html=copied.html if copied else html_of(draft.content),
        message_type="poll" if draft.poll is not None else "text",
        reply_to_id=str(draft.reply_to) if draft.reply_to is not None else None,
        thread_id=str(draft.thread) if draft.thread is not None else None,
        thread_starter_id=root.sender_id if root is not None else None,
        mentions=list(mentions) or ordered(draft.mentions),
        forwarded_from=copied.taken if copied else None,
        important=draft.important,
        poll=draft.poll,
        expires_at=iso(unix_ms_of(message_id) + stays * 1_000) if stays else None,
    )


async def _find_earlier(
    chat: ChatId, draft: Draft, sender: UserId, digest: bytes
) -> "asyncio.Future[Sent] | Known | None":
    """The result of the first send with a nonce, or the id that it is to be sent again under."""
    key = nonce_name(chat, sender, draft.nonce or "")
    sent: Sent | None
    match await nonces().find(key, digest, retry=draft.retry, tried_ms=draft.first_tried_ms):
        case asyncio.Future() as first:
            return _repeat(first)
        case Known(pos=None) as known:
            return known
        case Known() as known:
            return _done(await _sent_again(chat, draft, sender, known))
        case Elsewhere.LOG:
            record = await log().find(nonce_key(chat, sender, draft.nonce or ""))
            sent = _first_result(record, await stream().epoch(), digest) if record else None
        case Elsewhere() as where:
            sent = await _find_stored(chat, draft, sender, digest, caught_up=where is Elsewhere.CAUGHT_UP_STORE)
        case _:
            return None
    if sent is None:
        return None
    result = _done(sent)
    await nonces().reserve(key, digest, sent.message_id, result)
    return result


async def _find_stored(chat: ChatId, draft: Draft, sender: UserId, digest: bytes, *, caught_up: bool) -> Sent | None:
    """What the message store knows of a nonce; where it must have caught up, Unavailable until it has."""
    if caught_up and not await is_caught_up(chat):
        raise Unavailable(code="lagging", retry_after_ms=LAGGING_MS)
    if (found := await Message.objects.find_nonce(chat, sender, draft.nonce or "")) is None:
        return None
    if found.digest not in (digest, _sealed(digest)):
        raise KeyReused(code="nonce_reused")
    state = await Message.objects.find(chat, found.message_id)
    return await _sent_again(chat, draft, sender, Known(found.message_id, state.pos if state else None))


async def _sent_again(chat: ChatId, draft: Draft, sender: UserId, known: Known) -> Sent:
    """What the first send answered; its body was the same."""
    event = _event_of(draft, MessageId(known.message_id), chat, sender)
    return _result(event, await stream().epoch(), known.pos or 0, repeated=True)


async def _reserve(
    chat: ChatId, draft: Draft, sender: UserId, digest: bytes, message_id: MessageId, result: "asyncio.Future[Sent]"
) -> "asyncio.Future[Sent] | Known | None":
    """Keep a send under its nonce; answers like `_find_earlier` where another try of it was faster."""
    faster = await nonces().reserve(nonce_name(chat, sender, draft.nonce or ""), digest, message_id, result)
    if isinstance(faster, Known) and faster.pos is not None:
        result.set_result(await _sent_again(chat, draft, sender, faster))
        return result
    if isinstance(faster, asyncio.Future):
        result.cancel()
        return _repeat(faster)
    return faster


def _done(sent: Sent) -> "asyncio.Future[Sent]":
    result: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    result.set_result(sent)
    return result


def _repeat(first: "asyncio.Future[Sent]") -> "asyncio.Future[Sent]":
    """The same answer for another asker, who is told that it is not new."""
    result: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    result.add_done_callback(_look_at_error)

    def copy(done: "asyncio.Future[Sent]") -> None:
        if result.done():
            return
        if done.cancelled():
            result.set_exception(Unavailable(code="log_unavailable"))
        elif error := done.exception():
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
    if digest_of(event) not in (digest, _sealed(digest)):
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
