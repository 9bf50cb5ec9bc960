"""Tells other services who is there, in a process of its own."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatsite.gateway.hub import hub
from chatsite.management import running
from presence.rpc import Server, listening, new_server
from presence.tracker import tracker


class Command(BaseCommand):
    """`manage.py presence_grpc`."""

    help = "Answers presence.v1.Presence (gRPC) on CHAT_PRESENCE_GRPC_PORT, as `serve` does too where that is set."

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer until SIGTERM or Ctrl-C."""
        if not settings.SHARED:
            raise CommandError("In the shape embedded `serve` alone knows who is there: set CHAT_PRESENCE_GRPC_PORT.")
        if (at := listening()) is None:
            raise CommandError("Set CHAT_PRESENCE_GRPC_PORT.")
        running.require_migrated()
        with running.new_runner() as runner:
            runner.run(self._answer(new_server(at)))

    async def _answer(self, server: Server) -> None:
        self.stdout.write(f"Presence is at {await running.open_port(server)}  (pid {os.getpid()})")
        self.stdout.flush()
        await running.run_until_stopped([hub.run(), tracker.run(), server.run()])
