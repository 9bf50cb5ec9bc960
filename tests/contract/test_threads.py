"""Threads while the groups that store them are behind: what is shown is what was said."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chat.commands import threads as commands
from chat.events import ParticipantAdded
from chat.models import Chat, Participant, ThreadFollow
from chat.projections.previews import write_later
from chat.queries import threads, unread
from chatsite.accounts.models import User
from chatsite.gateway.bodies import body_of
from chatsite.gateway.streams import stream
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import Payload, Record
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId, UserId, make_id, version_of
from tests.statements import counted
from tests.unit.events import deleted, sent
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
ROOT, OTHER_ROOT, FIRST, SECOND, THIRD, FOURTH = (make_id(1_000 * n, 1, n) for n in range(6))


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


async def came_back(place: Place, user: UUID) -> Record:
    """Somebody is added who was in the chat before."""
    version = version_of(THIRD)
    added = ParticipantAdded(
        room_id=str(place.chat), user_id=str(user), by=str(place.ada), role="member", count=2, members_version=2
    )
    return await happened(place, added, version)


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


async def seen(place: Place, user: UserId, root: MessageId = ROOT) -> tuple[int, list[UUID], int, bool]:
    """A thread as somebody sees it: replies, participants, unread, whether they follow it."""
    found = (await threads.of([(place.chat, root)], viewer=user))[place.chat, root]
    return found.replies, [UUID(one) for one in found.participants], found.unread, found.following


async def everything(place: Place) -> list[object]:
    """Both threads as both people see them, and their lists."""
    views: list[object] = [await seen(place, user, root) for user in place[1:] for root in (ROOT, OTHER_ROOT)]
    for user in place[1:]:
        followed = await threads.followed(viewer=user, limit=10)
        views.append(
            [(one.message_id, followed.threads[place.chat, MessageId(one.message_id)].unread) for one in followed.roots]
        )
    return views


async def test_numbers_are_the_same_before_and_after_they_are_copied_and_after_a_replay(place: Place) -> None:
    happened = [
        await said(place, place.ben, FIRST),
        await said(place, place.ada, SECOND, thread=OTHER_ROOT, mentions=(place.ben,)),
        await said(place, place.ben, THIRD),
        await said(place, place.ben, THIRD),  # A retry stands in the log twice.
        await said(place, place.ben, FOURTH),
        await taken_back(place, FIRST),
    ]
    expected = [
        (2, [place.ben], 2, True),
        (1, [place.ada], 0, True),
        (2, [place.ben], 0, True),
        (1, [place.ada], 1, True),
        [(ROOT, 2), (OTHER_ROOT, 0)],
        [(ROOT, 0), (OTHER_ROOT, 1)],
    ]
    assert await everything(place) == expected, "from the stream alone"
    for copied in (happened[:2], happened[:5], happened, happened, happened[3:]):
        await write_later(copied)
        assert await everything(place) == expected, "the group says nothing of how far it is"
    await copied_all()
    assert await everything(place) == expected, "from the rows alone"
    await write_later(happened[:5])
    assert await everything(place) == expected, "a replay that has not come to the delete"


async def test_what_somebody_says_of_a_thread_stands_over_what_was_said_in_it(lease: None, place: Place) -> None:
    happened = [await said(place, place.ben, FIRST), await said(place, place.ada, SECOND, mentions=(place.ben,))]
    await commands.unfollow(place.chat, ROOT, by=place.ben)
    await commands.read(place.chat, ROOT, SECOND, reader=place.ada)
    assert (await seen(place, place.ben), await seen(place, place.ada)) == (
        (2, [place.ben, place.ada], 0, False),
        (2, [place.ben, place.ada], 0, True),
    )
    for copied in (happened, happened[:1], happened):
        await write_later(copied)
        assert (await seen(place, place.ben))[2:] == (0, False)
        assert (await seen(place, place.ada))[2:] == (0, True)
    later = await said(place, place.ben, clock.mint())
    assert (await seen(place, place.ben))[3], "they have replied again"
    await write_later([later])
    assert (await seen(place, place.ben))[3]
    assert (await seen(place, place.ada))[2:] == (1, True)
    await commands.unread_from(place.chat, ROOT, FIRST, reader=place.ada)
    for _ in range(2):
        assert (await seen(place, place.ben))[2:] == (0, True)
        assert (await seen(place, place.ada))[2:] == (2, True), "but for what they said themselves"
        await copied_all()


async def test_who_comes_back_follows_nothing_of_before(place: Place) -> None:
    happened = [await said(place, place.ben, FIRST), await came_back(place, place.ben)]
    assert (await seen(place, place.ben))[3] is False
    await write_later(happened)
    assert (await seen(place, place.ben))[3] is False
    assert not await ThreadFollow.objects.filter(user=place.ben).aexists()
    happened.append(await said(place, place.ada, FOURTH, mentions=(place.ben,)))
    assert (await seen(place, place.ben))[2:] == (1, True)
    await write_later(happened)
    assert (await seen(place, place.ben))[2:] == (1, True)


async def test_ten_threads_are_asked_for_as_often_as_one(place: Place) -> None:
    await write_later([await said(place, place.ben, FIRST)])
    asked = []
    for count in (1, 10):
        roots = [(place.chat, make_id(-1_000 * n, 1, 0)) for n in range(count)]
        with counted() as statements:
            await threads.of(roots, viewer=place.ada)
        asked.append(Counter(one.database for one in statements if "thread_" in one.sql))
    assert asked[0] == asked[1]
    assert asked[0]["default"] <= 5


async def copied_all() -> None:
    """Let it be known that the group has worked off the log."""
    reader = await log().read(unread.PREVIEWS)
    async with in_time("they are copied"):
        while await log().behind(unread.PREVIEWS):
            for record in await reader.poll(limit=100, wait=1):
                reader.finished(record.partition, record.offset)
    await reader.close()
