"""The contract of ReactionStore, over each of its twins."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.fold import Tally
from chat.stores import NAMED, Reaction, ReactionStore
from chat.stores.scylla import ScyllaMessageStore
from chat.stores.scylla_reactions import ScyllaReactionStore
from chat.stores.sql_reactions import SqlReactionStore
from chatsite.kernel.database import Writer
from chatsite.kernel.ids import BUCKET_MS, ChatId, MessageId, UserId, make_id
from tests.contract.conftest import sql_alias
from tests.statements import counted
from tests.unit.events import MESSAGE, OTHER, SENDER, THIRD, sent

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
ADA, BEN, EVE = (UserId(UUID(one)) for one in (SENDER, OTHER, THIRD))
LATER = make_id(3 * BUCKET_MS, 1, 1)  # of another bucket


@pytest.fixture(params=["sqlite", "postgres", "scylla"])
async def store(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[ReactionStore]:
    """A store of reactions."""
    if request.param == "scylla":
        yield ScyllaReactionStore(request.getfixturevalue("cassandra").alias)
    else:
        alias = sql_alias(request.param)
        yield SqlReactionStore(alias)
        await sync_to_async(Writer.of(alias).close)()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def chat() -> ChatId:
    """A chat of nobody else."""
    return ChatId(uuid4())


def gave(
    user: UserId, emoji: str = "👍", version: int = 10, *, message: MessageId = MESSAGE, active: bool = True
) -> Reaction:
    """A reaction, or one that is taken back."""
    return Reaction(message, emoji, user, active, version)


def tally(*users: UserId) -> Tally:
    """The count of all these."""
    return Tally(len(users), tuple(sorted(map(str, users))))


async def test_each_emoji_of_each_message_is_counted(store: ReactionStore, chat: ChatId) -> None:
    await store.set(chat, [gave(ADA), gave(BEN), gave(ADA, "🎉"), gave(BEN, message=LATER)])
    await store.set(ChatId(uuid4()), [gave(EVE)])
    assert await store.counts(chat, [MESSAGE, LATER]) == {
        MESSAGE: {"👍": tally(ADA, BEN), "🎉": tally(ADA)},
        LATER: {"👍": tally(BEN)},
    }
    assert await store.counts(chat, [LATER]) == {LATER: {"👍": tally(BEN)}}
    assert await store.counts(chat, []) == {}
    assert await store.who(chat, MESSAGE, "👍", limit=9) == sorted([ADA, BEN])


async def test_giving_twice_is_giving_once_and_the_last_of_them_takes_it_away(
    store: ReactionStore, chat: ChatId
) -> None:
    await store.set(chat, [gave(ADA)])
    await store.set(chat, [gave(ADA, version=11)])
    assert await store.counts(chat, [MESSAGE]) == {MESSAGE: {"👍": tally(ADA)}}
    await store.set(chat, [gave(ADA, version=12, active=False)])
    await store.set(chat, [gave(ADA), gave(EVE, version=13, active=False)])
    assert await store.counts(chat, [MESSAGE]) == {}
    assert await store.who(chat, MESSAGE, "👍", limit=9) == []


async def test_of_many_some_are_named_and_always_the_viewer(store: ReactionStore, chat: ChatId) -> None:
    many = sorted(UserId(uuid4()) for _ in range(2 * NAMED))
    await store.set(chat, [gave(user) for user in many])
    for viewer in (None, EVE, *many):
        given, users = (await store.counts(chat, [MESSAGE], viewer=viewer))[MESSAGE]["👍"]
        assert given == len(many)
        assert NAMED <= len(users) <= NAMED + 1
        assert {UUID(user) for user in users} <= set(many)
        assert (str(viewer) in users) == (viewer in many) or viewer is None
    assert len(set(await store.who(chat, MESSAGE, "👍", limit=NAMED + 3))) == NAMED + 3


async def test_a_page_is_one_statement_of_sql(store: ReactionStore, chat: ChatId) -> None:
    if isinstance(store, ScyllaReactionStore):
        return  # Its statements are counted in test_cql.
    page = [MessageId(MESSAGE + n) for n in range(50)]
    await store.set(chat, [gave(user, emoji, message=one) for user in (ADA, BEN) for one in page for emoji in "👍🎉"])
    with counted() as found:
        assert len(await store.counts(chat, page, viewer=ADA)) == len(page)
    assert len(found) == 1


async def test_an_erased_chat_has_no_reactions(store: ReactionStore, chat: ChatId) -> None:
    other = ChatId(uuid4())
    if isinstance(store, ScyllaReactionStore):  # It finds them by the buckets that messages are in.
        for message in (MESSAGE, LATER):
            await ScyllaMessageStore(store._cql.alias).add(chat, [sent(message)])
    await store.set(chat, [gave(ADA), gave(BEN, "🎉"), gave(BEN, message=LATER)])
    await store.set(other, [gave(ADA)])
    assert await store.erase(chat) == 3
    assert (await store.counts(chat, [MESSAGE, LATER], viewer=BEN), await store.erase(chat)) == ({}, 0)
    assert await store.counts(other, [MESSAGE]) == {MESSAGE: {"👍": tally(ADA)}}


changes = st.builds(
    gave, st.sampled_from([ADA, BEN, EVE]), st.sampled_from("👍🎉"), st.integers(10, 40), active=st.booleans()
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(changes, min_size=1, max_size=8, unique_by=lambda one: one.version), data=st.data())
async def test_any_order_and_repetition_ends_as_the_versions_say(
    store: ReactionStore, made: Sequence[Reaction], data: st.DataObject
) -> None:
    chat = ChatId(uuid4())  # Of each example its own: the examples share one database.
    last = {(one.emoji, one.user): one.active for one in sorted(made, key=lambda one: one.version)}
    disorder = data.draw(st.permutations(made)) + data.draw(st.lists(st.sampled_from(made), max_size=4))
    cut = data.draw(st.integers(0, len(disorder)))
    for batch in (disorder[:cut], disorder[cut:]):
        await store.set(chat, batch)
    users = {emoji: [user for (one, user), given in last.items() if given and one == emoji] for emoji in "👍🎉"}
    expected = {emoji: tally(*who) for emoji, who in users.items() if who}
    assert (await store.counts(chat, [MESSAGE], viewer=ADA)).get(MESSAGE, {}) == expected
