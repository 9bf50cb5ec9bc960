"""Notes: kept for their time, taken once, Unavailable where nobody can say."""

import asyncio
import time

import pytest

from chatsite.kernel import outbox
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.notes import REMEMBERED, MemoryNotes, Notes
from chatsite.kernel.notes.redis import RedisNotes
from chatsite.kernel.redis import Redis
from tests.servers.ports import free_port


@pytest.fixture(params=["memory", "redis"])
def notes(request: pytest.FixtureRequest) -> Notes:
    """Each twin, empty."""
    return MemoryNotes() if request.param == "memory" else RedisNotes(request.getfixturevalue("redis_url"))


@pytest.fixture
def away() -> RedisNotes:
    """Notes of a Redis that is away."""
    return RedisNotes(f"redis://127.0.0.1:{free_port()}/0")


async def test_a_note_is_found_again_and_again_and_taken_once(notes: Notes) -> None:
    await notes.keep({"a": b"1", "b": b"2"}, seconds=60)
    await notes.keep({"b": b"3"}, seconds=60)
    assert [await notes.find(key) for key in "aabc"] == [b"1", b"1", b"3", None]
    assert sorted(await asyncio.gather(*[notes.take("a") for _ in range(9)]), key=bool) == [None] * 8 + [b"1"]
    assert await notes.find("a") is None


async def test_a_note_goes_with_its_time(redis_url: str) -> None:
    await RedisNotes(redis_url).keep({"a": b"1"}, seconds=30)
    assert 29_000 < await Redis(redis_url).ask("PTTL", "a") <= 30_000
    now = time.monotonic()
    notes = MemoryNotes(lambda: now)
    await notes.keep({"a": b"1"}, seconds=30)
    now += 29
    assert await notes.find("a") == b"1"
    now += 1
    assert await notes.find("a") is None
    assert await notes.take("a") is None


async def test_no_more_notes_are_kept_than_there_is_room_for() -> None:
    notes = MemoryNotes()
    await notes.keep({f"{number}": b"" for number in range(REMEMBERED + 1)}, seconds=60)
    assert await notes.find("0") is None
    assert await notes.find("1") == b""


async def test_without_redis_it_is_said(away: RedisNotes) -> None:
    for asked in (away.keep({"a": b"1"}, seconds=9), away.find("a"), away.take("a")):
        with pytest.raises(Unavailable) as refused:
            await asked
        assert refused.value.code == "store_unavailable"


async def test_whose_fact_is_committed_is_not_refused_because_nobody_can_be_asked(
    away: RedisNotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "notes", lambda: away)
    assert await outbox.relayed("fact", seconds=0.1) is None
