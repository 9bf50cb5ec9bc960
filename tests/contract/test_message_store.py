"""The contract of MessageStore, over each of its twins."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.events import Forwarded, MessageImported, MessageSent, Poll, body_digest, forward_digest
from chat.fold import MessageState, Stamped, apply
from chat.messages import Message
from chat.stores import PAGE_BUCKETS, MessageStore, Nonce, scylla, sql
from chat.stores.scylla import ScyllaMessageStore
from chat.stores.sql import SqlMessageStore
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import iso, new_record
from chatsite.kernel.ids import BUCKET_MS, ChatId, MessageId, UserId, id_at, make_id, unix_ms_of, version_of
from chatsite.kernel.nonces import nonce_key
from tests.contract.conftest import sql_alias
from tests.unit.events import MESSAGE, OTHER, SENDER, THIRD, deleted, edited, imported, lives, sent

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets a page take so many seconds, and at first a minute: a machine that stands still is not a sparse chat."""

    def patience(seconds: float) -> None:
        for module in (scylla, sql):
            monkeypatch.setattr(module, "PAGE_SECONDS", seconds)

    patience(60)
    return patience


@pytest.fixture(params=["sqlite", "postgres", "scylla"])
async def store(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[MessageStore]:
    """A message store."""
    if request.param == "scylla":
        yield ScyllaMessageStore(request.getfixturevalue("cassandra").alias)
    else:
        store = SqlMessageStore(sql_alias(request.param))
        yield store
        await store.close()
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


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.mark.parametrize(("seconds", "buckets"), [(60, PAGE_BUCKETS), (0, 1)])
async def test_a_sparse_chat_is_walked_in_pages_of_bounded_work(
    store: MessageStore, chat: ChatId, patient: Callable[[float], None], seconds: float, buckets: int
) -> None:
    ids = spread(list(range(-50, 50)), 1)
    await store.add(chat, [of(chat, sent(one)) for one in ids])
    patient(seconds)
    page = await store.page(chat, limit=100)
    assert len(page.messages) == buckets
    found = page.messages
    while page.more:
        page = await store.page(chat, before=page.cursor, limit=100)
        found = page.messages + found
    assert [state.message_id for state in found] == ids
    page = await store.page(chat, after=MessageId(ids[0] - 1), limit=100)
    found = page.messages
    while page.more:
        page = await store.page(chat, after=page.cursor, limit=100)
        found += page.messages
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


RICH = MessageState(
    chat_id="",
    message_id=MESSAGE,
    version=version_of(MESSAGE),
    content="*first*",
    sender_id=SENDER,
    html="<em>first</em>",
    message_type="text",
    reply_to_id=-5,
    thread_id=7,
    attachments=(THIRD, OTHER),
    mentions=(OTHER,),
    forwarded_from=Forwarded(room_id=OTHER, message_id="-9", sender_id=THIRD, sent_at="2026-01-01T00:00:00.000Z"),
    important=True,
    expires_at="2027-01-01T00:00:00.000Z",
    poll=Poll(options=("tea", "milk"), multiple=True, closes_at="2026-02-01T00:00:00.000Z"),
    nonce="n",
    pos=3,
    created_at=iso(unix_ms_of(MESSAGE)),
)


def rich(**changes: object) -> Stamped:
    """A message with everything that one can have."""
    event = msgspec.structs.replace(
        sent().event,
        content=RICH.content,
        html=RICH.html,
        nonce=RICH.nonce,
        reply_to_id="-5",
        thread_id="7",
        attachments=[THIRD, OTHER],
        mentions=[OTHER],
        forwarded_from=RICH.forwarded_from,
        important=True,
        expires_at="2027-01-01T00:00:00.000Z",
        poll=RICH.poll,
        **changes,
    )
    return Stamped(event, version_of(MESSAGE), 3)


async def test_everything_of_a_message_comes_back(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, rich())
    whole = msgspec.structs.replace(RICH, chat_id=str(chat))
    assert await store.get(chat, MESSAGE) == whole
    assert (await store.page(chat, limit=1)).messages == [whole]


async def test_an_edit_without_markup_or_mentions_takes_those_before_it(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, rich(), edited(1_000, "plain"))
    state = await store.get(chat, MESSAGE)
    assert state is not None
    assert (state.content, state.html, state.mentions, state.is_edited) == ("plain", None, (), True)
    assert (state.attachments, state.thread_id) == ((THIRD, OTHER), 7)


async def test_a_delete_leaves_nothing_of_what_was_said(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, rich(), edited(3_000, "second"), deleted(2_000), edited(5_000, "back again"))
    state = await store.get(chat, MESSAGE)
    assert state is not None
    assert (state.content, state.html, state.mentions, state.attachments) == ("", None, (), ())
    assert state.poll is None
    assert (state.deleted_by, state.delete_reason, state.is_edited) == (SENDER, None, False)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_edits_in_any_order_leave_the_same_earlier_texts(store: MessageStore, data: st.DataObject) -> None:
    chat, life = ChatId(uuid4()), [edited(after, f"edit {after}") for after in (1_000, 2_000, 3_000)]
    disorder = data.draw(st.permutations(life)) + data.draw(st.lists(st.sampled_from(life), max_size=3))
    await put(store, chat, sent(), *disorder)
    texts = await store.edits(chat, MESSAGE)
    assert [edit.content for edit in texts] == ["first", "edit 1000", "edit 2000"]
    assert [edit.edited_at for edit in texts] == [iso(unix_ms_of(MESSAGE) + ms) for ms in (0, 1, 2)]


async def test_many_messages_of_one_call_are_all_stored(store: MessageStore, chat: ChatId) -> None:
    ids = spread([-1, 0], 40)
    await store.add(chat, [of(chat, sent(one, pos=n)) for n, one in enumerate(ids, start=1)])
    assert [state.message_id for state in (await store.page(chat, limit=100)).messages] == ids


async def test_rows_that_are_hidden_do_not_shorten_the_walk(store: MessageStore, chat: ChatId) -> None:
    ids = spread([0], 12)
    await store.add(chat, [of(chat, sent(one)) for one in ids[:2]])
    await store.change(chat, [of(chat, edited(1_000, "early", one)) for one in ids[2:]])
    page = await store.page(chat, limit=2)
    found: list[MessageState] = []
    while page.more and page.cursor is not None:
        found[:0] = page.messages
        page = await store.page(chat, before=page.cursor, limit=2)
    assert [state.message_id for state in page.messages + found] == ids[:2]


async def test_equal_reads_at_once_see_the_same(store: MessageStore, chat: ChatId) -> None:
    await put(store, chat, sent())
    pages = await asyncio.gather(*(store.page(chat, limit=5) for _ in range(20)))
    assert {tuple(state.message_id for state in page.messages) for page in pages} == {(MESSAGE,)}


@pytest.mark.parametrize("taken", [None, RICH.forwarded_from], ids=["said", "forwarded"])
async def test_a_nonce_is_found_with_its_message(store: MessageStore, chat: ChatId, taken: Forwarded | None) -> None:
    message, sender = id_at(clock.now_ms()), UserId(UUID(SENDER))
    event = MessageSent(
        message_id=str(message),
        room_id=str(chat),
        sender_id=SENDER,
        content="once",
        sent_at=iso(unix_ms_of(message)),
        attachments=[],
        nonce="n-1",
        forwarded_from=taken,
    )
    key = nonce_key(chat, sender, "n-1")
    record = new_record(
        event,
        event_id=uuid4(),
        key=chat,
        version=version_of(message),
        occurred_ms=unix_ms_of(message),
        actor=sender,
        region="here",
        unique_key=key,
    )
    appended = await log().append(record)
    await store.add(chat, [Stamped(event, version_of(message), appended.pos)])
    digest = forward_digest(taken) if taken else body_digest("once", None, [])
    assert await store.find_nonce(chat, sender, "n-1") == Nonce(message, digest)
    assert await store.find_nonce(chat, sender, "n-2") is None
    assert await store.find_nonce(chat, UserId(UUID(OTHER)), "n-1") is None
    assert digest != body_digest("once", None, [OTHER])
    assert digest != body_digest("once", None, [], "5")
    assert body_digest("once", "5", []) != body_digest("once", None, [], "5")
    await log().close()


async def test_everything_of_a_chat_is_erased_and_counted(store: MessageStore, chat: ChatId) -> None:
    other, ids = ChatId(uuid4()), spread([-3, 0], 3)
    await store.add(chat, [of(chat, sent(one)) for one in ids])
    await put(store, chat, edited(1_000, "second", ids[0]))
    await put(store, other, sent())
    assert sum((await store.erase(chat)).values()) >= len(ids) + 2
    assert (await store.page(chat, limit=10)).messages == []
    assert (await store.size(chat), await store.edits(chat, ids[0]), await store.get(chat, ids[0])) == (0, [], None)
    assert set((await store.erase(chat)).values()) == {0}
    assert await store.size(other) == 1


VIEWER = UserId(UUID(OTHER))
TYPES = ("text", "poll")


async def unread_of(store: MessageStore, chat: ChatId, above: int, *, limit: int = 10) -> list[tuple[int, bool]]:
    """What a viewer has not read of a chat, as pos and whether it names them."""
    found = await store.unread(VIEWER, {chat: above, ChatId(uuid4()): 0}, types=TYPES, limit=limit)
    assert set(found) <= {chat}
    return [(one.pos, one.mentioned) for one in found.get(chat, ())]


def said(message: MessageId, pos: int, **changes: object) -> Stamped:
    """A message with some fields of its own."""
    happened = sent(message, pos=pos)
    return happened._replace(event=msgspec.structs.replace(happened.event, **changes))


async def test_what_others_said_above_a_pos_is_unread(store: MessageStore, chat: ChatId) -> None:
    ids = spread([-2, 0, 5], 3)
    await put(store, chat, *(said(one, pos) for pos, one in enumerate(ids, start=1)))
    assert await unread_of(store, chat, 4) == [(pos, False) for pos in (5, 6, 7, 8, 9)]
    assert await unread_of(store, chat, 4, limit=2) == [(8, False), (9, False)]
    assert await unread_of(store, chat, 9) == []


async def test_own_thread_deleted_imported_messages_and_notices_are_not_unread(
    store: MessageStore, chat: ChatId
) -> None:
    own, thread, gone, notice, named, everybody, plain, old = spread([0], 8)
    await put(
        store,
        chat,
        said(own, 1, sender_id=OTHER),
        said(thread, 2, thread_id="7"),
        said(gone, 3),
        deleted(1_000, message=gone),
        said(notice, 4, message_type="notice"),
        said(named, 5, mentions=[OTHER]),
        said(everybody, 6, mentions=["all"]),
        said(plain, 7, mentions=[THIRD]),
        imported(old, pos=8),
        edited(1_000, "early", make_id(BUCKET_MS + 1, 1, 1)),
    )
    assert await unread_of(store, chat, 0) == [(5, True), (6, True), (7, False)]


async def test_a_retry_that_got_its_pos_a_minute_later_is_unread(store: MessageStore, chat: ChatId) -> None:
    slow, others = make_id(0, 1, 1), [make_id(60_000 + n, 2, n) for n in range(50)]
    await put(store, chat, *(said(one, pos) for pos, one in enumerate(others, start=1)), said(slow, 51))
    assert await unread_of(store, chat, 50) == [(51, False)]
    assert await unread_of(store, chat, 48) == [(49, False), (50, False), (51, False)]


async def thread_of(store: MessageStore, chat: ChatId, **where: MessageId | int) -> tuple[list[MessageId], bool]:
    """The ids of a page of the thread under message 7, and whether there are more."""
    page = await store.thread(chat, MessageId(7), **{"limit": 10, **where})  # type: ignore[arg-type]
    assert page.cursor is None
    return [MessageId(state.message_id) for state in page.messages], page.more


async def test_a_thread_is_paged_beside_its_chat(store: MessageStore, chat: ChatId) -> None:
    ids = spread([-3, 0, 40], 3)  # Buckets are nothing to a thread: it is read in one query.
    replies = [said(one, pos, thread_id="7") for pos, one in enumerate(ids, start=1)]
    beside = [said(make_id(5, 2, 1), 10, thread_id="8"), said(make_id(6, 2, 1), 11)]
    await put(store, chat, *reversed([*replies, *beside]), *replies)
    await put(store, ChatId(uuid4()), said(make_id(7, 2, 1), 1, thread_id="7"))
    assert await thread_of(store, chat) == (ids, False)
    assert await thread_of(store, chat, limit=4) == (ids[-4:], True)
    assert await thread_of(store, chat, before=ids[5], limit=4) == (ids[1:5], True)
    assert await thread_of(store, chat, before=ids[2], limit=2) == (ids[:2], False)
    assert await thread_of(store, chat, after=ids[4], limit=4) == (ids[5:], False)
    assert await thread_of(store, chat, after=ids[0], limit=4) == (ids[1:5], True)
    assert (await store.page(chat, limit=100)).messages[-1].thread_id == 7, "it is in its chat too"


async def test_a_thread_shows_what_became_of_its_messages(store: MessageStore, chat: ChatId) -> None:
    first, second, third, early = spread([0], 4)
    await put(store, chat, *(said(one, pos, thread_id="7") for pos, one in enumerate((first, second, third), start=1)))
    await put(store, chat, edited(1_000, "changed", first), deleted(1_000, message=second), edited(1_000, "?", early))
    messages = (await store.thread(chat, MessageId(7), limit=10)).messages
    assert [(one.content, one.is_deleted) for one in messages] == [("changed", False), ("", True), ("first", False)]
    counts = await store.erase(chat)
    assert counts.get("thread_messages", 3) == 3
    assert await thread_of(store, chat) == ([], False)
    await put(store, chat, said(first, 1))  # A later life of the chat's id is nobody's; the places are gone with it.
    assert await thread_of(store, chat) == ([], False)


def test_a_thread_is_found_by_its_index(transactional_db: None) -> None:
    with connections["messages"].cursor() as cursor:
        for statement in (sql._THREAD_DOWN, sql._THREAD_UP):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", ["x", 7, 0, 10])
            plan = " ".join(str(row) for row in cursor.fetchall())
            assert "history_by_thread" in plan
            assert "SCAN" not in plan
            assert "TEMP B-TREE" not in plan
