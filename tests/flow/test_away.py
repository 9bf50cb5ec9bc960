"""A database that does not answer is no bug of ours: who asks is told to come again."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from tests.world import Server, World


@contextmanager
def away(server: Server, table: str) -> Iterator[None]:
    """Take a table out of Django's database for a while."""
    with closing(sqlite3.connect(server.folder / "site.sqlite3", isolation_level=None, timeout=10)) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        yield
        database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


async def test_who_asks_meanwhile_is_told_to_come_again(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        chat, body = await world.chat(["ada", "ben"]), {"chat_type": "group", "name": "Later"}
        async with world.connect("ada") as ada:
            with away(server, "chat_participants"):
                refused = await ada.ask("SUBSCRIBE", roomId=chat)
                assert (refused.code, refused.body["retryable"]) == ("store_unavailable", True)
                assert refused.body["retryAfterMs"] == 1_000
                world.is_patient = False
                rest = await world.rest("ada", "POST", "/api/chats", body)
                assert (rest.status, rest.code, rest.headers["Retry-After"]) == (503, "store_unavailable", "1")
            await ada.subscribe(chat)
            assert (await ada.say(chat, "here again")).code is None
        assert (await world.rest("ada", "POST", "/api/chats", body)).status == 201
        assert "found no database: no such table: chat_participants" in server.log()
