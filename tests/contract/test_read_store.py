"""The contract of ReadStore, over each of its twins."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.stores import Read, ReadStore
from chat.stores.scylla_reads import ScyllaReadStore
from chat.stores.sql_reads import SqlReadStore
from chatsite.kernel.database import Writer
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId, UserId
from tests.contract.conftest import sql_alias
from tests.unit.events import OTHER, SENDER

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
ADA, EVE = UserId(UUID(SENDER)), UserId(UUID(OTHER))


@pytest.fixture(params=["sqlite", "postgres", "scylla"])
async def store(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[ReadStore]:
    """A store of read positions."""
    if request.param == "scylla":
        yield ScyllaReadStore(request.getfixturevalue("cassandra").alias)
    else:
        alias = sql_alias(request.param)
        yield SqlReadStore(alias)
        await sync_to_async(Writer.of(alias).close)()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def chat() -> ChatId:
    """A chat of nobody else."""
    return ChatId(uuid4())


def read(chat: ChatId, pos: int, version: int, *, user: UserId = ADA, back: bool = False) -> Read:
    """A read up to a pos, whose message has the same number."""
    return Read(chat, user, pos, pos, iso(version * 1_000), version, back)


async def positions(store: ReadStore, chat: ChatId) -> list[tuple[UserId, int, int]]:
    """Who has read how far, and of which version that is."""
    return [(one.user, one.pos, one.version) for one in await store.positions(chat)]


async def test_the_highest_pos_wins_even_with_a_lower_version(store: ReadStore, chat: ChatId) -> None:
    await store.advance([read(chat, 5, 10)])
    await store.advance([read(chat, 3, 12)])
    assert await positions(store, chat) == [(ADA, 5, 10)]
    await store.advance([read(chat, 8, 9)])
    assert await positions(store, chat) == [(ADA, 8, 9)]
    await store.advance([read(chat, 9, 13)])
    assert await positions(store, chat) == [(ADA, 9, 13)]


async def test_a_position_goes_back_and_reads_before_that_do_not_undo_it(store: ReadStore, chat: ChatId) -> None:
    await store.advance([read(chat, 9, 10), read(chat, 4, 20, back=True)])
    await store.advance([read(chat, 9, 10), read(chat, 8, 15), read(chat, 2, 18, back=True)])
    assert await positions(store, chat) == [(ADA, 4, 20)]
    await store.advance([read(chat, 6, 21)])
    assert await positions(store, chat) == [(ADA, 6, 21)]


async def test_each_person_has_a_position_in_each_chat(store: ReadStore, chat: ChatId) -> None:
    other = ChatId(uuid4())
    await store.advance([read(chat, 1, 10), read(chat, 7, 11, user=EVE), read(other, 3, 12)])
    assert await store.positions(chat) == [read(chat, 7, 11, user=EVE), read(chat, 1, 10)]
    assert await positions(store, other) == [(ADA, 3, 12)]
    assert await store.positions(ChatId(uuid4())) == []


async def test_an_erased_chat_has_no_positions(store: ReadStore, chat: ChatId) -> None:
    other = ChatId(uuid4())
    await store.advance([read(chat, 1, 10), read(chat, 7, 11, user=EVE), read(other, 3, 12)])
    assert await store.erase(chat) == 2
    assert (await store.positions(chat), await store.erase(chat)) == ([], 0)
    assert await positions(store, other) == [(ADA, 3, 12)]


moves = st.builds(
    lambda pos, version, back: (pos, version, back), st.integers(1, 9), st.integers(10, 30), st.booleans()
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moved=st.lists(moves, min_size=1, max_size=6, unique_by=lambda one: one[1]), data=st.data())
async def test_replays_change_nothing(
    store: ReadStore, moved: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    chat = ChatId(uuid4())  # Of each example its own: the examples share one database.
    reads = [read(chat, pos, version, back=back) for pos, version, back in sorted(moved, key=lambda one: one[1])]
    await store.advance(reads)
    before = await store.positions(chat)
    for again in data.draw(st.lists(st.sampled_from(reads), max_size=6)):
        await store.advance([again])
    assert await store.positions(chat) == before
