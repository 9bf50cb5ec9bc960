"""What of chats is one person's alone: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class Star(models.Model):
    """A message that somebody wants to find again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="stars")
    message_id = models.BigIntegerField()
    version = models.BigIntegerField(help_text="microseconds; when it was starred")

    class Meta:
        db_table = "stars"
        # In this order, so that what is deleted finds its stars by it.
        constraints = [models.UniqueConstraint(fields=["chat", "message_id", "user"], name="one_star_of_a_person")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.chat_id}"


class Draft(models.Model):
    """What somebody has begun to write in a chat, on whichever of their devices."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="drafts")
    content = models.TextField()
    reply_to = models.BigIntegerField(null=True, help_text="the message that it answers")
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "drafts"
        constraints = [models.UniqueConstraint(fields=["user", "chat"], name="one_draft_a_chat")]

    def __str__(self) -> str:
        # Without the text: it is nobody else's to read.
        return f"in {self.chat_id}"


class ScheduledMessage(models.Model):
    """What somebody wants to say later; it stays here until it was said or could not be."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="scheduled")
    content = models.TextField()
    reply_to = models.BigIntegerField(null=True)
    mentions = models.JSONField(default=list)
    send_at = models.DateTimeField()
    refused_with = models.CharField(max_length=64, blank=True, help_text="the code of the refusal when its time came")
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "scheduled_messages"
        indexes = [models.Index(fields=["user", "send_at", "id"], name="scheduled_of_a_person")]

    def __str__(self) -> str:
        # Without the text: it is nobody else's to read.
        return f"in {self.chat_id}"


class MessageTemplate(models.Model):
    """A text to say again and again: one's own, a chat's or a company's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, null=True, related_name="templates")
    company = models.ForeignKey("accounts.Company", on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=60)
    content = models.TextField()
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "message_templates"
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_template_of_a_person"),
            models.UniqueConstraint(fields=["chat", "name"], name="one_template_of_a_chat"),
            models.UniqueConstraint(fields=["company", "name"], name="one_template_of_a_company"),
        ]

    def __str__(self) -> str:
        return str(self.id)
