"""What was reported of messages: facts for staff, in Django's database. No text of a message is kept here."""

import uuid

from django.conf import settings
from django.db import models

from chat.models.chats import Chat
from chat.moderation import MAX_NAME, MAX_TEXT, Outcome, Reason, State


class MessageFlag(models.Model):
    """A message that staff should look at, and what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="flags")
    message_id = models.BigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    rule = models.ForeignKey("chat.ModerationRule", on_delete=models.SET_NULL, null=True, related_name="+")
    text_version = models.BigIntegerField(null=True, help_text="of the text in which a rule found something")
    reason = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Reason])
    text = models.CharField(max_length=MAX_TEXT, blank=True, help_text="what whoever reported it said")
    source = models.CharField(max_length=MAX_NAME, blank=True, help_text="the program that looked at it")
    label = models.CharField(max_length=MAX_NAME, blank=True, help_text="what that program found")
    score = models.FloatField(null=True, help_text="how sure it is, 0 to 1")
    state = models.CharField(max_length=16, default=State.OPEN.value, choices=[(one.value, one.value) for one in State])
    outcome = models.CharField(
        max_length=16, blank=True, choices=[(one.value, one.value) for one in Outcome], help_text="what staff did"
    )
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "message_flags"
        verbose_name = "report"
        constraints = [
            models.UniqueConstraint(
                fields=["chat", "message_id", "by"],
                condition=models.Q(state=State.OPEN.value),
                name="one_open_flag_of_a_person",
            ),
            models.UniqueConstraint(fields=["rule", "message_id", "text_version"], name="one_flag_of_a_rule"),
        ]
        indexes = [
            models.Index(fields=["state", "-created_at"], name="flags_that_wait"),
            models.Index(fields=["by", "state"], name="flags_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.message_id}"
