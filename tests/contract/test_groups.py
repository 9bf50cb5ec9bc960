"""The one loop of groups: order per key, holding, dead letters, pausing, resuming."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chatsite.kernel import groups
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog.sql import SqlEventLog
from chatsite.kernel.events import NewRecord, Payload, Record, event, new_record
from chatsite.kernel.groups import Group, RetryLater, Runner
from chatsite.kernel.models import DeadLetter, HeldKey
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
KEYS = [uuid.UUID(int=number) for number in range(4)]


@event
class Happened(Payload, frozen=True, kw_only=True, rename="camel"):
    """Something the tests of groups tell."""

    event_type = "test.group.happened.v1"
    number: int


def happened(number: int, key: uuid.UUID = KEYS[0]) -> NewRecord:
    """A readable record."""
    return new_record(
        Happened(number=number), event_id=uuid.uuid4(), key=key, version=1, occurred_ms=0, actor=None, region="here"
    )


class Told:
    """A projection that keeps what it was told, and fails as it is told."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.fail: dict[int, list[Exception]] = {}
        self.changed = asyncio.Condition()

    async def __call__(self, records: Sequence[Record]) -> None:
        for record in records:
            number = record.fact.payload.number
            if errors := self.fail.get(number):
                raise errors.pop(0) if len(errors) > 1 or isinstance(errors[0], RetryLater) else errors[0]
            async with self.changed:
                mine = self.numbers.setdefault(record.key, [])
                if number not in mine:  # Idempotent, as every projection.
                    mine.append(number)
                self.changed.notify_all()

    async def heard(self, key: uuid.UUID, *numbers: int) -> None:
        """Wait until a key's numbers were told, in this order."""
        async with in_time(f"{numbers} of {key}, told {self.numbers}"), self.changed:
            while self.numbers.get(str(key)) != list(numbers):
                await self.changed.wait()


@pytest.fixture
async def log(transactional_db: None) -> AsyncIterator[SqlEventLog]:
    """An event log."""
    made = SqlEventLog("messages", keep_seconds=60)
    await made.open()
    yield made
    await made.close()
    await sync_to_async(connections.close_all)()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for retries and keep offsets without waiting."""
    monkeypatch.setattr(groups, "HELD_SECONDS", 0.01)
    monkeypatch.setattr(groups, "FINISH_SECONDS", 0.01)
    monkeypatch.setattr(groups, "FIRST_PAUSE", 0.01)


@asynccontextmanager
async def running(log: SqlEventLog, told: Told, *, name: str = "told", at_once: bool = False) -> AsyncIterator[None]:
    """A group that tells one projection."""
    group = Group(name, lambda: log, at_once=at_once)
    group.project(Happened)(told)
    task = asyncio.create_task(Runner(group).run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def finished(log: SqlEventLog, pos: int) -> None:
    """Wait until the group's offset is kept."""
    async with in_time(f"the group keeps {pos}"):
        while (await log.progress("told")).get(0, 0) < pos:
            await in_db_thread(int)


async def test_under_load_a_group_gathers_unless_people_wait_for_it(
    log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "GATHER_SECONDS", 1e9)
    patient, prompt = Told(), Told()
    async with running(log, patient), running(log, prompt, name="prompt", at_once=True):
        await log.append(happened(1))
        await patient.heard(KEYS[0], 1)  # What comes after a silence is told as soon as it is there.
        await log.append(happened(2))
        await log.append(happened(3))
        await prompt.heard(KEYS[0], 1, 2, 3)
        assert patient.numbers == {str(KEYS[0]): [1]}
    async with running(log, patient):
        await patient.heard(KEYS[0], 1, 2, 3)


async def test_keys_are_told_in_order_and_the_offset_follows(log: SqlEventLog) -> None:
    told = Told()
    async with running(log, told):
        places = [await log.append(happened(number, KEYS[number % 3])) for number in range(30)]
        for key in range(3):
            await told.heard(KEYS[key], *range(key, 30, 3))
        await finished(log, places[-1].pos)
    again = Told()
    async with running(log, again):
        await log.append(happened(99))
        await again.heard(KEYS[0], 99)


