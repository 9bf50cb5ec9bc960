"""The contract of PinStore, over each of its twins."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.fold import Pin, Pins, pin
from chat.stores import PinStore
from chat.stores.scylla_pins import ScyllaPinStore
from chat.stores.sql_pins import SqlPinStore
from chatsite.kernel.database import Writer
from chatsite.kernel.ids import ChatId
from tests.contract.conftest import sql_alias
from tests.unit.events import OTHER, SENDER

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(params=["sqlite", "postgres", "scylla"])
async def store(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[PinStore]:
    """A store of pins."""
    if request.param == "scylla":
        yield ScyllaPinStore(request.getfixturevalue("cassandra").alias)
    else:
        alias = sql_alias(request.param)
        yield SqlPinStore(alias)
        await sync_to_async(Writer.of(alias).close)()
    await sync_to_async(connections.close_all)()


async def test_pins_are_listed_the_latest_first(store: PinStore) -> None:
    chat, other = ChatId(uuid4()), ChatId(uuid4())
    await store.set(chat, [Pin(7, True, SENDER, 10), Pin(8, True, OTHER, 12), Pin(-9, True, SENDER, 11)])
    await store.set(other, [Pin(7, True, SENDER, 10)])
    assert await store.pins(chat) == [Pin(8, True, OTHER, 12), Pin(-9, True, SENDER, 11), Pin(7, True, SENDER, 10)]
    await store.set(chat, [Pin(8, False, SENDER, 13), Pin(7, True, OTHER, 14)])
    assert await store.pins(chat) == [Pin(7, True, OTHER, 14), Pin(-9, True, SENDER, 11)]
    assert await store.pins(ChatId(uuid4())) == []


async def test_an_erased_chat_has_no_pins(store: PinStore) -> None:
    chat, other = ChatId(uuid4()), ChatId(uuid4())
    for one in (chat, other):
        await store.set(one, [Pin(7, True, SENDER, 10), Pin(8, True, OTHER, 12)])
    assert await store.erase(chat) == 2
    assert (await store.pins(chat), await store.erase(chat)) == ([], 0)
    assert len(await store.pins(other)) == 2


changes = st.builds(Pin, st.sampled_from([7, 8]), st.booleans(), st.sampled_from([SENDER, OTHER]), st.integers(10, 40))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(changes, min_size=1, max_size=6, unique_by=lambda one: one.version), data=st.data())
async def test_any_order_and_repetition_ends_as_the_fold_does(
    store: PinStore, made: Sequence[Pin], data: st.DataObject
) -> None:
    chat = ChatId(uuid4())  # Of each example its own: the examples share one database.
    pins: Pins = {}
    for one in data.draw(st.permutations(made)) + data.draw(st.lists(st.sampled_from(made), max_size=4)):
        await store.set(chat, [one])
        pins = pin(pins, one)
    expected = {message: one for message, one in pins.items() if one.pinned}
    assert {one.message_id: one for one in await store.pins(chat)} == expected
