"""What staff see of a reported message, once it is on the record why they read it."""

from chat.fold import MessageState
from chat.messages import Message
from chat.queries.messages import require_any
from chatsite.kernel.ids import ChatId, MessageId

AROUND = 5  # messages before and after the one in question


async def around(chat: ChatId, message: MessageId) -> list[MessageState]:
    """A message of any chat with the stored ones beside it, oldest first; deleted ones are there, without a text."""
    before = await Message.objects.page(chat, before=message, limit=AROUND)
    after = await Message.objects.page(chat, after=message, limit=AROUND)
    return [*before.messages, await require_any(chat, message), *after.messages]
