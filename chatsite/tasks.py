"""What Celery's workers do.

A task is only a nudge: what is to be done stands in the table of chores, so a lost
one costs as long as beat's next. A worker runs threads, and one loop for all that waits.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from celery import signals

from chatsite.celery import app
from chatsite.gateway.hub import hub
from chatsite.kernel import chores, clock
from chatsite.kernel.eventlog import log, outbox
from chatsite.management import running
from chatsite.management.tidying import tidy

logger = logging.getLogger(__name__)

NUDGE_SECONDS = 5.0  # a nudge that nobody took for so long is old: beat has sent another


class _Worker:
    """What a worker has from its start to its end: a loop in a thread, a worker number, open logs."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held = ExitStack()

    def start(self) -> None:
        """Take hold of everything, or of nothing."""
        running.require_migrated()
        running.require_replicated()
        with ExitStack() as held:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="loop", daemon=True).start()
            held.enter_context(clock.leased())
            held.callback(lambda: self.run(running.close_backends()))
            self.run(_open())
            self._held = held.pop_all()

    def stop(self) -> None:
        """Let go of it."""
        self._held.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait in this thread for what runs on the loop."""
        if self._loop is None:
            raise RuntimeError("The worker has not started.")
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


_worker = _Worker()


@app.task(name="chatsite.chores", ignore_result=True)
def run_chores() -> None:
    """Run the chores that are due."""
    _worker.run(chores.run_due())


@app.task(name="chatsite.tidy", ignore_result=True)
def run_tidy() -> None:
    """Drop what logs and keys need not keep."""
    _worker.run(tidy())


@signals.worker_init.connect
def _start(**_: Any) -> None:
    try:
        _worker.start()
    except Exception as error:
        # What a signal's receiver raises only goes to the log, and the worker would run on without.
        raise SystemExit(f"The worker does not start: {' '.join(str(error).split())}") from error


@signals.worker_shutdown.connect
def _stop(**_: Any) -> None:
    _worker.stop()


async def _open() -> None:
    hub.tell_here()
    await log().open()
    await outbox().open()


class _Nudges:
    """Nudges in a thread of their own: a broker that hangs keeps no command waiting."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nudge")
        self._next: Future[None] | None = None

    def send(self) -> None:
        """Send one soon; one that has yet to begin is as good for all that was committed."""
        if self._next is None or self._next.running() or self._next.done():
            self._next = self._thread.submit(_send)


_nudges = _Nudges()


def nudge() -> None:
    """Have a worker look for chores; while the broker is away they wait for beat."""
    _nudges.send()


def _send() -> None:
    try:
        app.send_task("chatsite.chores", retry=False, expires=NUDGE_SECONDS)
    except Exception as error:  # noqa: BLE001 - each broker has errors of its own, and nobody waits for this one
        logger.warning("chores wait for beat: %s", error)
