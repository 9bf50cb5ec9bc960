"""What Celery's workers do.

A task is only a nudge: what is to be done stands in the table of chores, so a lost
one costs as long as beat's next. A worker runs threads, and one loop for all that waits.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any

from celery import signals
from django.core.management.base import CommandError

from chatsite.celery import app
from chatsite.kernel import chores, clock
from chatsite.kernel.eventlog import log, outbox
from chatsite.management import running
from chatsite.management.tidying import tidy

NUDGE_SECONDS = 5.0  # a nudge that nobody took for so long is old: beat has sent another

_loop = asyncio.new_event_loop()
_held = ExitStack()


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(work, _loop).result()


@app.task(name="chatsite.chores", ignore_result=True)
def run_chores() -> None:
    """Run the chores that are due."""
    _run(chores.run_due())


@app.task(name="chatsite.tidy", ignore_result=True)
def run_tidy() -> None:
    """Drop what logs and keys need not keep."""
    _run(tidy())


def nudge() -> None:
    """Have a worker look for chores; while the broker is away they wait for beat."""
    app.send_task("chatsite.chores", retry=False, expires=NUDGE_SECONDS)


@signals.worker_init.connect
def _start(**_: Any) -> None:
    try:
        running.require_replicated()
    except CommandError as error:
        raise SystemExit(str(error)) from None  # Whatever else a signal's receiver raises only goes to the log.
    threading.Thread(target=_loop.run_forever, name="loop", daemon=True).start()
    _held.enter_context(clock.leased())
    _run(_open())


@signals.worker_shutdown.connect
def _stop(**_: Any) -> None:
    _run(_close())
    _held.close()


async def _open() -> None:
    await log().open()
    await outbox().open()


async def _close() -> None:
    await outbox().close()
    await log().close()
