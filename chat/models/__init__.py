"""The tables of chats, and those of the SQL message store."""

from chat.messages import Message
from chat.models.chats import Chat, Participant
from chat.models.history import HistoryBucket, HistoryMessage

__all__ = ["Chat", "HistoryBucket", "HistoryMessage", "Message", "Participant"]
