"""What OpenAPI says of chats, participants and messages."""

from drf_spectacular.utils import extend_schema_view

from chat.commands.chats import KINDS
from chat.moderation import Reason
from chat.policy import Kind, Level, Mode, Role
from chat.polls import FEWEST, MOST
from chat.search import LONGEST, place_filters
from chatsite.accounts.describe import ADA, AUTHOR
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
    means,
    nullable,
    operation,
    part,
    query,
    shape,
)

MID = "358913867243520001"  # of a message, in examples
CHAT_ID = "2f4c3f0e-6d53-4c0e-9d1d-0a3f3f6f6c01"
SOON = "2027-01-04T08:00:00Z"
ROLE: Schema = {"type": "string", "enum": [str(role) for role in Role]}
LEVEL: Schema = {"type": "string", "enum": [str(level) for level in Level]}
PERMISSIONS: Schema = {"type": "object", "additionalProperties": ROLE}  # the lowest role that may
PREVIEW = shape({"id": MESSAGE_ID, "sender": nullable(AUTHOR), "content": TEXT, "created_at": MOMENT})
means(
    chat_type="direct and group_direct are of just these people; in an announcement moderators and above post; a"
    " public one anybody of its company may join; in a company one everybody of it is",
    mode="how who hears all of their chats hears it: full, or activity where it has more than 50 participants:"
    " once a second that there is something new, until one subscribes to it by name",
    permissions="the lowest role that may post, invite, pin or mention all; what is not named is as it is by default",
    unread="how many messages one has not read; of a READ, whether it makes this message and all after it unread again",
    mentions="of a chat: how many of the unread mention one; of a message: ids of people, `group:` and the id of a"
    " user group, `all` or `here`",
    last_read_message_id="up to where one has read",
    slow_mode_seconds="how long one waits between two messages; 0 is not at all",
    expire_seconds="after how long a message goes by itself; 0 is never",
    link_previews="whether links that are said in it are read, to show what they lead to",
    muted_until="until when one may not post; null is not muted",
    notifications_muted_until="until when one is notified of nothing, by one's own choice",
    notification_level="what one is notified of, by one's own choice",
    peer="of a direct chat, the other one",
    peers="of a direct chat, the others",
    removed="ids of chats that one is in no longer",
    has_before="whether there are older messages",
    has_after="whether there are newer messages",
    next_before="set where a page is short, or empty, though there is more, because what lies between was skipped:"
    " the `before` of the next page. Else that is the id of the first message shown, as long as has_before is true",
    complete="false where something may be missing, because what has it is behind or away: ask again a little later",
    refused_with="the code that it was refused with when its time came; null while it waits",
    waiting="for its sender alone: who is in the chat and has not acknowledged it, but for bots; else null",
    lag_seconds="how far the index is behind; what came since was looked through beside it",
    indexed_up_to="the index has everything up to here",
    chats_not_indexed="chats of which what is newer than indexed_up_to could not be looked through",
    up_to="the pos of the chat as of which unread and mentions were counted",
    nonce="of one's own choice, one per message, at most 64 characters: a message that is sent again with it, and"
    " says the same, is not said twice. It is shown to its sender alone. Where there is none the header"
    " Idempotency-Key serves as one",
    important="whether it asks everybody in the chat to acknowledge it",
    reply_to="the message that it answers",
    reply_to_id="the message that it answers",
    thread_id="the message that its thread is under",
    thread_starter_id="who said the message that the thread is under",
    following="whether one follows the thread",
    user_ids="the first ten, and oneself; of an anonymous poll none",
    choices="numbers of options, from 0",
    voters="how many people voted",
    origin="where it came from, of a message that was imported",
    forwarded_from="what it is a copy of; the chat and the message only for who is in that chat",
    expires_at="when it ends by itself",
    html="the text as HTML, where it has any markup",
    read_pos="the pos up to which one has read",
    back="whether one took reading back to there",
    text_version="the version of the message whose text the previews are of",
    members_version="of who is in the chat, as of this event",
    is_due="whether its time has come",
    ended_why="why the server stopped it; empty while it was not",
    failing_since="since when nothing was taken; null while all is well",
    score="how sure the program is",
    log_until="until when the event log holds it, where nobody can read it",
)
CHAT = part(
    "Chat",
    shape(
        {
            "id": UUID,
            "name": TEXT,
            "description": TEXT,
            "chat_type": {"type": "string", "enum": [str(kind) for kind in Kind]},
            "company_id": nullable(UUID),
            "created_by": nullable(UUID),
            "is_archived": FLAG,
            "participant_count": NUMBER,
            "last_message": nullable(PREVIEW),
            "last_message_at": nullable(MOMENT),
            "created_at": MOMENT,
            "mode": {"type": "string", "enum": [str(mode) for mode in Mode]},
            "role": ROLE,
            "peer": nullable(AUTHOR),
            "peers": many(AUTHOR),
            "permissions": PERMISSIONS,
            "slow_mode_seconds": NUMBER,
            "expire_seconds": NUMBER,
            "link_previews": FLAG,
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
    ),
)
PARTICIPANT = part(
    "Participant",
    shape(
        {
            "user": AUTHOR,
            "role": ROLE,
            "joined_at": MOMENT,
            "is_active": FLAG,
            "muted_until": nullable(MOMENT),
            "version": NUMBER,
        }
    ),
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
        "kind": {"type": "string", "enum": ["chat"]},
        "subject": TEXT,
        "counts": {"type": "object"},
        "created_at": MOMENT,
        "finished_at": nullable(MOMENT),
        "log_until": MOMENT,
    }
)
_UP_TO = shape({"message_id": MESSAGE_ID, "unread": FLAG}, optional=["unread"], example={"message_id": MID})
_READING: Schema = {"last_read_message_id": nullable(MESSAGE_ID), "unread": NUMBER, "mentions": NUMBER}
POSITION = shape({"user_id": UUID, "message_id": MESSAGE_ID, "read_at": TEXT})
EDIT = shape({"content": TEXT, "version": NUMBER, "edited_at": MOMENT})
_TALLY: dict[str, Schema] = {"emoji": TEXT, "count": NUMBER, "me": FLAG, "user_ids": many(UUID)}
FORWARDED = shape(
    {"chat_id": nullable(UUID), "message_id": nullable(MESSAGE_ID), "sender": nullable(AUTHOR), "sent_at": MOMENT}
)
THREAD = part(
    "Thread",
    shape(
        {
            "replies": NUMBER,
            "last_reply_at": nullable(MOMENT),
            "participants": many(UUID),
            "unread": NUMBER,
            "following": FLAG,
        }
    ),
)
ASKED_POLL = shape(
    {
        "options": many(TEXT) | {"minItems": FEWEST, "maxItems": MOST},
        "multiple": FLAG,
        "anonymous": FLAG,
        "closes_at": MOMENT,
    },
    optional=["multiple", "anonymous", "closes_at"],
    example={"options": ["Tea", "Coffee"], "anonymous": True},
)
POLL = part(
    "Poll",
    shape(
        {
            "options": many(shape({"text": TEXT, "count": NUMBER, "me": FLAG, "user_ids": many(UUID)})),
            "multiple": FLAG,
            "anonymous": FLAG,
            "closes_at": nullable(MOMENT),
            "is_closed": FLAG,
            "voters": NUMBER,
            "version": NUMBER,
        }
    ),
)
LINK_PREVIEW = shape({"url": TEXT, "title": TEXT, "description": nullable(TEXT), "site": nullable(TEXT)})
MESSAGE = part(
    "Message",
    shape(
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
            "expires_at": nullable(MOMENT),
            "version": NUMBER,
            "pos": nullable(NUMBER),
            "nonce": nullable(TEXT),
            "important": FLAG,
            "acknowledgements": nullable(shape({"count": NUMBER, "me": FLAG, "user_ids": many(UUID)})),
            "poll": nullable(POLL),
            "previews": many(LINK_PREVIEW),
            "thread": nullable(THREAD),
        }
    ),
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
_CHANGES: Schema = {
    "name": TEXT,
    "description": TEXT,
    "permissions": PERMISSIONS,
    "slow_mode_seconds": NUMBER,
    "expire_seconds": NUMBER,
    "link_previews": FLAG,
}
_INVITED: Schema = {"expires_at": nullable(MOMENT), "max_uses": nullable(NUMBER), "role": ROLE}
_after = query("after", TEXT, "the `next` of the page before")

