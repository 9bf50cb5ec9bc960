"""Addresses of programs that talk in chats: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class IncomingWebhook(models.Model):
    """An address that says in a chat what is posted to it, in the name of a bot of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="incoming_webhooks")
    bot = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the secret in its address")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "incoming_webhooks"

    def __str__(self) -> str:
        return str(self.id)
