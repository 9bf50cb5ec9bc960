"""The tables of chats, and those of the SQL message store."""

from chat.messages import Message
from chat.models.acknowledgements import Acknowledgement, ImportantMessage
from chat.models.bots import BotCommand, Invocation
from chat.models.chats import Ban, Chat, Erased, Folder, Invite, Participant
from chat.models.flags import MessageFlag
from chat.models.history import HistoryBucket, HistoryEdit, HistoryMessage, ReadPosition
from chat.models.hooks import IncomingWebhook, Webhook, WebhookDelivery
from chat.models.link_previews import LinkPage, LinkPreviews
from chat.models.personal import Draft, MailDigest, MessageTemplate, PushSubscription, Reminder, ScheduledMessage, Star
from chat.models.polls import Poll, PollVote
from chat.models.rules import ModerationRule
from chat.models.threads import ThreadFollow, ThreadReply

__all__ = [
    "Acknowledgement",
    "Ban",
    "BotCommand",
    "Chat",
    "Draft",
    "Erased",
    "Folder",
    "HistoryBucket",
    "HistoryEdit",
    "HistoryMessage",
    "ImportantMessage",
    "IncomingWebhook",
    "Invite",
    "Invocation",
    "LinkPage",
    "LinkPreviews",
    "MailDigest",
    "Message",
    "MessageFlag",
    "MessageTemplate",
    "ModerationRule",
    "Participant",
    "Poll",
    "PollVote",
    "PushSubscription",
    "ReadPosition",
    "Reminder",
    "ScheduledMessage",
    "Star",
    "ThreadFollow",
    "ThreadReply",
    "Webhook",
    "WebhookDelivery",
]
