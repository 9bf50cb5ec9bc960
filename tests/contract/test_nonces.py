"""The contract of Nonces, and what commands make of it."""

import asyncio

import pytest

from chatsite.kernel.errors import KeyReused, Unavailable
from chatsite.kernel.nonces import MemoryNonces


async def test_a_send_under_way_answers_its_repetition() -> None:
    nonces: MemoryNonces[str] = MemoryNonces()
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    nonces.reserve("k", b"body", result)
    assert nonces.find("k", b"body") is result
    result.set_result("sent")
    again = nonces.find("k", b"body")
    assert again is not None
    assert await again == "sent"
    assert nonces.find("other", b"body") is None


async def test_another_body_is_refused() -> None:
    nonces: MemoryNonces[str] = MemoryNonces()
    nonces.reserve("k", b"body", asyncio.get_running_loop().create_future())
    with pytest.raises(KeyReused):
        nonces.find("k", b"another")


async def test_a_failed_send_is_forgotten_so_that_it_can_be_tried_again() -> None:
    nonces: MemoryNonces[str] = MemoryNonces()
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    nonces.reserve("k", b"body", result)
    result.set_exception(Unavailable())
    with pytest.raises(Unavailable):
        await result
    assert nonces.find("k", b"body") is None


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatsite.kernel.nonces.REMEMBERED", 3)
    nonces: MemoryNonces[int] = MemoryNonces()
    for number in range(5):
        result: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        result.set_result(number)
        nonces.reserve(f"k{number}", b"", result)
    assert [nonces.find(f"k{number}", b"") is not None for number in range(5)] == [False, False, True, True, True]
