"""Ten real IRC logs are brought in: whole, once, whatever happens to the command."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chat.imports import irc
from tests.installations import environment_of
from tests.preloaded import ROOT
from tests.world import Server, World, manage

DATA = ROOT / "tests" / "data" / "irc"
LOGS = sorted(DATA.glob("*.log"))
ONE = LOGS[0]
FEW = LOGS[:3]  # enough to be killed in the midst of one
LINES = 1_250  # of each log
TABLES = {
    "messages": ("history_messages", "history_buckets", "log_records", "log_dead_letters"),
    "site": ("chats", "chat_participants", "users", "company_members", "log_records"),
}
Rows = dict[str, list[tuple[Any, ...]]]
uses_few = pytest.mark.xdist_group("a few logs")  # which one process brings in


def import_irc(folder: Path, *files: Path, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Run the command as ada; answers its summary of each file."""
    names = [str(file) for file in files]
    printed = manage(folder, "import_chat", "--format", "irc", "--owner", "ada", "--json", *more, *names)
    return list(json.loads(printed)["files"])


def ask(folder: Path, database: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query on one of a folder's databases."""
    connection = sqlite3.connect(folder / f"{database}.sqlite3")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def everything(folder: Path) -> Rows:
    """All rows that an import may touch."""
    return {
        f"{database}.{table}": sorted(ask(folder, database, f"SELECT * FROM {table}"), key=repr)
        for database, tables in TABLES.items()
        for table in tables
    }


def stored(folder: Path, *logs: Path) -> list[tuple[Any, ...]]:
    """The rows of the message store; of some logs, or all."""
    names = ", ".join(f"'{log.stem}'" for log in logs or LOGS)
    chats = ", ".join(f"'{chat}'" for (chat,) in ask(folder, "site", f"SELECT id FROM chats WHERE name IN ({names})"))
    return sorted(ask(folder, "messages", f"SELECT * FROM history_messages WHERE channel_id IN ({chats})"), key=repr)


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A data folder of one's own."""
    return Path(shutil.copytree(template, tmp_path / "data"))


@pytest.fixture(scope="module")
def imported(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which a few logs were brought, without a server."""
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("imported") / "data"))
    import_irc(folder, *FEW)
    return folder


def expected(log: Path) -> list[tuple[str, str, int | None]]:
    """Author, text and the line answered, of each line of a log."""
    with log.open("rb") as lines, log.with_suffix(".replies.txt").open("rb") as links:
        replies = irc.read_replies(links)
        return [(line.author or "", line.content, replies.get(line.number)) for line in irc.read(lines, name=log.name)]


@uses_few
async def test_they_stand_in_history_with_their_reply_links(imported: Path, tmp_path: Path) -> None:
    await require_all(imported, tmp_path / "data", FEW)


@pytest.mark.stack
async def test_all_ten_do(folder: Path, tmp_path: Path) -> None:
    import_irc(folder, *LOGS)
    await require_all(folder, tmp_path / "served", LOGS)


async def require_all(imported: Path, served: Path, logs: Sequence[Path]) -> None:
    """Every line of some logs is shown by a server, and nothing else."""
    server = Server(imported, served)
    server.start()
    try:
        async with World(server) as world:
            chats = {chat["name"]: chat for chat in (await world.rest("ada", "GET", "/api/chats")).body["chats"]}
            assert set(chats) == {log.stem for log in logs}
            for log in logs:
                chat = chats[log.stem]
                messages = await world.history("ada", chat["id"])
                lines = {message["id"]: number for number, message in enumerate(messages)}
                shown = [
                    (one["origin"]["author"], one["content"], lines[one["reply_to"]] if one["reply_to"] else None)
                    for one in messages
                ]
                assert shown == expected(log)
                assert (len(messages), {one["pos"] for one in messages}) == (LINES, {None})
                assert chat["last_message"]["id"] == messages[-1]["id"]
                assert all(one["sender"]["username"].startswith(("irc-", "ada")) for one in messages)
    finally:
        server.kill()


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(folder: Path) -> None:
    logs = LOGS[:2]
    before = everything(folder)
    planned = import_irc(folder, *logs, more=("--dry-run",))
    assert everything(folder) == before
    done = import_irc(folder, *logs)
    made = {table: len(rows) - len(before[table]) for table, rows in everything(folder).items()}
    assert [
        {**row, "new_chat": True, "new_people": one["new_people"]} for row, one in zip(done, planned, strict=True)
    ] == (planned)
    assert (sum(one["new"] for one in planned), 2) == (made["messages.history_messages"], made["site.chats"])
    assert sum(one["new_people"] for one in planned) == made["site.users"]

    with closing(sqlite3.connect(folder / "messages.sqlite3")) as database, database:
        database.execute("DELETE FROM history_messages WHERE message_id % 2")  # As if the log alone had these yet.
    before = everything(folder)
    again = import_irc(folder, *logs, more=("--dry-run",))
    assert [(one["new"], one["new_chat"], one["new_people"]) for one in again] == [(0, False, 0)] * 2
    text = manage(folder, "import_chat", "--format", "irc", "--owner", "ada", "--dry-run", str(ONE))
    assert "0 of them new" in text and "Nothing was made." in text
    assert everything(folder) == before


def test_a_dry_run_refuses_what_an_import_would(folder: Path, tmp_path: Path) -> None:
    import_irc(folder, ONE)
    changed = tmp_path / ONE.name
    changed.write_bytes(ONE.read_bytes().replace(b"the", b"another"))
    before = everything(folder)
    with pytest.raises(RuntimeError, match="is there with another body"):
        import_irc(folder, changed, more=("--dry-run",))
    assert everything(folder) == before
    with pytest.raises(RuntimeError, match="is there with another body"):
        import_irc(folder, changed)


@uses_few
def test_a_second_run_changes_nothing(imported: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(imported, tmp_path / "data"))
    before = everything(folder)
    assert len(before["messages.history_messages"]) == LINES * len(FEW)
    assert [row["new"] for row in import_irc(folder, *reversed(FEW))] == [0] * len(FEW)
    assert everything(folder) == before


@uses_few
def test_the_store_is_asked_when_the_log_no_longer_knows(imported: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(imported, tmp_path / "data"))
    with sqlite3.connect(folder / "messages.sqlite3") as database:
        database.execute("DELETE FROM log_records")
    database.close()
    assert import_irc(folder, ONE)[0]["new"] == 0
    assert ask(folder, "messages", "SELECT count(*) FROM log_records") == [(0,)]


@contextmanager
def importing(folder: Path, *, until: int) -> Iterator[subprocess.Popen[str]]:
    """The command at work on a few logs, with at least so many records in the log."""
    command = [sys.executable, "manage.py", "import_chat", "--format", "irc", "--owner", "ada", *map(str, FEW)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment_of(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while process.poll() is None:
            if ask(folder, "messages", "SELECT count(*) FROM log_records")[0][0] >= until:
                break
        yield process
    finally:
        process.kill()
        process.communicate()


@uses_few
@pytest.mark.faults
@pytest.mark.parametrize("until", [1, 2_000])
def test_killed_and_run_again_it_ends_with_the_same_rows(folder: Path, imported: Path, until: int) -> None:
    with importing(folder, until=until) as process:
        assert process.poll() is None
        process.kill()
        process.wait(10)
    rows = import_irc(folder, *FEW)
    assert sum(row["messages"] for row in rows) == LINES * len(FEW)
    assert sum(row["new"] for row in rows) < LINES * len(FEW)
    assert stored(folder) == stored(imported, *FEW)
    records = ask(folder, "messages", "SELECT event_id FROM log_records WHERE event_type = 'chat.message.imported.v1'")
    assert len(records) == len(set(records)) == LINES * len(FEW)
    places = ask(folder, "site", "SELECT chat_id, participant_count, count(*) FROM chat_participants"
                 " JOIN chats ON chats.id = chat_id GROUP BY chat_id")  # fmt: skip
    assert all(counted == are for _, counted, are in places)


@uses_few
@pytest.mark.faults
def test_ctrl_c_stops_it_and_a_next_run_goes_on(folder: Path, imported: Path) -> None:
    with importing(folder, until=1) as process:  # Early: a fast machine must not be done before the signal comes.
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in said) == (130, False)
        assert "run it again to go on" in said
    import_irc(folder, *FEW)
    assert stored(folder) == stored(imported, *FEW)


async def test_beside_a_server_it_rings_nobody_and_the_chat_goes_on(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server()) as world:
        elsewhere = await world.chat(["ada", "ben"])
        async with world.connect("ada", elsewhere) as ada:
            (row,) = import_irc(server.folder, ONE)
            chat = row["chat_id"]
            assert len(await world.history("ada", chat)) == LINES
            await ada.ask("HEARTBEAT")
            assert not [frame for frame in ada.frames if frame.get("roomId") == chat and frame["type"] != "ME"]
            await ada.subscribe(chat)
            assert not [frame for frame in ada.heard[chat] if frame["type"] == "MESSAGE"]
            first, last = (await world.history("ada", chat))[:: LINES - 1]
            assert int(first["id"]) < 0
            answer = await ada.say(chat, "How young we were.", replyToId=last["id"])
            assert int(answer.body["messageId"]) > int(last["id"])
            deleted = await ada.ask("DELETE_MESSAGE", roomId=chat, messageId=first["id"], reason="old")
            edited = await ada.ask("EDIT_MESSAGE", roomId=chat, messageId=last["id"], content="mine now")
            assert (deleted.body["type"], edited.code) == ("ACK", "forbidden")
            history = await world.history("ada", chat, at_least=deleted.body["pos"])
            assert (history[0]["is_deleted"], history[0]["pos"], len(history)) == (True, None, LINES + 1)
            assert import_irc(server.folder, ONE)[0]["new"] == 0
            assert (await world.history("ada", chat))[0]["is_deleted"]
            listed = (await world.rest("ada", "GET", f"/api/chats/{chat}")).body
            assert (listed["unread"], listed["last_message"]["content"]) == (0, "How young we were.")
            assert (await world.rest("ada", "DELETE", f"/api/chats/{chat}?hard=true")).status == 202
            with pytest.raises(RuntimeError, match="was deleted for good"):
                import_irc(server.folder, ONE)


async def test_the_people_of_a_log_cannot_sign_in_and_are_met_in_the_chat_only(
    make_server: Callable[..., Server],
) -> None:
    async with World(server := make_server()) as world:
        (row,) = import_irc(server.folder, ONE)
        people = (await world.rest("ada", "GET", f"/api/chats/{row['chat_id']}/participants")).body["participants"]
        names = {one["user"]["username"] for one in people}
        assert {"ada", "irc-jdub"} <= names
        stranger = "irc-jdub"
        for password in ("", "!", "pw"):
            signed_in = await world.rest(None, "POST", "/api/auth/token", {"username": stranger, "password": password})
            assert signed_in.status in (400, 401)
        assert (await world.rest("ada", "GET", f"/api/users?q={stranger}")).body["users"] == []
        assert (await world.rest("ben", "GET", f"/api/chats/{row['chat_id']}")).code == "not_found"


def test_usernames_are_free_and_safe(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "2010-05-04_10.log"
    log.write_text("".join(f"[10:00] <{nick}> hm\n" for nick in ("a^b", "a|b", "ada", "ADA", "ünï", "x" * 64)))
    import_irc(folder, log)
    found = dict(ask(folder, "site", "SELECT name, username FROM users WHERE username LIKE 'irc-%'"))
    assert set(found) == {"a^b", "a|b", "ada", "ünï", "x" * 64}
    assert len(set(found.values())) == 5
    assert found["ada"] == "irc-ada"
    assert {found["a^b"][:6], found["a|b"][:6]} == {"irc-ab"}
    assert all(name.isascii() and len(name) <= 64 for name in found.values())


def whole(lines: int) -> bytes:
    """The beginning of the first log."""
    return b"".join(ONE.read_bytes().splitlines(keepends=True)[:lines])


@pytest.mark.parametrize(
    ("content", "why", "kept"),
    [
        (whole(1_100)[:-5], "line 1100 has no end", 1_099),
        (whole(1_100) + b"\x7fELF\x00\x00\n", "line 1101 holds NUL", 1_100),
        (whole(1_100) + b"x" * 100_000, "line 1101 is longer than 8000 bytes", 1_100),
        (whole(700)[:-5], "line 700 has no end", None),
        (b"\x00" * 100, "line 1 holds NUL", None),
        (b"", "carry no time", None),
    ],
    ids=["cut", "binary", "long", "cut early", "binary early", "empty"],
)
def test_a_broken_log_is_named_and_what_is_before_the_break_is_kept(
    folder: Path, tmp_path: Path, content: bytes, why: str, kept: int | None
) -> None:
    log = tmp_path / ONE.name
    log.write_bytes(content)
    links = ("--replies", str(ONE.with_suffix(".replies.txt")), "--")
    with pytest.raises(RuntimeError, match=why):
        import_irc(folder, log, more=links)
    assert ask(folder, "messages", "SELECT count(*) FROM log_records WHERE event_type LIKE '%imported%'") == [
        (kept or 0,)
    ]
    assert import_irc(folder, ONE)[0]["new"] == LINES - (kept or 0)


def test_a_huge_file_is_never_read_whole(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "2010-05-04_10.log"
    log.touch()
    os.truncate(log, 2 << 30)
    with pytest.raises(RuntimeError, match="line 1 holds NUL"):
        import_irc(folder, log)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--owner", "nobody"), "no active person 'nobody'"),
        (("--company", "Nowhere"), "no company 'Nowhere'"),
        (("--company", "Theirs"), "ada is not of the company 'Theirs'"),
        (("--replies", "missing.txt", "--"), "missing.txt: there is no such file"),
        (("--replies", str(DATA / "README.md"), "--"), r"README.md: line 1 is no link of two line numbers"),
        (("--replies", "a", "b", "--"), "one for each"),
        (("nowhere.log",), "nowhere.log: there is no such file"),
        ((str(DATA),), "no file"),
        ((str(ONE),), "Two files have the same name"),
    ],
)
def test_what_cannot_begin_changes_nothing(folder: Path, arguments: tuple[str, ...], why: str) -> None:
    before = everything(folder)
    with pytest.raises(RuntimeError, match=why):
        import_irc(folder, ONE, more=arguments)
    assert everything(folder) == before


def test_another_log_of_the_same_name_and_the_future_are_refused(folder: Path, tmp_path: Path) -> None:
    import_irc(folder, ONE)
    before = stored(folder)
    other = tmp_path / ONE.name
    other.write_bytes(whole(1_250).replace(b"warty", b"hoary"))
    with pytest.raises(RuntimeError, match="is there with another body"):
        import_irc(folder, other)
    future = tmp_path / "2999-01-01_10.log"
    future.write_text("[10:00] <ada> hm\n")
    with pytest.raises(RuntimeError, match="line 1 lies in the future, at 2999-01-01T10:00:00"):
        import_irc(folder, future)
    assert stored(folder) == before
