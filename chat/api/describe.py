"""What OpenAPI says of chats, participants and messages."""

from drf_spectacular.utils import extend_schema_view

from chat.policy import Level, Role
from chatsite.accounts.describe import AUTHOR
from chatsite.kernel.openapi import (
    FLAG,
    IDEMPOTENCY_KEY,
    MESSAGE_ID,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Schema,
    many,
    nullable,
    operation,
    query,
    shape,
)

ROLE: Schema = {"type": "string", "enum": [str(role) for role in Role]}
LEVEL: Schema = {"type": "string", "enum": [str(level) for level in Level]}
PERMISSIONS: Schema = {"type": "object", "additionalProperties": ROLE}  # the lowest role that may
PREVIEW = shape({"id": MESSAGE_ID, "sender": nullable(AUTHOR), "content": TEXT, "created_at": MOMENT})
CHAT = shape(
    {
        "id": UUID,
        "name": TEXT,
        "description": TEXT,
        "chat_type": TEXT,
        "company_id": nullable(UUID),
        "created_by": nullable(UUID),
        "is_archived": FLAG,
        "participant_count": NUMBER,
        "last_message": nullable(PREVIEW),
        "last_message_at": nullable(MOMENT),
        "created_at": MOMENT,
        "mode": TEXT,
        "role": ROLE,
        "peer": nullable(AUTHOR),
        "permissions": PERMISSIONS,
        "slow_mode_seconds": NUMBER,
        "muted_until": nullable(MOMENT),
        "notifications_muted_until": nullable(MOMENT),
        "notification_level": LEVEL,
        "is_favourite": FLAG,
        "folder_id": nullable(UUID),
        "last_read_message_id": nullable(MESSAGE_ID),
        "unread": NUMBER,
        "mentions": NUMBER,
        "epoch": TEXT,
        "pos": NUMBER,
        "version": NUMBER,
    }
)
PARTICIPANT = shape(
    {
        "user": AUTHOR,
        "role": ROLE,
        "joined_at": MOMENT,
        "is_active": FLAG,
        "muted_until": nullable(MOMENT),
        "version": NUMBER,
    }
)
INVITE = shape(
    {
        "code": TEXT,
        "chat_id": UUID,
        "role": ROLE,
        "expires_at": nullable(MOMENT),
        "max_uses": nullable(NUMBER),
        "uses": NUMBER,
        "created_by": UUID,
        "created_at": MOMENT,
    }
)
BAN = shape({"user": AUTHOR, "by": nullable(AUTHOR), "reason": TEXT, "created_at": MOMENT})
RECEIPT = shape(
    {
        "id": UUID,
        "kind": TEXT,
        "subject": TEXT,
        "counts": {"type": "object"},
        "created_at": MOMENT,
        "finished_at": nullable(MOMENT),
        "log_until": MOMENT,
    }
)
_READING: Schema = {"last_read_message_id": nullable(MESSAGE_ID), "unread": NUMBER, "mentions": NUMBER}
POSITION = shape({"user_id": UUID, "message_id": MESSAGE_ID, "read_at": TEXT})
EDIT = shape({"content": TEXT, "version": NUMBER, "edited_at": MOMENT})
_TALLY: dict[str, Schema] = {"emoji": TEXT, "count": NUMBER, "me": FLAG, "user_ids": many(UUID)}
FORWARDED = shape(
    {"chat_id": nullable(UUID), "message_id": nullable(MESSAGE_ID), "sender": nullable(AUTHOR), "sent_at": MOMENT}
)
THREAD = shape(
    {
        "replies": NUMBER,
        "last_reply_at": nullable(MOMENT),
        "participants": many(UUID),
        "unread": NUMBER,
        "following": FLAG,
    }
)
MESSAGE = shape(
    {
        "id": MESSAGE_ID,
        "chat_id": UUID,
        "sender": nullable(AUTHOR),
        "content": nullable(TEXT),
        "html": nullable(TEXT),
        "message_type": {"type": "string", "enum": ["text", "notice", "poll"]},
        "reply_to": nullable(MESSAGE_ID),
        "thread_id": nullable(MESSAGE_ID),
        "attachments": many(UUID),
        "mentions": many(TEXT),
        "reactions": many(shape(_TALLY)),
        "created_at": MOMENT,
        "edited_at": nullable(MOMENT),
        "is_edited": FLAG,
        "is_deleted": FLAG,
        "deleted_by": nullable(UUID),
        "delete_reason": nullable(TEXT),
        "origin": nullable({"type": "object"}),
        "forwarded_from": nullable(FORWARDED),
        "version": NUMBER,
        "pos": nullable(NUMBER),
        "nonce": nullable(TEXT),
        "thread": nullable(THREAD),
    }
)
_PAGE: dict[str, Schema] = {
    "messages": many(MESSAGE),
    "has_before": FLAG,
    "has_after": FLAG,
    "next_before": nullable(MESSAGE_ID),
    "epoch": TEXT,
    "pos": NUMBER,
    "complete": FLAG,
}
PAGE = shape(_PAGE)
DURABLE = ("log_unavailable", "clock_skew", "draining")
_CHANGES: Schema = {"name": TEXT, "description": TEXT, "permissions": PERMISSIONS, "slow_mode_seconds": NUMBER}
_INVITED: Schema = {"expires_at": nullable(MOMENT), "max_uses": nullable(NUMBER), "role": ROLE}
_after = query("after", TEXT, "the `next` of the page before")

