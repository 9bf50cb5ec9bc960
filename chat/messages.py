"""Messages: an unmanaged model whose manager reads and writes the message store."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NoReturn

from django.db import models

from chat.fold import MessageState, Stamped
from chat.inboxes import Unread
from chat.stores import Edit, Nonce, StorePage, store
from chatsite.kernel.ids import ChatId, MessageId, UserId


class MessageManager(models.Manager["Message"]):
    """The custom manager over the message store: add, change, find, page and what else it knows.

    It answers `MessageState`, the pure state that `chat.fold` works on.
    """

    async def add(self, chat: ChatId, sent: Sequence[Stamped]) -> None:
        """Store messages of a chat; replays and retries change nothing."""
        await store().add(chat, sent)

    async def change(self, chat: ChatId, changed: Sequence[Stamped]) -> None:
        """Apply edits and deletes to messages of a chat, in any order."""
        await store().change(chat, changed)

    async def find(self, chat: ChatId, message: MessageId) -> MessageState | None:
        """A stored message, tombstones too; None when it is not stored."""
        return await store().get(chat, message)

    async def page(
        self, chat: ChatId, *, before: MessageId | None = None, after: MessageId | None = None, limit: int
    ) -> StorePage:
        """Up to `limit` stored messages just before or after an id, or the newest."""
        return await store().page(chat, before=before, after=after, limit=limit)

    async def thread(
        self,
        chat: ChatId,
        root: MessageId,
        *,
        before: MessageId | None = None,
        after: MessageId | None = None,
        limit: int,
    ) -> StorePage:
        """Up to `limit` stored messages of a thread just before or after an id, or the newest."""
        return await store().thread(chat, root, before=before, after=after, limit=limit)

    async def edits(self, chat: ChatId, message: MessageId) -> list[Edit]:
        """The earlier texts of a message, oldest first."""
        return await store().edits(chat, message)

    async def find_nonce(self, chat: ChatId, sender: UserId, nonce: str) -> Nonce | None:
        """The message that was sent with a nonce within 24 hours, once it is stored."""
        return await store().find_nonce(chat, sender, nonce)

    async def unread(
        self, viewer: UserId, above: Mapping[ChatId, int], *, types: Sequence[str], limit: int
    ) -> dict[ChatId, list[Unread]]:
        """The newest messages of others above a pos in each chat."""
        return await store().unread(viewer, above, types=types, limit=limit)

    async def size(self, chat: ChatId) -> int:
        """How many messages of a chat are stored, tombstones too."""
        return await store().size(chat)

    async def erase(self, chat: ChatId) -> dict[str, int]:
        """Delete everything of a chat for good; answers how many rows went, by table."""
        return await store().erase(chat)

    async def applied(self, chat: ChatId) -> int:
        """The pos up to which everything of a chat is stored."""
        return await store().applied(chat)

    def get_queryset(self) -> NoReturn:
        """Refuse: messages are in the message store, where no query set reaches."""
        raise NotImplementedError("Messages have no query set: use Message.objects.add, change, find, page or applied.")


class Message(models.Model):
    """What somebody said in a chat; kept by the message store, not by Django's database."""

    database: ClassVar[str] = "messages"

    message_id = models.BigIntegerField(primary_key=True)
    channel_id = models.UUIDField()
    sender_id = models.UUIDField()
    content = models.TextField()

    objects: ClassVar[MessageManager] = MessageManager()

    class Meta:
        managed = False
        db_table = "messages"
