"""The contract of Inboxes, over each of its twins."""

from uuid import uuid4

import pytest
import redis

from chat.inboxes import MOST, Inboxes, Unread
from chat.inboxes.memory import MemoryInboxes
from chat.inboxes.redis import CHUNK, RedisInboxes
from chatsite.kernel.ids import ChatId

CHAT = ChatId(uuid4())
ALL = {"ada", "ben"}


@pytest.fixture(params=["memory", "redis"])
def inboxes(request: pytest.FixtureRequest) -> Inboxes:
    """Empty inboxes."""
    if request.param == "memory":
        return MemoryInboxes()
    return RedisInboxes(request.getfixturevalue("redis_url"))


async def opened(inboxes: Inboxes, user: str, *, read_pos: int = 0) -> None:
    """Open an inbox in which nothing is unread yet."""
    await inboxes.open(CHAT, user, read_pos=read_pos)
    await inboxes.fill(CHAT, user, [])


async def unread(inboxes: Inboxes, user: str, *, pos: int = 10**6) -> list[int] | None:
    """The messages of an inbox that was not read beyond a pos; None where it must be counted anew."""
    found = (await inboxes.of(user, {CHAT: pos})).get(CHAT)
    return None if found is None else [one.message_id for one in found]


async def test_adding_twice_is_adding_once(inboxes: Inboxes) -> None:
    await opened(inboxes, "ada")
    for message in (3, 1, 3, 2):
        await inboxes.add(CHAT, ALL, message, message * 10, mentioned=["ada"])
    await inboxes.add(CHAT, ALL, 2, 20, mentioned=[])
    (found,) = (await inboxes.of("ada", {CHAT: 0})).values()
    assert [(one.message_id, one.mentioned) for one in found] == [(1, True), (2, True), (3, True)]
    await inboxes.forget(CHAT, "ada")
    assert await unread(inboxes, "ada") is None


async def test_what_is_read_is_gone_and_does_not_come_back(inboxes: Inboxes) -> None:
    await opened(inboxes, "ada")
    for message in (1, 2, 3):
        await inboxes.add(CHAT, ALL, message, message * 10, mentioned=[])
    await inboxes.advance(CHAT, "ada", 20)
    await inboxes.advance(CHAT, "ada", 10)
    await inboxes.add(CHAT, ALL, 2, 20, mentioned=[])
    assert await unread(inboxes, "ada") == [3]
    assert await unread(inboxes, "ben") is None  # Nobody has opened it.


async def test_what_comes_while_it_is_counted_is_taken_in(inboxes: Inboxes) -> None:
    await inboxes.open(CHAT, "ada", read_pos=10)
    await inboxes.add(CHAT, ALL, 3, 30, mentioned=["ada"])
    assert await unread(inboxes, "ada") is None
    await inboxes.fill(CHAT, "ada", [Unread(1, 10, False), Unread(2, 20, False)])
    assert [one.mentioned for one in (await inboxes.of("ada", {CHAT: 10}))[CHAT]] == [False, True]
    assert await unread(inboxes, "ada") == [2, 3]


async def test_one_that_was_read_beyond_the_position_is_counted_anew(inboxes: Inboxes) -> None:
    await opened(inboxes, "ada", read_pos=50)
    assert await unread(inboxes, "ada", pos=40) is None
    await opened(inboxes, "ada", read_pos=40)
    await inboxes.add(CHAT, ALL, 5, 45, mentioned=[])
    assert await unread(inboxes, "ada", pos=40) == [5]


async def test_a_deleted_message_may_bring_older_ones_back(inboxes: Inboxes) -> None:
    await opened(inboxes, "ada")
    for message in range(1, MOST + 1):
        await inboxes.add(CHAT, ALL, message, message, mentioned=[])
    await inboxes.drop(CHAT, 5)
    assert len(await unread(inboxes, "ada") or ()) == MOST - 1
    for message in range(MOST + 1, MOST + 4):
        await inboxes.add(CHAT, ALL, message, message, mentioned=[])
    assert len(await unread(inboxes, "ada") or ()) == MOST
    await inboxes.drop(CHAT, MOST + 3)
    assert await unread(inboxes, "ada") is None  # Older ones were let go: only the store knows them.


