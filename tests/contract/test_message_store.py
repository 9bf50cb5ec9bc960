"""The contract of MessageStore, over each of its twins."""

from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.events import MessageImported, MessageSent
from chat.fold import MessageState, Stamped, apply
from chat.messages import Message
from chat.stores import PAGE_BUCKETS, MessageStore
from chat.stores.sql import SqlMessageStore
from chatsite.kernel.database import Writer
from chatsite.kernel.ids import BUCKET_MS, ChatId, MessageId, make_id
from tests.unit.events import MESSAGE, deleted, edited, imported, lives, sent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture
async def store(transactional_db: None) -> AsyncIterator[MessageStore]:
    """A message store."""
    yield SqlMessageStore("messages")
    await sync_to_async(Writer.of("messages").close)()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def chat() -> ChatId:
    """A chat of nobody else."""
    return ChatId(uuid4())


def of(chat: ChatId, happened: Stamped) -> Stamped:
    """The same event in a chat."""
    return happened._replace(event=msgspec.structs.replace(happened.event, room_id=str(chat)))


async def put(store: MessageStore, chat: ChatId, *events: Stamped) -> None:
    """Write events as the history projection does, one by one."""
    for happened in events:
        write = store.add if isinstance(happened.event, MessageSent | MessageImported) else store.change
        await write(chat, [of(chat, happened)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives, data=st.data())
async def test_any_order_and_repetition_gives_what_fold_gives(
    store: MessageStore, life: list[Stamped], data: st.DataObject
) -> None:
    chat = ChatId(uuid4())  # Of each example its own: the examples share one database.
    disorder = data.draw(st.permutations(life)) + data.draw(st.lists(st.sampled_from(life), max_size=4))
    state: MessageState | None = None
    for happened in life:
        state = apply(state, of(chat, happened))
    await put(store, chat, *disorder)
    assert await store.get(chat, MESSAGE) == state


async def test_adding_twice_is_adding_once(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, sent(), sent())
    page = await store.page(chat, limit=10)
    assert [state.content for state in page.messages] == ["first"]


async def test_an_early_edit_is_hidden_until_its_message_comes(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, edited(1_000, "second"))
    assert (await store.page(chat, limit=10)).messages == []
    await put(store, chat, sent())
    assert [state.content for state in (await store.page(chat, limit=10)).messages] == ["second"]


async def test_importing_twice_is_importing_once(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, imported(pos=3), imported(pos=8))
    page = await store.page(chat, limit=10)
    assert [(state.content, state.pos) for state in page.messages] == [("first", None)]
    assert page.messages[0].origin is not None


async def test_what_is_imported_after_its_edit_keeps_the_edit(store: MessageStore, chat: ChatId) -> None:
    old = make_id(-600_000_000_000, 960, 7)  # 2004
    await put(store, chat, edited(1_000, "second", old))
    assert (await store.page(chat, limit=10)).messages == []
    await put(store, chat, imported(old))
    page = await store.page(chat, limit=10)
    assert [(state.message_id, state.content, state.pos) for state in page.messages] == [(old, "second", None)]


async def test_what_is_older_than_2024_stands_before_what_is_newer(store: MessageStore, chat: ChatId) -> None:
    ids = [make_id(ms, 960, 4_095) for ms in (-600_000_000_000, -BUCKET_MS, -1)]
    await put(store, chat, sent(), *(imported(one) for one in reversed(ids)))
    assert [state.message_id for state in (await store.page(chat, limit=10)).messages] == [*ids, MESSAGE]
    assert [state.message_id for state in (await store.page(chat, before=MessageId(0), limit=2)).messages] == ids[1:]


def spread(buckets: list[int], each: int) -> list[MessageId]:
    """Ids in some buckets, several in each, oldest first."""
    return [make_id(bucket * BUCKET_MS + 60_000 * n, 1, n) for bucket in sorted(buckets) for n in range(each)]


async def test_pages_cross_buckets_and_skip_empty_ones(store: MessageStore, chat: ChatId) -> None:
    ids = spread([-200, -3, -2, 0, 1, 40], 3)
    await store.add(chat, [of(chat, sent(one)) for one in reversed(ids)])
    backwards: list[int] = []
    before = None
    while True:
        page = await store.page(chat, before=before, limit=4)
        found = [state.message_id for state in page.messages]
        backwards[:0] = found
        if not page.more:
            break
        before = page.cursor if page.cursor is not None else MessageId(found[0])
    assert backwards == ids
    forwards = await store.page(chat, after=ids[4], limit=5)
    assert [state.message_id for state in forwards.messages] == ids[5:10]
    assert forwards.more
    assert not (await store.page(chat, after=ids[-1], limit=5)).messages


async def test_a_sparse_chat_is_walked_in_pages_of_bounded_work(store: MessageStore, chat: ChatId) -> None:
    ids = spread(list(range(-50, 50)), 1)
    await store.add(chat, [of(chat, sent(one)) for one in ids])
    page = await store.page(chat, limit=100)
    assert (len(page.messages), page.more) == (PAGE_BUCKETS, True)
    found = page.messages
    while page.more:
        page = await store.page(chat, before=page.cursor, limit=100)
        found = page.messages + found
    assert [state.message_id for state in found] == ids


async def test_the_size_of_a_chat_counts_tombstones_and_nobody_elses(store: MessageStore, chat: ChatId) -> None:
    ids = spread([-3, 0], 2)
    await store.add(chat, [of(chat, sent(one)) for one in ids])
    await put(store, ChatId(uuid4()), sent())
    await store.change(chat, [of(chat, deleted(1))])  # Its message has not come yet.
    assert await store.size(chat) == 4


async def test_chats_do_not_mix(store: MessageStore, chat: ChatId) -> None:
    other = ChatId(uuid4())
    await put(store, chat, sent())
    assert await store.get(other, MESSAGE) is None
    assert (await store.page(other, limit=5)).messages == []


def test_the_model_has_no_query_set() -> None:
    with pytest.raises(NotImplementedError, match=r"use Message\.objects"):
        Message.objects.all()


async def test_earlier_texts_are_kept_once_and_go_with_the_message(store: MessageStore, chat: ChatId) -> None:
    first, second = edited(1_000, "second"), edited(2_000, "third")
    await put(store, chat, sent(), first, second)
    before = await store.edits(chat, MESSAGE)
    assert [edit.content for edit in before] == ["first", "second"]
    await put(store, chat, sent(), second, first, second)
    assert await store.edits(chat, MESSAGE) == before
    await put(store, chat, deleted(3_000), first)
    assert await store.edits(chat, MESSAGE) == []
