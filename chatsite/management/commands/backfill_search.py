"""Writes into the index of the search what the message store has and it has not."""

import asyncio
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.commands.indexing import index_all, index_chat
from chat.indexes import index
from chat.queries.participants import chat_id
from chatsite.kernel.errors import DomainError
from chatsite.management import running
from chatsite.settings.registry import setting

LINE_SECONDS = 5.0
INTERRUPTED = 130


class Command(BaseCommand):
    """`manage.py backfill_search`."""

    help = (
        "Indexes the messages that were said before there was a search, or while CHAT_SEARCH was off. It may be stopped"
        " and run again, beside a running server too: a chat whose messages are all indexed is left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Of which chat, and whether anew."""
        parser.add_argument("--chat", metavar="CHAT_ID", help="(default: every chat)")
        parser.add_argument("--anew", action="store_true", help="forget what is indexed first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Index, and say how far it is."""
        if not setting("CHAT_SEARCH"):
            raise CommandError("CHAT_SEARCH is off: nothing would be indexed.")
        try:
            asyncio.run(self._index(options["chat"], anew=options["anew"]))
        except DomainError as error:
            raise CommandError(error.detail) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again to go on.", returncode=INTERRUPTED) from None

    async def _index(self, chat: str | None, *, anew: bool) -> None:
        chats = messages = 0
        told = began = time.monotonic()
        try:
            if chat is not None:
                one = chat_id(chat)
                if anew:
                    await index().erase(one)
                chats, messages = 1, await index_chat(one)
            else:
                if anew:
                    await index().clear()
                async for done in index_all():
                    chats, messages = chats + 1, messages + done.messages
                    if time.monotonic() - told > LINE_SECONDS:
                        told = time.monotonic()
                        self.stdout.write(f"{chats:,} chats, {messages:,} messages so far")
                        self.stdout.flush()
        finally:
            await running.close_backends()
        self.stdout.write(f"{messages:,} messages of {chats:,} chats in {time.monotonic() - began:.1f} s.")
