"""Kafka and Cassandra away and back under the whole system: one node of each, then three with three copies."""

import asyncio

import pytest

from tests.faults.stacks import Cluster
from tests.faults.talk import Talk, says_again_elsewhere
from tests.world import Device

pytestmark = pytest.mark.stack
single = pytest.mark.parametrize("system", ["cluster"], indirect=True, scope="session")
replicated = pytest.mark.parametrize("system", ["replicated"], indirect=True, scope="session")
KAFKA_AWAY, STORE_AWAY = 10.0, 20.0  # seconds
BURST = 50


@single
@pytest.mark.parametrize("fault", ["frozen", "killed"])
async def test_kafka_is_away_for_ten_seconds(stack: Cluster, fault: str) -> None:
    (broker,) = stack.brokers
    async with Talk(stack) as talk:
        await talk.acks(50)
        broker.pause() if fault == "frozen" else await asyncio.to_thread(broker.kill)
        await talk.goes_on_for(KAFKA_AWAY)
        broker.resume() if fault == "frozen" else await asyncio.to_thread(broker.start)
        await talk.acks(50)
        assert "log_unavailable" in talk.errors
        await talk.agrees()


@single
async def test_a_burst_into_a_frozen_kafka_is_refused_and_keeps_its_order(stack: Cluster) -> None:
    (broker,) = stack.brokers
    async with Talk(stack) as talk:
        await talk.acks(20)
        await talk.settle()
        device: Device = talk.talkers[0].device
        broker.pause()
        start = len(device.frames)
        refs = [f"s{number}" for number in range(BURST)]
        for ref in refs:
            await device.send(
                {"type": "SEND_MESSAGE", "ref": ref, "roomId": talk.chat, "content": f"burst {ref}", "nonce": ref}
            )
        for ref in refs:
            await device.until(lambda frame, ref=ref: frame.get("ref") == ref, start=start)  # type: ignore[misc]
        answers = [frame for frame in device.frames[start:] if frame.get("ref") in refs]
        assert sorted(frame["ref"] for frame in answers) == sorted(refs)
        assert {frame["code"] for frame in answers} == {"log_unavailable"}
        assert all(frame["retryable"] for frame in answers)
        broker.resume()
        for ref in refs:
            await talk.talkers[0].insist(f"burst {ref}", nonce=ref)
        await talk.settle()
        history = await talk.world.history("ada", talk.chat)
        assert [one["content"] for one in history if one["content"].startswith("burst")] == [f"burst {r}" for r in refs]


@single
async def test_a_third_history_writer_comes_and_goes(stack: Cluster) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        with stack.one_more("project", "history-writers", "delivery-workers") as third:
            await talk.acks(150)
            await asyncio.to_thread(third.stop)
        await talk.acks(50)
        with stack.one_more("project", "history-writers", "delivery-workers") as third:
            await talk.acks(150)
            third.kill()
        await talk.acks(50)
        await talk.agrees()


@single
async def test_cassandra_is_away_for_twenty_seconds(stack: Cluster) -> None:
    (node,) = stack.stores
    async with Talk(stack) as talk:
        await talk.acks(50)
        node.pause()
        await talk.goes_on_for(STORE_AWAY)
        await talk.acks(20)  # Live chat needs no store.
        page = await talk.world.rest("ada", "GET", f"/api/chats/{talk.chat}/messages")
        assert (page.status, page.body.get("complete")) == (200, False), page.body
        shown = {one["id"] for one in page.body["messages"]}
        assert {answer.body["messageId"] for talker in talk.talkers for answer in talker.acked.values()} & shown
        node.resume()
        await talk.agrees()


@single
async def test_a_send_is_tried_again_when_redis_has_forgotten_it(stack: Cluster) -> None:
    await asyncio.to_thread(stack.plant, "killed_after_append", stack.serving[:1])
    assert await says_again_elsewhere(stack, forget=True) == 1


@replicated
async def test_one_broker_and_one_store_node_of_three_may_die(stack: Cluster) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        await asyncio.to_thread(stack.brokers[1].kill)
        await asyncio.to_thread(stack.stores[1].kill)
        await talk.acks(200)
        await talk.agrees()


@replicated
async def test_a_store_node_that_comes_back_hides_nothing_that_it_missed(stack: Cluster) -> None:
    async with Talk(stack) as talk:
        for node in stack.stores:  # One of them is asked first for this chat, whichever it is.
            await talk.acks(20)
            await asyncio.to_thread(node.kill)
            await talk.acks(100)
            await asyncio.to_thread(node.start)
        await talk.agrees()


@replicated
async def test_two_of_three_gone_give_errors_to_be_tried_again(stack: Cluster) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        for node in (*stack.brokers[1:], *stack.stores[1:]):
            await asyncio.to_thread(node.kill)
        await talk.until(lambda: "log_unavailable" in talk.errors, story="a send is refused")
        await asyncio.to_thread(stack.heal)
        await talk.acks(100)
        await talk.agrees()
