"""An installation moves to the next shape: everybody finds what they left."""

import asyncio
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import irc
from tests.installations import environment_of
from tests.keyspaces import empty_keyspace
from tests.preloaded import ROOT
from tests.servers import address
from tests.standard import new_installation
from tests.world import Answer, Device, Server, World, in_time, manage

PEOPLE = ("ada", "ben", "cyd")
UNREAD = {"ada": 5, "ben": 9, "cyd": 43}  # after the talk
TEA = ROOT / "tests" / "data" / "telegram" / "tea.json"
IN_TELEGRAM = "1234567890/4"  # a message of it
PLACES = {"epoch", "pos", "read_pos"}  # of the log that was left; a client reloads
MakeServer = Callable[..., Server]


@pytest.fixture
def installation() -> Iterator[dict[str, str]]:
    """A new one of the shape standard."""
    with new_installation() as environment:
        yield environment


def shows(chat: Any, unread: int) -> bool:
    """Whether everything that was said and read has reached a list of chats."""
    last = chat["last_message"]
    return bool(last and last["content"] == "good night" and chat["unread"] == unread)


async def talk(world: World) -> str:
    """A chat with everything that may happen to messages; answers its id."""
    chat = await world.chat(PEOPLE, name="A talk")
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        said = [(await ada.say(chat, f"line {number} \N{ELEPHANT}")).body for number in range(40)]
        answer = (
            await ben.say(chat, "@ada yes", replyToId=said[0]["messageId"], mentions=[await world.id("ada")])
        ).body
        await ada.ask("EDIT_MESSAGE", roomId=chat, messageId=said[1]["messageId"], content="line one")
        await ada.ask("EDIT_MESSAGE", roomId=chat, messageId=said[1]["messageId"], content="line 1, again")
        await ada.ask("EDIT_MESSAGE", roomId=chat, messageId=said[3]["messageId"], content="to go")
        for number in (2, 3):
            gone = {"roomId": chat, "messageId": said[number]["messageId"], "reason": "a slip"}
            await ada.ask("DELETE_MESSAGE", **gone)
        for type_, emoji in (("REACT", "👍"), ("REACT", "🎉"), ("UNREACT", "👍")):
            for person in (ada, ben):
                await person.ask(type_, roomId=chat, messageId=said[5]["messageId"], emoji=emoji)
        for type_, number in (("PIN", 5), ("PIN", 6), ("PIN", 7), ("UNPIN", 6)):
            await ada.ask(type_, roomId=chat, messageId=said[number]["messageId"])
        await ben.ask("READ", roomId=chat, messageId=said[30]["messageId"], pos=said[30]["pos"])
        await ada.ask("READ", roomId=chat, messageId=answer["messageId"], pos=answer["pos"])
        await ada.ask("READ", roomId=chat, messageId=answer["messageId"], pos=answer["pos"], unread=True)
        await ben.ask("FORWARD", roomId=chat, messageId=said[5]["messageId"], to=[chat])
        asked = (await ben.say(chat, "all of you", important=True)).body
        await ada.ask("ACKNOWLEDGE", roomId=chat, messageId=asked["messageId"])
        asked = (await ben.say(chat, "tea or milk?", poll={"options": ["tea", "milk"]})).body
        await ada.ask("VOTE", roomId=chat, messageId=asked["messageId"], choices=[1])
        last = (await ben.say(chat, "good night", nonce="last-of-the-day")).body
    # Only the store says where a forward was taken from.
    page = f"/api/chats/{chat}/messages?limit=4&at_least={last['pos']}"
    await world.until("ada", page, lambda body: body["messages"][0]["forwarded_from"]["chat_id"] == chat)
    for name, unread in UNREAD.items():
        await world.until(name, f"/api/chats/{chat}", partial(shows, unread=unread))
    return chat


async def view(world: World) -> dict[Any, Any]:
    """All that REST shows to some people, but for the places in the log."""
    seen: dict[Any, Any] = {}
    for name in PEOPLE:
        chats = (await world.rest(name, "GET", "/api/chats")).body["chats"]
        seen[name, "me"] = (await world.rest(name, "GET", "/api/me")).body
        for chat in chats:
            path = f"/api/chats/{chat['id']}"
            seen[name, chat["id"]] = without_places(chat)
            messages = await world.history(name, chat["id"])
            seen[name, path] = [without_places(message) for message in messages]
            edited = [message["id"] for message in messages if message["is_edited"]]
            seen[name, "edits"] = [
                (await world.rest(name, "GET", f"{path}/messages/{one}/edits")).body for one in edited
            ]
            for more in ("participants", "pins", "read-positions", "unread/why"):
                seen[name, path, more] = without_places((await world.rest(name, "GET", f"{path}/{more}")).body)
        found = await world.rest(name, "GET", f"/api/search/messages?telegram={IN_TELEGRAM}")
        seen[name, "telegram"] = [without_places(message) for message in found.body["messages"]]
    assert [len(seen[name, "telegram"]) for name in PEOPLE] == [1, 0, 0]
    return seen


