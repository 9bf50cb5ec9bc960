"""Fills a data folder with 100,000 chats and 1,000,000 messages, and prints who may look at them as JSON."""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from django.test import AsyncClient, override_settings

from chat.events import MessageSent
from chat.fold import Stamped
from chat.indexes import Entry, index
from chat.models import Chat, Participant
from chat.stores import store
from chatsite.accounts.models import User
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId, MessageId, UserId, make_id, unix_ms_of, version_of
from chatsite.settings.registry import ROOT
from tests.bench.rooms import access_token, people
from tests.bench.scale import Scale, Viewer, paths
from tests.statements import counted

CHATS, MESSAGES, PEOPLE, SEATS = 100_000, 1_000_000, 1_000, 3
VIEWERS = 60
UNREAD = 3  # newest messages of a chat that nobody has read
STEP_MS = 9 * 3_600_000  # between two messages of a chat: the large ones fill three years
ROWS = 2_000  # of one statement
WORKER = 960  # of imports
RARE, RARE_EACH = "quetzalcoatlus", 50  # in one of so many chats of whoever looks
_TEXTS = ROOT / "tests" / "data" / "irc"


def _sizes() -> list[int]:
    """How many messages each chat has: a few have most, as everywhere."""
    weights = [1 / (rank + 20) ** 0.85 for rank in range(CHATS)]
    whole = sum(weights)
    return [max(1, round(MESSAGES * weight / whole)) for weight in weights]


def _texts() -> Iterator[str]:
    lines = [line for file in sorted(_TEXTS.glob("*.log")) for line in file.read_text().splitlines()]
    return itertools.cycle(line.split("> ", 1)[-1] or "hm" for line in lines)


def _members(number: int, everybody: list[User]) -> list[User]:
    """Those of a chat; every person is in three hundred."""
    return [everybody[(number * stride + seat) % PEOPLE] for seat, stride in enumerate((1, 7, 13))][:SEATS]


def _make_chats(everybody: list[User], sizes: list[int]) -> list[ChatId]:
    rows = []
    for number, size in enumerate(sizes):
        newest = _id(number, size - 1)
        preview = {
            "id": str(newest),
            "sender_id": str(everybody[0].id),
            "content": "well",
            "version": version_of(newest),
            "created_at": iso(unix_ms_of(newest)),
        }
        rows.append(
            Chat(
                name=f"Chat {number}",
                chat_type="group",
                company=None,
                created_by=everybody[0],
                participant_count=SEATS,
                version=version_of(newest),
                last_message=preview,
                last_message_at=datetime.fromtimestamp(unix_ms_of(newest) / 1_000, UTC),
            )
        )
    for start in range(0, CHATS, ROWS):
        Chat.objects.bulk_create(rows[start : start + ROWS])
        seats = [
            Participant(
                chat=chat, user=user, role="member", version=chat.version, last_read_pos=max(0, sizes[number] - UNREAD)
            )
            for number, chat in enumerate(rows[start : start + ROWS], start=start)
            for user in {user.id: user for user in _members(number, everybody)}.values()
        ]
        Participant.objects.bulk_create(seats)
    return [ChatId(row.id) for row in rows]


def _id(chat: int, number: int) -> MessageId:
    """The id of a chat's message, unlike that of any other chat's."""
    return make_id(number * STEP_MS + chat // 4_096, WORKER, chat % 4_096)


async def _say(chats: list[ChatId], everybody: list[User], sizes: list[int]) -> None:
    texts, entries = _texts(), list[Entry]()
    for number, (chat, size) in enumerate(zip(chats, sizes, strict=True)):
        members = _members(number, everybody)
        said = []
        for pos in range(1, size + 1):
            message, sender = _id(number, pos - 1), members[pos % len(members)].id
            content = next(texts)
            if pos == 1 and number // PEOPLE % RARE_EACH == 0:
                content = f"{content} {RARE}"
            sent = MessageSent(
                message_id=str(message),
                room_id=str(chat),
                sender_id=str(sender),
                content=content,
                sent_at=iso(unix_ms_of(message)),
                attachments=[],
            )
            said.append(Stamped(sent, version_of(message), pos))
            entries.append(Entry(chat, message, version_of(message), UserId(sender), content))
        for start in range(0, size, ROWS):
            await store().add(chat, said[start : start + ROWS])
        if len(entries) >= ROWS:
            await index().put(entries)
            entries.clear()
    await index().put(entries)


async def _statements(viewers: list[Viewer]) -> dict[str, tuple[int, int]]:
    """How many statements each look takes, for the first who looks and for the second."""
    await log().open()
    client, counts = AsyncClient(), dict[str, list[int]]()
    for viewer in viewers[:3]:
        for asked, path in paths(viewer, RARE).items():
            with counted() as found, override_settings(ALLOWED_HOSTS=["testserver"]):
                answer = await client.get(path, headers={"Authorization": f"Bearer {viewer.token}"})
            if answer.status_code != 200:
                raise RuntimeError(f"{path} was {answer.status_code} {answer.content[:300]!r}")
            counts.setdefault(asked, []).append(len(found))
    await log().close()
    return {asked: (found[1], found[2]) for asked, found in counts.items()}


def main() -> None:
    """Fill the folder and say what is in it."""
    began = time.monotonic()
    everybody, sizes = people(PEOPLE), _sizes()
    chats = _make_chats(everybody, sizes)
    viewers = []
    for seat, viewer in enumerate(everybody[:VIEWERS]):
        mine = range(seat, CHATS, PEOPLE)
        viewers.append(Viewer(access_token(viewer), str(chats[mine[-1]]), str(chats[mine[0]])))

    async def work() -> dict[str, tuple[int, int]]:
        await _say(chats, everybody, sizes)
        return await _statements(viewers)

    statements = asyncio.run(work())
    scale = Scale(viewers, RARE, time.monotonic() - began, statements)
    sys.stdout.write(msgspec.json.encode(scale).decode())


if __name__ == "__main__":
    main()
