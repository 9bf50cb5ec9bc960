"""The chat's frames: what people do with messages, how far they have read, that they write."""

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from chat import polls as asking
from chat.commands import (
    acknowledgements,
    bot_commands,
    changes,
    flags,
    forwards,
    messages,
    pins,
    polls,
    reactions,
    reads,
    stars,
    threads,
)
from chat.commands.bot_commands import Asked
from chat.commands.changes import Changed
from chat.commands.messages import Draft, Sent, require_can_type
from chat.events import Poll
from chat.protocol import (
    Acknowledge,
    ClosePoll,
    DeleteMessage,
    EditMessage,
    FlagMessage,
    FollowThread,
    ForwardMessage,
    Invoke,
    PinMessage,
    React,
    Read,
    SendMessage,
    StarMessage,
    Typing,
    UnfollowThread,
    UnpinMessage,
    Unreact,
    UnstarMessage,
    Vote,
)
from chat.queries.participants import chat_id
from chatsite.gateway.notices import whisper
from chatsite.gateway.protocol import ClientFrame, error_frame, frame
from chatsite.gateway.registry import on
from chatsite.gateway.session import Session
from chatsite.kernel.errors import CODES, DomainError, Internal, Invalid, NotSupported
from chatsite.kernel.ids import UserId, read_id


@on(SendMessage)
async def send_message(session: Session, asked: SendMessage) -> None:
    """Accept a message; its ACK leaves once it is durable, while the next frame is read."""
    if asked.attachments:
        raise NotSupported("attachments belongs to a later version.")
    await session.take_slot()
    try:
        draft = Draft(
            asked.content,
            nonce=asked.nonce,
            retry=asked.retry,
            first_tried_ms=asked.first_tried_ms,
            reply_to=read_id(asked.reply_to_id, "replyToId") if asked.reply_to_id is not None else None,
            thread=read_id(asked.thread_id, "threadId") if asked.thread_id is not None else None,
            mentions=asked.mentions,
            important=asked.important,
            poll=_poll_of(asked),
        )
        accepted = await messages.accept(chat_id(asked.room_id), draft, sender=_user_id(session.require_user))
    except BaseException:
        session.free_slot()
        raise
    accepted.add_done_callback(lambda done: _answer(session, asked, done))


def _poll_of(asked: SendMessage) -> Poll | None:
    if (poll := asked.poll) is None:
        return None
    choice = {"multiple": poll.multiple, "anonymous": poll.anonymous}
    return asking.poll_of(poll.options, **choice, closes_at=poll.closes_at)


@on(ForwardMessage)
async def forward(session: Session, asked: ForwardMessage) -> None:
    """Forward a message; the answer says what became of it in each room."""
    outcomes = await forwards.forward(
        chat_id(asked.room_id),
        read_id(asked.message_id, "messageId"),
        to=[chat_id(room) for room in asked.to],
        by=_user_id(session.require_user),
        tried=forwards.Tried(asked.nonce, asked.retry, asked.first_tried_ms),
    )
    to = [_outcome(str(room), one) for room, one in outcomes.items()]
    session.reply(
        frame("ACK", ref=asked.ref, nonce=asked.nonce, roomId=asked.room_id, messageId=asked.message_id, to=to)
    )


def _outcome(room: str, outcome: Sent | DomainError) -> dict[str, object]:
    """What became of a forward in one room: what an ACK says of a send, or an ERROR of a refusal."""
    if isinstance(outcome, Sent):
        said = {"messageId": str(outcome.message_id), "ts": outcome.ts, "pos": outcome.pos, "epoch": outcome.epoch}
        return {"roomId": room, **said}
    refused = {"code": outcome.code, "message": outcome.detail, "retryable": CODES[outcome.code].retryable}
    after = {"retryAfterMs": outcome.retry_after_ms} if outcome.retry_after_ms is not None else {}
    return {"roomId": room, **refused, **after}


