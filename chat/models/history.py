"""The tables of the SQL message store; only `chat.stores.sql` reads and writes them."""

from typing import ClassVar

from django.db import models

from chatsite.kernel.database import MESSAGES


class HistoryMessage(models.Model):
    """A message, in the ten-day bucket of its id."""

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("channel_id", "bucket", "message_id")
    channel_id = models.CharField(max_length=36)
    bucket = models.IntegerField()
    message_id = models.BigIntegerField()
    version = models.BigIntegerField()
    content = models.TextField()
    sender_id = models.CharField(max_length=36, null=True)
    html = models.TextField(null=True)
    message_type = models.CharField(max_length=16, null=True, help_text="null: only an edit or delete has come yet")
    reply_to_id = models.BigIntegerField(null=True)
    thread_id = models.BigIntegerField(null=True)
    attachments = models.TextField(null=True)
    mentions = models.TextField(null=True)
    origin = models.TextField(null=True)
    forwarded_from = models.TextField(null=True)
    important = models.BooleanField(null=True)
    poll = models.TextField(null=True)
    expires_at = models.CharField(max_length=24, null=True)
    nonce = models.CharField(max_length=64, null=True)
    pos = models.BigIntegerField(null=True)
    created_at = models.CharField(max_length=32, null=True)
    edited_at = models.CharField(max_length=32, null=True)
    deleted_by = models.CharField(max_length=36, null=True)
    deleted_at = models.CharField(max_length=32, null=True)
    delete_reason = models.TextField(null=True)

    class Meta:
        db_table = "history_messages"
        indexes = [
            models.Index(fields=["channel_id", "pos"], name="history_by_pos"),
            # Of what is in a thread alone: it costs other messages nothing.
            models.Index(
                fields=["channel_id", "thread_id", "message_id"],
                name="history_by_thread",
                condition=models.Q(thread_id__isnull=False),
            ),
        ]


class HistoryBucket(models.Model):
    """Which buckets of a chat hold anything: a walk never visits an empty one."""

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("channel_id", "bucket")
    channel_id = models.CharField(max_length=36)
    bucket = models.IntegerField()

    class Meta:
        db_table = "history_buckets"


class HistoryEdit(models.Model):
    """An earlier text of a message."""

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("channel_id", "message_id", "version")
    channel_id = models.CharField(max_length=36)
    message_id = models.BigIntegerField()
    version = models.BigIntegerField(help_text="of the text: of the send, or of the edit that brought it")
    content = models.TextField()
    edited_at = models.CharField(max_length=32)

    class Meta:
        db_table = "message_edits"


class HistoryReaction(models.Model):
    """Somebody's emoji on a message; one that was taken back stays, so that what comes late does not bring it back."""

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("channel_id", "message_id", "emoji", "user_id")
    channel_id = models.CharField(max_length=36)
    message_id = models.BigIntegerField()
    emoji = models.CharField(max_length=32)
    user_id = models.CharField(max_length=36)
    active = models.BooleanField()
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "message_reactions"


class HistoryPin(models.Model):
    """That a message is pinned; one whose pin was taken away stays, so that what comes late does not bring it back."""

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("channel_id", "message_id")
    channel_id = models.CharField(max_length=36)
    message_id = models.BigIntegerField()
    pinned = models.BooleanField()
    pinned_by = models.CharField(max_length=36)
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "pinned_messages"


class ReadPosition(models.Model):
    """How far somebody has read a chat."""

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("channel_id", "user_id")
    channel_id = models.CharField(max_length=36)
    user_id = models.CharField(max_length=36)
    last_read_message_id = models.BigIntegerField()
    last_read_pos = models.BigIntegerField()
    read_at = models.CharField(max_length=32)
    version = models.BigIntegerField()
    unread_version = models.BigIntegerField(default=0, help_text="of the last `mark unread`; older reads lose to it")

    class Meta:
        db_table = "message_read_positions"
