"""Says how the installation is, server by server, and what to do where something is wrong."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandParser

from chatsite.kernel.servers import Description
from chatsite.management import running
from chatsite.management.diagnosis import CHECK_SECONDS, Diagnosis, Doctor


class Command(BaseCommand):
    """`manage.py doctor`."""

    help = (
        "Names the shape and each of its servers, what the groups, chores and worker numbers are at, and the fix where"
        " something is away or wrong. The exit code is 1 where something is wrong, 0 else."
    )
    requires_system_checks = ()  # It runs them itself, and goes on.

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, tell, and leave with the exit code."""
        diagnosis = asyncio.run(_examine())
        if options["json"]:
            found = msgspec.to_builtins(diagnosis) | {"is_well": diagnosis.is_well}
            self.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode())
        else:
            for line in _lines(diagnosis):
                self.stdout.write(line)
        if not diagnosis.is_well:
            raise SystemExit(1)


async def _examine() -> Diagnosis:
    try:
        return await Doctor().examine()
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await running.close_backends()


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"shape     {diagnosis.shape}"
    told = set()
    for name, server in diagnosis.servers.items():
        yield f"{name:9} {_server(server)}"
        if server is not None and server.server not in told:
            told.add(server.server)
            yield from (f"            {fact}: {value}" for fact, value in server.facts.items())
    for group in diagnosis.groups:
        yield f"group     {group.name}: {_count(group.behind)} records behind"
    yield f"held      {_count(diagnosis.held)} keys"
    yield f"letters   {_count(diagnosis.dead_letters)} unreadable records"
    yield f"chores    {_count(diagnosis.given_up)} given up"
    for lease in diagnosis.leases:
        yield f"worker    {lease.worker} until {lease.until}"
    for finding in diagnosis.findings:
        yield f"{'WRONG' if finding.is_wrong else 'weak':9} {finding.what}"
        yield f"            fix: {finding.fix}"
    yield "It is well." if diagnosis.is_well else "Something is wrong."


def _server(server: Description | None) -> str:
    if server is None:
        return "does not answer"
    latency = "" if server.latency_ms is None else f", answers in {server.latency_ms:g} ms"
    clock = "" if server.ahead_ms is None else f", clock {server.ahead_ms:+g} ms"
    return f"{server.server}{latency}{clock}"


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"
