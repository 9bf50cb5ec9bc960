"""The newest message of a chat is that of the highest id, in whatever order they come."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from chat.events import ParticipantAdded
from chat.fold import Stamped
from chat.models import Chat
from chat.projections.previews import _Part, _write_all, write_later
from chatsite.kernel.events import Record, new_record
from chatsite.kernel.ids import MessageId, make_id
from tests.unit.events import MESSAGE, deleted, edited, imported, placed, sent

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
    return placed(new, pos=pos)


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


async def test_what_cannot_be_written_of_one_chat_costs_the_others_of_its_second_nothing(chat: Chat) -> None:
    other = await Chat.objects.acreate(name="Another", chat_type="group", version=1)
    happened = sent()
    bad = happened._replace(event=msgspec.structs.replace(happened.event, sent_at="never"))
    failed, written = await asyncio.gather(
        write_later([record(chat, bad)]), write_later([record(other, happened)]), return_exceptions=True
    )
    assert (type(failed), written) == (ValueError, None)
    assert (await shown(chat), await shown(other)) == (None, str(MESSAGE))


def test_a_chat_is_locked_before_the_places_in_it(transactional_db: None) -> None:
    made, who = Chat.objects.create(name="A chat", chat_type="group", version=1), str(uuid4())
    added = ParticipantAdded(room_id=str(made.id), user_id=who, by=who, role="member", count=1, members_version=2)
    happened = new_record(added, event_id=uuid4(), key=made.id, version=1, occurred_ms=0, actor=None, region="r")
    part = _Part()
    part.take(placed(happened))
    with CaptureQueriesContext(connection) as asked:
        _write_all([part])
    # As all who come and go do it: PostgreSQL ends the circle of two who hold what the other waits for.
    tables = re.findall(r'(?:FROM|UPDATE) "(chats|chat_participants)"', " ".join(one["sql"] for one in asked))
    assert tables[0] == "chats" and "chat_participants" in tables
