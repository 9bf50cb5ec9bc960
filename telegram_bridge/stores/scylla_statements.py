"""Every statement of the map in ScyllaDB and Cassandra, as `chat.stores.scylla_statements` has its own. Pure text."""

from chat.stores.scylla_session import Profile, Statement

MAP = Statement(
    "INSERT INTO {keyspace}.telegram_message_mapping"
    " (telegram_message_id, telegram_chat_id, channel_id, bucket, message_id, part, direction)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
MAP_BACK = Statement(
    "INSERT INTO {keyspace}.telegram_message_by_local"
    " (channel_id, message_id, part, telegram_message_id, telegram_chat_id, direction)"
    " VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    Profile.WRITE,
)
FIND = Statement(
    "SELECT telegram_chat_id, telegram_message_id, channel_id, message_id, part, direction"
    " FROM {keyspace}.telegram_message_mapping WHERE telegram_message_id = ? AND telegram_chat_id = ?",
    Profile.READ,
)
BACK = Statement(
    "SELECT telegram_chat_id, telegram_message_id, channel_id, message_id, part, direction"
    " FROM {keyspace}.telegram_message_by_local WHERE channel_id = ? AND message_id = ?",
    Profile.READ,
)
DROP = Statement(
    "DELETE FROM {keyspace}.telegram_message_mapping USING TIMESTAMP ?"
    " WHERE telegram_message_id = ? AND telegram_chat_id = ?",
    Profile.WRITE,
)
DROP_BACK = Statement(
    "DELETE FROM {keyspace}.telegram_message_by_local USING TIMESTAMP ?"
    " WHERE channel_id = ? AND message_id = ? AND part = ?",
    Profile.WRITE,
)