@on(EditMessage)
async def edit_message(session: Session, asked: EditMessage) -> None:
    """Change the text of a message."""
    changed = await changes.edit(
        chat_id(asked.room_id),
        read_id(asked.message_id, "messageId"),
        editor=_user_id(session.require_user),
        content=asked.content,
    )
    _acknowledge(session, asked, changed)


@on(DeleteMessage)
async def delete_message(session: Session, asked: DeleteMessage) -> None:
    """Take a message back."""
    changed = await changes.delete(
        chat_id(asked.room_id),
        read_id(asked.message_id, "messageId"),
        by=_user_id(session.require_user),
        reason=asked.reason,
    )
    _acknowledge(session, asked, changed)


@on(React)
async def react(session: Session, asked: React) -> None:
    """Give a message an emoji."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    by = _user_id(session.require_user)
    _acknowledge(session, asked, await reactions.react(chat, message, emoji=asked.emoji, by=by))


@on(Unreact)
async def unreact(session: Session, asked: Unreact) -> None:
    """Take one's emoji back."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    by = _user_id(session.require_user)
    _acknowledge(session, asked, await reactions.unreact(chat, message, emoji=asked.emoji, by=by))


@on(Acknowledge)
async def acknowledge(session: Session, asked: Acknowledge) -> None:
    """Take note of an important message; it is kept when the ACK leaves."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    given = await acknowledgements.acknowledge(chat, message, by=_user_id(session.require_user))
    _confirm(session, asked, given)


@on(Vote)
async def vote(session: Session, asked: Vote) -> None:
    """Vote in a poll; it is kept when the ACK leaves."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    by = _user_id(session.require_user)
    _confirm(session, asked, await polls.vote(chat, message, choices=asked.choices, by=by))


@on(ClosePoll)
async def close_poll(session: Session, asked: ClosePoll) -> None:
    """Close a poll."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    _confirm(session, asked, await polls.close(chat, message, by=_user_id(session.require_user)))


@on(Invoke)
async def invoke(session: Session, asked: Invoke) -> None:
    """Ask a bot to do something; it is told when the ACK leaves."""
    chat, wanted = chat_id(asked.room_id), Asked(asked.command, asked.text, _bot_id(asked.bot_id))
    made = await bot_commands.invoke(chat, wanted, by=_user_id(session.require_user), now=datetime.now(UTC))
    until = bot_commands.until_of(made)
    session.reply(frame("ACK", ref=asked.ref, roomId=asked.room_id, invocationId=str(made.id), replyUntil=until))


@on(PinMessage)
async def pin(session: Session, asked: PinMessage) -> None:
    """Pin a message."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    _acknowledge(session, asked, await pins.pin(chat, message, by=_user_id(session.require_user)))


@on(UnpinMessage)
async def unpin(session: Session, asked: UnpinMessage) -> None:
    """Take a message's pin away."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    _acknowledge(session, asked, await pins.unpin(chat, message, by=_user_id(session.require_user)))


@on(StarMessage)
async def star(session: Session, asked: StarMessage) -> None:
    """Star a message; it is kept when the ACK leaves."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    _confirm(session, asked, await stars.star(chat, message, by=_user_id(session.require_user)))


@on(UnstarMessage)
async def unstar(session: Session, asked: UnstarMessage) -> None:
    """Take one's star away."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    _confirm(session, asked, await stars.unstar(chat, message, by=_user_id(session.require_user)))


@on(FlagMessage)
async def flag(session: Session, asked: FlagMessage) -> None:
    """Report a message to staff."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    report = flags.Report(asked.reason, text=asked.text)
    kept = await flags.flag(chat, message, report=report, by=_user_id(session.require_user))
    session.reply(
        frame("ACK", ref=asked.ref, roomId=asked.room_id, messageId=asked.message_id, flagId=str(kept.flag.id))
    )