async def test_a_message_is_for_those_who_may_hear_it(inboxes: Inboxes) -> None:
    for user in ("ada", "ben", "eve"):
        await opened(inboxes, user)
    await inboxes.add(CHAT, {"ada", "ben"}, -1, 10, mentioned={"ben", "eve"})
    (of_ben,) = (await inboxes.of("ben", {CHAT: 0})).values()
    assert list(of_ben) == [Unread(-1, 10, True)]
    assert (await unread(inboxes, "ada"), await unread(inboxes, "eve")) == ([-1], [])


async def test_all_of_a_chat_are_closed_at_once(inboxes: Inboxes) -> None:
    for user in ("ada", "ben"):
        await opened(inboxes, user)
    await inboxes.add(CHAT, ALL, 1, 10, mentioned=[])
    await inboxes.close(CHAT)
    await inboxes.add(CHAT, ALL, 2, 20, mentioned=[])
    assert (await unread(inboxes, "ada"), await unread(inboxes, "ben")) == (None, None)
    await opened(inboxes, "ada", read_pos=20)
    assert await unread(inboxes, "ada") == []


async def test_many_chats_are_asked_for_at_once(inboxes: Inboxes) -> None:
    chats = [ChatId(uuid4()) for _ in range(CHUNK + 3)]
    for number, chat in enumerate(chats[1:]):
        await inboxes.open(chat, "ada", read_pos=0)
        await inboxes.fill(chat, "ada", [Unread(number, 10, False)])
    found = await inboxes.of("ada", dict.fromkeys(chats, 0))
    assert {chat: [one.message_id for one in of] for chat, of in found.items()} == {
        chat: [number] for number, chat in enumerate(chats[1:])
    }
    assert await inboxes.of("ada", {}) == {}


# --- in Redis


async def test_servers_share_their_inboxes(redis_url: str) -> None:
    one, other = RedisInboxes(redis_url), RedisInboxes(redis_url)
    await opened(one, "ada")
    await other.add(CHAT, ALL, 2**62, 2**52, mentioned=["ada"])
    (found,) = (await one.of("ada", {CHAT: 0})).values()
    assert list(found) == [Unread(2**62, 2**52, True)]
    await other.advance(CHAT, "ada", 2**52)
    assert await unread(one, "ada", pos=2**52) == []


async def test_a_redis_that_may_have_lost_something_is_counted_anew(redis_url: str) -> None:
    inboxes = RedisInboxes(redis_url)
    await opened(inboxes, "ada")
    key = f"inbox:ada:{CHAT}"
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        (marker,) = [member for member in client.zrange(key, 0, -1) if member.startswith("opened:")]
        assert marker == f"opened:{client.info('server')['run_id']}"
        client.zrem(key, marker)
        client.zadd(key, {"opened:before": 0})  # As it was before a restart.
        assert await unread(inboxes, "ada") is None
        await inboxes.add(CHAT, ALL, 1, 10, mentioned=[])
        assert client.keys("inbox*") == []
    await opened(inboxes, "ada", read_pos=10)
    await inboxes.add(CHAT, ALL, 2, 20, mentioned=[])
    assert await unread(inboxes, "ada") == [2]


async def test_what_nobody_looks_at_is_let_go_and_its_index_last(redis_url: str) -> None:
    inboxes = RedisInboxes(redis_url)
    await opened(inboxes, "ada")
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.ttl(f"inbox:ada:{CHAT}") < client.ttl(f"inboxes:{CHAT}")
        client.expire(f"inbox:ada:{CHAT}", 60)
        await unread(inboxes, "ada")
        assert client.ttl(f"inbox:ada:{CHAT}") > 60