def bring_in(folder: Path, environment: dict[str, str] | None = None) -> None:
    """What was said elsewhere comes into an installation."""
    for kind, file in (("irc", irc.LOG), ("telegram", TEA)):
        manage(folder, "import_chat", "--format", kind, "--owner", "ada", str(file), environment=environment)


def without_places(shown: Any) -> Any:
    """What is shown, without what only means something in one log."""
    match shown:
        case dict():
            return {key: without_places(value) for key, value in shown.items() if key not in PLACES}
        case list():
            return [without_places(one) for one in shown]
    return shown


def kill_in_the_middle(folder: Path, environment: dict[str, str], *arguments: str, after: str) -> None:
    """Run a move and end it by kill -9 as soon as it has said something."""
    command = [sys.executable, "manage.py", "migrate_profile", *arguments]
    env = environment_of(folder) | environment
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(after):
                process.kill()
                return
    raise AssertionError(f"{after} was never said")


def keys_of(folder: Path) -> dict[str, str]:
    """The variables that the command tells to set."""
    return {
        "CHAT_SECRET_KEY": (folder / "secret.key").read_text(),
        "CHAT_TOKEN_KEY": (folder / "tokens.pem").read_text(),
    }


async def test_from_the_folder_to_postgresql(
    make_server: MakeServer, installation: dict[str, str], tmp_path: Path
) -> None:
    source = make_server()
    await asyncio.to_thread(bring_in, source.folder)
    async with World(source) as world:
        chat = await talk(world)
        ben = Device(world, "ben")
        await ben.open()
        await ben.subscribe(chat)
        before, cursor = await view(world), ben.cursors[chat]
        tokens, ids = world._tokens, world._ids
    (folder := tmp_path / "moved").mkdir()
    manage(folder, "migrate_all", "-v", "0", environment=installation)
    with pytest.raises(RuntimeError, match="A server runs on"):
        manage(folder, "migrate_profile", "--from-data", str(source.folder), environment=installation)
    await asyncio.to_thread(source.stop)
    assert "have finished" in manage(source.folder, "migrate_profile", "--settle")
    move = ("--from-data", str(source.folder))
    for step in ("history_messages", "users", "log_records"):
        kill_in_the_middle(folder, installation, *move, after=step)
    told = manage(folder, "migrate_profile", *move, environment=installation)
    assert "Everything that was there came." in told
    assert "CHAT_TOKEN_KEY" in told
    with psycopg.connect(installation["CHAT_DATABASE_URL"], autocommit=True) as target:
        spoil = "UPDATE messages.history_messages SET content = %s WHERE content = %s"
        target.execute(spoil, ["line seven", "line 7 \N{ELEPHANT}"])
        with pytest.raises(RuntimeError, match=rf"history_messages \('{chat}', \d+\) is not what it was"):
            manage(folder, "migrate_profile", *move, environment=installation)
        target.execute(spoil, ["line 7 \N{ELEPHANT}", "line seven"])

    server = Server(folder, tmp_path / "served", environment=installation | keys_of(source.folder))
    server.start()
    try:
        async with World(server) as world:
            world.known(tokens=tokens, ids=ids)
            assert await view(world) == before
            assert "holds" in manage(folder, "verify_audit", environment=installation)
            device = Device(world, "ben")
            device.cursors[chat], device.heard[chat] = cursor, []
            await device.open()
            await device.subscribe(chat)
            assert [frame["roomId"] for frame in device.resyncs] == [chat]
            again = await device.say(chat, "good night", nonce="last-of-the-day", retry=True)
            assert again.body["messageId"] == before["ben", f"/api/chats/{chat}"][-1]["id"]
            new = await device.say(chat, "We have moved.")
            assert cursor is not None
            assert new.body["pos"] > cursor.pos
            await world.until(
                "cyd", f"/api/chats/{chat}", lambda body: body["last_message"]["content"] == "We have moved."
            )
            assert (await world.rest("ada", "POST", "/api/chats", {"chat_type": "group", "name": "new"})).status == 201
    finally:
        server.kill()


