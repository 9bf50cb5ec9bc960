"""A data folder of an earlier release goes on under this one."""

import json
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.preloaded import ROOT
from tests.world import Server, World, manage

RELEASES = sorted((ROOT / "tests" / "data" / "upgrade").glob("*.tar.gz"))
READING_ROOM = "Reading room"
Seen = dict[str, dict[str, Any]]  # person -> name of a chat -> what REST showed of it


def age_log(folder: Path, *, days: int) -> None:
    """Let the records of both logs be so many days old, whatever the date of the test."""
    for name in ("site", "messages"):
        with sqlite3.connect(folder / f"{name}.sqlite3") as database:
            database.execute("UPDATE log_records SET appended_ms = ?", [(time.time_ns() // 10**6) - days * 86_400_000])
        database.close()


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def release(request: pytest.FixtureRequest) -> Path:
    """The data folder of an earlier release, packed."""
    return Path(request.param)


@pytest.fixture(params=[0, 30], ids=["at once", "after the log has let go"])
def upgraded(request: pytest.FixtureRequest, release: Path, tmp_path: Path) -> Iterator[Server]:
    """The server of this release on the folder of an earlier one."""
    with tarfile.open(release) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    age_log(tmp_path / "old", days=request.param)
    manage(tmp_path / "old", "migrate_all", "-v", "0")
    # The passwords in it are hashed as the product does it, not as the tests do.
    server = Server(
        tmp_path / "old", tmp_path / "new", environment={"DJANGO_SETTINGS_MODULE": "chatsite.settings.embedded"}
    )
    server.start()
    yield server
    server.kill()


def shows(now: Any, before: Any) -> bool:
    """Whether an answer still says all that an earlier release said; new fields may stand beside it."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(shows(now.get(name), value) for name, value in before.items())
    if isinstance(before, list):
        return isinstance(now, list) and len(now) == len(before) and all(map(shows, now, before))
    return bool(now == before)


async def test_everybody_finds_what_was_there(upgraded: Server) -> None:
    seen: Seen = json.loads((upgraded.folder / "seen.json").read_text())
    async with World(upgraded, password="demo") as world:
        for person, chats in seen.items():
            listed = (await world.rest(person, "GET", "/api/chats")).body["chats"]
            assert [chat["name"] for chat in listed] == list(chats)
            for chat, before in zip(listed, chats.values(), strict=True):
                path = f"/api/chats/{chat['id']}"
                # Its pos becomes the log's floor once the log has let go of what it said a week ago.
                assert shows(chat, {name: value for name, value in before["chat"].items() if name != "pos"})
                assert shows(await world.history(person, chat["id"]), before["messages"])
                people = (await world.rest(person, "GET", f"{path}/participants")).body
                assert shows(people, before["participants"])


async def test_the_conversation_goes_on(upgraded: Server) -> None:
    seen: Seen = json.loads((upgraded.folder / "seen.json").read_text())
    before = seen["demo1"][READING_ROOM]
    chat, last = before["chat"]["id"], before["messages"][-1]
    async with World(upgraded, password="demo") as world:
        assert (await world.rest("demo4", "GET", f"/api/chats/{chat}/messages")).code == "not_found"
        async with world.connect("demo1", chat) as one, world.connect("demo2", chat) as two:
            said = await one.say(chat, "Shall we?", replyToId=last["id"])
            assert said.body["type"] == "ACK"
            assert int(said.body["messageId"]) > int(last["id"])
            assert said.body["pos"] > last["pos"]
            await two.heard_until(chat, lambda heard: [frame.get("content") for frame in heard] == ["Shall we?"])
            edited = await two.ask("EDIT_MESSAGE", roomId=chat, messageId=last["id"], content="I bring cake.")
            assert edited.body["type"] == "ACK"
            await one.expect("MESSAGE_EDITED", messageId=last["id"])
        texts = [message["content"] for message in await world.history("demo1", chat, at_least=edited.body["pos"])]
        assert texts == [*(one["content"] for one in before["messages"][:-1]), "I bring cake.", "Shall we?"]
