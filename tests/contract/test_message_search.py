"""The contract of MessageSearch, over each of its twins."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.indexes import Entry, MessageSearch
from chat.indexes import sql_fts5 as fts5
from chat.indexes import sql_postgres as postgres
from chat.indexes.sql import CHATS, SqlSearch
from chat.search import Query, parse
from chatsite.kernel.ids import MAX_ID, MIN_ID, ChatId, UserId
from tests.contract.conftest import sql_alias
from tests.unit.events import OTHER, SENDER

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
ADA, EVE = UserId(UUID(SENDER)), UserId(UUID(OTHER))


def made(twin: str) -> SqlSearch:
    """The search of a twin, over what it holds."""
    return postgres.PostgresSearch(sql_alias(twin)) if twin == "postgres" else fts5.Fts5Search("default")


@pytest.fixture(params=["sqlite", "postgres"])
async def search(request: pytest.FixtureRequest, transactional_db: None) -> AsyncIterator[SqlSearch]:
    """An empty search."""
    one = made(request.param)
    await one.clear()
    yield one
    await one.clear()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def chat() -> ChatId:
    """A chat of nobody else."""
    return ChatId(uuid4())


def said(chat: ChatId, message: int, text: str | None, *, version: int = 1, sender: UserId | None = ADA) -> Entry:
    """What a message says at a version."""
    return Entry(chat, message, version, sender, text)


def query(text: str) -> Query:
    """What a line asks for that names nobody."""
    asked = parse(text)
    return Query(tuple(asked.phrases), tuple(asked.not_phrases), link=asked.link, low=asked.low, high=asked.high)


async def found(search: MessageSearch, text: str | Query, *chats: ChatId, below: int = MAX_ID) -> list[int]:
    """The messages of some chats that a line finds."""
    wanted = query(text) if isinstance(text, str) else text
    return [hit.message_id for hit in await search.find(wanted, chats, below=below, limit=20)]


TEXTS = {
    1: "Green tea, please",
    2: "I love 日本語 and 東京。",
    3: "Собака гуляет",
    4: "한국어를 배우다",
    5: "هذا كِتَاب جميل",
    6: "teapots at https://tea.example/x",
    7: "東 京",
    8: "tea green",
    9: "日本 to 本語",
}


FOUND: dict[str, list[int]] = {
    "tea": [8, 6, 1],
    "TEA": [8, 6, 1],
    "tea*": [8, 6, 1],
    "teap*": [6],
    "green tea": [8, 1],
    '"green tea"': [1],
    '"love 日"': [2],
    '"gree tea"': [],
    "green-te*": [1],
    "tea -green": [6],
    'tea -"green tea"': [8, 6],
    "-tea": [9, 7, 5, 4, 3, 2],
    "日": [9, 2],
    "日本": [9, 2],
    "日本語": [2],
    "本日": [],
    "語東": [],
    "東京": [7, 2],
    "соба*": [3],
    "собака": [3],
    "соба": [],
    "한국": [4],
    "국어": [4],
    "كتاب": [5],
    "كتا*": [5],
    "has:link": [6],
    "tea -has:link": [8, 1],
    "haslink": [],
    "is said": [],
    "0": [],
    "AND OR NOT NEAR": [],
    "words facets": [],
    "💥": [9, 8, 7, 6, 5, 4, 3, 2, 1],
}


async def test_words_are_found_in_every_script(search: MessageSearch, chat: ChatId) -> None:
    assert await search.put([said(chat, number, text) for number, text in TEXTS.items()]) == []
    assert {asked: await found(search, asked, chat) for asked in FOUND} == FOUND


async def test_only_the_chats_asked_for_are_searched(search: MessageSearch, chat: ChatId) -> None:
    other, third = ChatId(uuid4()), ChatId(uuid4())
    await search.put([said(chat, 1, "tea"), said(other, 2, "tea"), said(third, 3, "tea")])
    assert await found(search, "tea", chat) == [1]
    assert await found(search, "tea", chat, other) == [2, 1]
    assert await found(search, "tea", ChatId(uuid4())) == []
    assert await found(search, "tea") == []


async def test_people_are_asked_for_by_id(search: MessageSearch, chat: ChatId) -> None:
    await search.put([said(chat, 1, "tea"), said(chat, 2, "tea", sender=EVE)])
    assert await found(search, Query(senders=frozenset([OTHER])), chat) == [2]
    assert await found(search, Query(senders=frozenset([OTHER, SENDER])), chat) == [2, 1]
    assert await found(search, Query(not_senders=frozenset([OTHER])), chat) == [1]
    assert await found(search, Query(senders=frozenset()), chat) == []


async def test_the_newest_come_first_page_by_page(search: MessageSearch, chat: ChatId) -> None:
    low, high = MIN_ID + 1, MAX_ID - 1
    await search.put([said(chat, message, "tea") for message in (3, low, 1, high, 2)])
    assert await found(search, "tea", chat) == [high, 3, 2, 1, low]
    assert await found(search, "tea", chat, below=3) == [2, 1, low]
    assert await found(search, Query(low=1, high=3), chat) == [2, 1]
    assert [hit.place for hit in await search.find(Query(), [chat], limit=2)] == [high, 3]


async def test_two_chats_may_have_one_id(search: MessageSearch, chat: ChatId) -> None:
    other = ChatId(uuid4())
    await search.put([said(chat, 5, "tea"), said(other, 5, "tea"), said(other, 6, "tea")])
    await search.put([said(ChatId(uuid4()), 5, "tea")])
    hits = await search.find(query("tea"), [chat, other], limit=20)
    assert {(hit.chat, hit.message_id) for hit in hits} == {(chat, 5), (other, 5), (other, 6)}
    walked, below = [], MAX_ID
    while page := await search.find(query("tea"), [chat, other], below=below, limit=1):
        walked += page
        below = page[-1].place
    assert walked == hits


async def test_an_edit_replaces_the_text_whoever_edited(search: MessageSearch, chat: ChatId) -> None:
    await search.put([said(chat, 1, "tea", version=1)])
    await search.put([said(chat, 1, "coffee", version=2, sender=None)])
    assert (await found(search, "tea", chat), await found(search, "coffee", chat)) == ([], [1])
    assert await found(search, Query(senders=frozenset([SENDER])), chat) == [1]
    await search.put([said(chat, 1, "tea", version=1)])
    assert await found(search, "tea", chat) == []


async def test_a_change_of_what_is_not_there_is_given_back(search: MessageSearch, chat: ChatId) -> None:
    edit = said(chat, 1, "coffee", version=2, sender=None)
    assert await search.put([edit]) == [edit]
    assert await found(search, "coffee", chat) == []
    assert await search.put([said(chat, 2, "tea"), said(chat, 2, "coffee", version=2, sender=None)]) == []
    assert await found(search, "coffee", chat) == [2]


async def test_a_deleted_message_stays_away(search: MessageSearch, chat: ChatId) -> None:
    gone = said(chat, 1, None, version=5, sender=None)
    for entries in ([said(chat, 1, "tea"), gone], [said(chat, 1, "tea", version=9)], [gone]):
        assert await search.put(entries) == []
        assert await found(search, "tea", chat) == []
    await search.put([said(chat, 2, None, version=5, sender=None)])
    await search.put([said(chat, 2, "tea")])
    assert await found(search, "tea", chat) == []


async def test_an_erased_chat_leaves_nothing(search: MessageSearch, chat: ChatId) -> None:
    other = ChatId(uuid4())
    await search.put([said(chat, number, "tea") for number in range(1_200)] + [said(other, 9_999, "tea")])
    assert await search.size(chat) == await search.erase(chat) == 1_200
    assert (await search.size(chat), await search.erase(chat), await found(search, "tea", chat)) == (0, 0, [])
    assert await found(search, "tea", other) == [9_999]
    await search.clear()
    assert await search.size(other) == 0
    await search.put([said(chat, 1, "tea")])
    assert await found(search, "tea", chat) == [1]


async def test_somebody_may_be_in_many_chats(search: MessageSearch) -> None:
    chats = [ChatId(uuid4()) for _ in range(2 * CHATS + 1)]
    await search.put([said(one, number, "tea") for number, one in enumerate(chats)])
    newest = len(chats) - 1
    assert await found(search, "tea", *chats) == list(range(newest, newest - 20, -1))


async def test_what_is_rare_and_old_is_found_below_all_that_is_looked_through(
    search: MessageSearch, chat: ChatId
) -> None:
    await search.put([said(chat, 0, "rare tea")])
    newest = postgres.LOOKED_THROUGH + 50
    await search.put([said(chat, number, "tea") for number in range(1, newest + 1)])
    assert await found(search, "rare", chat) == [0]
    assert await found(search, "tea -rare", chat) == list(range(newest, newest - 20, -1))
    assert await found(search, "absent", chat) == []


moments = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.sampled_from(["tea", "coffee", None])),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=moments, data=st.data())
async def test_order_and_repetition_make_no_difference(
    search: MessageSearch, happened: list[tuple[int, int, str | None]], data: st.DataObject
) -> None:
    one, other = ChatId(uuid4()), ChatId(uuid4())
    await search.put([said(one, message, text, version=version) for message, version, text in happened])
    for message, version, text in data.draw(st.permutations(happened)):
        await search.put([said(other, message, text, version=version)])
    message, version, text = data.draw(st.sampled_from(happened))
    await search.put([said(other, message, text, version=version)])
    for asked in ("tea", "coffee", "-milk"):
        assert sorted(await found(search, asked, one)) == sorted(await found(search, asked, other))


@pytest.mark.parametrize("asked", ["tea", "rare", "tea -rare", '"green tea"', "日本", "-tea", "te*"])
async def test_no_search_reads_all_that_was_said(search: SqlSearch, chat: ChatId, asked: str) -> None:
    await search.put([said(chat, number, "green tea 日本") for number in range(2_000)])
    await search.put([said(chat, 2_000, "rare tea")])
    plans = await sync_to_async(PLANS[type(search)])(search.alias, query(asked), [str(chat)])
    assert plans
    for plan in plans:
        assert "Seq Scan" not in plan
        assert not [line for line in plan.splitlines() if line.startswith("SCAN") and "VIRTUAL TABLE INDEX" not in line]
        assert "TEMP B-TREE" not in plan


def _sqlite_plan(alias: str, query: Query, chats: list[str]) -> list[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {fts5.FIND}", [fts5.expression(query, chats), MIN_ID, MAX_ID, 20])
        return ["\n".join(row[3] for row in cursor.fetchall())]


def _postgres_plans(alias: str, query: Query, chats: list[str]) -> list[str]:
    plans = []
    with connections[alias].cursor() as cursor:
        cursor.execute("ANALYZE messages_search")
        for statement, asked in postgres.statements(query, chats, below=MAX_ID, limit=20):
            cursor.execute("BEGIN")
            cursor.execute(postgres.NO_WALK)
            cursor.execute(f"EXPLAIN {statement}", asked)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
            cursor.execute("COMMIT")
    return plans


PLANS: dict[type[SqlSearch], Callable[[str, Query, list[str]], list[str]]] = {
    fts5.Fts5Search: _sqlite_plan,
    postgres.PostgresSearch: _postgres_plans,
}