async def test_what_cannot_be_moved_is_refused_with_what_to_do(
    template: Path, installation: dict[str, str], tmp_path: Path
) -> None:
    (folder := tmp_path / "moved").mkdir()
    manage(folder, "migrate_all", "-v", "0", environment=installation)
    source = Path(shutil.copytree(template, tmp_path / "source"))
    move = ("migrate_profile", "--from-data", str(source))
    with sqlite3.connect(source / "messages.sqlite3") as messages:
        messages.execute(
            "INSERT INTO log_partitions (partition, head, floor, generation, identity) VALUES (0,3,0,1,'i')"
        )
    with pytest.raises(RuntimeError, match=r"have not finished\. Run: .* migrate_profile --settle"):
        manage(folder, *move, environment=installation)
    with pytest.raises(RuntimeError, match="CHAT_SHAPE=standard"):
        manage(source, "migrate_profile", "--from-data", str(folder))
    manage(folder, module="tests.people", environment=installation)
    with sqlite3.connect(source / "messages.sqlite3") as messages:
        # What a group has left that is switched off, so that there is none of its name, holds up nobody.
        messages.execute(
            "INSERT INTO log_group_offsets (group_name, partition, log_offset)"
            " VALUES ('previews', 0, 3), ('switched-off', 0, 0)"
        )
    with pytest.raises(RuntimeError, match="The target has people already"):
        manage(folder, *move, environment=installation)


async def say_again(ben: Device, chat: str) -> Answer:
    """Try the last send once more, for as long as that is answered with "later"."""
    async with in_time("ben tries again"):
        fields = {"nonce": "last-of-the-day", "retry": True, "firstTriedMs": 90_000}
        while (again := await ben.say(chat, "good night", **fields)).code:
            assert again.body["retryable"], again
        return again


@pytest.fixture
def cluster(installation: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same installation in the shape cluster: a topic and a keyspace beside its database."""
    name = f"ops_{secrets.token_hex(6)}"
    host, _, port = address("cassandra").partition(":")
    with empty_keyspace("moved", name):
        yield installation | {
            "CHAT_SHAPE": "cluster",
            "CHAT_KAFKA_SERVERS": address("kafka"),
            "CHAT_KAFKA_TOPIC": name,
            "CHAT_KAFKA_GROUP_PREFIX": f"{name}.",
            "CHAT_KAFKA_PARTITIONS": "8",
            "CHAT_KAFKA_REPLICATION": "1",
            "SCYLLA_CONTACT_POINTS": host,
            "SCYLLA_PORT": port,
            "SCYLLA_KEYSPACE": name,
            "SCYLLA_REPLICATION": "1",
            "CHAT_ACCEPT_UNREPLICATED": "yes",
        }


@pytest.mark.stack
async def test_from_postgresql_to_kafka_and_cassandra(
    installation: dict[str, str], cluster: dict[str, str], tmp_path: Path
) -> None:
    (folder := tmp_path / "standard").mkdir()
    manage(folder, "migrate_all", "-v", "0", environment=installation)
    manage(folder, module="tests.people", environment=installation)
    await asyncio.to_thread(bring_in, folder, installation)
    source = Server(folder, tmp_path / "served", environment=installation)
    source.start()
    try:
        async with World(source) as world:
            chat = await talk(world)
            before, tokens, ids = await view(world), world._tokens, world._ids
            where = await world.rest("ben", "GET", f"/api/chats/{chat}")
        with pytest.raises(RuntimeError, match="Processes still run"):
            manage(folder, "migrate_all", "-v", "0", environment=cluster)
            manage(folder, "migrate_log", environment=cluster)
            manage(folder, "migrate_messages", environment=cluster)
            manage(folder, "migrate_profile", "--from-standard", environment=cluster)
    finally:
        source.stop()
    assert "have finished" in manage(source.folder, "migrate_profile", "--settle", environment=installation)
    kill_in_the_middle(folder, cluster, "--from-standard", after="history_messages")
    assert "Everything that was there came." in manage(
        folder, "migrate_profile", "--from-standard", environment=cluster
    )

    moved = Server(source.folder, tmp_path / "moved", environment=cluster)
    moved.start()
    try:
        async with World(moved) as world:
            world.known(tokens=tokens, ids=ids)
            assert await view(world) == before
            async with world.connect("ben", chat) as ben:
                again = await say_again(ben, chat)
                assert again.body["messageId"] == before["ben", f"/api/chats/{chat}"][-1]["id"]
                new = await ben.say(chat, "We have moved again.")
                assert new.body["pos"] > where.body["pos"]
            await world.until(
                "cyd", f"/api/chats/{chat}", lambda body: body["last_message"]["content"] == "We have moved again."
            )
        doctor = manage(moved.folder, "doctor", environment=cluster)
        for said in ("Kafka", "Cassandra", "8 partitions", "files applied", "1 of 1 up", "0 records behind"):
            assert said in doctor
    finally:
        moved.kill()