@on(FollowThread)
async def follow_thread(session: Session, asked: FollowThread) -> None:
    """Follow a thread."""
    chat, root = chat_id(asked.room_id), read_id(asked.thread_id, "threadId")
    _confirm_thread(session, asked, await threads.follow(chat, root, by=_user_id(session.require_user)))


@on(UnfollowThread)
async def unfollow_thread(session: Session, asked: UnfollowThread) -> None:
    """Follow a thread no longer."""
    chat, root = chat_id(asked.room_id), read_id(asked.thread_id, "threadId")
    _confirm_thread(session, asked, await threads.unfollow(chat, root, by=_user_id(session.require_user)))


@on(Read)
async def read(session: Session, asked: Read) -> None:
    """Note how far one has read; the answer says what is left."""
    chat, message = chat_id(asked.room_id), read_id(asked.message_id, "messageId")
    reader = _user_id(session.require_user)
    if asked.thread_id is not None:
        root = read_id(asked.thread_id, "threadId")
        if asked.unread:
            moved = await threads.unread_from(chat, root, message, reader=reader)
        else:
            moved = await threads.read(chat, root, message, reader=reader, pos=asked.pos)
        _confirm_thread(session, asked, moved, messageId=asked.message_id, unread=moved.thread.unread)
        return
    if asked.unread:
        reading = await reads.unread_from(chat, message, reader=reader)
    else:
        reading = await reads.read(chat, message, reader=reader, pos=asked.pos)
    session.reply(
        frame(
            "ACK",
            ref=asked.ref,
            roomId=asked.room_id,
            messageId=asked.message_id,
            version=reading.version,
            unread=reading.counts.unread,
            mentions=reading.counts.mentions,
        )
    )


@on(Typing)
async def typing(session: Session, asked: Typing) -> None:
    """Tell the others that one writes; nobody answers, and nobody misses it."""
    user = session.require_user
    await require_can_type(chat_id(asked.room_id), _user_id(user))
    body = frame("TYPING", roomId=asked.room_id, userId=user, active=asked.active)
    await whisper(asked.room_id, body, besides=user)


def _acknowledge(session: Session, asked: ClientFrame, changed: Changed) -> None:
    session.reply(
        frame(
            "ACK",
            ref=asked.ref,
            roomId=str(changed.chat_id),
            messageId=str(changed.message_id),
            version=changed.version,
            pos=changed.pos,
            epoch=changed.epoch,
        )
    )


def _confirm(
    session: Session, asked: StarMessage | UnstarMessage | Acknowledge | Vote | ClosePoll, version: int
) -> None:
    session.reply(frame("ACK", ref=asked.ref, roomId=asked.room_id, messageId=asked.message_id, version=version))


def _confirm_thread(
    session: Session, asked: FollowThread | UnfollowThread | Read, changed: threads.Changed, **fields: object
) -> None:
    place = {"roomId": asked.room_id, "threadId": asked.thread_id}
    session.reply(frame("ACK", ref=asked.ref, **place, version=changed.version, **fields))


@lru_cache(maxsize=10_000)
def _user_id(text: str) -> UserId:
    return UserId(UUID(text))


def _bot_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise Invalid("expected an id.", field="botId") from None


def _answer(session: Session, asked: SendMessage, done: "asyncio.Future[Sent]") -> None:
    session.free_slot()
    try:
        sent = done.result()
    except DomainError as error:
        session.reply(error_frame(error, ref=asked.ref, nonce=asked.nonce))
    except Exception:
        session.reply(error_frame(Internal(), ref=asked.ref, nonce=asked.nonce))
        raise
    else:
        session.reply(
            frame(
                "ACK",
                ref=asked.ref,
                nonce=asked.nonce,
                roomId=str(sent.chat_id),
                messageId=str(sent.message_id),
                ts=sent.ts,
                pos=sent.pos,
                epoch=sent.epoch,
            )
        )
