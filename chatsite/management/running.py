"""What every process that lasts has: tables to stand on, a signal that ends it, logs and a store to close."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import uvloop
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from chat.stores import NotMigrated, store
from chatsite.gateway.hub import hub
from chatsite.kernel.backends import close_connections
from chatsite.kernel.errors import DomainError
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.lock import FolderLock
from chatsite.kernel.servers import COPIES, Description
from chatsite.settings.registry import setting
from presence.rpc import Server

DESCRIBED_SECONDS = 3.0  # a start waits no longer for a server to say what it is


def groups_lock() -> AbstractContextManager[object]:
    """The right to run the groups: one process has it for a data folder, everybody where they are shared."""
    return nullcontext() if settings.SHARED else FolderLock(settings.DATA)


def require_migrated() -> None:
    """Refuse to start on tables that are not up to date."""
    for alias in sql_databases():
        if unapplied(alias):
            raise CommandError(f"The tables of {alias!r} are not up to date. Run: manage.py migrate_all")
        connections[alias].close()
    try:
        asyncio.run(store().open())
    except NotMigrated as error:
        raise CommandError(str(error)) from None


def require_replicated() -> None:
    """Refuse a log or store that keeps too few copies, unless somebody said that they know."""
    if setting("CHAT_ACCEPT_UNREPLICATED"):
        return
    for described in asyncio.run(_described()):
        if described.copies is not None and described.copies < COPIES:
            raise CommandError(
                f"{described.server} keeps {described.copies} copies of what is acked, and {COPIES} survive the loss"
                " of one. Give it more (`manage.py doctor` says how), or set CHAT_ACCEPT_UNREPLICATED=on."
            )


async def _described() -> list[Description]:
    found = []
    for ask in (log().describe, store().describe):
        # One that is away is none to refuse for: it may be back before anybody comes.
        with suppress(TimeoutError, DatabaseError, DomainError):
            async with asyncio.timeout(DESCRIBED_SECONDS):
                found.append(await ask())
    return found


def unapplied(alias: str) -> bool:
    """Whether a database lacks migrations."""
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def sql_databases() -> list[str]:
    """The databases that Django's migrations are for."""
    return [alias for alias, one in settings.DATABASES.items() if one["ENGINE"] != "django_cassandra_engine"]


def new_runner() -> asyncio.Runner:
    """The loop of a process that lasts."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    return stopping


async def open_port(server: Server) -> str:
    """Listen for other services; answers where."""
    try:
        return await server.open()
    except OSError as error:
        raise CommandError(str(error)) from None


async def run_until_stopped(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines until a signal, then cancel them and close what they used."""
    stopping = stop_signal()
    hub.tell_here()
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
            await stopping.wait()
            for task in running:
                task.cancel()
    finally:
        await close_backends()


async def close_backends() -> None:
    """Make durable what was appended, and let go of every server."""
    await store().close()
    await outbox().close()
    await log().close()
    await get_channel_layer().flush()
    await close_connections()
