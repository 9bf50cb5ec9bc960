"""Serves HTTP and WebSockets; the groups and chores too, where one process does everything."""

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.queries.messages import highest_id
from chat.queries.rules import watch_rules
from chatsite.accounts import links
from chatsite.accounts.commands import invites
from chatsite.accounts.models import OneTimeLink
from chatsite.accounts.revocation import watch_sign_ins
from chatsite.demo import PASSWORD, PEOPLE
from chatsite.gateway.admission import hold_places
from chatsite.gateway.consumer import drain, watch_expiry
from chatsite.gateway.hub import hub
from chatsite.gateway.protocol import MAX_FRAME_BYTES
from chatsite.gateway.server.http import BoundedHttp
from chatsite.gateway.server.websocket import BoundedWebSocket
from chatsite.kernel import clock, files
from chatsite.kernel.chores import run_chores
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.groups import groups, run_groups
from chatsite.kernel.ids import MIN_ID, SERVE_WORKER, MessageId
from chatsite.kernel.lock import FolderTaken
from chatsite.management import running
from chatsite.management.tidying import tidy
from chatsite.settings.registry import setting
from presence.rpc import Server, listening, new_server
from presence.tracker import tracker

PING_SECONDS = 25.0
SILENT_SECONDS = 90.0  # a connection that answers no ping for so long is gone
# How long a connection may wait for its next request: longer than proxies keep one (60 s in nginx and in our sample for
# Caddy). Whoever ends it first must be the one that asks: a request that meets our end is lost.
KEEP_ALIVE_SECONDS = 75
DRAIN_SECONDS = 5  # how long open requests may go on after SIGTERM
# What the system takes for a client that does not read, which it doubles: by itself it takes some megabytes, and until
# then such a client costs as much as one that reads. At 200 ms away still a megabyte a second.
SYSTEM_BYTES = 128 * 1024
TIDY_SECONDS = 3_600.0
# New objects between two looks for cycles among them: 2 to 4 ms. 100,000 take ten times as long, and fit into no cache:
# twice the time in all, and everybody waits. The older ones are looked at as seldom as they were with that.
CYCLES = (10_000, 500, 100)


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
        for bound in (one for server in self.servers for one in server.sockets):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BYTES)  # of each that it accepts
        self._announce(*self.servers[0].sockets[0].getsockname()[:2])


class Command(BaseCommand):
    """`manage.py serve`."""

    help = "Serves the page, REST and WebSockets. Where nothing is shared it runs the groups and chores too."
    _setup: OneTimeLink | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and what else to run."""
        parser.add_argument(
            "--port", type=int, default=setting("PORT"), help="0 takes a free one (default: $PORT or 8000)"
        )
        parser.add_argument("--host", default=setting("CHAT_HOST"))
        parser.add_argument("--all", action="store_true", help="run every group and the chores in this process too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        running.require_migrated()
        running.require_replicated()
        files.take_all()
        try:
            with running.groups_lock(), running.new_runner() as runner, self._leased(runner):
                self._setup = None if settings.DEBUG else invites.setup_link()
                runner.run(self._serve(options["host"], options["port"], with_groups=options["all"]))
        except FolderTaken as error:
            raise CommandError(str(error)) from None

    def _leased(self, runner: asyncio.Runner) -> AbstractContextManager[None]:
        above = runner.run(_highest_id())
        return clock.leased() if settings.SHARED else clock.leased(SERVE_WORKER, above=above)

    def _work(self, *, with_groups: bool) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside the answering."""
        work = [hub.run(), hold_places(), watch_expiry(), watch_sign_ins(), watch_rules(), tracker.run()]
        if with_groups or not settings.SHARED:
            work += [run_groups(groups()), run_chores(), _tidy()]
        return work

    async def _serve(self, host: str, port: int, *, with_groups: bool) -> None:
        # What is loaded now stays: the collector need not walk it again and again, nor look for
        # cycles every 700 objects. It was a fifth of the CPU of a busy server.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*CYCLES)
        server = _Server(self._config(host, port), self._announce)
        stopping = running.stop_signal()
        try:
            for_services = await self._open_to_services()
            async with asyncio.TaskGroup() as tasks:
                background = [tasks.create_task(one) for one in self._work(with_groups=with_groups)]
                services = [tasks.create_task(one.run()) for one in for_services]
                serving = tasks.create_task(server.serve(), name="server")
                stop = tasks.create_task(stopping.wait(), name="stop")
                await asyncio.wait([serving, stop], return_when=asyncio.FIRST_COMPLETED)
                for answering in services:  # They go to another server while people are told.
                    answering.cancel()
                await drain()
                server.should_exit = True
                await serving
                for task in [*background, stop]:
                    task.cancel()
        finally:
            await running.close_backends()

    async def _open_to_services(self) -> list[Server]:
        """What tells other services who is there, where a port is set."""
        if (at := listening()) is None:
            return []
        server = new_server(at)
        self.stdout.write(f"Presence is at {await running.open_port(server)}")
        return [server]

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
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
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
    """The highest id in the log, below which an embedded server must not mint again."""
    await log().open()
    await outbox().open()
    return MessageId(MIN_ID) if settings.SHARED else await highest_id()


async def _tidy() -> None:
    while True:
        await tidy()
        await asyncio.sleep(TIDY_SECONDS)
