"""Deferred work: with its command's commit, at least once, bounded tries."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from chatsite.kernel import chores
from chatsite.kernel.chores import CLAIM, TRIES, Runner
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.models import Chore
from tests.world import in_time

pytestmark = pytest.mark.django_db(transaction=True)
KIND = "test.tell"


class Work:
    """A handler that keeps what it was given; a number in `fail` fails so often, one in `stuck` waits to go on."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.begun: list[int] = []
        self.fail: dict[int, int] = {}
        self.stuck: set[int] = set()
        self.go_on = asyncio.Event()  # ends what is stuck
        self.changed = asyncio.Condition()

    async def __call__(self, payload: dict[str, Any]) -> None:
        number = payload["number"]
        async with self.changed:
            self.begun.append(number)
            self.changed.notify_all()
        if number in self.stuck:
            await self.go_on.wait()
        if self.fail.get(number, 0) > 0:
            self.fail[number] -= 1
            raise ValueError("no luck")
        async with self.changed:
            self.done.append(number)
            self.changed.notify_all()

    async def until(self, numbers: list[int], *, begun: bool = False) -> None:
        """Wait until these were done, or begun; once or again, since a claim may end before its row goes."""
        async with in_time(f"{numbers} are done"), self.changed:
            while set(self.begun if begun else self.done) != set(numbers):
                await self.changed.wait()


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
async def work(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Work]:
    """The handler of the tests' kind."""
    made = Work()
    monkeypatch.setattr(chores, "_handlers", {KIND: made})
    yield made
    await sync_to_async(connections.close_all)()


@asynccontextmanager
async def running(clock: Clock | None = None) -> AsyncIterator[Runner]:
    """A runner, as in `serve`."""
    runner = Runner(now=clock or Clock())
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def add(number: int, *, key: str = "", due_at: datetime | None = None) -> None:
    """A chore of the tests' kind, in a transaction of its own."""
    with transaction.atomic():
        chores.add(KIND, key=key or f"{number}", payload={"number": number}, due_at=due_at)


async def settled(**state: Any) -> list[Chore]:
    """Wait until chores in a state are there; answers them."""
    async with in_time(f"a chore with {state}"):
        while not (found := await in_db_thread(lambda: list(Chore.objects.filter(**state)))):
            pass
    return found


async def test_a_chore_runs_after_its_commit_and_goes(work: Work) -> None:
    async with running():
        await in_db_thread(add, 1)
        await work.until([1])
        async with in_time("the row goes"):
            while await in_db_thread(Chore.objects.exists):
                pass


def test_a_chore_needs_a_transaction_and_goes_with_it(work: Work) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        chores.add(KIND, key="1", payload={})
    with suppress(ZeroDivisionError), transaction.atomic():
        chores.add(KIND, key="1", payload={})
        raise ZeroDivisionError
    assert chores.waiting(KIND) == 0


async def test_a_slow_kind_leaves_room_to_others(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Work()
    monkeypatch.setattr(chores, "_handlers", {KIND: work, "test.other": other})
    monkeypatch.setattr(chores, "_at_once", {KIND: 2})
    work.stuck = set(range(20))
    for number in range(20):
        await in_db_thread(add, number)
    async with running():
        await work.until([0, 1], begun=True)
        await in_db_thread(add_other)
        await other.until([1])
        assert set(work.begun) == {0, 1}
        work.go_on.set()
        await work.until(list(range(20)))


def add_other() -> None:
    """A chore of another kind."""
    with transaction.atomic():
        chores.add("test.other", key="1", payload={"number": 1})


def test_what_is_dropped_is_not_done(work: Work) -> None:
    for key in ("a:1", "a:2", "b:1"):
        add(1, key=key)
    with transaction.atomic():
        chores.drop(KIND, begin="a:")
    assert [chore.key for chore in Chore.objects.all()] == ["b:1"]


def test_pauses_grow_to_an_hour_and_no_further() -> None:
    pauses = [chores.pause_after(tries) for tries in (1, 2, 3, 10, 1_000)]
    assert pauses == [timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=45), *[timedelta(hours=1)] * 2]


async def test_a_taken_key_changes_nothing(work: Work) -> None:
    await in_db_thread(add, 1, key="same")
    await in_db_thread(add, 2, key="same")
    async with running():
        await work.until([1])
        await in_db_thread(add, 3)
        await work.until([1, 3])
    assert work.begun == [1, 3]


async def test_a_chore_that_is_added_while_it_runs_runs_again(work: Work) -> None:
    work.stuck.add(1)
    await in_db_thread(add, 1, key="same")
    async with running() as runner:
        await work.until([1], begun=True)
        await in_db_thread(add, 2, key="same")
        (task,) = runner._running
        work.go_on.set()
        await task
        await work.until([1, 2])
        assert work.done == [1, 2]
        async with in_time("the row goes"):
            while await in_db_thread(Chore.objects.exists):
                pass


