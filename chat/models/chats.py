"""Chats and their participants: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.policy import Role


class Chat(models.Model):
    """A conversation of some people."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, blank=True)
    chat_type = models.CharField(max_length=50)
    company = models.ForeignKey("accounts.Company", on_delete=models.PROTECT, null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    last_message_at = models.DateTimeField(null=True)
    last_message = models.JSONField(null=True, help_text="id, sender and text of the newest message, by `previews`")
    participant_count = models.IntegerField(default=0)
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    members_version = models.BigIntegerField(default=1, help_text="rises with every change of membership")
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "chats"

    def __str__(self) -> str:
        return self.name or str(self.id)


class Participant(models.Model):
    """Somebody's place in a chat; inactive once they left or were removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=50, default=Role.MEMBER, choices=[(role.value, role.value) for role in Role])
    joined_at = models.DateTimeField(auto_now_add=True)
    is_active = models.BooleanField(default=True)
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "chat_participants"
        constraints = [models.UniqueConstraint(fields=["chat", "user"], name="one_place_a_chat")]
        indexes = [models.Index(fields=["user", "is_active"], name="chats_of_a_person")]
