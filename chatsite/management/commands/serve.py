"""Serves HTTP and WebSockets and runs the groups, in one process."""

import asyncio
import gc
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import uvicorn
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from chat.queries.messages import highest_id
from chatsite.accounts import links
from chatsite.accounts.commands import invites
from chatsite.accounts.models import OneTimeLink
from chatsite.accounts.revocation import watch_sign_ins
from chatsite.demo import PASSWORD, PEOPLE
from chatsite.gateway.consumer import drain, watch_expiry
from chatsite.gateway.hub import hub
from chatsite.gateway.protocol import MAX_FRAME_BYTES
from chatsite.gateway.transport import BoundedHttp, BoundedWebSocket
from chatsite.kernel import clock
from chatsite.kernel.chores import run_chores
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import EventLog, log, outbox
from chatsite.kernel.groups import AWAY, groups, run_groups, trim
from chatsite.kernel.idempotency import forget_old
from chatsite.kernel.ids import SERVE_WORKER, MessageId
from chatsite.kernel.lock import FolderLock, FolderTaken
from chatsite.settings.registry import setting

logger = logging.getLogger(__name__)

PING_SECONDS = 25.0
SILENT_SECONDS = 90.0  # a connection that answers no ping for so long is gone
DRAIN_SECONDS = 5  # how long open requests may go on after SIGTERM
TRIM_SECONDS = 3_600.0


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: it would end the process before the log is closed."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str, int], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where it is as soon as it listens."""
        await super().startup(sockets=sockets)
        self._announce(*self.servers[0].sockets[0].getsockname()[:2])


class Command(BaseCommand):
    """`manage.py serve`."""

    help = "Serves the page, REST and WebSockets, and runs the groups. One process per data folder."
    _setup: OneTimeLink | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument(
            "--port", type=int, default=setting("PORT"), help="0 takes a free one (default: $PORT or 8000)"
        )
        parser.add_argument("--host", default=setting("CHAT_HOST"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        self._require_migrated()
        # Each connection is an open file, and the usual soft limit is a thousand of them.
        _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        try:
            with FolderLock(settings.DATA), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                above = runner.run(_highest_id())
                with clock.leased(SERVE_WORKER, above=above):
                    self._setup = None if settings.DEBUG else invites.setup_link()
                    runner.run(self._serve(options["host"], options["port"]))
        except FolderTaken as error:
            raise CommandError(str(error)) from None

    def _require_migrated(self) -> None:
        for alias in (DEFAULT_DB_ALIAS, "messages"):
            executor = MigrationExecutor(connections[alias])
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                raise CommandError(
                    f"The tables of {alias!r} are not up to date."
                    " Run: manage.py migrate && manage.py migrate --database messages"
                )
            connections[alias].close()

    async def _serve(self, host: str, port: int) -> None:
        # What is loaded now stays: the collector need not walk it again and again, nor look for
        # cycles every 700 objects. It was a fifth of the CPU of a busy server.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        server = _Server(self._config(host, port), self._announce)
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(hub.run(), name="hub"),
                    tasks.create_task(watch_expiry(), name="expiry"),
                    tasks.create_task(watch_sign_ins(), name="sign-ins"),
                    tasks.create_task(run_groups(groups()), name="groups"),
                    tasks.create_task(run_chores(), name="chores"),
                    tasks.create_task(_trim(log(), outbox()), name="trim"),
                ]
                serving = tasks.create_task(server.serve(), name="server")
                stop = tasks.create_task(stopping.wait(), name="stop")
                await asyncio.wait([serving, stop], return_when=asyncio.FIRST_COMPLETED)
                await drain()
                server.should_exit = True
                await serving
                for task in [*background, stop]:
                    task.cancel()
        finally:
            await outbox().close()
            await log().close()

    def _config(self, host: str, port: int) -> uvicorn.Config:
        return uvicorn.Config(
            "chatsite.asgi:application",
            host=host,
            port=port,
            http=BoundedHttp,
            ws=BoundedWebSocket,
            ws_max_size=4 * MAX_FRAME_BYTES,  # Up to here an ERROR answers; beyond, the frame is not even read.
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=SILENT_SECONDS - PING_SECONDS,
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="warning",
            access_log=False,
            proxy_headers=False,  # The application judges them: chatsite/asgi.py.
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )

    def _announce(self, host: str, port: int) -> None:
        self.stdout.write(f"Chat is at http://{host}:{port}/  (pid {os.getpid()})")
        if self._setup:
            address = (setting("CHAT_URL") or f"http://{host}:{port}") + links.path_of(self._setup)
            self.stdout.write(f"Nobody looks after it yet. Make the first administrator here, once: {address}")
        if settings.DEBUG:
            names = ", ".join(PEOPLE)
            self.stdout.write(f"Log in as one of {names} with the password {PASSWORD!r}; staff: admin, 'admin'.")
        self.stdout.flush()


async def _highest_id() -> MessageId:
    await log().open()
    await outbox().open()
    return await highest_id()


async def _trim(*logs: EventLog) -> None:
    """Drop what the logs and the idempotency keys need not keep, every hour."""
    while True:
        try:
            await in_db_thread(forget_old, datetime.now(UTC))
        except AWAY as error:
            logger.warning("idempotency keys are not trimmed this hour: %s", error)
        for one in logs:
            try:
                dropped = await trim(one, now_ms=clock.now_ms())
            except AWAY as error:
                logger.warning("the log is not trimmed this hour: %s", error)
                continue
            if dropped:
                logger.info("trimmed %d records", dropped)
        await asyncio.sleep(TRIM_SECONDS)
