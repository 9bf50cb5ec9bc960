"""Chats, participants and messages as REST shows them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from chat.fold import MessageState
from chat.models import Chat, Participant
from chat.queries.chats import Membership
from chatsite.accounts.queries import people
from chatsite.gateway.streams import Head
from chatsite.kernel.events import iso

Json = dict[str, Any]


def chat(membership: Membership, head: Head, users: Mapping[str, Json]) -> Json:
    """A chat as one of its participants sees it."""
    row, place = membership
    return {
        "id": str(row.id),
        "name": row.name,
        "chat_type": row.chat_type,
        "company_id": str(row.company_id) if row.company_id else None,
        "created_by": str(row.created_by_id) if row.created_by_id else None,
        "is_archived": row.is_archived,
        "participant_count": row.participant_count,
        "last_message": _preview(row, users),
        "last_message_at": _moment(row.last_message_at),
        "created_at": _moment(row.created_at),
        "mode": "full",
        "role": place.role,
        "epoch": head.epoch,
        "pos": head.pos,
        "version": max(row.version, place.version),
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
        "version": place.version,
    }


def messages(states: Iterable[MessageState], *, viewer: str) -> list[Json]:
    """Messages with their senders' names, looked up in one query."""
    kept = list(states)
    users = people(state.sender_id for state in kept if state.sender_id)
    return [_message(state, users, viewer) for state in kept]


def _message(state: MessageState, users: Mapping[str, Json], viewer: str) -> Json:
    return {
        "id": str(state.message_id),
        "chat_id": state.chat_id,
        "sender": _user(state.sender_id, users),
        "content": state.content,
        "html": state.html,
        "message_type": state.message_type,
        "reply_to": str(state.reply_to_id) if state.reply_to_id is not None else None,
        "thread_id": str(state.thread_id) if state.thread_id is not None else None,
        "attachments": list(state.attachments),
        "mentions": list(state.mentions),
        "reactions": [],
        "created_at": state.created_at,
        "edited_at": state.edited_at,
        "is_edited": state.is_edited,
        "is_deleted": state.is_deleted,
        "deleted_by": state.deleted_by,
        "delete_reason": state.delete_reason,
        "origin": msgspec.to_builtins(state.origin) if state.origin else None,
        "version": state.version,
        "pos": state.pos,
        "nonce": state.nonce if state.sender_id == viewer else None,
    }


def _user(user_id: str | None, users: Mapping[str, Json]) -> Json | None:
    """A person by id; one whose account is gone keeps the id alone."""
    if user_id is None:
        return None
    return users.get(user_id) or {"id": user_id, "username": None, "name": None, "avatar": None}


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