chats = extend_schema_view(
    get=operation(
        "chats",
        {200: shape({"chats": many(CHAT), "next": nullable(TEXT)})},
        parameters=[
            query("q", TEXT, "part of a name"),
            query("changed_since", NUMBER, "chats whose version is above this one"),
            _after,
        ],
        errors=["invalid_field"],
    ),
    post=operation(
        "make_chat",
        {201: CHAT},
        body=shape(
            {"chat_type": TEXT, "name": TEXT, "participants": many(UUID)},
            optional=["participants"],
            example={"chat_type": "group", "name": "Tea kitchen", "participants": []},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=["not_found", "idempotency_reused", "not_supported", "clock_skew"],
    ),
)
direct = extend_schema_view(
    post=operation(
        "direct_chat",
        {201: CHAT, 200: CHAT},
        body=shape({"user_id": UUID}),
        parameters=[IDEMPOTENCY_KEY],
        errors=["not_found", "idempotency_reused", "clock_skew"],
    )
)
chat = extend_schema_view(
    get=operation("chat", {200: CHAT}, errors=["not_found"]),
    patch=operation(
        "change_chat",
        {200: CHAT},
        body=shape(_CHANGES, optional=list(_CHANGES), example={"name": "Tea kitchen"}),
        errors=["forbidden", "not_found", "conflict", "archived", "clock_skew"],
    ),
    delete=operation(
        "archive_chat",
        {204: None, 202: RECEIPT},
        parameters=[query("hard", FLAG, "delete it for good")],
        errors=["forbidden", "not_found", "conflict", "archived", "clock_skew"],
    ),
)
restore = extend_schema_view(
    post=operation("restore_chat", {200: CHAT}, errors=["forbidden", "not_found", "conflict", "clock_skew"])
)
receipt = extend_schema_view(get=operation("receipt", {200: RECEIPT}, errors=["not_found"]))
notifications = extend_schema_view(
    put=operation(
        "mute_for_oneself",
        {200: CHAT},
        body=shape({"muted_until": nullable(MOMENT), "level": LEVEL}, optional=["muted_until", "level"]),
        errors=["not_found", "clock_skew"],
    )
)
DRAFT = shape(
    {"chat_id": UUID, "content": TEXT, "reply_to": nullable(MESSAGE_ID), "updated_at": MOMENT, "version": NUMBER}
)
drafts = extend_schema_view(
    get=operation(
        "drafts",
        {200: shape({"drafts": many(DRAFT), "next": nullable(TEXT)})},
        parameters=[_after],
        errors=["invalid_field"],
    )
)
draft = extend_schema_view(
    put=operation(
        "save_draft",
        {200: DRAFT},
        body=shape({"content": TEXT, "reply_to_id": nullable(MESSAGE_ID)}, optional=["reply_to_id"]),
        errors=["not_found", "clock_skew"],
    ),
    delete=operation("discard_draft", {204: None}, errors=["not_found", "clock_skew"]),
)
favourite = extend_schema_view(
    put=operation("make_favourite", {200: CHAT}, errors=["not_found", "clock_skew"]),
    delete=operation("end_favourite", {200: CHAT}, errors=["not_found", "clock_skew"]),
)
invites = extend_schema_view(
    get=operation("invites", {200: shape({"invites": many(INVITE)})}, errors=["forbidden", "not_found"]),
    post=operation(
        "make_invite",
        {201: INVITE},
        body=shape(_INVITED, optional=list(_INVITED)),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "archived", "idempotency_reused"],
    ),
    delete=operation(
        "revoke_invites", {200: shape({"revoked": NUMBER})}, errors=["invalid_field", "forbidden", "not_found"]
    ),
)
invite = extend_schema_view(
    post=operation(
        "accept_invite",
        {201: CHAT, 200: CHAT},
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "conflict", "archived", "idempotency_reused", "clock_skew"],
    )
)
read = extend_schema_view(
    put=operation(
        "read",
        {200: shape(_READING)},
        body=shape({"message_id": MESSAGE_ID, "unread": FLAG}, optional=["unread"]),
        errors=["not_found", "store_unavailable", *DURABLE],
    )
)
read_positions = extend_schema_view(
    get=operation(
        "read_positions", {200: shape({"positions": many(POSITION)})}, errors=["not_found", "store_unavailable"]
    )
)
unread_why = extend_schema_view(
    get=operation(
        "unread_why", {200: shape(_READING | {"messages": many(MESSAGE)})}, errors=["not_found", "store_unavailable"]
    )
)
participants = extend_schema_view(
    get=operation(
        "participants",
        {200: shape({"participants": many(PARTICIPANT), "next": nullable(TEXT)})},
        parameters=[_after],
        errors=["not_found", "invalid_field"],
    ),
    post=operation(
        "add_participant",
        {201: PARTICIPANT},
        body=shape({"user_id": UUID, "role": ROLE}, optional=["role"]),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "conflict", "archived", "idempotency_reused", "clock_skew"],
    ),
)
participant = extend_schema_view(
    patch=operation(
        "change_participant",
        {200: PARTICIPANT},
        body=shape({"role": ROLE, "muted_until": nullable(MOMENT)}, optional=["role", "muted_until"]),
        errors=["forbidden", "not_found", "archived", "last_owner", "clock_skew"],
    ),
    delete=operation(
        "remove_participant", {204: None}, errors=["forbidden", "not_found", "archived", "last_owner", "clock_skew"]
    ),
)
leave = extend_schema_view(
    post=operation("leave_chat", {204: None}, errors=["not_found", "archived", "last_owner", "clock_skew"])
)
bans = extend_schema_view(get=operation("bans", {200: shape({"bans": many(BAN)})}, errors=["forbidden", "not_found"]))
ban = extend_schema_view(
    delete=operation("lift_ban", {204: None}, errors=["forbidden", "not_found", "archived", "clock_skew"])
)
edits = extend_schema_view(
    get=operation(
        "edits", {200: shape({"edits": many(EDIT)})}, errors=["not_found", "invalid_field", "store_unavailable"]
    )
)
_CHANGING = ("invalid_field", "forbidden", "not_found", "conflict", "archived", "store_unavailable", *DURABLE)
reactions = extend_schema_view(
    get=operation(
        "reactions",
        {200: shape({"reactions": many(shape(_TALLY | {"users": many(AUTHOR)}))})},
        errors=["not_found", "invalid_field", "store_unavailable"],
    )
)
reaction = extend_schema_view(
    put=operation("react", {200: MESSAGE}, errors=[*_CHANGING, "muted"]),
    delete=operation("unreact", {200: MESSAGE}, errors=list(_CHANGING)),
)
PIN = shape({"message": MESSAGE, "pinned_by": nullable(AUTHOR), "pinned_at": MOMENT})
pins = extend_schema_view(
    get=operation("pins", {200: shape({"pins": many(PIN)})}, errors=["not_found", "store_unavailable"])
)
pin = extend_schema_view(
    put=operation("pin", {200: MESSAGE}, errors=list(_CHANGING)),
    delete=operation("unpin", {200: MESSAGE}, errors=list(_CHANGING)),
)
STAR = shape({"message": MESSAGE, "starred_at": MOMENT, "version": NUMBER})
_STARRING = ("invalid_field", "not_found", "store_unavailable", "clock_skew")
stars = extend_schema_view(
    get=operation(
        "stars",
        {200: shape({"stars": many(STAR), "next": nullable(TEXT)})},
        parameters=[
            query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "of the page"),
            query("before", TEXT, "the `next` of the page before"),
        ],
        errors=["invalid_field", "store_unavailable"],
    )
)
chat_stars = extend_schema_view(
    get=operation("chat_stars", {200: shape({"message_ids": many(MESSAGE_ID)})}, errors=["not_found"])
)
star = extend_schema_view(
    put=operation("star", {204: None}, errors=[*_STARRING, "conflict"]),
    delete=operation("unstar", {204: None}, errors=list(_STARRING)),
)
_BOUNDS = (
    query("before", MESSAGE_ID, "messages below this id"),
    query("after", MESSAGE_ID, "messages above this id"),
)
_LENGTH = (
    query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "of the page"),
    query("at_least", NUMBER, "wait until everything up to this pos is shown, or say `complete: false`"),
)
thread = extend_schema_view(
    get=operation(
        "thread",
        {200: shape({"root": MESSAGE, **_PAGE})},
        parameters=[*_BOUNDS, *_LENGTH],
        errors=["not_found", "invalid_field", "store_unavailable"],
    )
)
_FOLLOWING = ("invalid_field", "not_found", "store_unavailable", "clock_skew")
follow = extend_schema_view(
    put=operation("follow_thread", {200: THREAD}, errors=list(_FOLLOWING)),
    delete=operation("unfollow_thread", {200: THREAD}, errors=list(_FOLLOWING)),
)
thread_read = extend_schema_view(
    put=operation(
        "read_thread",
        {200: THREAD},
        body=shape({"message_id": MESSAGE_ID, "unread": FLAG}, optional=["unread"]),
        errors=list(_FOLLOWING),
    )
)
threads = extend_schema_view(
    get=operation(
        "threads",
        {200: shape({"threads": many(MESSAGE), "next": nullable(MESSAGE_ID)})},
        parameters=[
            query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "of the page"),
            query("before", MESSAGE_ID, "the `next` of the page before"),
        ],
        errors=["invalid_field", "store_unavailable"],
    )
)
messages = extend_schema_view(
    get=operation(
        "messages",
        {200: PAGE},
        parameters=[
            *_BOUNDS,
            query("around", MESSAGE_ID, "messages around this id"),
            query("at", MOMENT, "messages around this time"),
            *_LENGTH,
        ],
        errors=["not_found", "invalid_field", "store_unavailable"],
    ),
    post=operation(
        "send_message",
        {201: MESSAGE, 200: MESSAGE},
        body=shape(
            {"content": TEXT, "nonce": TEXT, "reply_to_id": MESSAGE_ID, "thread_id": MESSAGE_ID},
            optional=["nonce", "reply_to_id", "thread_id"],
            example={"content": "Good morning!", "nonce": "b7e1"},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "conflict", "archived", "nonce_reused", "not_supported", *DURABLE],
    ),
)
_REFUSAL = shape({"code": TEXT, "detail": TEXT, "retryable": FLAG, "retry_after_ms": nullable(NUMBER)})
_COPIED = shape({"results": many(shape({"chat_id": UUID, "message": nullable(MESSAGE), "error": nullable(_REFUSAL)}))})
forward = extend_schema_view(
    post=operation(
        "forward_message",
        {201: _COPIED, 200: _COPIED},
        body=shape({"to": many(UUID), "nonce": TEXT}, optional=["nonce"]),
        parameters=[IDEMPOTENCY_KEY],
        errors=[
            *("forbidden", "not_found", "conflict", "archived", "nonce_reused", "read_only", "muted", "slow_mode"),
            *("store_unavailable", *DURABLE),
        ],
    )
)
message = extend_schema_view(
    get=operation("message", {200: MESSAGE}, errors=["not_found", "invalid_field", "store_unavailable"]),
    patch=operation(
        "edit_message",
        {200: MESSAGE},
        body=shape({"content": TEXT}),
        errors=["forbidden", "not_found", "conflict", "archived", "store_unavailable", *DURABLE],
    ),
    delete=operation(
        "delete_message",
        {200: MESSAGE},
        parameters=[],
        errors=["invalid_field", "forbidden", "not_found", "conflict", "archived", "store_unavailable", *DURABLE],
    ),
)
search = extend_schema_view(
    get=operation(
        "search_messages",
        {
            200: shape(
                {
                    "messages": many(MESSAGE),
                    "next": nullable(MESSAGE_ID),
                    "indexed_up_to": MOMENT,
                    "lag_seconds": {"type": "number"},
                    "chats_not_indexed": many(UUID),
                }
            )
        },
        parameters=[
            query(
                "q",
                TEXT,
                'words, `begin*`, `"a phrase"`, `from:` `in:` `before:` `after:` `has:link` `is:mine` `is:starred`'
                " `is:pinned`, each but the times with a minus for what is not wanted; at most 500 characters",
            ),
            query("chat", TEXT, "a chat's id or name; given twice, either"),
            query("from", TEXT, "a sender's id, username or name, or `me`; given twice, either"),
            query("before", MOMENT, "messages before this day or time"),
            query("after", MOMENT, "messages from this day or time on"),
            query("has", {"type": "string", "enum": ["link"]}, "what they hold"),
            query("limit", {"type": "integer", "minimum": 1, "maximum": 50}, "of the page"),
            query("cursor", MESSAGE_ID, "the `next` of the page before"),
        ],
        errors=["invalid_field", "not_supported", "store_unavailable"],
    )
)
