"""The files of `import_chat`: how each format reads them, and which chat each becomes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from uuid import uuid4

from django.core.management.base import CommandError

from chat.commands.imports import Source
from chat.imports import Line, irc
from chatsite.accounts.models import Company, User
from chatsite.kernel.errors import DomainError
from telegram_bridge import exports
from telegram_bridge.commands.imports import ImportedChat
from telegram_bridge.ids import chat_id_of


class Content(NamedTuple):
    """What a file holds: its lines, the line that each of them answers, how many messages cannot be brought in."""

    lines: Iterator[Line]
    replies: dict[int, int]
    left_out: int


class Job(NamedTuple):
    """A file that can be read, and the chat that it becomes; what answers what is read at its turn."""

    file: Path
    source: Source
    read: Callable[[BinaryIO], Content]


class Owned(NamedTuple):
    """Whose the chats become, and whether somebody said so."""

    owner: User
    company: Company | None
    is_named: bool


def irc_jobs(files: Sequence[Path], replies: Sequence[Path] | None, whose: Owned) -> list[Job]:
    """IRC logs with the reply links beside them, or those that are named."""
    if replies is not None and len(replies) != len(files):
        raise CommandError(f"--replies names {len(replies)} files for {len(files)}: one for each is needed.")
    if len({file.name for file in files}) < len(files):
        raise CommandError("Two files have the same name: each names a chat.")
    jobs = []
    for number, file in enumerate(files):
        opened(file).close()
        name = file.name.removesuffix(".log")
        beside = file.with_name(f"{name}.replies.txt")
        links = replies[number] if replies is not None else beside if beside.exists() else None
        if links:
            _read_replies(links)
        source = Source("irc", name, name, whose.company, whose.owner)
        jobs.append(Job(file, source, partial(_irc, file.name, links)))
    return jobs


def telegram_jobs(files: Sequence[Path], replies: Sequence[Path] | None, whose: Owned) -> list[Job]:
    """Exports of Telegram Desktop, each read through once: what is no whole export brings nothing."""
    if replies is not None:
        raise CommandError("--replies is for IRC logs: an export says itself what replies to what.")
    jobs = [_telegram_job(file, whose) for file in files]
    if len({job.source.name for job in jobs}) < len(jobs):
        raise CommandError("Two files are of the same chat.")
    return jobs


JOBS = {"irc": irc_jobs, "telegram": telegram_jobs}


def opened(path: Path) -> BinaryIO:
    """A file to be read; CommandError where it cannot be."""
    try:
        if not path.is_file():
            raise CommandError(f"{path}: {'no file' if path.exists() else 'there is no such file'}.")
        return path.open("rb")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None


def _read_whole(path: Path, read: Callable[[BinaryIO], Any]) -> Any:
    with opened(path) as file:
        try:
            return read(file)
        except DomainError as error:
            raise CommandError(f"{path}: {error.detail}") from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from None


def _read_replies(path: Path) -> dict[int, int]:
    found: dict[int, int] = _read_whole(path, lambda file: irc.read_replies(_lines(file)))
    return found


def _irc(name: str, links: Path | None, file: BinaryIO) -> Content:
    return Content(irc.read(_lines(file), name=name), _read_replies(links) if links else {}, 0)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of a longer one than can be only the beginning is read."""
    return iter(lambda: file.readline(irc.MAX_LINE + 1), b"")


def _telegram_job(path: Path, whose: Owned) -> Job:
    chat: exports.Exported = _read_whole(path, exports.read_chat)
    _read_whole(path, partial(exports.scan, is_shared=chat.is_shared))
    if not (chat.is_shared or whose.is_named):
        raise CommandError(f"{path}: this is a chat as one account has it: name with --owner whose export it is.")
    # Where each account counts messages for itself, another owner's export is another chat, and its ids name nothing.
    name = str(chat.id) if chat.is_shared else f"{chat.kind} {chat.id} of {whose.owner.id}"
    ledger = ImportedChat(chat_id_of(chat.id), uuid4().hex) if chat.is_shared else None
    source = Source("telegram", name, chat.title, whose.company, whose.owner, is_edited=True, ledger=ledger)
    return Job(path, source, partial(_telegram, chat.is_shared))


def _telegram(is_shared: bool, file: BinaryIO) -> Content:
    scanned = exports.scan(file, is_shared=is_shared)
    file.seek(0)
    return Content(exports.read(file, scanned), scanned.replies, scanned.left_out)
