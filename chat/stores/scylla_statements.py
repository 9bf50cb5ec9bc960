"""Every statement of the message store, in what ScyllaDB and Cassandra have in common. Pure text.

No lightweight transaction, counter, index or view; each write says its date; no null
is bound. `tests/contract/test_cql.py` holds each of them, and the files, against that.
"""
# ruff: noqa: S608 - names of our own

from chat.stores.scylla_session import Profile, Statement

_COLUMNS = (
    "channel_id, message_id, version, content, sender_id, html, message_type, reply_to_id, thread_id, attachments,"
    " mentions, origin, forwarded_from, important, poll, expires_at, nonce, pos, created_at, edited_at, deleted_by,"
    " deleted_at, delete_reason"
)
_ONE = "channel_id = ? AND bucket = ? AND message_id = ?"
SENT = Statement(
    "INSERT INTO {keyspace}.messages (channel_id, bucket, message_id, version, content, sender_id, html, message_type,"
    " reply_to_id, thread_id, attachments, mentions, origin, forwarded_from, important, poll, expires_at, nonce,"
    " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
PLACE = Statement(f"UPDATE {{keyspace}}.messages USING TIMESTAMP ? SET pos = ? WHERE {_ONE}", Profile.WRITE)
EDIT = Statement(
    "UPDATE {keyspace}.messages USING TIMESTAMP ? SET version = ?, content = ?, html = ?, mentions = ?, edited_at = ?,"
    f" is_edited = true WHERE {_ONE}",
    Profile.WRITE,
)
DELETE = Statement(
    "UPDATE {keyspace}.messages USING TIMESTAMP ? SET deleted_by = ?, deleted_at = ?, delete_reason = ?,"
    f" is_deleted = true WHERE {_ONE}",
    Profile.WRITE,
)
BLANK = Statement(
    "UPDATE {keyspace}.messages USING TIMESTAMP ? SET version = ?, content = ?, html = ?, attachments = ?,"
    f" mentions = ?, poll = ? WHERE {_ONE}",
    Profile.WRITE,
)
GET = Statement(f"SELECT {_COLUMNS} FROM {{keyspace}}.messages WHERE {_ONE}", Profile.READ)
OLDER = Statement(
    f"SELECT {_COLUMNS} FROM {{keyspace}}.messages WHERE channel_id = ? AND bucket = ? AND message_id < ? LIMIT ?",
    Profile.READ,
)
NEWER = Statement(
    f"SELECT {_COLUMNS} FROM {{keyspace}}.messages WHERE channel_id = ? AND bucket = ? AND message_id > ?"
    " ORDER BY message_id ASC LIMIT ?",
    Profile.READ,
)
COUNTED = Statement(
    "SELECT message_id, pos, sender_id, message_type, thread_id, deleted_at, mentions FROM {keyspace}.messages"
    " WHERE channel_id = ? AND bucket = ? AND message_id < ? LIMIT ?",
    Profile.READ,
)
SIZE = Statement(
    "SELECT COUNT(message_type) FROM {keyspace}.messages WHERE channel_id = ? AND bucket = ?", Profile.READ
)
IN_THREAD = Statement(
    "INSERT INTO {keyspace}.thread_messages (channel_id, thread_id, message_id) VALUES (?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
_OF_THREAD = "SELECT message_id FROM {keyspace}.thread_messages WHERE channel_id = ? AND thread_id = ? AND message_id"
THREAD_DOWN = Statement(f"{_OF_THREAD} < ? ORDER BY message_id DESC LIMIT ?", Profile.READ)
THREAD_UP = Statement(f"{_OF_THREAD} > ? LIMIT ?", Profile.READ)
SOME = Statement(
    f"SELECT {_COLUMNS} FROM {{keyspace}}.messages WHERE channel_id = ? AND bucket = ? AND message_id IN ?",
    Profile.READ,
)
DROP_THREAD = Statement(
    "DELETE FROM {keyspace}.thread_messages USING TIMESTAMP ? WHERE channel_id = ? AND thread_id = ?", Profile.WRITE
)
KEYS = Statement(
    "SELECT message_id, sender_id, edited_at, thread_id FROM {keyspace}.messages"
    " WHERE channel_id = ? AND bucket = ? AND message_id < ? LIMIT ?",
    Profile.READ,
)
BUCKET = Statement(
    "INSERT INTO {keyspace}.channel_buckets (channel_id, bucket) VALUES (?, ?) USING TIMESTAMP ?", Profile.WRITE
)
BUCKETS = Statement("SELECT bucket FROM {keyspace}.channel_buckets WHERE channel_id = ?", Profile.READ)
BUCKETS_DOWN = Statement(
    "SELECT bucket FROM {keyspace}.channel_buckets WHERE channel_id = ? AND bucket <= ? LIMIT ?", Profile.READ
)
BUCKETS_UP = Statement(
    "SELECT bucket FROM {keyspace}.channel_buckets WHERE channel_id = ? AND bucket >= ? ORDER BY bucket ASC LIMIT ?",
    Profile.READ,
)
TEXT = Statement(
    "INSERT INTO {keyspace}.message_edits (channel_id, message_id, version, content, edited_at) VALUES (?, ?, ?, ?, ?)"
    " USING TIMESTAMP ?",
    Profile.WRITE,
)
TEXTS = Statement(
    "SELECT version, content, edited_at FROM {keyspace}.message_edits"
    " WHERE channel_id = ? AND message_id = ? AND version < ?",
    Profile.READ,
)
NONCE = Statement(
    "INSERT INTO {keyspace}.message_nonces (channel_id, sender_id, nonce, message_id, digest) VALUES (?, ?, ?, ?, ?)"
    " USING TIMESTAMP ?",
    Profile.WRITE,
)
FIND_NONCE = Statement(
    "SELECT message_id, digest FROM {keyspace}.message_nonces WHERE channel_id = ? AND sender_id = ? AND nonce = ?",
    Profile.READ,
)
DROP_TEXTS = Statement(
    "DELETE FROM {keyspace}.message_edits USING TIMESTAMP ? WHERE channel_id = ? AND message_id = ?", Profile.WRITE
)
DROP_NONCES = Statement(
    "DELETE FROM {keyspace}.message_nonces USING TIMESTAMP ? WHERE channel_id = ? AND sender_id = ?", Profile.WRITE
)
DROP_MESSAGES = Statement(
    "DELETE FROM {keyspace}.messages USING TIMESTAMP ? WHERE channel_id = ? AND bucket = ?", Profile.WRITE
)
DROP_BUCKET = Statement(
    "DELETE FROM {keyspace}.channel_buckets USING TIMESTAMP ? WHERE channel_id = ? AND bucket = ?", Profile.WRITE
)
FIND_POSITION = Statement(
    "SELECT last_read_pos, unread_version, WRITETIME(last_read_pos) FROM {keyspace}.message_read_positions"
    " WHERE channel_id = ? AND user_id = ?",
    Profile.READ,
)
MOVE_POSITION = Statement(
    "INSERT INTO {keyspace}.message_read_positions"
    " (channel_id, user_id, last_read_message_id, last_read_pos, read_at, version, unread_version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
LIST_POSITION = Statement(
    "INSERT INTO {keyspace}.channel_read_positions"
    " (channel_id, user_id, last_read_message_id, last_read_pos, read_at, version)"
    " VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
POSITIONS = Statement(
    "SELECT user_id, last_read_message_id, last_read_pos, read_at, version FROM {keyspace}.channel_read_positions"
    " WHERE channel_id = ?",
    Profile.READ,
)
DROP_POSITION = Statement(
    "DELETE FROM {keyspace}.message_read_positions USING TIMESTAMP ? WHERE channel_id = ? AND user_id = ?",
    Profile.WRITE,
)
DROP_POSITIONS = Statement(
    "DELETE FROM {keyspace}.channel_read_positions USING TIMESTAMP ? WHERE channel_id = ?", Profile.WRITE
)
_EMOJI = f"{_ONE} AND emoji = ?"
REACT = Statement(
    "INSERT INTO {keyspace}.message_reactions (channel_id, bucket, message_id, emoji, user_id) VALUES (?, ?, ?, ?, ?)"
    " USING TIMESTAMP ?",
    Profile.WRITE,
)
REACT_BY_USER = Statement(
    "INSERT INTO {keyspace}.message_reactions_by_user (channel_id, bucket, message_id, emoji, user_id)"
    " VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
UNREACT = Statement(
    f"DELETE FROM {{keyspace}}.message_reactions USING TIMESTAMP ? WHERE {_EMOJI} AND user_id = ?", Profile.WRITE
)
UNREACT_BY_USER = Statement(
    f"DELETE FROM {{keyspace}}.message_reactions_by_user USING TIMESTAMP ? WHERE {_EMOJI} AND user_id = ?",
    Profile.WRITE,
)
HOW_MANY_REACTED = Statement(f"SELECT COUNT(*) FROM {{keyspace}}.message_reactions WHERE {_EMOJI}", Profile.READ)
WHO_REACTED = Statement(f"SELECT user_id FROM {{keyspace}}.message_reactions WHERE {_EMOJI} LIMIT ?", Profile.READ)
COUNT_REACTIONS = Statement(
    "INSERT INTO {keyspace}.message_reaction_counts (channel_id, bucket, message_id, emoji, count, users)"
    " VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
DROP_COUNT = Statement(
    f"DELETE FROM {{keyspace}}.message_reaction_counts USING TIMESTAMP ? WHERE {_EMOJI}", Profile.WRITE
)
_PAGE_OF = "message_id >= ? AND message_id <= ? LIMIT ?"
REACTION_COUNTS = Statement(
    "SELECT message_id, emoji, count, users FROM {keyspace}.message_reaction_counts"
    f" WHERE channel_id = ? AND bucket = ? AND {_PAGE_OF}",
    Profile.READ,
)
REACTIONS_OF_USER = Statement(
    "SELECT message_id, emoji FROM {keyspace}.message_reactions_by_user"
    f" WHERE channel_id = ? AND bucket = ? AND user_id = ? AND {_PAGE_OF}",
    Profile.READ,
)
REACTION_KEYS = Statement(
    "SELECT message_id, emoji, user_id FROM {keyspace}.message_reactions"
    " WHERE channel_id = ? AND bucket = ? AND (message_id, emoji, user_id) > (?, ?, ?) LIMIT ?",
    Profile.READ,
)
DROP_REACTIONS = Statement(
    "DELETE FROM {keyspace}.message_reactions USING TIMESTAMP ? WHERE channel_id = ? AND bucket = ?", Profile.WRITE
)
DROP_REACTIONS_OF_USER = Statement(
    "DELETE FROM {keyspace}.message_reactions_by_user USING TIMESTAMP ?"
    " WHERE channel_id = ? AND bucket = ? AND user_id = ?",
    Profile.WRITE,
)
DROP_COUNTS = Statement(
    "DELETE FROM {keyspace}.message_reaction_counts USING TIMESTAMP ? WHERE channel_id = ? AND bucket = ?",
    Profile.WRITE,
)
PIN = Statement(
    "INSERT INTO {keyspace}.pinned_messages (channel_id, message_id, pinned_by, pinned_at, version)"
    " VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
UNPIN = Statement(
    "DELETE FROM {keyspace}.pinned_messages USING TIMESTAMP ? WHERE channel_id = ? AND message_id = ?", Profile.WRITE
)
PINS = Statement(
    "SELECT message_id, pinned_by, version FROM {keyspace}.pinned_messages WHERE channel_id = ? LIMIT ?",
    Profile.READ,
)
DROP_PINS = Statement("DELETE FROM {keyspace}.pinned_messages USING TIMESTAMP ? WHERE channel_id = ?", Profile.WRITE)
