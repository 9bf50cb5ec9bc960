"""The newest message of a chat is that of the highest id, in whatever order they come."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chat.fold import Stamped
from chat.models import Chat
from chat.projections.previews import write_later
from chatsite.kernel.events import Record, new_record
from chatsite.kernel.ids import MessageId, make_id
from tests.unit.events import MESSAGE, deleted, edited, imported, sent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture
async def chat(transactional_db: None) -> AsyncIterator[Chat]:
    """A chat in which nothing was said."""
    yield await Chat.objects.acreate(name="A chat", chat_type="group", version=1)
    await sync_to_async(connections.close_all)()


def record(chat: Chat, happened: Stamped) -> Record:
    """The record of an event in a chat."""
    event, version, pos = happened
    new = new_record(
        event, event_id=uuid4(), key=UUID(str(chat.id)), version=version, occurred_ms=0, actor=None, region="r"
    )
    return Record(
        partition=0, offset=pos, pos=pos, key=new.key, event_type=new.event_type, event_id=new.event_id,
        value=new.value, appended_ms=0,
    )  # fmt: skip


async def shown(chat: Chat) -> object:
    """The id of the message that a list shows."""
    await chat.arefresh_from_db()
    return chat.last_message and chat.last_message["id"]


async def test_what_is_imported_never_hides_what_was_said_since(chat: Chat) -> None:
    old, older = (MessageId(make_id(ms, 960, 1)) for ms in (-1_000, -2_000))
    await write_later([record(chat, imported(old)), record(chat, imported(older))])
    assert await shown(chat) == str(old)
    await write_later([record(chat, sent()), record(chat, imported(old))])
    assert await shown(chat) == str(MESSAGE)
    await write_later([record(chat, imported(older))])
    assert await shown(chat) == str(MESSAGE)


async def test_a_text_that_was_deleted_does_not_come_back(chat: Chat) -> None:
    await write_later([record(chat, sent())])
    # The edit was checked before the delete stood in the log, and came in behind it.
    await write_later([record(chat, deleted(1_000)), record(chat, edited(2_000, "again"))])
    await chat.arefresh_from_db()
    assert chat.last_message is not None
    assert (chat.last_message["content"], chat.last_message["is_deleted"]) == ("", True)
