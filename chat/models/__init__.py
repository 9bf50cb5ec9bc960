"""The tables of chats, and those of the SQL message store."""

from chat.messages import Message
from chat.models.chats import Ban, Chat, Erased, Folder, Invite, Participant
from chat.models.history import HistoryBucket, HistoryEdit, HistoryMessage, ReadPosition
from chat.models.hooks import IncomingWebhook, Webhook, WebhookDelivery
from chat.models.personal import Draft, MessageTemplate, ScheduledMessage, Star
from chat.models.threads import ThreadFollow, ThreadReply

__all__ = [
    "Ban",
    "Chat",
    "Draft",
    "Erased",
    "Folder",
    "HistoryBucket",
    "HistoryEdit",
    "HistoryMessage",
    "IncomingWebhook",
    "Invite",
    "Message",
    "MessageTemplate",
    "Participant",
    "ReadPosition",
    "ScheduledMessage",
    "Star",
    "ThreadFollow",
    "ThreadReply",
    "Webhook",
    "WebhookDelivery",
]
