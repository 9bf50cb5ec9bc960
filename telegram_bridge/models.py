"""The tables of what came from Telegram."""

from typing import ClassVar

from django.db import models

from chatsite.kernel.database import MESSAGES


class TelegramMessage(models.Model):
    """Which message here one of Telegram became; only `telegram_bridge.stores.sql_map` reads and writes it.

    Nothing reads `bucket`, `part` and `direction` yet: the shape is agreed with a bridge that sends both ways.
    """

    database: ClassVar[str] = MESSAGES

    pk = models.CompositePrimaryKey("telegram_message_id", "telegram_chat_id")
    telegram_message_id = models.BigIntegerField()
    telegram_chat_id = models.BigIntegerField(help_text="with -100 in front, as bots know it")
    channel_id = models.CharField(max_length=36)
    bucket = models.IntegerField()
    message_id = models.BigIntegerField()
    part = models.IntegerField()
    direction = models.CharField(max_length=3)

    class Meta:
        db_table = "telegram_message_mapping"
        indexes = [models.Index(fields=["channel_id", "message_id", "part"], name="telegram_by_local")]


class TelegramImport(models.Model):
    """Which chat of Telegram a chat was brought in from, and who does so now.

    It refers to no chat: what an erased one left in the stores is found by it. A live link says who may write
    where, which is another fact, and may name a topic: it is not this.
    """

    chat_id = models.UUIDField(primary_key=True)
    telegram_chat_id = models.BigIntegerField(unique=True)
    holder = models.CharField(max_length=32, default="", help_text="the run that claims for it, or its erasure")
    held_until = models.DateTimeField(null=True, help_text="until when nobody else may, should its holder be killed")

    class Meta:
        db_table = "telegram_imports"


class TelegramClaim(models.Model):
    """A batch of messages that was about to be claimed: by these numbers all of a chat is found, stored or not."""

    source = models.ForeignKey(TelegramImport, models.CASCADE)
    numbers = models.JSONField(help_text="their ids in Telegram, at most 500")

    class Meta:
        db_table = "telegram_claims"
