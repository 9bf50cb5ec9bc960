"""Threads while the groups that store them are behind: what is shown is what was said."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chat.models import Chat, Participant
from chat.queries import threads
from chatsite.accounts.models import User
from chatsite.gateway.bodies import body_of
from chatsite.gateway.streams import stream
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import Payload, Record
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId, make_id, version_of
from tests.unit.events import deleted, sent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
ROOT, OTHER_ROOT, FIRST, SECOND, THIRD = (make_id(1_000 * n, 1, n) for n in range(5))


class Place(NamedTuple):
    """A chat, and who is in it: ada began the threads."""

    chat: ChatId
    ada: UserId
    ben: UserId


@pytest.fixture
async def place(transactional_db: None) -> AsyncIterator[Place]:
    """A chat with two messages that threads may be under; the log of this process."""
    await log().open()
    ada, ben = [await User.objects.acreate(username=name) for name in ("ada", "ben")]
    chat = await Chat.objects.acreate(name="A chat", chat_type="group", version=1)
    for user in (ada, ben):
        await Participant.objects.acreate(chat=chat, user=user, role="member", version=1)
    place = Place(ChatId(chat.id), UserId(ada.id), UserId(ben.id))
    for root in (ROOT, OTHER_ROOT):
        await said(place, place.ada, root, thread=None)
    yield place
    await log().close()
    await sync_to_async(connections.close_all)()


async def happened(place: Place, event: Payload, version: int) -> Record:
    """The record of what happened, which the stream has already."""
    await log().append(fact(event, key=place.chat, actor=place.ada, version=version))
    (record,) = await log().newest(limit=1)
    body = body_of(record)
    assert body is not None
    await stream().append(record, body)
    return record


async def said(
    place: Place, by: UUID, message: MessageId, *, thread: MessageId | None = ROOT, mentions: tuple[UUID, ...] = ()
) -> Record:
    """Somebody says something, in a thread of ada's or beside them."""
    event = msgspec.structs.replace(
        sent(message).event,
        room_id=str(place.chat),
        sender_id=str(by),
        thread_id=str(thread) if thread is not None else None,
        thread_starter_id=str(place.ada) if thread is not None else None,
        mentions=[str(one) for one in mentions],
    )
    return await happened(place, event, version_of(message))


async def taken_back(place: Place, message: MessageId) -> Record:
    """A message is deleted."""
    event, version, _ = deleted(1_000, message=message)
    return await happened(place, msgspec.structs.replace(event, room_id=str(place.chat)), version)


async def test_a_page_has_its_thread_alone_before_any_of_it_is_stored(place: Place) -> None:
    for message, thread in ((FIRST, ROOT), (SECOND, OTHER_ROOT), (THIRD, ROOT)):
        await said(place, place.ben, message, thread=thread)
    await taken_back(place, FIRST)
    found = await threads.page(place.chat, ROOT, viewer=place.ben, limit=10)
    assert found.root.message_id == ROOT
    assert [(one.message_id, one.is_deleted) for one in found.page.messages] == [(FIRST, True), (THIRD, False)]
    assert found.page.complete
