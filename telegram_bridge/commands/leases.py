"""Who may change the map of a chat: one run of an import at a time, or what erases the chat."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from chat.commands.imports import ERASED
from chatsite.kernel.errors import Conflict
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId
from telegram_bridge.models import TelegramImport

LEASE = timedelta(minutes=2)  # several times what a batch takes; so long a killed run is in the way


@transaction.atomic
def take(chat: ChatId, holder: str) -> TelegramImport:
    """Hold the source of a chat for the length of a lease; Conflict while another does, or where it is gone."""
    source = TelegramImport.objects.select_for_update().filter(chat_id=chat).first()
    if source is None:
        raise Conflict(ERASED)
    now = datetime.now(UTC)
    if source.holder != holder and source.held_until is not None and source.held_until > now:
        raise Conflict(
            "another run brings in this Telegram chat: wait until it has ended or,"
            f" where it was killed, until {iso(int(source.held_until.timestamp() * 1_000))}."
        )
    source.holder, source.held_until = holder, now + LEASE
    source.save(update_fields=["holder", "held_until"])
    return source


def give_back(chat: ChatId, holder: str) -> None:
    """Let others hold it, where this one still does."""
    TelegramImport.objects.filter(chat_id=chat, holder=holder).update(holder="", held_until=None)