chats = extend_schema_view(
    get=operation(
        "chats",
        {
            200: shape(
                {"chats": many(CHAT), "next": nullable(TEXT), "removed": many(UUID)},
                optional=["removed"],
            )
        },
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
            {"chat_type": {"type": "string", "enum": list(KINDS)}, "name": TEXT, "participants": many(UUID)},
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
        body=shape(
            {"user_id": UUID, "user_ids": many(UUID)}, optional=["user_id", "user_ids"], example={"user_id": ADA["id"]}
        ),
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
        errors=["forbidden", "not_found", "conflict", "archived", "clock_skew", "not_supported"],
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
        body=shape(
            {"muted_until": nullable(MOMENT), "level": LEVEL},
            optional=["muted_until", "level"],
            example={"level": "mentions"},
        ),
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
        body=shape(
            {"content": TEXT, "reply_to_id": nullable(MESSAGE_ID)},
            optional=["reply_to_id"],
            example={"content": "Good mor", "reply_to_id": None},
        ),
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
        body=shape(_INVITED, optional=list(_INVITED), example={"expires_at": SOON, "max_uses": 5, "role": "guest"}),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "archived", "idempotency_reused"],
    ),
    delete=operation(
        "revoke_invites",
        {200: shape({"revoked": NUMBER})},
        body=shape({"code": TEXT}, optional=["code"], example={"code": "Qb3xW1kTz0aF"}),
        errors=["forbidden", "not_found"],
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
        body=_UP_TO,
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
        body=shape(
            {"user_id": UUID, "role": ROLE}, optional=["role"], example={"user_id": ADA["id"], "role": "member"}
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=["forbidden", "not_found", "conflict", "archived", "idempotency_reused", "clock_skew"],
    ),
)
participant = extend_schema_view(
    patch=operation(
        "change_participant",
        {200: PARTICIPANT},
        body=shape(
            {"role": ROLE, "muted_until": nullable(MOMENT)},
            optional=["role", "muted_until"],
            example={"role": "moderator"},
        ),
        errors=["forbidden", "not_found", "archived", "last_owner", "clock_skew"],
    ),
    delete=operation(
        "remove_participant",
        {204: None},
        body=shape({"ban": FLAG, "reason": TEXT}, optional=["ban", "reason"], example={"ban": True, "reason": "Spam"}),
        errors=["forbidden", "not_found", "archived", "last_owner", "clock_skew"],
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
previews = extend_schema_view(delete=operation("remove_previews", {200: MESSAGE}, errors=list(_CHANGING)))
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
_LIMIT = query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "of the page")
acknowledgement = extend_schema_view(
    put=operation(
        "acknowledge",
        {200: MESSAGE},
        errors=["invalid_field", "forbidden", "not_found", "conflict", "archived", "store_unavailable", "clock_skew"],
    )
)
acknowledgements = extend_schema_view(
    get=operation(
        "acknowledgements",
        {
            200: shape(
                {
                    "acknowledgements": many(shape({"user": AUTHOR, "acknowledged_at": MOMENT})),
                    "next": nullable(TEXT),
                    "waiting": nullable(shape({"count": NUMBER, "users": many(AUTHOR)})),
                }
            )
        },
        parameters=[_LIMIT, _after],
        errors=["invalid_field", "not_found", "conflict", "store_unavailable"],
    )
)
to_acknowledge = extend_schema_view(
    get=operation(
        "to_acknowledge",
        {200: shape({"messages": many(MESSAGE), "next": nullable(MESSAGE_ID)})},
        parameters=[_LIMIT, query("before", MESSAGE_ID, "the `next` of the page before")],
        errors=["invalid_field", "store_unavailable"],
    )
)
_VOTING = ("invalid_field", "not_found", "conflict", "archived", "store_unavailable", "clock_skew")
vote = extend_schema_view(
    put=operation(
        "vote",
        {200: MESSAGE},
        body=shape({"choices": many(NUMBER)}, example={"choices": [0]}),
        errors=list(_VOTING),
    ),
    delete=operation("take_vote_back", {200: MESSAGE}, errors=list(_VOTING)),
)
close_poll = extend_schema_view(post=operation("close_poll", {200: MESSAGE}, errors=["forbidden", *_VOTING]))
voters = extend_schema_view(
    get=operation(
        "voters",
        {200: shape({"users": many(AUTHOR), "next": nullable(UUID)})},
        parameters=[
            query("option", {"type": "integer", "minimum": 0, "maximum": MOST - 1, "default": 0}, "its number"),
            _LIMIT,
            _after,
        ],
        errors=["invalid_field", "forbidden", "not_found", "conflict", "store_unavailable"],
    )
)
REASON: Schema = {"type": "string", "enum": [str(reason) for reason in Reason]}
SCORE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_REPORT: dict[str, Schema] = {"reason": REASON, "text": TEXT, "source": TEXT, "label": TEXT}
FLAGGED = shape(
    {"id": UUID, "chat_id": UUID, "message_id": MESSAGE_ID, **_REPORT, "score": nullable(SCORE), "created_at": MOMENT}
)
flag = extend_schema_view(
    post=operation(
        "flag_message",
        {201: FLAGGED, 200: FLAGGED},
        body=shape(
            {**_REPORT, "score": SCORE},
            optional=["text", "source", "label", "score"],
            example={"reason": "spam", "text": "The same in every chat."},
        ),
        errors=["not_found", "conflict", "store_unavailable", "clock_skew"],
    )
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
        body=_UP_TO,
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
            {
                "content": TEXT,
                "nonce": TEXT,
                "reply_to_id": MESSAGE_ID,
                "thread_id": MESSAGE_ID,
                "mentions": many(TEXT),
                "important": FLAG,
                "poll": ASKED_POLL,
            },
            optional=["nonce", "reply_to_id", "thread_id", "mentions", "important", "poll"],
            example={"content": "Good morning!", "nonce": "b7e1"},
        ),
        parameters=[IDEMPOTENCY_KEY],
        errors=[
            *("forbidden", "not_found", "conflict", "archived", "nonce_reused", "content_refused", "not_supported"),
            *DURABLE,
        ],
    ),
)
_REFUSAL = shape({"code": TEXT, "detail": TEXT, "retryable": FLAG, "retry_after_ms": nullable(NUMBER)})
_COPIED = shape({"results": many(shape({"chat_id": UUID, "message": nullable(MESSAGE), "error": nullable(_REFUSAL)}))})
forward = extend_schema_view(
    post=operation(
        "forward_message",
        {201: _COPIED, 200: _COPIED},
        body=shape({"to": many(UUID), "nonce": TEXT}, optional=["nonce"], example={"to": [CHAT_ID], "nonce": "c2d9"}),
        parameters=[IDEMPOTENCY_KEY],
        errors=[
            *("forbidden", "not_found", "conflict", "archived", "nonce_reused", "content_refused", "read_only"),
            *("muted", "slow_mode", "store_unavailable", *DURABLE),
        ],
    )
)
message = extend_schema_view(
    get=operation("message", {200: MESSAGE}, errors=["not_found", "invalid_field", "store_unavailable"]),
    patch=operation(
        "edit_message",
        {200: MESSAGE},
        body=shape({"content": TEXT}, example={"content": "Good evening!"}),
        errors=["forbidden", "not_found", "conflict", "archived", "content_refused", "store_unavailable", *DURABLE],
    ),
    delete=operation(
        "delete_message",
        {200: MESSAGE},
        body=shape({"reason": TEXT}, optional=["reason"], example={"reason": "Said twice"}),
        errors=["forbidden", "not_found", "conflict", "archived", "store_unavailable", *DURABLE],
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
                TEXT | {"maxLength": LONGEST, "examples": ["tea"]},
                'words, `begin*`, `"a phrase"`, `from:` `in:` `before:` `after:` `has:link` `is:mine` `is:starred`'
                ' `is:pinned`, each but the times with a minus for what is not wanted: `tea -coffee from:"Ada Almond"'
                " -in:lobby`. A day or time is UTC where it names no zone; `has` knows `link` alone"
                + "".join(f". `{key}:` takes what the parameter `{key}` does" for key in place_filters),
            ),
            query("chat", TEXT, "a chat's id or name; given twice, either"),
            query("from", TEXT, "a sender's id, username or name, or `me`; given twice, either"),
            query("before", MOMENT, "messages before this day (2026-01-31) or time, UTC where it names no zone"),
            query("after", MOMENT, "messages from this day or time on"),
            query("has", {"type": "string", "enum": ["link"]}, "what they hold"),
            *(query(key, TEXT | {"examples": [one.example]}, one.help) for key, one in place_filters.items()),
            query("limit", {"type": "integer", "minimum": 1, "maximum": 50}, "of the page"),
            query("cursor", MESSAGE_ID, "the `next` of the page before"),
        ],
        errors=["invalid_field", "not_supported", "store_unavailable"],
    )
)
