"""What an import keeps of a Telegram chat: which chat it became, and which message each of its messages."""

from collections.abc import Mapping
from typing import NamedTuple

from django.db import IntegrityError, transaction

from chat.commands.imports import ERASED
from chat.models import Erased
from chat.queries.erased import CHAT
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict
from chatsite.kernel.ids import ChatId, MessageId
from telegram_bridge.commands.leases import give_back, take
from telegram_bridge.models import TelegramClaim, TelegramImport
from telegram_bridge.stores import Mapped, TelegramId, telegram_map

_ELSEWHERE = "this Telegram chat was brought into another chat before: one stands for it here."


class ImportedChat(NamedTuple):
    """The ledger of a supergroup or channel (`chat.commands.imports.Ledger`).

    Numbers from zero down are no ids of it: so an export counts what was said in the basic group before.
    """

    id: int
    holder: str  # one for each run

    def require_free(self, chat: ChatId) -> None:
        if TelegramImport.objects.filter(telegram_chat_id=self.id).exclude(chat_id=chat).exists():
            raise Conflict(_ELSEWHERE)

    def open(self, chat: ChatId) -> None:
        self.require_free(chat)
        try:
            with transaction.atomic():
                TelegramImport.objects.get_or_create(chat_id=chat, defaults={"telegram_chat_id": self.id})
        except IntegrityError:
            raise Conflict(_ELSEWHERE) from None
        take(chat, self.holder)

    def close(self, chat: ChatId) -> None:
        give_back(chat, self.holder)

    async def find(self, chat: ChatId, numbers: Mapping[int, MessageId]) -> dict[int, MessageId]:
        return _standing(chat, await telegram_map().find([one.there for one in self._rows(chat, numbers)]))

    async def claim(self, chat: ChatId, numbers: Mapping[int, MessageId]) -> dict[int, MessageId]:
        rows = self._rows(chat, numbers)
        # Noted first: by the notes all that is claimed is found when the chat is erased, said or not.
        known = {one.there for one in await telegram_map().find([one.there for one in rows])}
        await in_db_thread(self._note, chat, [one.there.message for one in rows if one.there not in known])
        return _standing(chat, await telegram_map().claim(rows))

    @transaction.atomic
    def _note(self, chat: ChatId, numbers: list[int]) -> None:
        if Erased.objects.filter(kind=CHAT, subject=chat).exists():
            raise Conflict(ERASED)
        source = take(chat, self.holder)
        if numbers:
            TelegramClaim.objects.create(source=source, numbers=numbers)

    def _rows(self, chat: ChatId, numbers: Mapping[int, MessageId]) -> list[Mapped]:
        ids = {number: message for number, message in numbers.items() if number > 0}
        return [Mapped(TelegramId(self.id, number), chat, message) for number, message in ids.items()]


def _standing(chat: ChatId, found: list[Mapped]) -> dict[int, MessageId]:
    if any(one.chat != chat for one in found):
        raise Conflict(_ELSEWHERE)
    return {one.there.message: one.message for one in found}
