"""The commands of bots, and where they can be invoked."""

from uuid import UUID

from django.db.models import QuerySet

from chat.models import BotCommand, Participant
from chatsite.kernel.ids import ChatId

LISTED = 500  # of ten bots with as many as they may have; what is not listed can be invoked all the same


def of_bot(bot_id: UUID) -> list[BotCommand]:
    """Those of a bot, by name."""
    return list(BotCommand.objects.filter(bot=bot_id).order_by("name"))


def listed(chat: ChatId) -> list[BotCommand]:
    """Those that can be invoked in a chat, by name, 500 at most, with their bots."""
    return list(in_chat(chat)[:LISTED])


def in_chat(chat: ChatId) -> QuerySet[BotCommand]:
    """Those of the bots that are in a chat, by name, with their bots."""
    people = Participant.objects.filter(chat=chat, is_active=True).values("user")
    here = BotCommand.objects.filter(bot__is_active=True, bot__in=people)
    return here.select_related("bot").order_by("name", "bot_id")
