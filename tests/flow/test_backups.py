"""A backup taken under load brings everything back that was acked before it."""

import asyncio
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.checks import Sender
from tests.world import Device, Server, World, in_time, manage

DATABASES = ("site.sqlite3", "messages.sqlite3")
TALKERS = ("ada", "ben", "cyd")


def contents(folder: Path) -> dict[str, str]:
    """The sum of each file of a folder, but for the lock that every command may make."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "serve.lock"
    }


def wreck(folder: Path) -> None:
    """Spoil what a server needs, as a dying disk does."""
    for name in DATABASES:
        (folder / name).write_bytes(b"\xff" * 5_000)
        (folder / f"{name}-wal").unlink(missing_ok=True)
    (folder / "tokens.pem").unlink()


@pytest.mark.faults
async def test_what_was_acked_before_a_backup_is_back_after_it(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    backup = tmp_path / "chat.tar.gz"
    server = make_server()
    async with World(server) as world:
        chat = await world.chat([*TALKERS, "dan"])
        senders = [Sender(Device(world, name), chat) for name in TALKERS]
        dan = Device(world, "dan")
        for device in (dan, *(sender.device for sender in senders)):
            await device.open()
            await device.subscribe(chat)
        talking = [asyncio.create_task(sender.talk(until=10**9)) for sender in senders]
        await dan.heard_until(chat, lambda heard: len(heard) >= 100)
        before = {answer.body["messageId"] for sender in senders for answer in sender.acked.values()}
        await asyncio.to_thread(manage, server.folder, "backup", str(backup))
        told = len(dan.heard[chat])
        await dan.heard_until(chat, lambda heard: len(heard) >= told + 200)
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*talking)
        heard = [frame["messageId"] for frame in dan.heard[chat]]
        last_pos = dan.heard[chat][-1]["pos"]

        wreck(server.folder)
        with pytest.raises(RuntimeError, match="--force moves them aside"):
            manage(server.folder, "restore", str(backup))
        said = manage(server.folder, "restore", str(backup), "--force")
        assert [path.name for path in server.folder.glob("replaced-*/*")] != [], said
        await asyncio.to_thread(server.start)

        kept = [message["id"] for message in await world.history("ada", chat)]
        assert before <= set(kept)
        assert kept == heard[: len(kept)]
        assert len(kept) < len(heard)
        await dan.resume()
        assert [frame["roomId"] for frame in dan.resyncs] == [chat]
        new = await dan.say(chat, "We are back.")
        assert int(new.body["messageId"]) > max(int(one) for one in heard)
        assert new.body["pos"] > last_pos
        assert [one["content"] for one in await world.history("ada", chat, at_least=new.body["pos"])][-1:] == [
            "We are back."
        ]


async def test_lists_show_what_the_log_brought_after_the_site_was_copied(template: Path, tmp_path: Path) -> None:
    """The two copies are of two moments; effects of what lies between them are made again."""
    server = Server(template, tmp_path / "data")
    server.start()
    try:
        async with World(server) as world:
            chat = await world.chat(["ada"])
            async with world.connect("ada") as ada:
                await ada.say(chat, "first")
                await asyncio.to_thread(server.stop)
                early = tmp_path / "early.tar.gz"
                manage(server.folder, "backup", str(early))
                await asyncio.to_thread(server.start)
            async with world.connect("ada") as ada:
                said = await ada.say(chat, "second")
                await newest(world, chat, "second")
            await asyncio.to_thread(server.stop)
            late = tmp_path / "late.tar.gz"
            manage(server.folder, "backup", str(late))
            torn = tmp_path / "torn.tar.gz"
            join(site=early, messages=late, target=torn)
            manage(server.folder, "restore", str(torn), "--force")
            await asyncio.to_thread(server.start)
            assert (await world.history("ada", chat))[-1]["id"] == said.body["messageId"]
            await newest(world, chat, "second")
    finally:
        server.kill()


async def newest(world: World, chat: str, content: str) -> None:
    """Wait until a list shows a text."""
    async with in_time("a list shows it"):
        while True:
            shown = (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["last_message"]
            if shown and shown["content"] == content:
                return


def members(backup: Path) -> dict[str, bytes]:
    """The files of a backup."""
    with tarfile.open(backup) as tar:
        return {one.name: file.read() for one in tar if (file := tar.extractfile(one))}


def pack(files: dict[str, bytes], target: Path) -> None:
    """A tar.gz of some files, in their order."""
    with tarfile.open(target, "w:gz") as tar:
        for name, content in files.items():
            one = tarfile.TarInfo(name)
            one.size = len(content)
            tar.addfile(one, io.BytesIO(content))


def join(*, site: Path, messages: Path, target: Path) -> None:
    """A backup whose messages were copied later than its site."""
    files, later = members(site), members(messages)
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["messages.sqlite3"] = json.loads(later["manifest.json"])["files"]["messages.sqlite3"]
    pack(
        {**files, "manifest.json": json.dumps(manifest).encode(), "messages.sqlite3": later["messages.sqlite3"]}, target
    )


@pytest.fixture(scope="module")
def backup(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the people of the tests."""
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("backup") / "data"))
    target = folder.parent / "chat.tar.gz"
    manage(folder, "backup", str(target))
    return target


