"""What of chats is one person's alone: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.digests import Frequency
from chat.models.chats import Chat
from chatsite.accounts.models import SignIn


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
    important = models.BooleanField(default=False)
    send_at = models.DateTimeField()
    refused_with = models.CharField(max_length=64, blank=True, help_text="the code of the refusal when its time came")
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "scheduled_messages"
        indexes = [models.Index(fields=["user", "send_at", "id"], name="scheduled_of_a_person")]

    def __str__(self) -> str:
        # Without the text: it is nobody else's to read.
        return f"in {self.chat_id}"


class Reminder(models.Model):
    """A message that somebody wants to be told of again; once it is due it stays until it is dropped or put off."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="reminders")
    message_id = models.BigIntegerField()
    note = models.CharField(max_length=200, blank=True)
    remind_at = models.DateTimeField()
    is_due = models.BooleanField(default=False)
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "reminders"
        indexes = [
            models.Index(fields=["user", "remind_at", "id"], name="reminders_of_a_person"),
            models.Index(fields=["chat", "message_id"], name="reminders_of_a_message"),
        ]

    def __str__(self) -> str:
        return str(self.id)  # Its note is nobody else's to read.


class PushSubscription(models.Model):
    """A browser that its person lets be told of what is new while no window is open, as long as its sign-in stands."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions")
    sign_in = models.ForeignKey(SignIn, on_delete=models.CASCADE, related_name="+")
    endpoint = models.CharField(max_length=1_000, unique=True, help_text="who knows it can reach the browser: a secret")
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=32)
    has_texts = models.BooleanField(default=True, help_text="a note says what the message says")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "push_subscriptions"

    def __str__(self) -> str:
        return str(self.id)


class MailDigest(models.Model):
    """That somebody has mailed to them what they missed, and how far that was done; who wants none has no row."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="mail_digest"
    )
    frequency = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Frequency])
    mailed_for = models.DateTimeField(null=True, help_text="begin of the latest period that was mailed")
    told_message_id = models.BigIntegerField(help_text="no message up to here is news")

    class Meta:
        db_table = "mail_digests"

    def __str__(self) -> str:
        return f"{self.frequency} to {self.user_id}"


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