async def test_a_key_that_fails_is_held_and_the_others_go_on(log: SqlEventLog) -> None:
    told = Told()
    told.fail[1] = [ValueError("broken")]
    async with running(log, told):
        for number in range(3):
            await log.append(happened(number, KEYS[0]))
        await log.append(happened(7, KEYS[1]))
        await told.heard(KEYS[1], 7)
        async with in_time("the key is held"):
            while not (held := await in_db_thread(HeldKey.objects.filter(group="told").first)):
                pass
        assert (held.key, held.offset, "broken" in held.error) == (str(KEYS[0]), 2, True)
        last = await log.append(happened(3, KEYS[0]))
        await finished(log, last.pos)
        assert told.numbers[str(KEYS[0])] == [0]
        del told.fail[1]
        await in_db_thread(HeldKey.objects.filter(group="told").update, retry=True)
        await told.heard(KEYS[0], 0, 1, 2, 3)
        async with in_time("the hold is lifted"):
            while await in_db_thread(HeldKey.objects.filter(group="told").exists):
                pass
        assert await groups.held_from("told", str(KEYS[0])) is None
        await log.append(happened(4, KEYS[0]))
        await told.heard(KEYS[0], 0, 1, 2, 3, 4)


async def test_trimming_leaves_what_is_held(log: SqlEventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_groups", {"told": Group("told", lambda: log)})
    told = Told()
    told.fail[1] = [ValueError("broken")]
    async with running(log, told):
        for number in range(4):
            place = await log.append(happened(number, KEYS[number % 2]))
        await told.heard(KEYS[0], 0, 2)
        async with in_time("the key is held"):
            while await groups.held_from("told", str(KEYS[1])) is None:
                await in_db_thread(int)
        await finished(log, place.pos)
    assert await groups.trim(log, now_ms=4_000_000_000_000) == 1
    assert [record.offset for record in await log.newest(limit=9)] == [2, 3, 4]


async def test_a_hold_lasts_over_a_restart(log: SqlEventLog) -> None:
    told = Told()
    told.fail[0] = [ValueError("broken")]
    async with running(log, told):
        place = await log.append(happened(0, KEYS[0]))
        await finished(log, place.pos)
    again = Told()
    async with running(log, again):
        await log.append(happened(1, KEYS[0]))
        await log.append(happened(2, KEYS[1]))
        await again.heard(KEYS[1], 2)
        assert str(KEYS[0]) not in again.numbers


async def test_an_unreadable_record_is_parked_and_the_key_goes_on(log: SqlEventLog) -> None:
    told = Told()
    async with running(log, told):
        await log.append(happened(0))
        broken = NewRecord(key=str(KEYS[0]), event_type=Happened.event_type, event_id="x", value=b"{no json")
        await log.append(broken)
        await log.append(happened(2))
        await told.heard(KEYS[0], 0, 2)
    letter = await in_db_thread(DeadLetter.objects.using("messages").get)
    assert (letter.group, letter.offset, bytes(letter.value)) == ("told", 2, b"{no json")


async def test_a_dependency_that_is_away_is_waited_for(log: SqlEventLog) -> None:
    told = Told()
    told.fail[1] = [RetryLater("away"), RetryLater("away"), RetryLater("away"), RetryLater("away")]
    async with running(log, told):
        for number in range(4):
            await log.append(happened(number))
        async with in_time("the dependency is asked again"):
            while told.fail[1]:
                await in_db_thread(int)
        await told.heard(KEYS[0], 0, 1, 2, 3)
        assert not await in_db_thread(HeldKey.objects.exists)


async def test_the_offset_stays_below_what_is_unfinished(log: SqlEventLog) -> None:
    told = Told()
    told.fail[0] = [RetryLater("away")] * 1_000
    async with running(log, told):
        place = await log.append(happened(0, KEYS[0]))
        await log.append(happened(1, KEYS[1]))
        await told.heard(KEYS[1], 1)
        assert (await log.progress("told")).get(0, 0) < place.pos
        told.fail.clear()
        await told.heard(KEYS[0], 0)
