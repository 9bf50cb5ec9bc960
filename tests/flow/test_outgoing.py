"""Outgoing webhooks: an address is told of what happens in a chat, signed, in order, until it takes it."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chatsite.kernel.outbound import signed
from tests.receiver import Receiver, receiving
from tests.world import Answer, Frame, Server, World

SENT, DELETED = "chat.message.sent.v1", "chat.message.deleted.v1"


@pytest.fixture
async def world(make_server: Callable[..., Server]) -> AsyncIterator[World]:
    """A world whose webhooks may be sent to this machine."""
    async with World(make_server(environment={"CHAT_WEBHOOK_ALLOW": "127.0.0.0/8,::1"})) as world:
        yield world


async def made(world: World, chat: str, url: str, *events: str, by: str = "ada") -> Answer:
    """The answer to making a webhook."""
    return await world.rest(by, "POST", f"/api/chats/{chat}/outgoing-webhooks", {"url": url, "events": list(events)})


async def said(world: World, chat: str, text: str) -> Frame:
    """What somebody said."""
    body: Frame = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": text})).body
    return body


async def told(receiver: Receiver, secret: str) -> dict[str, Any]:
    """The next fact that came, whose signature holds."""
    headers, body = await receiver.next()
    expected = signed(secret, message_id=headers["webhook-id"], seconds=int(headers["webhook-timestamp"]), body=body)
    assert expected.items() <= headers.items()
    fact: dict[str, Any] = json.loads(body)
    assert fact["eventId"] == headers["webhook-id"]
    return fact


async def deliveries(world: World, path: str, wanted: Callable[[list[Frame]], object]) -> list[Frame]:
    """The deliveries of a webhook, once they are as wanted."""
    body = await world.until("ada", f"{path}/deliveries", lambda body: wanted(body["deliveries"]))
    found: list[Frame] = body["deliveries"]
    return found


async def test_an_address_is_told_in_order_and_told_again(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with receiving() as receiver:
        webhook = (await made(world, chat, receiver.url, SENT, DELETED)).body
        path = f"/api/chats/{chat}/outgoing-webhooks/{webhook['id']}"
        sent = [await said(world, chat, f"number {number}") for number in range(5)]
        await world.rest("ben", "PUT", f"/api/chats/{chat}/read", {"message_id": sent[0]["id"]})
        facts = [await told(receiver, webhook["secret"]) for _ in sent]
        assert [fact["payload"]["messageId"] for fact in facts] == [one["id"] for one in sent]
        assert {(fact["eventType"], fact["aggregateId"]) for fact in facts} == {(SENT, chat)}
        (last, *_) = await deliveries(world, path, lambda found: found[0]["delivered_at"])
        assert (last["attempts"], last["status"], last["error"]) == (1, 200, "")
        assert (await world.rest("ada", "POST", f"{path}/deliveries/{last['id']}/replay")).status == 202
        assert await told(receiver, webhook["secret"]) == facts[-1]
        # What is deleted is not told again.
        await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{sent[-1]['id']}")
        assert (await told(receiver, webhook["secret"]))["eventType"] == DELETED
        assert (await world.rest("ada", "POST", f"{path}/deliveries/{last['id']}/replay")).code == "conflict"
        assert (await world.rest("ada", "DELETE", path)).status == 204
        assert (await world.rest("ada", "GET", f"{path}/deliveries")).code == "not_found"


async def test_a_webhook_is_told_of_all_that_is_said_after_it_was_made(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    await said(world, chat, "before")
    async with receiving() as receiver:
        webhook = (await made(world, chat, receiver.url, SENT)).body
        await said(world, chat, "at once")
        assert (await told(receiver, webhook["secret"]))["payload"]["content"] == "at once"


async def test_a_webhook_is_not_told_where_a_forward_was_taken_from(world: World) -> None:
    source, chat = await world.chat(["ada"]), await world.chat(["ada", "ben"])
    secret = await said(world, source, "said elsewhere")
    async with receiving() as receiver:
        webhook = (await made(world, chat, receiver.url, SENT)).body
        await world.rest("ada", "POST", f"/api/chats/{source}/messages/{secret['id']}/forward", {"to": [chat]})
        fact = await told(receiver, webhook["secret"])
        taken = {"senderId": await world.id("ada"), "sentAt": secret["created_at"]}
        assert (fact["payload"]["content"], fact["payload"]["forwardedFrom"]) == ("said elsewhere", taken)
        assert source not in str(fact)


async def test_what_fails_waits_and_what_is_gone_is_stopped(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with receiving() as receiver:
        receiver.status = "500 No"
        webhook = (await made(world, chat, receiver.url, SENT)).body
        path = f"/api/chats/{chat}/outgoing-webhooks/{webhook['id']}"
        await said(world, chat, "hello")
        first = await told(receiver, webhook["secret"])
        (*_, oldest) = await deliveries(world, path, lambda found: found and found[-1]["attempts"] > 0)
        assert (oldest["status"], oldest["delivered_at"], oldest["event_id"]) == (500, None, first["eventId"])
        (listed,) = (await world.rest("ada", "GET", f"/api/chats/{chat}/outgoing-webhooks")).body["webhooks"]
        assert (listed["is_active"], listed["failing_since"] is None, "secret" in listed) == (True, False, False)
        # The same fact under the same id once it is taken.
        receiver.status = "410 Gone"
        assert await told(receiver, webhook["secret"]) == first
        listing = f"/api/chats/{chat}/outgoing-webhooks"
        (stopped,) = (await world.until("ada", listing, lambda body: not body["webhooks"][0]["is_active"]))["webhooks"]
        assert stopped["ended_why"] == "Its address says that it is gone."
        receiver.status = "204 No Content"
        assert (await world.rest("ada", "POST", f"{path}/resume")).body["is_active"] is True
        assert await told(receiver, webhook["secret"]) == first
        await deliveries(world, path, lambda found: all(one["delivered_at"] for one in found))


async def test_what_is_deleted_while_a_webhook_is_stopped_is_not_told_when_it_goes_on(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    async with receiving() as receiver:
        receiver.status = "410 Gone"
        webhook = (await made(world, chat, receiver.url, SENT)).body
        path = f"/api/chats/{chat}/outgoing-webhooks/{webhook['id']}"
        secret = await said(world, chat, "a secret")
        await told(receiver, webhook["secret"])
        listing = f"/api/chats/{chat}/outgoing-webhooks"
        await world.until("ada", listing, lambda body: not body["webhooks"][0]["is_active"])
        await world.rest("ada", "DELETE", f"/api/chats/{chat}/messages/{secret['id']}")
        await deliveries(world, path, lambda found: all(one["delivered_at"] for one in found))
        receiver.status = "200 OK"
        await world.rest("ada", "POST", f"{path}/resume")
        fresh = await said(world, chat, "nothing special")
        assert (await told(receiver, webhook["secret"]))["payload"]["messageId"] == fresh["id"]


async def test_who_leaves_takes_their_webhooks_with_them(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    ben = await world.id("ben")
    await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{ben}", {"role": "admin"})
    async with receiving() as receiver:
        webhook = (await made(world, chat, receiver.url, SENT, by="ben")).body
        incoming = (await world.rest("ben", "POST", f"/api/chats/{chat}/webhooks", {"name": "Build"})).body
        await said(world, chat, "early")
        await world.rest("ada", "PATCH", f"/api/chats/{chat}/participants/{ben}", {"role": "member"})
        secret = await said(world, chat, "a secret")
        listing = f"/api/chats/{chat}/outgoing-webhooks"
        (stopped,) = (await world.until("ada", listing, lambda body: not body["webhooks"][0]["is_active"]))["webhooks"]
        assert stopped["ended_why"] == "Who made it does not manage the chat any more."
        while not receiver.came.empty():
            assert (await told(receiver, webhook["secret"]))["payload"]["messageId"] != secret["id"]
        assert (await world.rest(None, "POST", incoming["path"], {"text": "hi"})).code == "not_found"


@pytest.mark.rules
async def test_what_a_webhook_cannot_be_is_refused(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    url = "https://ci.example.org/"
    for wrong in ("ftp://x/", "https://user@example.org/", "x", "https://10.0.0.7/", "http://167772167/"):
        assert (await made(world, chat, wrong, SENT)).code == "invalid_field", wrong
    for events in ([], ["chat.read.advanced.v1"], ["person.chat.added.v1"], ["everything"]):
        assert (await made(world, chat, url, *events)).code == "invalid_field", events
    assert (await made(world, chat, url, SENT, by="ben")).code == "forbidden"
    body = {"url": url, "events": [SENT]}
    path = f"/api/chats/{chat}/outgoing-webhooks"
    first, again = [
        (await world.rest("ada", "POST", path, body, headers={"Idempotency-Key": "o"})).body for _ in range(2)
    ]
    assert again == first | {"secret": None}


@pytest.mark.rules
async def test_nothing_of_ones_own_network_is_told(make_server: Callable[..., Server]) -> None:
    async with World(make_server()) as world, receiving() as receiver:
        chat = await world.chat(["ada", "ben"])
        webhook = (await made(world, chat, receiver.url, SENT)).body
        path = f"/api/chats/{chat}/outgoing-webhooks/{webhook['id']}"
        while not (await world.rest("ada", "GET", f"{path}/deliveries")).body["deliveries"]:
            await said(world, chat, "hello")
        (*_, first) = await deliveries(world, path, lambda found: found and found[-1]["attempts"] > 0)
        assert (first["status"], first["error"]) == (
            None,
            "its address is none of the public internet, nor one that CHAT_WEBHOOK_ALLOW names",
        )
        assert receiver.came.empty()
