"""What a retry on another server answers where the log keeps no unique keys: in each window of a crash."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from asgiref.sync import sync_to_async
from django.db import connections

from chat.commands.messages import Draft, Sent, accept, send
from chat.events import body_digest
from chatsite.accounts.models import User
from chatsite.kernel import clock
from chatsite.kernel.backends import backend
from chatsite.kernel.errors import KeyReused, Unavailable
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import Record
from chatsite.kernel.ids import ChatId, UserId
from chatsite.kernel.nonces import nonce_name, nonces
from tests.contract.test_statements import make_chats

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
FIRST, RETRY = Draft("hello", nonce="n"), Draft("hello", nonce="n", retry=True, first_tried_ms=1_000)


class Scene:
    """A chat, somebody in it, and the Redis of the servers."""

    def __init__(self, chat: ChatId, ada: UserId, redis_url: str) -> None:
        self.chat, self.ada = chat, ada
        self.nonce = nonce_name(chat, ada, "n")
        self._url = redis_url

    async def send(self, draft: Draft) -> Sent:
        """Ada says something."""
        return await send(self.chat, draft, sender=self.ada)

    async def records(self) -> list[Record]:
        """Everything that was said."""
        return [record for record in await log().newest(limit=100) if record.event_type == "chat.message.sent.v1"]

    def redis(self) -> "redis.Redis":
        """The Redis of the servers."""
        return redis.Redis.from_url(self._url)


@pytest.fixture
async def scene(lease: None, settings: Any, redis_url: str) -> AsyncIterator[Scene]:
    """A server whose log keeps no unique keys, in a Redis that has long lost nothing."""
    settings.EVENT_LOG = {**settings.EVENT_LOG, "BACKEND": "tests.keyless.KeylessLog"}
    settings.NONCES = {"BACKEND": "chatsite.kernel.nonces.redis.RedisNonces", "CONFIG": {"url": redis_url}}
    another_server()
    (row,) = await sync_to_async(make_chats)("ada", 1)
    ada = await User.objects.aget(username="ada")
    made = Scene(ChatId(row.id), UserId(ada.id), redis_url)
    await nonces().find("anything", b"", retry=True, tried_ms=60_000)
    with made.redis() as client:
        client.hincrby("nonces", "since", -86_400_000)
    await log().open()
    yield made
    await log().close()
    another_server()
    await sync_to_async(connections.close_all)()


def another_server() -> None:
    """Forget what this process holds in memory."""
    backend.cache_clear()


async def restarted() -> None:
    """The first server is gone, and another takes its place."""
    await log().close()
    another_server()
    await log().open()


@pytest.mark.parametrize("draft", [FIRST, RETRY], ids=["as a first try", "as a retry"])
async def test_a_crash_before_the_append(scene: Scene, draft: Draft) -> None:
    reserved = clock.mint()
    digest = body_digest("hello", None, ())
    await nonces().reserve(scene.nonce, digest, reserved, asyncio.get_running_loop().create_future())
    await restarted()
    sent = await scene.send(draft)
    assert (sent.message_id, sent.repeated) == (reserved, False)
    assert len(await scene.records()) == 1


async def test_a_crash_between_append_and_ack(scene: Scene) -> None:
    first = await scene.send(FIRST)
    await nonces().confirm(scene.nonce, first.pos)
    with scene.redis() as client:
        client.hdel(scene.nonce, "pos")
    await restarted()
    again = await scene.send(RETRY)
    assert again.message_id == first.message_id
    one, other = await scene.records()
    assert (one.event_id, one.value) == (other.event_id, other.value)


async def test_a_crash_after_the_ack(scene: Scene) -> None:
    first = await scene.send(FIRST)
    await nonces().confirm(scene.nonce, first.pos)
    await restarted()
    again = await scene.send(RETRY)
    assert (again.message_id, again.pos, again.ts, again.repeated) == (first.message_id, first.pos, first.ts, True)
    assert len(await scene.records()) == 1
    with pytest.raises(KeyReused):
        await scene.send(RETRY._replace(content="something else"))


async def test_a_first_try_that_was_one_before_is_found_out(scene: Scene) -> None:
    first = await scene.send(FIRST)
    await nonces().confirm(scene.nonce, first.pos)
    await restarted()
    again = await scene.send(FIRST)
    assert (again.message_id, again.repeated) == (first.message_id, True)
    assert len(await scene.records()) == 1


async def test_a_retry_that_nobody_knows_waits_for_history(scene: Scene) -> None:
    await scene.send(FIRST)
    with scene.redis() as client:
        client.delete(scene.nonce)  # A minute has passed and nothing was delivered.
    await restarted()
    with pytest.raises(Unavailable) as refused:
        await scene.send(RETRY._replace(first_tried_ms=70_000))
    assert refused.value.code == "lagging"
    assert len(await scene.records()) == 1


async def test_a_retry_that_is_the_first_to_come_is_sent(scene: Scene) -> None:
    assert not (await scene.send(RETRY)).repeated
    assert len(await scene.records()) == 1


async def test_pipelined_sends_of_one_session_keep_their_order(scene: Scene) -> None:
    accepted = [await accept(scene.chat, Draft(f"{n}", nonce=f"n{n}"), sender=scene.ada) for n in range(40)]
    ids = [(await one).message_id for one in accepted]
    assert ids == sorted(ids)
    assert [record.fact.payload.content for record in await scene.records()] == [f"{n}" for n in range(40)]


async def test_one_send_twice_at_once_is_one_message(scene: Scene) -> None:
    twice = await asyncio.gather(scene.send(FIRST), scene.send(FIRST))
    assert len({sent.message_id for sent in twice}) == 1
    assert len(await scene.records()) == 1
