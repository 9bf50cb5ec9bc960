"""The contract of TelegramMap, over each of its twins."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatsite.kernel.database import Writer
from chatsite.kernel.ids import ChatId, MessageId
from telegram_bridge.stores import Mapped, TelegramId, TelegramMap
from telegram_bridge.stores.scylla_map import ScyllaTelegramMap
from telegram_bridge.stores.sql_map import SqlTelegramMap
from tests.contract.conftest import sql_alias
from tests.unit.events import MESSAGE

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(params=["sqlite", "postgres", "scylla"])
async def mapped(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[TelegramMap]:
    """A map."""
    if request.param == "scylla":
        yield ScyllaTelegramMap(request.getfixturevalue("cassandra").alias)
    else:
        alias = sql_alias(request.param)
        yield SqlTelegramMap(alias)
        await sync_to_async(Writer.of(alias).close)()
    await sync_to_async(connections.close_all)()


def some_chat() -> tuple[int, ChatId]:
    """A chat of Telegram and one of ours that no other example has: the examples share one database."""
    chat = uuid4()
    return -(10**12) - chat.int % 10**9 - 1, ChatId(chat)


def row(source: tuple[int, ChatId], number: int, message: int) -> Mapped:
    """That a number of a chat there became a message of the chat here."""
    return Mapped(TelegramId(source[0], number), source[1], MessageId(message))


async def test_the_first_claim_stays_and_both_ways_are_found(mapped: TelegramMap) -> None:
    tea, milk = some_chat(), some_chat()
    first = [row(tea, 1, -5), row(tea, 2, MESSAGE)]
    assert set(await mapped.claim(first)) == set(first)
    assert set(await mapped.claim([row(tea, 2, 99), row(tea, 3, 7)])) == {first[1], row(tea, 3, 7)}
    assert await mapped.claim([row(milk, 1, 8)]) == [row(milk, 1, 8)]
    asked = [TelegramId(tea[0], 1), TelegramId(tea[0], 4), TelegramId(milk[0], 1), TelegramId(milk[0], 2)]
    assert set(await mapped.find(asked)) == {first[0], row(milk, 1, 8)}
    ids = [MessageId(-5), MESSAGE, MessageId(99), MessageId(8)]
    assert set(await mapped.back(tea[1], ids)) == set(first)
    assert (await mapped.find([]), await mapped.back(tea[1], [])) == ([], [])


async def test_another_chat_cannot_take_what_is_claimed(mapped: TelegramMap) -> None:
    tea, other = some_chat(), ChatId(uuid4())
    (mine,) = await mapped.claim([row(tea, 1, 5)])
    assert await mapped.claim([mine._replace(chat=other)]) == [mine]
    assert await mapped.back(other, [MessageId(5)]) == []


async def test_what_is_dropped_is_found_neither_way(mapped: TelegramMap) -> None:
    tea, milk = some_chat(), some_chat()
    kept = [row(tea, 3, 30), row(milk, 1, 10)]
    gone = [row(tea, 1, 10), row(tea, 2, 20)]
    await mapped.claim([*kept, *gone])
    for _ in range(2):
        await mapped.drop(gone)
    assert await mapped.find([one.there for one in gone]) == await mapped.back(tea[1], [MessageId(10)]) == []
    assert set(await mapped.find([one.there for one in kept])) == set(kept)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.dictionaries(st.integers(1, 6), st.integers(-9, 9), max_size=4), max_size=5))
async def test_whatever_is_claimed_again_each_number_keeps_its_first(
    mapped: TelegramMap, batches: list[dict[int, int]]
) -> None:
    tea = some_chat()
    first: dict[int, int] = {}
    for batch in batches:
        first = batch | first
        standing = await mapped.claim([row(tea, *one) for one in batch.items()])
        assert {one.there.message: one.message for one in standing} == {number: first[number] for number in batch}
    found = await mapped.find([TelegramId(tea[0], number) for number in range(1, 7)])
    assert {one.there.message: one.message for one in found} == first
