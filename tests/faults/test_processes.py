"""Processes that are killed, restarted, or deceived about clocks and offsets, in the shapes that have several."""

import asyncio

import pytest

from chatsite.kernel.ids import SEQUENCE_BITS, WORKER_BITS
from tests.faults.conftest import IN_BOTH_SHAPES
from tests.faults.stacks import Stack
from tests.faults.talk import Talk, says_again_elsewhere
from tests.planted import SHORT_AGE_SECONDS
from tests.servers.node import start_all

pytestmark = IN_BOTH_SHAPES


async def test_a_server_is_killed_and_its_clients_go_on_at_the_other(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(100)
        await asyncio.to_thread(stack.serving[0].kill)
        await talk.acks(200)
        await talk.agrees()


async def test_processes_restart_one_after_the_other(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        await asyncio.to_thread(stack.roll, [*stack.serving, stack.history[0], stack.delivery[0]])
        await talk.acks(50)
        told = [any(frame["type"] == "RECONNECT" for frame in one.device.frames) for one in talk.talkers]
        assert all(told)
        await talk.agrees()


async def test_history_writers_are_killed_between_write_and_offset(stack: Stack) -> None:
    await asyncio.to_thread(stack.plant, "killed_before_offset", stack.history)
    async with Talk(stack) as talk:
        await talk.is_being_stored()
        for left in (1, 0):
            stack.arm()
            await talk.until(lambda left=left: sum(one.runs for one in stack.history) == left, story="one dies")  # type: ignore[misc]
        await asyncio.to_thread(stack.heal)
        await talk.agrees()


async def test_a_writer_that_keeps_offsets_too_early_is_noticed(stack: Stack) -> None:
    await asyncio.to_thread(stack.plant, "offset_before_write", stack.history)
    async with Talk(stack) as talk:
        await talk.is_being_stored()
        for part in stack.history:
            await asyncio.to_thread(part.kill)
        await asyncio.to_thread(stack.heal)
        with pytest.raises(AssertionError):
            await talk.agrees()


async def test_a_delivery_worker_is_killed_between_stream_and_layer(stack: Stack) -> None:
    await asyncio.to_thread(stack.plant, "killed_before_layer", stack.delivery)
    async with Talk(stack) as talk:
        await talk.acks(50)
        stack.arm()
        await talk.until(lambda: not all(part.runs for part in stack.delivery), story="a worker dies")
        await talk.acks(50)
        await talk.agrees()


async def test_the_layer_loses_three_in_ten_messages(stack: Stack) -> None:
    await asyncio.to_thread(stack.plant, "lossy_layer", stack.delivery)
    async with Talk(stack) as talk:
        await talk.acks(200)
        await talk.agrees()


async def test_delivery_workers_are_down_for_longer_than_streams_remember(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        for part in stack.delivery:
            await asyncio.to_thread(part.kill)
        await talk.goes_on_for(SHORT_AGE_SECONDS + 1)
        # One alone: while a second one takes over its partitions, events grow older than this age.
        await asyncio.to_thread(stack.plant, "short_age", stack.delivery[:1])
        await talk.until(talk.all_reload, story="all reload")
        await talk.acks(50)
        await talk.agrees(resyncs=1)


async def test_offsets_are_set_to_0_on_a_live_system(stack: Stack) -> None:
    groups = [*stack.history, *stack.delivery, stack.others]
    async with Talk(stack) as talk:
        await talk.acks(200)
        for part in groups:
            await asyncio.to_thread(part.stop)
        await asyncio.to_thread(stack.forget_offsets)
        await asyncio.to_thread(start_all, groups)
        await talk.acks(50)
        await talk.agrees()
        for talker in talk.talkers:
            told = [frame["messageId"] for frame in talker.device.frames if frame["type"] == "MESSAGE"]
            assert len(told) == len(set(told)), "something was delivered twice"


async def test_what_nobody_can_read_is_parked_and_the_rest_goes_on(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(20)
        await asyncio.to_thread(stack.poison, talk.chat)
        await talk.acks(50)
        await talk.agrees()
        await talk.until(lambda: {"history-writers", "delivery-workers"} <= stack.parked(), story="it is parked")


async def test_worker_numbers_are_taken_by_another(stack: Stack) -> None:
    async with Talk(stack) as talk:
        await talk.acks(50)
        before = stack.sql("SELECT worker FROM worker_leases WHERE expires_at > now()")
        stack.sql("UPDATE worker_leases SET holder = 'another' WHERE expires_at > now()")
        taken = "was taken by another process"
        await talk.until(lambda: all(taken in part.log() for part in stack.serving), story="both servers notice")
        noticed = [len(talker.acked) for talker in talk.talkers]
        await talk.acks(50)
        await talk.agrees()
        # One of each may have been on its way when that was noticed.
        since = [
            one for talker, n in zip(talk.talkers, noticed, strict=True) for one in [*talker.acked.values()][n + 1 :]
        ]
        numbers = {int(one.body["messageId"]) >> SEQUENCE_BITS & (1 << WORKER_BITS) - 1 for one in since}
        assert numbers
        assert not numbers & {number for (number,) in before}


async def test_the_clock_of_a_server_steps_back(stack: Stack) -> None:
    await asyncio.to_thread(stack.plant, "clock_back", stack.serving[:1])
    async with Talk(stack) as talk:
        await talk.acks(50)
        stack.arm()
        await talk.until(lambda: "clock_skew" in talk.errors, story="a send is refused")
        await talk.acks(50)
        await talk.agrees()


@pytest.mark.parametrize("window", ["before_append", "after_append", "after_ack"])
async def test_a_send_whose_server_was_killed_is_tried_again_at_the_other(stack: Stack, window: str) -> None:
    if window != "after_ack":
        await asyncio.to_thread(stack.plant, f"killed_{window}", stack.serving[:1])
    assert await says_again_elsewhere(stack) == 1


async def test_a_server_that_forgets_nonces_is_noticed(stack: Stack) -> None:
    await asyncio.to_thread(stack.plant, "killed_after_append", stack.serving[:1])
    await asyncio.to_thread(stack.plant, "no_nonce", stack.serving[1:])
    with pytest.raises(AssertionError):
        assert await says_again_elsewhere(stack) == 1
