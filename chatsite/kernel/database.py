"""The three ways to a database: the bridge for commands, readers, the one writer.

`in_db_thread` is the one place where sockets meet the ORM: four threads with
persistent connections. `Writer` is the one thread that writes a log or store
which stands in SQL: everything waiting shares the next commit.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from django.apps import apps
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
    models,
    transaction,
)
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.metrics import log_append_seconds

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741

MESSAGES = "messages"
DB_THREADS = 4  # SQLite has one writer and commands are short: more threads only wait
READ_THREADS = 2  # page reads of log and store; WAL readers do not block the writer
WRITER_WAITING = 10_000  # jobs; over it a send is refused as log_unavailable
BATCH_JOBS = 1_000  # jobs of one commit; about 10 ms of inserts

WAITING_CALLS = 2_000  # for one pool; over it a caller is told to come again


class _Pool:
    """Some threads, and a bounded line of calls in front of them."""

    def __init__(self, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting = 0

    async def run(self, work: Callable[..., R], args: Any, kwargs: Any) -> R:
        """The result of blocking work; Unavailable when too many wait already."""
        if self._waiting >= WAITING_CALLS:
            raise Unavailable(code="store_unavailable", retry_after_ms=1_000)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, _run_there, work, args, kwargs)
        finally:
            self._waiting -= 1


def _run_there(work: Callable[..., R], args: Any, kwargs: Any) -> R:
    try:
        return work(*args, **kwargs)
    except (DatabaseError, InterfaceError):
        close_old_connections()  # A connection that failed may be broken: the next call opens a new one.
        raise


_db_threads = _Pool(DB_THREADS, "db")
_read_threads = _Pool(READ_THREADS, "read")


class Router:
    """Sends each model to the database its table lives in."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        """The database of a model; the unmanaged ones refuse every query."""
        return getattr(model, "database", "default")

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """The log's tables stand in both databases, a store's in `messages`, the rest in `default`."""
        if model_name is None:
            return db == "default"
        try:
            model = apps.get_model(app_label, model_name)  # A migration's own model has no such attributes.
        except LookupError:
            return db == "default"
        if getattr(model, "in_both_databases", False):
            return True
        return db == getattr(model, "database", "default")


@contextmanager
def plain_cursor(alias: str) -> Iterator[CursorWrapper]:
    """A cursor that keeps no query log, whatever DEBUG says: for statements of the hot path."""
    connection = connections[alias]
    connection.ensure_connection()
    with connection.make_cursor(connection.create_cursor()) as cursor:
        yield cursor


def text_of(query: QuerySet[Any]) -> str:
    """The statement of a query on Django's database, with its places for parameters.

    For what is asked all the time: to put a statement together anew takes up to ten times as long as to run it.
    """
    text: str = query.query.sql_with_params()[0]
    return text


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn a database that does not answer into Unavailable."""
    try:
        yield
    except (InterfaceError, OperationalError) as error:
        raise Unavailable(code="store_unavailable", retry_after_ms=1_000) from error


async def in_db_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking work against Django's database in one of its four threads."""
    return await _db_threads.run(work, args, kwargs)


async def in_read_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking read of the log or store in one of its two threads."""
    return await _read_threads.run(work, args, kwargs)


Handler = Callable[[CursorWrapper, Sequence[I]], Sequence[R]]


class _Job:
    __slots__ = ("future", "handler", "item", "last", "loop")

    def __init__(self, handler: Handler[Any, Any], item: Any, loop: asyncio.AbstractEventLoop, *, last: bool) -> None:
        self.handler, self.item, self.loop, self.last = handler, item, loop, last
        self.future: asyncio.Future[Any] = loop.create_future()


class Writer:
    """One thread that writes one database: many waiters share a commit.

    A handler gets all waiting items of its kind and answers one result each, in
    order, inside the shared transaction. When a batch fails, each item is tried
    in a transaction of its own, so that one bad item costs only itself.
    """

    _writers: dict[str, "Writer"] = {}
    _lock = threading.Lock()

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._jobs: queue.Queue[_Job | None] = queue.Queue(WRITER_WAITING + 1)
        self._refusing = False
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, alias: str) -> "Writer":
        """The writer of this process for a database."""
        with cls._lock:
            return cls._writers.setdefault(alias, cls(alias))

    def submit(self, handler: Handler[I, R], item: I, *, last: bool = False) -> "asyncio.Future[R]":
        """Queue an item for the next commit; the future resolves once it is on the disk.

        It fails with Unavailable where too many wait already. What takes locks that others
        wait for goes `last` in its transaction.
        """
        job = _Job(handler, item, asyncio.get_running_loop(), last=last)
        # Once full it refuses until half is written: what was sent behind a refused item is refused too.
        self._refusing = self._jobs.qsize() > (WRITER_WAITING // 2 if self._refusing else WRITER_WAITING - 1)
        if self._refusing:
            job.future.set_exception(Unavailable(code="log_unavailable", retry_after_ms=1_000))
            return job.future
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"writer-{self.alias}", daemon=True)
            self._thread.start()
        return job.future

    def close(self) -> None:
        """Write what waits, then stop the thread."""
        if self._thread:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, stop = [first], False
            while len(batch) < BATCH_JOBS:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stop = True
                    break
                batch.append(job)
            with log_append_seconds.time():
                outcomes = self._write(batch)
            self._settle(batch, outcomes)
            if stop:
                break
        connections[self.alias].close()

    def _write(self, batch: list[_Job]) -> list[tuple[_Job, Any]]:
        by_handler: dict[Handler[Any, Any], list[_Job]] = {}
        for job in sorted(batch, key=lambda job: job.last):
            by_handler.setdefault(job.handler, []).append(job)
        outcomes: list[tuple[_Job, Any]] = []
        try:
            with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
                for handler, jobs in by_handler.items():
                    outcomes += zip(jobs, handler(cursor, [job.item for job in jobs]), strict=True)
        except (OperationalError, InterfaceError) as error:
            # Locked, full or gone: nobody of the batch is at fault, and alone each would fail as slowly.
            logger.warning("A commit of %d failed: %s", len(batch), error)
            connections[self.alias].close_if_unusable_or_obsolete()
            return [(job, Unavailable(code="log_unavailable", retry_after_ms=1_000)) for job in batch]
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the waiters
            if len(batch) == 1:
                return [(batch[0], error)]
            logger.warning("A shared commit of %d failed (%s); each is tried alone.", len(batch), error)
            return [outcome for job in batch for outcome in self._write([job])]
        return outcomes

    @staticmethod
    def _settle(batch: list[_Job], outcomes: list[tuple[_Job, Any]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Job, Any]]] = {}
        for job, outcome in outcomes:
            by_loop.setdefault(job.loop, []).append((job, outcome))
        for loop, settled in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, settled)


def _resolve(settled: list[tuple[_Job, Any]]) -> None:
    for job, outcome in settled:
        if job.future.done():
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)
