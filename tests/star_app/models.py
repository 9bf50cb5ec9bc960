"""The table of stars, made from the facts."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Star(models.Model):
    """A message that somebody has starred, or had."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    chat_id = models.UUIDField()
    message_id = models.BigIntegerField()
    starred = models.BooleanField()
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    objects: ClassVar[models.Manager["Star"]] = models.Manager()

    class Meta:
        db_table = "star_app_stars"
        constraints = [models.UniqueConstraint(fields=["user", "chat_id", "message_id"], name="one_star_a_message")]
