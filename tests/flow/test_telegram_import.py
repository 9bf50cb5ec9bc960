"""Exports of Telegram Desktop are brought in: whole, once, and each message is found by its Telegram id."""

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.installations import environment_of
from tests.planted import LAST_WORDS
from tests.preloaded import ROOT
from tests.world import PASSWORD, Server, World, manage

DATA = ROOT / "tests" / "data" / "telegram"
TEA = json.loads((DATA / "tea.json").read_bytes())
PLAIN = {"type": "message", "date_unixtime": "1700000000", "from": "Ada", "from_id": "user11"}
FOR_ADA = ("import_chat", "--format", "telegram", "--owner", "ada", "--json")
_numbers = count(2_000_000_001)


class Export:
    """An export of a Telegram chat that no other test has."""

    def __init__(self, folder: Path, messages: list[dict[str, Any]], **told: Any) -> None:
        self.told = {"name": "Tea & friends", "type": "private_supergroup", "id": next(_numbers)} | told
        self.id = self.told["id"]
        self.file = folder / f"{self.told['type']}-{self.id}.json"
        self.write(messages)

    def write(self, messages: list[dict[str, Any]]) -> None:
        """Export it again, with these messages."""
        self.file.write_text(json.dumps(self.told | {"messages": messages}))


async def bring_in(world: World, *exports: Export, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Run the command for ada; answers its summary of each file."""
    names = [str(export.file) for export in exports]
    return list(json.loads(await asyncio.to_thread(manage, world.server.folder, *FOR_ADA, *more, *names))["files"])


async def test_an_export_becomes_a_chat_and_a_second_run_changes_nothing(world: World, tmp_path: Path) -> None:
    export = Export(tmp_path, TEA["messages"])
    (planned,) = await bring_in(world, export, more=("--dry-run",))
    assert (planned["messages"], planned["new"], planned["new_chat"]) == (16, 16, True)
    (done,) = await bring_in(world, export)
    assert done == {key: value for key, value in planned.items() if key not in ("new_chat", "new_people")}
    chat = done["chat_id"]
    before = await world.history("ada", chat)
    at = {one["origin"]["ts"]: one for one in before}
    assert (len(before), len(at)) == (16, 15)
    assert {one["origin"]["kind"] for one in before} == {"telegram"}
    formatted, ran, photo = (at[f"2023-11-14T22:13:{20 + number}.000Z"] for number in (4, 5, 7))
    assert formatted["content"] == "I do, **strong** or *weak* or ~~none~~, ||with rum||."
    assert "<strong>strong</strong>" in formatted["html"]
    assert formatted["reply_to"] == at["2023-11-14T22:13:23.000Z"]["id"]
    assert 'class="language-python"' in ran["html"]
    assert (photo["content"], photo["origin"]["author"], photo["sender"]["name"]) == (
        "[photo]\nmy cup", "Ben the tall", "Ben the tall",
    )  # fmt: skip
    assert photo["sender"]["id"] == formatted["sender"]["id"]
    assert sum(one["message_type"] == "notice" for one in before) == 4
    named = (await world.rest("ada", "GET", f"/api/chats/{chat}")).body
    assert (named["name"], named["unread"]) == ("Tea & friends", 0)

    assert [(one["new"], one["chat_id"]) for one in await bring_in(world, export)] == [(0, chat)]
    assert await world.history("ada", chat) == before


async def test_what_was_edited_in_telegram_meanwhile_stays_and_what_is_new_comes(world: World, tmp_path: Path) -> None:
    export = Export(tmp_path, [PLAIN | {"id": number, "text": f"tea {number}"} for number in (1, 2, 3)])
    await bring_in(world, export)
    export.write(
        [PLAIN | {"id": 2, "text": "edited"}, PLAIN | {"id": 3, "text": "tea 3"}, PLAIN | {"id": 4, "text": "new"}]
    )
    (done,) = await bring_in(world, export)
    assert (done["messages"], done["new"]) == (3, 1)
    assert [one["content"] for one in await world.history("ada", done["chat_id"])] == ["tea 1", "tea 2", "tea 3", "new"]


@pytest.mark.rules
async def test_what_is_no_export_of_a_chat_makes_nothing(world: World, tmp_path: Path) -> None:
    export = Export(tmp_path, TEA["messages"], name="Half a chat")
    export.file.write_bytes(export.file.read_bytes()[:-200])
    with pytest.raises(RuntimeError, match="cut short"):
        await bring_in(world, export)
    with pytest.raises(RuntimeError, match=r"/proc/self/mem: Input/output error\."):
        await asyncio.to_thread(manage, world.server.folder, *FOR_ADA, "/proc/self/mem")
    with pytest.raises(RuntimeError, match="--replies is for IRC"):
        await bring_in(world, export, more=("--replies", str(export.file), "--"))
    with pytest.raises(RuntimeError, match="of the same chat"):
        whole = Export(tmp_path, TEA["messages"])
        await bring_in(world, whole, whole)
    chats = (await world.rest("ada", "GET", "/api/chats")).body["chats"]
    assert "Half a chat" not in [chat["name"] for chat in chats]


async def test_a_message_keeps_the_id_that_it_was_claimed_under(world: World, tmp_path: Path) -> None:
    """By time alone the second message would have another id once the first, which was dated later, is gone."""
    late = PLAIN | {"id": 1, "text": "my clock is fast", "date_unixtime": "1700000900"}
    export = Export(tmp_path, [late, PLAIN | {"id": 2, "text": "mine is right"}])
    (first,) = await bring_in(world, export)
    before = await world.history("ada", first["chat_id"])
    export.write([PLAIN | {"id": 2, "text": "mine is right"}])
    for more in (("--dry-run",), ()):
        assert (await bring_in(world, export, more=more))[0]["new"] == 0
    assert await world.history("ada", first["chat_id"]) == before


async def test_one_chat_of_telegram_is_one_chat_here(world: World, tmp_path: Path) -> None:
    export = Export(tmp_path, [PLAIN | {"id": 1, "text": "ours"}])
    (mine,) = await bring_in(world, export)
    for more in (("--dry-run",), ()):
        with pytest.raises(RuntimeError, match="was brought into another chat before"):
            await bring_in(world, export, more=("--owner", "zoe", *more))
    chats = (await world.rest("zoe", "GET", "/api/chats")).body["chats"]
    assert [chat for chat in chats if chat["name"] == "Tea & friends"] == []
    # Elsewhere a number is another chat to everybody, and of two people another than of a group.
    own = [PLAIN | {"id": 1, "text": "between us"}]
    alone = [Export(tmp_path, own, type=kind, id=export.id) for kind in ("personal_chat", "private_group")]
    theirs = [await bring_in(world, *alone, more=("--owner", owner)) for owner in ("ada", "ben")]
    assert len({one["chat_id"] for one in (mine, *theirs[0], *theirs[1])}) == 5


async def test_another_member_may_bring_in_a_later_export(world: World, tmp_path: Path) -> None:
    """Who brings it in stands for those whom it does not name, and is another one the second time."""
    messages = [PLAIN | {"id": 1, "text": "ours"}, {"id": 2, "type": "unsupported"}]
    export = Export(tmp_path, messages)
    (mine,) = await bring_in(world, export)
    export.write([*messages, {"id": 3, "type": "unsupported"}, PLAIN | {"id": 4, "text": "later"}])
    for more in (("--dry-run",), ()):
        (done,) = await bring_in(world, export, more=("--owner", "ben", *more))
        assert (done["new"], done["chat_id"]) == (2, mine["chat_id"])
    assert len(await world.history("ada", mine["chat_id"])) == 4


async def test_what_is_known_by_its_time_alone_is_not_said_twice(world: World, tmp_path: Path) -> None:
    """What has no time of its own would have that of the message before, which a later export may lack."""
    before = [PLAIN | {"id": 1, "text": "gone"}, PLAIN | {"id": 2, "text": "later", "date_unixtime": "1700000005"}]
    after = [{"id": 3, "type": "unsupported"}, PLAIN | {"id": 4, "text": "last", "date_unixtime": "1700000009"}]
    export = Export(tmp_path, [*before, *after], type="personal_chat")
    (first,) = await bring_in(world, export)
    assert (first["messages"], first["left_out"]) == (3, 1)
    export.write([before[0], *after])
    (again,) = await bring_in(world, export)
    assert (again["messages"], again["new"], again["left_out"]) == (2, 0, 1)
    assert len(await world.history("ada", first["chat_id"])) == 3
    said = await asyncio.to_thread(manage, world.server.folder, *FOR_ADA[:-1], str(export.file))
    assert "1 of which the file tells nothing were left out." in said


@pytest.mark.embedded
def test_a_chat_as_one_account_has_it_needs_its_owners_name(template: Path, tmp_path: Path) -> None:
    """With one owner, what each of two people said with a third would be one chat."""
    folder = Path(shutil.copytree(template, tmp_path / "data"))
    admin = ("createsuperuser", "--noinput", "--username", "admin")
    manage(folder, *admin, environment={"DJANGO_SUPERUSER_PASSWORD": PASSWORD})
    ours = Export(tmp_path, [PLAIN | {"id": 1, "text": "a group"}], name="A group of ours")
    alone = Export(tmp_path, [PLAIN | {"id": 1, "text": "between us"}], type="personal_chat", name="Between us")
    files = (str(ours.file), str(alone.file))
    with pytest.raises(RuntimeError, match=rf"{alone.file.name}: .* name with --owner whose export it is"):
        manage(folder, "import_chat", "--format", "telegram", *files)
    assert mapped(folder) == ask(folder, "SELECT event_id FROM log_records") == []
    manage(folder, "import_chat", "--format", "telegram", files[0])
    manage(folder, "import_chat", "--format", "telegram", "--owner", "admin", *files)


async def test_a_chat_that_is_deleted_for_good_takes_its_part_of_the_map(world: World, tmp_path: Path) -> None:
    export = Export(tmp_path, TEA["messages"])
    (done,) = await bring_in(world, export)
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{done['chat_id']}?hard=true")).body["id"]
    told = await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
    assert (told["counts"]["telegram_message_mapping"], told["counts"]["telegram_imports"]) == (15, 1)
    with pytest.raises(RuntimeError, match="was deleted for good"):
        await bring_in(world, export)


@pytest.mark.embedded
async def test_what_was_never_stored_leaves_nothing_in_the_map_either(world: World, tmp_path: Path) -> None:
    """A chat may be deleted before the groups have stored what was brought into it: then they never do."""
    export = Export(tmp_path, [PLAIN | {"id": number, "text": f"cup {number}"} for number in range(1, 1_101)])
    (mine,) = await bring_in(world, export)
    folder = world.server.folder
    await asyncio.to_thread(ask, folder, f"DELETE FROM history_messages WHERE channel_id = '{mine['chat_id']}'")
    receipt = (await world.rest("ada", "DELETE", f"/api/chats/{mine['chat_id']}?hard=true")).body["id"]
    told = await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
    assert told["counts"]["telegram_message_mapping"] == 1_100
    (theirs,) = await bring_in(world, export, more=("--owner", "zoe"))
    assert (theirs["new"], theirs["chat_id"] != mine["chat_id"]) == (1_100, True)


async def found(world: World, name: str, q: str, **more: str) -> list[str]:
    """The texts that somebody finds, newest first."""
    query = "&".join(f"{key}={quote(value)}" for key, value in {"q": q, **more}.items())
    answer = await world.rest(name, "GET", f"/api/search/messages?{query}")
    assert answer.status == 200, answer
    return [message["content"] for message in answer.body["messages"]]


async def test_a_message_is_found_by_its_telegram_id_by_who_may_read_it(world: World, tmp_path: Path) -> None:
    tea, milk = (
        Export(tmp_path, [PLAIN | {"id": number, "text": f"{name} {number}"} for number in (7, 8)], name=f"All {name}")
        for name in ("tea", "milk")
    )
    chats = [one["chat_id"] for one in await bring_in(world, tea, milk)]
    ben = await world.id("ben")
    for chat in chats:
        await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": ben})
    links = {
        f"telegram:{tea.id}/7": ["tea 7"],
        f"telegram:-100{milk.id}/8": ["milk 8"],
        f"telegram:https://t.me/c/{tea.id}/8": ["tea 8"],
        "telegram:7": ["milk 7", "tea 7"],
        'telegram:7 in:"All tea"': ["tea 7"],
        f"telegram:7 telegram:{milk.id}/8 in:{chats[1]}": ["milk 8", "milk 7"],
        "telegram:7 milk": ["milk 7"],
        "telegram:7 is:starred": [],
        "telegram:9": [],
        "telegram:5000000000/7": [],
    }
    assert {q: sorted(await found(world, "ben", q)) for q in links} == {q: sorted(links[q]) for q in links}
    assert await found(world, "ben", "", telegram=f"{tea.id}/7", chat=chats[0]) == ["tea 7"]
    assert await found(world, "ben", "", telegram=f"{tea.id}/7", chat=chats[1]) == []

    assert (await world.rest("ben", "POST", f"/api/chats/{chats[0]}/leave")).status == 204
    assert await found(world, "ben", f"telegram:{tea.id}/7") == await found(world, "eve", "telegram:7") == []
    assert await found(world, "ben", "telegram:7") == ["milk 7"]
    (message,) = (await world.rest("ada", "GET", f"/api/search/messages?q=telegram:{tea.id}/7")).body["messages"]
    await world.rest("ada", "DELETE", f"/api/chats/{chats[0]}/messages/{message['id']}")
    assert await found(world, "ada", f"telegram:{tea.id}/7") == []


@pytest.mark.rules
async def test_what_is_no_telegram_id_is_refused_with_what_one_looks_like(world: World) -> None:
    for query, field in {
        "q=telegram:tea": "q",
        "q=-telegram:5": "q",
        "q=telegram:https://t.me/durov/5": "q",
        "telegram=0": "telegram",
        f"telegram={'1' * 20}": "telegram",
    }.items():
        answer = await world.rest("ada", "GET", f"/api/search/messages?{query}")
        assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", field)
        assert "t.me/c/" in answer.body["detail"] or "minus" in answer.body["detail"]


def ask(folder: Path, statement: str, *, database: str = "messages") -> list[Any]:
    """The first column of what a database of an embedded folder answers."""
    with closing(sqlite3.connect(folder / f"{database}.sqlite3")) as store, store:
        return [row[0] for row in store.execute(statement)]


def mapped(folder: Path) -> list[int]:
    """The messages that the map of a folder knows."""
    return ask(folder, "SELECT message_id FROM telegram_message_mapping ORDER BY telegram_message_id")


@pytest.mark.embedded
@pytest.mark.faults
async def test_what_a_killed_run_claimed_is_said_by_the_next_or_goes_with_the_chat(
    template: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(template, tmp_path / "data"))
    # It dies with two batches claimed, of which it has said the first.
    texts = {number: f"cup {number}" for number in range(1, 1_101)} | {501: LAST_WORDS.decode()}
    export = Export(tmp_path, [PLAIN | {"id": number, "text": text} for number, text in texts.items()])
    command = [*FOR_ADA, str(export.file)]
    planted = [sys.executable, "-m", "tests.planted", "killed_before_append", *command]
    killed = await asyncio.to_thread(
        subprocess.run, planted, cwd=ROOT, env=environment_of(folder), capture_output=True, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    claimed = mapped(folder)
    assert len(claimed) == 1_000
    said = "SELECT count(*) FROM log_records WHERE event_type = 'chat.message.imported.v1'"
    assert ask(folder, said) == [500]
    with pytest.raises(RuntimeError, match="where it was killed, until 20"):
        manage(folder, *command)
    ask(folder, "UPDATE telegram_imports SET held_until = '2020-01-01'", database="site")  # As if minutes later.

    server = Server(Path(shutil.copytree(folder, tmp_path / "copy")), tmp_path / "served")
    server.start()
    try:
        async with World(server) as world:
            (chat,) = (await world.rest("ada", "GET", "/api/chats")).body["chats"]
            receipt = (await world.rest("ada", "DELETE", f"/api/chats/{chat['id']}?hard=true")).body["id"]
            told = await world.until("ada", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
            assert told["counts"]["telegram_message_mapping"] == len(claimed)
            assert mapped(server.folder) == []
    finally:
        server.kill()

    done = json.loads(manage(folder, *command))
    assert (done["files"][0]["new"], done["messages"]) == (600, 1_100)
    whole = mapped(folder)
    assert (len(whole), whole[: len(claimed)]) == (1_100, claimed)
    assert ask(folder, "SELECT message_id FROM history_messages ORDER BY message_id") == sorted(whole)
