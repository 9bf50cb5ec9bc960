"""What bots of chats can be asked to do: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class BotCommand(models.Model):
    """A command of a bot, which people invoke in the chats that it is in."""

    bot = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=32)
    description = models.CharField(max_length=200)
    usage = models.CharField(max_length=200, blank=True, help_text="what may follow the name")

    class Meta:
        db_table = "bot_commands"
        constraints = [models.UniqueConstraint(fields=["bot", "name"], name="one_command_of_a_bot")]

    def __str__(self) -> str:
        return f"/{self.name}"


class Invocation(models.Model):
    """A command that somebody invoked, while its bot may answer; what was said with it is told to the bot alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    bot = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    command = models.CharField(max_length=32)
    answers = models.PositiveIntegerField(default=0, help_text="private ones")
    reply_until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "invocations"

    def __str__(self) -> str:
        return str(self.id)
