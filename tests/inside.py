"""Looks at an installation from inside, in any shape: what its log and its stores hold.

A process with Django set up answers one question a line; a test asks it through
`Inside`.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django

from tests.installations import ROOT, environment_of


class Inside:
    """Asks the process that looks into a server's installation."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, question: str, *about: Any) -> Any:
        """The answer to a question of `answers` below."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("no pipe")
        self._process.stdin.write(json.dumps([question, *about]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def looking_into(folder: Any) -> Iterator[Inside]:
    """A look into the installation of a data folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.inside"],
        cwd=ROOT, env=environment_of(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        yield Inside(process)
        process.kill()


def main() -> None:
    """Answer questions until nobody asks."""
    django.setup()
    # What follows needs the apps.
    from uuid import UUID  # noqa: PLC0415

    import msgspec  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from chat.indexes import index  # noqa: PLC0415
    from chat.messages import Message  # noqa: PLC0415
    from chat.stores import pin_store, reaction_store, read_store  # noqa: PLC0415
    from chat.stores.scylla_session import Cql  # noqa: PLC0415
    from chatsite.kernel.database import plain_cursor  # noqa: PLC0415
    from chatsite.kernel.eventlog import log  # noqa: PLC0415
    from chatsite.kernel.groups import groups, wait_until_finished  # noqa: PLC0415
    from chatsite.kernel.ids import MIN_ID, ChatId, MessageId  # noqa: PLC0415

    async def facts(key: str) -> Any:
        records = await log().key_records(key, after=0, limit=100_000)
        return [{"pos": record.pos, "type": record.event_type, "value": record.value.decode()} for record in records]

    async def stored(chat: str) -> Any:
        states, after = [], MessageId(MIN_ID)
        while True:
            page = await Message.objects.page(ChatId(UUID(chat)), after=after, limit=500)
            given = await reaction_store().counts(
                ChatId(UUID(chat)), [MessageId(one.message_id) for one in page.messages]
            )
            states += [
                msgspec.to_builtins(state) | {"reactions": given.get(MessageId(state.message_id), {})}
                for state in page.messages
            ]
            if not page.more:
                return states
            after = MessageId(page.messages[-1].message_id if page.cursor is None else page.cursor)

    async def pins(chat: str) -> Any:
        return msgspec.to_builtins(await pin_store().pins(ChatId(UUID(chat))))

    async def edits(chat: str, message: int) -> Any:
        return await Message.objects.edits(ChatId(UUID(chat)), MessageId(message))

    async def reads(chat: str) -> Any:
        return [[str(one.user), one.message_id, one.pos] for one in await read_store().positions(ChatId(UUID(chat)))]

    async def searched(chat: str) -> Any:
        return await index().size(ChatId(UUID(chat)))

    def empty_sql() -> None:
        with plain_cursor("messages") as cursor:
            for table in (
                "history_messages",
                "history_buckets",
                "message_edits",
                "message_reactions",
                "pinned_messages",
            ):
                cursor.execute(f"DELETE FROM {table}")

    def empty_cql() -> None:
        for table in (
            "messages",
            "channel_buckets",
            "message_edits",
            "message_reactions",
            "message_reactions_by_user",
            "message_reaction_counts",
            "pinned_messages",
            "thread_messages",
        ):
            cql = Cql.of("cassandra")
            cql.define(f"TRUNCATE {cql.keyspace}.{table}")

    async def empty() -> Any:
        await asyncio.to_thread(empty_cql if "cassandra" in connections else empty_sql)

    async def finished() -> Any:
        await wait_until_finished(groups())

    answers = {one.__name__: one for one in (facts, stored, pins, edits, reads, searched, empty, finished)}
    with asyncio.Runner() as runner:
        runner.run(log().open())
        for line in sys.stdin:
            question, *about = json.loads(line)
            sys.stdout.write(json.dumps(runner.run(answers[question](*about))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