async def test_what_was_given_up_starts_anew_when_it_is_added_again(work: Work) -> None:
    await in_db_thread(add, 1, key="same")
    now = datetime.now(UTC)
    await in_db_thread(Chore.objects.update, tries=TRIES, error="no luck", given_up_at=now)
    assert await in_db_thread(chores.waiting, KIND) == 0
    await in_db_thread(add, 2, key="same")
    assert await in_db_thread(chores.waiting, KIND) == 1
    work.fail[2] = 1
    async with running():
        (failed,) = await settled(error="ValueError: no luck", claimed_until=None)
    assert (failed.tries, failed.given_up_at, failed.payload) == (1, None, {"number": 2})


async def test_a_chore_waits_until_it_is_due(work: Work) -> None:
    clock = Clock()
    await in_db_thread(add, 1, due_at=clock() + timedelta(hours=1))
    await in_db_thread(add, 2)
    async with running(clock) as runner:
        await work.until([2])
        clock.ahead = timedelta(hours=2)
        runner.wake()
        await work.until([1, 2])


async def test_two_runners_share_the_work(work: Work) -> None:
    async with running(), running():
        for number in range(30):
            await in_db_thread(add, number)
        await work.until(list(range(30)))
    assert sorted(work.begun) == list(range(30)), "a chore ran twice"


async def test_a_chore_of_a_dead_process_runs_when_its_claim_has_ended(work: Work) -> None:
    await in_db_thread(add, 1)
    now = datetime.now(UTC)
    assert len(await in_db_thread(chores.claim, limit=10, now=now)) == 1  # And then kill -9.
    clock = Clock()
    async with running(clock) as runner:
        await in_db_thread(add, 2)
        await work.until([2])
        clock.ahead = CLAIM
        runner.wake()
        await work.until([1, 2])


async def test_a_chore_that_takes_longer_than_a_claim_is_run_by_nobody_else(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = timedelta(hours=1)  # The clock goes on by itself too, and a busy machine may stand still for seconds.
    monkeypatch.setattr(chores, "CLAIM", long)
    monkeypatch.setattr(chores, "HOLD_SECONDS", 0.01)
    work.stuck.add(1)
    clock = Clock()
    async with running(clock), running(clock):
        await in_db_thread(add, 1)
        await work.until([1], begun=True)
        for _ in range(3):
            clock.ahead += long * 0.8
            await settled(claimed_until__gt=clock() + long * 0.5)
        await in_db_thread(add, 2)
        await work.until([2])
        work.go_on.set()
        await work.until([1, 2])
    assert work.begun == [1, 2]


async def test_who_was_away_for_longer_than_its_claim_leaves_the_chore_to_who_has_it_now(
    work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(chores, "HOLD_SECONDS", 0.01)
    work.stuck.add(1)
    theirs = datetime.now(UTC) + timedelta(hours=1)
    await in_db_thread(add, 1)
    async with running():
        await work.until([1], begun=True)
        await in_db_thread(Chore.objects.update, claimed_until=theirs)
        async with in_time("it is let go"):
            while "was taken up by another process" not in caplog.text:
                await in_db_thread(int)
        work.go_on.set()
        await in_db_thread(add, 2)
        await work.until([2])
    assert (work.begun, [one.claimed_until for one in await settled(key="1")]) == ([1, 2], [theirs])


async def test_a_server_that_stops_gives_its_chores_back(work: Work) -> None:
    work.stuck.add(1)
    await in_db_thread(add, 1)
    async with running():
        await work.until([1], begun=True)
    work.stuck.clear()
    assert (await settled(claimed_until=None))[0].tries == 0
    async with running():
        await work.until([1])


async def test_what_fails_waits_longer_each_time_and_is_given_up_in_the_end(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    work.fail[1] = TRIES
    clock = Clock()
    await in_db_thread(add, 1)
    async with running(clock) as runner:
        for tries in range(1, TRIES):
            due_at = (await settled(tries=tries, claimed_until=None))[0].due_at
            assert due_at - clock() > chores.pause_after(tries) * 0.5
            clock.ahead += chores.pause_after(tries)
            runner.wake()
        assert (await settled(given_up_at__isnull=False))[0].error == "ValueError: no luck"
        assert "ALERT chore test.tell 1" in caplog.text
        clock.ahead += timedelta(days=9)
        await in_db_thread(add, 2)
        await work.until([2])
        assert work.begun.count(1) == TRIES, "what was given up was tried again"
        assert "given up  test.tell  1  tries 10: ValueError: no luck" in await in_db_thread(_told)
        await in_db_thread(call_command, "chores", "--retry", KIND, "1", stdout=io.StringIO())
        runner.wake()
        await work.until([1, 2])


def _told() -> str:
    out = io.StringIO()
    call_command("chores", stdout=out)
    return out.getvalue()


async def test_a_chore_that_kills_its_process_is_given_up(work: Work) -> None:
    clock = Clock()
    await in_db_thread(add, 1)
    for _ in range(TRIES):
        assert await in_db_thread(chores.claim, limit=1, now=clock())
        clock.ahead += CLAIM
    async with running(clock):
        assert "process ended" in (await settled(given_up_at__isnull=False))[0].error
    assert work.begun == []


def test_only_what_was_given_up_can_be_retried(work: Work) -> None:
    add(1)
    with pytest.raises(CommandError, match=r"No chore test\.tell 1 was given up"):
        call_command("chores", "--retry", KIND, "1")
