"""Writes a chat out, as JSON lines."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from chat.api import shapes
from chat.commands.locking import note
from chat.models import Chat
from chat.queries.exports import all_places, earlier_texts, require_chat, stored_messages, stored_reactions
from chat.queries.participants import chat_id
from chatsite.accounts.queries import people
from chatsite.kernel.errors import DomainError
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId
from chatsite.management.settling import settle

_encode = msgspec.json.encode


class Command(BaseCommand):
    """`manage.py export_chat`."""

    help = (
        "Writes a chat as JSON lines: the chat, everybody who is or was in it, then its messages, oldest first,"
        " each as REST shows it, with the earlier texts of edited ones as `edits`. `kind` says what a line is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which chat, and where to."""
        parser.add_argument("chat", metavar="CHAT_ID")
        parser.add_argument("--output", type=Path, metavar="FILE", help="(default: standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it; a file appears only once it is whole."""
        try:
            chat = chat_id(options["chat"])
            row = require_chat(chat)
            if not asyncio.run(_settle()):
                raise CommandError("The running server has not stored all messages yet; try again.")
            with transaction.atomic():  # Before the first line: what went out is noted whatever comes of the rest.
                note("chat.exported", row.id, None, {})
            with _output(options["output"]) as out:
                _write_people(out, row)
                asyncio.run(_write_messages(out, chat))
        except DomainError as error:
            raise CommandError(error.detail) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Or Python complains again at its end.
            raise CommandError("The reader went away before the end.") from None
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror}.") from None


async def _settle() -> bool:
    try:
        return await settle()
    finally:
        await outbox().close()
        await log().close()


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600, exist_ok=False)  # It holds what people said among themselves.
        with draft.open("wb") as out:
            yield out
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_people(out: BinaryIO, chat: Chat) -> None:
    out.write(_line("chat", _chat(chat)))
    for places in all_places(chat):
        users = people(place.user_id for place in places)
        for place in places:
            out.write(_line("participant", shapes.participant(place, users)))


async def _write_messages(out: BinaryIO, chat: ChatId) -> None:
    async for messages in stored_messages(chat):
        reactions = await stored_reactions(chat, messages)
        shown = await asyncio.to_thread(shapes.messages, messages, reactions, viewer="")
        edits = {str(message): texts for message, texts in (await earlier_texts(chat, messages)).items()}
        for one in shown:
            earlier = {"edits": [shapes.edit(text) for text in edits[one["id"]]]} if one["id"] in edits else {}
            out.write(_line("message", {**one, **earlier}))


def _line(kind: str, body: dict[str, Any]) -> bytes:
    return _encode({"kind": kind, **body}) + b"\n"


def _chat(chat: Chat) -> dict[str, Any]:
    """A chat as nobody in particular sees it."""
    return {
        "id": str(chat.id),
        "name": chat.name,
        "chat_type": chat.chat_type,
        "company_id": str(chat.company_id) if chat.company_id else None,
        "created_by": str(chat.created_by_id) if chat.created_by_id else None,
        "is_archived": chat.is_archived,
        "participant_count": chat.participant_count,
        "created_at": iso(int(chat.created_at.timestamp() * 1_000)),
        "version": chat.version,
    }
