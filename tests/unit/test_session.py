"""A session's slots, and how sessions of a server that stops spread."""

import asyncio
from typing import Any

import pytest

from chatsite.gateway.consumer import return_ms
from chatsite.gateway.outlets import AsgiOutlet
from chatsite.gateway.protocol import MAX_UNACKED, CloseCode
from chatsite.gateway.session import Session
from chatsite.kernel.errors import Unavailable


async def test_replays_are_no_slowness_and_live_frames_over_the_budget_are() -> None:
    async def send(message: dict[str, Any]) -> None:
        raise AssertionError("nothing is written here")

    async def a_turn_passes() -> None:
        turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turn.set_result, None)
        await turn

    session = Session(AsgiOutlet(send), outbound_bytes=1_000)
    session.push(bytes(400))
    for _ in range(3):
        session.replay(bytes(5_000))
    session.push(bytes(600))
    await a_turn_passes()
    assert not session.closing
    session.push(bytes(1))
    await a_turn_passes()
    assert session.closing


async def test_a_send_that_waited_for_a_slot_is_not_accepted_once_the_session_is_closed() -> None:
    async def send(message: dict[str, Any]) -> None:
        raise AssertionError("nothing is written here")

    session = Session(AsgiOutlet(send), outbound_bytes=1_000)
    for _ in range(MAX_UNACKED):
        await session.take_slot()

    async def drain() -> None:
        await session.all_answered()
        session.close(CloseCode.DRAINING)

    draining = asyncio.create_task(drain())
    waiting = asyncio.create_task(session.take_slot())
    await asyncio.wait([draining, waiting], timeout=0)
    for _ in range(MAX_UNACKED):  # One commit answers them all.
        session.free_slot()
    await draining
    with pytest.raises(Unavailable):
        await waiting


@pytest.mark.parametrize(("sessions", "milliseconds"), [(0, 1_000), (100, 1_000), (2_000, 20_000), (10_000, 60_000)])
def test_clients_come_back_a_hundred_a_second_within_a_minute(sessions: int, milliseconds: int) -> None:
    assert return_ms(sessions) == milliseconds
