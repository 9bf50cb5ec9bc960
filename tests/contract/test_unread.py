"""What is unread, while the positions it is counted from are being copied."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chat.events import ParticipantAdded, ReadAdvanced
from chat.models import Chat, Participant
from chat.projections.previews import write_later
from chat.queries import unread
from chat.queries.unread import position_of
from chatsite.accounts.models import User
from chatsite.gateway.bodies import body_of
from chatsite.gateway.streams import stream
from chatsite.kernel.eventlog import Positions, log
from chatsite.kernel.events import Payload, Record
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId
from tests.unit.events import sent
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
NOBODY = "00000000-0000-4000-8000-000000000000"
NOTHING: Positions = {}  # of it was copied when one looked


@pytest.fixture
async def ready(transactional_db: None) -> AsyncIterator[None]:
    """The log of this process."""
    await log().open()
    yield
    await log().close()
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def place(ready: None) -> Participant:
    """Somebody's place in a chat in which a message was said."""
    chat = await Chat.objects.acreate(name="A chat", chat_type="group", version=1)
    ada = await User.objects.acreate(username="ada")
    await said(chat.id, MessageId(1))
    return await Participant.objects.acreate(chat=chat, user=ada, version=1)


async def happened(event: Payload, *, key: UUID, version: int) -> Record:
    """The record of what happened, which the stream has already."""
    await log().append(fact(event, key=key, actor=UUID(NOBODY), version=version))
    (record,) = await log().newest(limit=1)
    body = body_of(record)
    assert body is not None
    await stream().append(record, body)
    return record


async def said(chat: UUID, message: MessageId) -> Record:
    """A message of somebody else."""
    return await happened(sent(message)[0], key=chat, version=1)


async def read(place: Participant, pos: int, *, version: int, back: bool = False) -> Record:
    """A read up to a pos."""
    event = ReadAdvanced(
        user_id=str(place.user_id), room_id=str(place.chat_id), message_id="1", pos=pos, read_at="",
        unread=0, mentions=0, up_to=pos, back=back,
    )  # fmt: skip
    return await happened(event, key=place.user_id, version=version)


async def copy(records: Sequence[Record]) -> None:
    """Copy positions as the group does, and let it be known."""
    await write_later(records)
    reader = await log().read(unread.PREVIEWS)
    async with in_time("they are copied"):
        while await log().behind(unread.PREVIEWS):
            for record in await reader.poll(limit=10, wait=1):
                reader.finished(record.partition, record.offset)
    await reader.close()


async def test_what_is_copied_between_two_looks_is_not_missed(place: Participant) -> None:
    chat, ada = ChatId(place.chat_id), UserId(place.user_id)
    before = position_of(place)
    message = await said(place.chat_id, MessageId(2))
    await copy([await read(place, message.pos, version=10)])
    assert (await unread.of(ada, {chat: before}, done=NOTHING))[chat].unread == 0
    assert (await unread.of_one(chat, ada)).unread == 0


async def test_coming_in_does_not_read_what_was_marked_unread_since(place: Participant) -> None:
    chat, ada = ChatId(place.chat_id), UserId(place.user_id)
    before = position_of(place)
    added = await happened(
        ParticipantAdded(room_id=str(chat), user_id=str(ada), role="member", by=NOBODY, count=2, members_version=5),
        key=chat,
        version=5,
    )
    assert (await unread.of(ada, {chat: before}, done=NOTHING))[chat].unread == 0
    await copy([added, await read(place, 0, version=10, back=True)])
    await place.arefresh_from_db()
    assert (await unread.of(ada, {chat: position_of(place)}, done=NOTHING))[chat].unread == 1
