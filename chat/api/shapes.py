"""Chats, participants and messages as REST shows them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from chat import polls as asking
from chat.fold import MessageState, Tallies, Tally
from chat.models import Ban, Chat, Draft, Erased, Invite, MessageFlag, Participant
from chat.policy import Kind
from chat.queries import acknowledgements, link_previews, polls
from chat.queries.acknowledgements import Acknowledgers, Noted
from chat.queries.chats import Membership, chats_of
from chat.queries.directory import Listed
from chat.queries.pins import Pinned
from chat.queries.places import place_of
from chat.queries.polls import Standing
from chat.queries.reactions import Reactions
from chat.queries.stars import Starred
from chat.queries.threads import NO_THREADS, Thread, Threads
from chat.queries.unread import Counts
from chat.stores import Edit, Read
from chatsite.accounts.queries import people
from chatsite.kernel import clock
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId, MessageId, unix_ms_of

Json = dict[str, Any]


def chat(
    membership: Membership,
    counts: Mapping[ChatId, Counts],
    epoch: str,
    users: Mapping[str, Json],
    *,
    peers: Sequence[UUID],
) -> Json:
    """A chat as one of its participants sees it; `peers` are the others of a direct chat."""
    row, place = membership
    others = [_user(str(one), users) for one in peers]
    mine = counts[ChatId(row.id)]
    return {
        "id": str(row.id),
        "name": row.name,
        "description": row.description,
        "chat_type": row.chat_type,
        "company_id": str(row.company_id) if row.company_id else None,
        "created_by": str(row.created_by_id) if row.created_by_id else None,
        "is_archived": row.is_archived,
        "participant_count": row.participant_count,
        "last_message": _preview(row, users),
        "last_message_at": _moment(row.last_message_at),
        "created_at": _moment(row.created_at),
        "mode": row.mode,
        "role": place.role,
        "peer": others[0] if row.chat_type == Kind.DIRECT and others else None,
        "peers": others,
        "permissions": row.permissions,
        "slow_mode_seconds": row.slow_mode_seconds,
        "expire_seconds": row.expire_seconds,
        "link_previews": row.link_previews,
        "muted_until": _moment(place.muted_until),
        "notifications_muted_until": _moment(place.notifications_muted_until),
        "notification_level": place.notification_level,
        "is_favourite": place.is_favourite,
        "folder_id": str(place.folder_id) if place.folder_id else None,
        "last_read_message_id": _id(mine.position.message_id),
        "unread": mine.unread,
        "mentions": mine.mentions,
        "epoch": epoch,
        "pos": mine.up_to,
        "version": max(row.version, place.version),
    }


def listed(found: Listed) -> Json:
    """A public chat as those see it who may join it: nothing of what is said there."""
    row, is_member = found
    return {
        "id": str(row.id),
        "name": row.name,
        "description": row.description,
        "company_id": str(row.company_id),
        "participant_count": row.participant_count,
        "created_at": _moment(row.created_at),
        "is_member": is_member,
    }


def preview_senders(memberships: Iterable[Membership]) -> set[str]:
    """Whose names the previews of some chats need."""
    return {row.chat.last_message["sender_id"] for row in memberships if row.chat.last_message}


def participant(place: Participant, users: Mapping[str, Json]) -> Json:
    """A participant."""
    return {
        "user": _user(str(place.user_id), users),
        "role": place.role,
        "joined_at": _moment(place.joined_at),
        "is_active": place.is_active,
        "muted_until": _moment(place.muted_until),
        "version": place.version,
    }


def invite(row: Invite) -> Json:
    """An invite as those see it who may invite."""
    return {
        "code": row.code,
        "chat_id": str(row.chat_id),
        "role": row.role,
        "expires_at": _moment(row.expires_at),
        "max_uses": row.max_uses,
        "uses": row.uses,
        "created_by": str(row.created_by_id),
        "created_at": _moment(row.created_at),
    }


def ban(row: Ban, users: Mapping[str, Json]) -> Json:
    """A ban as those see it who may lift it."""
    return {
        "user": _user(str(row.user_id), users),
        "by": _user(str(row.by_id), users) if row.by_id else None,
        "reason": row.reason,
        "created_at": _moment(row.created_at),
    }


def receipt(row: Erased) -> Json:
    """What was erased for good; `finished_at` is null while stores still hold some of it.

    The event log holds what was said until `log_until`, where nobody can read it.
    """
    log_keeps = timedelta(seconds=settings.LOG_KEEP_SECONDS)
    return {
        "id": str(row.id),
        "kind": row.kind,
        "subject": str(row.subject),
        "counts": row.counts,
        "created_at": _moment(row.created_at),
        "finished_at": _moment(row.finished_at),
        "log_until": _moment(row.created_at + log_keeps),
    }


def reading(counts: Counts) -> Json:
    """How far one has read, and what is left."""
    return {
        "last_read_message_id": _id(counts.position.message_id),
        "unread": counts.unread,
        "mentions": counts.mentions,
    }


def position(read: Read) -> Json:
    """How far somebody has read."""
    return {"user_id": str(read.user), "message_id": str(read.message_id), "read_at": read.read_at}


def edit(text: Edit) -> Json:
    """An earlier text of a message."""
    return {"content": text.content, "version": text.version, "edited_at": text.edited_at}


def messages(
    states: Iterable[MessageState], reactions: Reactions, *, viewer: str, threads: Threads = NO_THREADS
) -> list[Json]:
    """Messages with their senders' names, looked up in one query, and the threads under them that are given.

    Nobody, "", is shown from no chat where a copy was taken.
    """
    kept = list(states)
    taken = [state.forwarded_from for state in kept if state.forwarded_from and not state.is_deleted]
    users = people({*(state.sender_id for state in kept if state.sender_id), *(one.sender_id for one in taken)})
    origins = {UUID(one.room_id) for one in taken if one.room_id}
    open_to = chats_of(UUID(viewer), origins) if viewer else set()
    noted = acknowledgements.of_page(kept, viewer=viewer)
    standings = polls.of_page(kept, viewer=viewer)
    previews = link_previews.of_page(kept)
    return [
        _message(state, reactions.get(MessageId(state.message_id), {}), users, viewer, open_to)
        | _importance(state, noted.get(place, acknowledgements.NOBODY), viewer)
        | {"poll": _poll(state, standings.get(place, polls.UNTOUCHED))}
        | {"previews": [msgspec.structs.asdict(one) for one in previews.get(place, ())]}
        | {"thread": thread(under) if (under := threads.get(place)) is not None else None}
        for state, place in ((one, place_of(one)) for one in kept)
    ]


def _importance(state: MessageState, noted: Noted, viewer: str) -> Json:
    """Whether a message asks to be acknowledged, and who has: the first ten, and the viewer."""
    if not state.important or state.is_deleted:
        return {"important": False, "acknowledgements": None}
    given = {"count": noted.given, "me": viewer in noted.users, "user_ids": list(noted.users)}
    return {"important": True, "acknowledgements": given}


def _poll(state: MessageState, standing: Standing) -> Json | None:
    """What a message asks and how that stands: who chose an option is the first ten, and the viewer."""
    if (asked := state.poll) is None or state.is_deleted:
        return None
    nothing = polls.Option(0, (), is_mine=False)
    options = [(text, standing.options.get(number, nothing)) for number, text in enumerate(asked.options)]
    return {
        "options": [
            {"text": text, "count": one.given, "me": one.is_mine, "user_ids": list(one.users)} for text, one in options
        ],
        "multiple": asked.multiple,
        "anonymous": asked.anonymous,
        "closes_at": asked.closes_at,
        "is_closed": standing.is_closed or asking.is_over(asked, now_ms=clock.now_ms()),
        "voters": standing.voters,
        "version": standing.version,
    }


def named(users: Iterable[UUID]) -> list[Json | None]:
    """People with their names, looked up in one query."""
    ids = [str(user) for user in users]
    known = people(ids)
    return [_user(user, known) for user in ids]


def acknowledgers(found: Acknowledgers) -> Json:
    """Who has acknowledged a message, and, where it is told, who has not; with their names, looked up in one query."""
    waiting = found.waiting
    users = people({*(one.user for one in found.given), *(waiting.users if waiting else ())})
    return {
        "acknowledgements": [
            {"user": _user(str(one.user), users), "acknowledged_at": iso(one.version // 1_000)} for one in found.given
        ],
        "waiting": {"count": waiting.left, "users": [_user(str(one), users) for one in waiting.users]}
        if waiting
        else None,
    }


def thread(under: Thread) -> Json:
    """A thread as somebody sees it."""
    return {
        "replies": under.replies,
        "last_reply_at": iso(unix_ms_of(under.last_reply)) if under.last_reply is not None else None,
        "participants": list(under.participants),
        "unread": under.unread,
        "following": under.following,
    }


def reactions(given: Mapping[str, tuple[Tally, Iterable[UUID]]], *, viewer: str) -> list[Json]:
    """Who gave a message which emoji, with their names, looked up in one query."""
    people_of = {emoji: [str(user) for user in who] for emoji, (_, who) in given.items()}
    users = people({user for who in people_of.values() for user in who})
    tallies = _tallies({emoji: tally for emoji, (tally, _) in given.items()}, viewer)
    return [one | {"users": [_user(user, users) for user in people_of[one["emoji"]]]} for one in tallies]


def pins(found: Sequence[Pinned], given: Reactions, *, viewer: str) -> list[Json]:
    """Pinned messages, with the names of those who pinned them."""
    users = people(one.pin.by for one in found)
    shown = messages((one.message for one in found), given, viewer=viewer)
    return [
        {"message": message, "pinned_by": _user(one.pin.by, users), "pinned_at": iso(one.pin.version // 1_000)}
        for one, message in zip(found, shown, strict=True)
    ]


def stars(found: Sequence[Starred], given: Reactions, *, viewer: str) -> list[Json]:
    """Starred messages, with when each was starred."""
    shown = messages((one.message for one in found), given, viewer=viewer)
    return [
        {"message": message, "starred_at": iso(one.version // 1_000), "version": one.version}
        for one, message in zip(found, shown, strict=True)
    ]


def flag(row: MessageFlag) -> Json:
    """What somebody reported, as they see it: not what staff made of it."""
    return {
        "id": str(row.id),
        "chat_id": str(row.chat_id),
        "message_id": str(row.message_id),
        "reason": row.reason,
        "text": row.text,
        "source": row.source,
        "label": row.label,
        "score": row.score,
        "created_at": iso(int(row.created_at.timestamp() * 1_000)),
    }


def draft(row: Draft) -> Json:
    """What its writer has begun to write."""
    return {
        "chat_id": str(row.chat_id),
        "content": row.content,
        "reply_to": _id(row.reply_to),
        "updated_at": iso(row.version // 1_000),
        "version": row.version,
    }


def _tallies(tallies: Tallies, viewer: str) -> list[Json]:
    return [
        {"emoji": emoji, "count": count, "me": viewer in users, "user_ids": list(users)}
        for emoji, (count, users) in sorted(tallies.items())
    ]


def _message(
    state: MessageState, tallies: Tallies, users: Mapping[str, Json], viewer: str, open_to: Collection[str]
) -> Json:
    return {
        "id": str(state.message_id),
        "chat_id": state.chat_id,
        "sender": _user(state.sender_id, users),
        "content": state.content,
        "html": state.html,
        "message_type": state.message_type,
        "reply_to": _id(state.reply_to_id),
        "thread_id": _id(state.thread_id),
        "attachments": list(state.attachments),
        "mentions": list(state.mentions),
        "reactions": _tallies(tallies, viewer),
        "created_at": state.created_at,
        "edited_at": state.edited_at,
        "is_edited": state.is_edited,
        "is_deleted": state.is_deleted,
        "deleted_by": state.deleted_by,
        "delete_reason": state.delete_reason,
        "origin": msgspec.to_builtins(state.origin) if state.origin else None,
        "forwarded_from": _taken(state, users, open_to),
        "expires_at": state.expires_at,
        "version": state.version,
        "pos": state.pos,
        "nonce": state.nonce if state.sender_id == viewer else None,
    }


def _taken(state: MessageState, users: Mapping[str, Json], open_to: Collection[str]) -> Json | None:
    """What a message is a copy of; the place it was taken from only for who is in that chat."""
    if (taken := state.forwarded_from) is None or state.is_deleted:
        return None
    is_open = taken.room_id in open_to
    return {
        "chat_id": taken.room_id if is_open else None,
        "message_id": taken.message_id if is_open else None,
        "sender": _user(taken.sender_id, users),
        "sent_at": taken.sent_at,
    }


def _id(message_id: int | None) -> str | None:
    return str(message_id) if message_id is not None else None


def _user(user_id: str | None, users: Mapping[str, Json]) -> Json | None:
    """A person by id; one whose account is gone keeps the id alone."""
    if user_id is None:
        return None
    return users.get(user_id) or {"id": user_id, "username": None, "name": None, "avatar": None, "is_bot": False}


def _preview(row: Chat, users: Mapping[str, Json]) -> Json | None:
    if (kept := row.last_message) is None:
        return None
    return {
        "id": kept["id"],
        "sender": _user(kept["sender_id"], users),
        "content": kept["content"],
        "created_at": kept["created_at"],
    }


def _moment(moment: Any) -> str | None:
    return iso(int(moment.timestamp() * 1_000)) if moment else None
