"""The kernel's tables: the SQL log, what its groups know of themselves, worker leases, chores, idempotency keys.

The log's tables stand in two databases: in `messages` as the event log, in
`default` as the outbox, where a command's transaction appends to it.
"""

from typing import ClassVar

from django.db import models


class LogPartition(models.Model):
    """The head of one partition; its row lock makes offset order commit order."""

    in_both_databases: ClassVar[bool] = True

    partition = models.IntegerField(primary_key=True)
    head = models.BigIntegerField(default=0, help_text="offset of the newest record; 0 = none yet")
    floor = models.BigIntegerField(default=0, help_text="everything at or below it may be trimmed")
    generation = models.IntegerField(default=1, help_text="raised by whatever makes offsets start again")
    identity = models.CharField(max_length=32, help_text="of this log, for ever")

    class Meta:
        db_table = "log_partitions"


class LogRecord(models.Model):
    """One fact."""

    in_both_databases: ClassVar[bool] = True

    pk = models.CompositePrimaryKey("partition", "offset")
    partition = models.IntegerField()
    offset = models.BigIntegerField(db_column="log_offset")
    key = models.CharField(max_length=36, db_column="record_key")
    event_type = models.CharField(max_length=100)
    event_id = models.CharField(max_length=36)
    unique_key = models.CharField(max_length=64, null=True, unique=True)
    value = models.BinaryField()
    appended_ms = models.BigIntegerField()

    class Meta:
        db_table = "log_records"
        indexes = [models.Index(fields=["key", "offset"], name="log_records_by_key")]


class GroupOffset(models.Model):
    """Everything at or below `offset` is finished; the row registers the group's first start."""

    in_both_databases: ClassVar[bool] = True

    group = models.CharField(max_length=64, db_column="group_name")
    partition = models.IntegerField()
    offset = models.BigIntegerField(db_column="log_offset")
    holder = models.CharField(max_length=32, db_default="", help_text="the reader whose it is now, where several share")
    held_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "log_group_offsets"
        constraints = [models.UniqueConstraint(fields=["group", "partition"], name="one_offset_a_group")]


class GroupMember(models.Model):
    """A process that reads as a group, where several share its partitions."""

    in_both_databases: ClassVar[bool] = True

    group = models.CharField(max_length=64, db_column="group_name")
    member = models.CharField(max_length=32)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "log_group_members"
        constraints = [models.UniqueConstraint(fields=["group", "member"], name="one_row_a_reader")]


class HeldKey(models.Model):
    """A key whose record failed three times: nothing of it is applied until it is retried."""

    group = models.CharField(max_length=64, db_column="group_name")
    key = models.CharField(max_length=36, db_column="record_key")
    partition = models.IntegerField()
    offset = models.BigIntegerField(db_column="log_offset", help_text="the first record not applied")
    pos = models.BigIntegerField(help_text="of the first record not applied")
    error = models.TextField()
    held_at = models.DateTimeField(auto_now_add=True)
    retry = models.BooleanField(default=False, help_text="set by `project --retry`")

    class Meta:
        db_table = "log_held_keys"
        constraints = [models.UniqueConstraint(fields=["group", "key"], name="one_hold_a_key")]


class DeadLetter(models.Model):
    """A record that nobody can read, with its origin and original bytes."""

    in_both_databases: ClassVar[bool] = True

    group = models.CharField(max_length=64, db_column="group_name")
    partition = models.IntegerField()
    offset = models.BigIntegerField(db_column="log_offset")
    reason = models.TextField()
    value = models.BinaryField()
    parked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "log_dead_letters"
        constraints = [models.UniqueConstraint(fields=["group", "partition", "offset"], name="one_letter_a_record")]


class WorkerLease(models.Model):
    """Who may mint ids with this worker number, and the moment the next holder starts above."""

    worker = models.IntegerField(primary_key=True)
    holder = models.CharField(max_length=32)
    expires_at = models.DateTimeField()
    minted_up_to = models.BigIntegerField(help_text="Unix ms; written ahead of what is minted")

    class Meta:
        db_table = "worker_leases"


class Chore(models.Model):
    """Work that a command left for later."""

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=128, help_text="one chore of a kind and key waits at a time")
    payload = models.JSONField()
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, help_text="until then its process is believed to run it")
    tries = models.IntegerField(default=0)
    error = models.TextField(blank=True, help_text="of the last try")
    given_up_at = models.DateTimeField(null=True, help_text="set by the last try; `chores --retry` clears it")
    generation = models.IntegerField(default=0, help_text="one more each time it is added while it runs")

    class Meta:
        db_table = "chores"
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_chore_a_key")]
        indexes = [models.Index(fields=["due_at"], name="chores_by_due")]


class IdempotencyKey(models.Model):
    """What a person's creating request with this key made, for 24 hours."""

    user_id = models.UUIDField()
    key = models.CharField(max_length=32, help_text="digest of the client's key")
    digest = models.CharField(max_length=32, help_text="of the request's method, address and body")
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "idempotency_keys"
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="one_result_a_key")]


class LogTopic(models.Model):
    """The Kafka topic of the event log: positions hold for this topic id and generation."""

    name = models.CharField(primary_key=True, max_length=249)
    topic_id = models.CharField(max_length=32, help_text="the brokers' own; another one is another topic")
    generation = models.IntegerField(default=1, help_text="raised by `migrate_log --accept-new-topic`")
    partitions = models.IntegerField(help_text="fixed for life: a key's partition is counted with it")

    class Meta:
        db_table = "log_topics"


class GroupStart(models.Model):
    """Where a group of Kafka's first began; from then on an offset that is missing is lost, not new."""

    topic = models.CharField(max_length=249)
    group = models.CharField(max_length=255, db_column="group_name")
    partition = models.IntegerField()
    offset = models.BigIntegerField(db_column="log_offset")
    started_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "group_starts"
        constraints = [models.UniqueConstraint(fields=["topic", "group", "partition"], name="one_start_a_group")]
