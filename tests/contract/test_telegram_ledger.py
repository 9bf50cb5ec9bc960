"""What an import keeps of a Telegram chat: one run has it at a time, and all that it claimed goes with the chat."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chat.models import Erased
from chat.queries.erased import CHAT
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict
from chatsite.kernel.ids import ChatId, MessageId
from telegram_bridge.commands.erasing import erase
from telegram_bridge.commands.imports import ImportedChat
from telegram_bridge.ids import chat_id_of
from telegram_bridge.models import TelegramClaim, TelegramImport
from telegram_bridge.stores import telegram_map

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
SOURCE = chat_id_of(5)
FIRST, SECOND = ImportedChat(SOURCE, "first"), ImportedChat(SOURCE, "second")


@pytest.fixture
async def chat(transactional_db: None) -> AsyncIterator[ChatId]:
    """A chat that the first run brings in."""
    chat = ChatId(uuid4())
    await in_db_thread(FIRST.open, chat)
    yield chat
    await sync_to_async(connections.close_all)()


async def kill_a_run_long_ago(chat: ChatId) -> None:
    """Let a lease be over that nobody gave back."""
    await TelegramImport.objects.filter(chat_id=chat).aupdate(held_until=datetime.now(UTC))


async def test_one_run_has_a_chat_until_it_ends_or_was_killed_long_ago(chat: ChatId) -> None:
    with pytest.raises(Conflict, match=r"another run .* until 20.*Z"):
        await in_db_thread(SECOND.open, chat)
    await in_db_thread(SECOND.close, chat)  # It gives back nothing that is not its own.
    with pytest.raises(Conflict, match="another run"):
        await in_db_thread(SECOND.open, chat)
    await in_db_thread(FIRST.open, chat)
    await in_db_thread(FIRST.close, chat)
    await in_db_thread(SECOND.open, chat)
    await kill_a_run_long_ago(chat)
    await in_db_thread(FIRST.open, chat)


async def test_a_claim_makes_the_lease_longer_and_who_lost_it_claims_nothing(chat: ChatId) -> None:
    await kill_a_run_long_ago(chat)
    await FIRST.claim(chat, {1: MessageId(10)})
    with pytest.raises(Conflict, match="another run"):
        await in_db_thread(SECOND.open, chat)
    await kill_a_run_long_ago(chat)
    await in_db_thread(SECOND.open, chat)
    with pytest.raises(Conflict, match="another run"):
        await FIRST.claim(chat, {2: MessageId(20)})
    assert await SECOND.find(chat, {1: MessageId(11), 2: MessageId(21)}) == {1: MessageId(10)}


async def test_a_chat_is_not_erased_while_it_is_brought_in(chat: ChatId) -> None:
    """What is claimed between the look of an erasure and its end would stay for ever."""
    await FIRST.claim(chat, {1: MessageId(10), 3: MessageId(30)})
    await FIRST.claim(chat, {4: MessageId(40)})
    with pytest.raises(Conflict, match="another run"):
        await erase(chat)
    await Erased.objects.acreate(kind=CHAT, subject=chat)
    with pytest.raises(Conflict, match="deleted for good"):
        await FIRST.claim(chat, {2: MessageId(20)})
    await in_db_thread(FIRST.close, chat)
    # No store was told of these messages.
    assert await erase(chat) == {"telegram_message_mapping": 3, "telegram_imports": 1}
    assert await telegram_map().back(chat, [MessageId(10), MessageId(20), MessageId(40)]) == []
    with pytest.raises(Conflict, match="deleted for good"):
        await FIRST.claim(chat, {2: MessageId(20)})
    assert await erase(chat) == {}
    await in_db_thread(SECOND.open, other := ChatId(uuid4()))
    assert await SECOND.claim(other, {1: MessageId(11)}) == {1: MessageId(11)}


async def test_what_was_claimed_before_is_not_noted_again(chat: ChatId) -> None:
    for batch in ({1: MessageId(10), 2: MessageId(20)}, {2: MessageId(21), 3: MessageId(30)}, {3: MessageId(31)}):
        await FIRST.claim(chat, batch)
    assert [one.numbers async for one in TelegramClaim.objects.filter(source=chat).order_by("id")] == [[1, 2], [3]]
