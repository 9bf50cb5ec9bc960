"""Addresses of programs that talk in chats: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class Webhook(models.Model):
    """An address that is told of what happens in a chat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2_000)
    secret = models.CharField(max_length=64, help_text="what is sent is signed with it; shown once")
    events = models.JSONField(help_text="the types it is told of")
    is_active = models.BooleanField(default=True)
    ended_why = models.CharField(max_length=200, blank=True, help_text="why the server stopped it")
    failing_since = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "webhooks"

    def __str__(self) -> str:
        return str(self.id)


class WebhookDelivery(models.Model):
    """One fact on its way to a webhook, and what came of it."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=64)
    message_id = models.BigIntegerField(null=True, help_text="that the fact is about")
    body = models.TextField(help_text="the fact as the event log has it")
    attempts = models.PositiveIntegerField(default=0)
    status = models.PositiveIntegerField(null=True, help_text="the last answer's")
    error = models.CharField(max_length=200, blank=True, help_text="why there was no answer the last time")
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_deliveries"
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id"], name="one_delivery_a_fact")]
        indexes = [models.Index(fields=["webhook", "delivered_at", "id"], name="deliveries_that_wait")]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.webhook_id}"


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