async def test_a_backup_holds_keys_and_is_for_its_owner_alone(backup: Path, template: Path, tmp_path: Path) -> None:
    assert list(members(backup)) == ["manifest.json", *DATABASES, "secret.key", "tokens.pem"]
    assert backup.stat().st_mode & 0o077 == 0
    assert not list(backup.parent.glob(".backup-*"))
    with pytest.raises(RuntimeError, match="is there already"):
        manage(template, "backup", str(backup))
    with pytest.raises(RuntimeError, match=r"There is no site\.sqlite3"):
        manage(tmp_path, "backup", str(tmp_path / "new.tar.gz"))
    with pytest.raises(RuntimeError, match="was not written"):
        manage(template, "backup", str(tmp_path / "nowhere" / "new.tar.gz"))


async def test_each_restore_into_a_new_folder_is_another_incarnation(backup: Path, tmp_path: Path) -> None:
    epochs = []
    for number in range(2):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        manage(folder, "restore", str(backup))
        server = Server(folder, tmp_path / f"served{number}")
        server.start()
        try:
            async with World(server) as world:
                chat = await world.chat(["ada", "ben"])
                body = (await world.rest("ada", "GET", f"/api/chats/{chat}")).body
                epochs.append(body["epoch"])
                said = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "hm"})).body
                assert said["pos"] >> 40 == 2
        finally:
            server.kill()
        assert not list(folder.glob(".restore-*"))
    assert len(set(epochs)) == 2


def spoiled(backup: Path, how: str) -> bytes:
    """A backup that is none, or no longer."""
    whole, files = backup.read_bytes(), members(backup)
    target = backup.with_name(f"{how}.tmp")
    match how:
        case "text":
            return b"Dear ada, the backup is in the other drawer."
        case "empty":
            return b""
        case "cut":
            return whole[: len(whole) * 2 // 3]
        case "a byte":
            messages = files["messages.sqlite3"]
            files["messages.sqlite3"] = messages[:-1] + bytes([messages[-1] ^ 1])
        case "a file less":
            del files["messages.sqlite3"]
        case "a file more":
            files["../../etc/cron.d/evil"] = b"* * * * *"
        case "foreign":
            files = {"README": b"hello"}
        case "later format":
            files["manifest.json"] = files["manifest.json"].replace(b"chatsite-backup-1", b"chatsite-backup-9")
        case "a path":
            files["manifest.json"] = files["manifest.json"].replace(b'"secret.key"', b'"../secret.key"')
    pack(files, target)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("text", "this is no backup, or it is damaged"),
        ("empty", "this is no backup, or it is damaged"),
        ("cut", "damaged"),
        ("a byte", "messages.sqlite3 has another sum"),
        ("a file less", "messages.sqlite3 is missing"),
        ("a file more", "is not what its manifest names"),
        ("foreign", "begins with no manifest"),
        ("later format", "its format is 'chatsite-backup-9'"),
        ("a path", "names a path"),
    ],
)
def test_a_bad_backup_is_named_and_changes_nothing(
    backup: Path, template: Path, tmp_path: Path, how: str, why: str
) -> None:
    folder = Path(shutil.copytree(template, tmp_path / "data"))
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(spoiled(backup, how))
    before = contents(folder)
    with pytest.raises(RuntimeError, match=why):
        manage(folder, "restore", str(bad), "--force")
    assert contents(folder) == before


def test_a_running_server_keeps_its_folder(shared_server: Server, backup: Path) -> None:
    with pytest.raises(RuntimeError, match="stop it first"):
        manage(shared_server.folder, "restore", str(backup), "--force")
    with pytest.raises(RuntimeError, match="No such file"):
        manage(backup.parent / "nowhere", "restore", str(backup.with_name("nothing.tar.gz")))
