"""A chat is written out as REST shows it."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.world import Server, World, manage

MANY = 450  # more than two pages of rows


def export(folder: Path, chat: str, *more: str) -> list[dict[str, Any]]:
    """The lines of an export to standard output."""
    return [json.loads(line) for line in manage(folder, "export_chat", chat, *more).split("\n")[:-1]]


def without_nonces(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages as somebody sees them who has neither sent nor given anything."""
    return [
        {**message, "nonce": None, "reactions": [{**one, "me": False} for one in message["reactions"]]}
        for message in messages
    ]


async def test_an_export_holds_what_rest_shows(make_server: Callable[..., Server], tmp_path: Path) -> None:
    async with World(server := make_server()) as world:
        chat = await world.chat(["ada", "ben", "cyd"], name="Ünïted")
        async with world.connect("ada") as ada, world.connect("ben") as ben:
            for number in range(0, MANY, 15):
                await asyncio.gather(*[ada.say(chat, f"line {number + n}") for n in range(15)])
            first = (await ben.say(chat, "first\nsecond\u2028third")).body["messageId"]
            await ben.ask("EDIT_MESSAGE", roomId=chat, messageId=first, content="mended")
            await ben.ask("EDIT_MESSAGE", roomId=chat, messageId=first, content="mended well")
            await ada.ask("REACT", roomId=chat, messageId=first, emoji="👍")
            second = (await ada.say(chat, "oops", replyToId=first)).body["messageId"]
            await ada.ask("EDIT_MESSAGE", roomId=chat, messageId=second, content="better")
            deleted = await ada.ask("DELETE_MESSAGE", roomId=chat, messageId=second, reason="typo")
        await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('cyd')}")
        shown = await world.history("ada", chat, at_least=deleted.body["pos"])
        places = (await world.rest("ada", "GET", f"/api/chats/{chat}/participants")).body["participants"]
        earlier = (await world.rest("ada", "GET", f"/api/chats/{chat}/messages/{first}/edits")).body["edits"]

        beside = await asyncio.to_thread(export, server.folder, chat)
        await asyncio.to_thread(server.kill)
        lines = export(server.folder, chat)
        assert lines == beside
        assert [line.pop("kind") for line in lines] == ["chat", *["participant"] * 3, *["message"] * (MANY + 2)]
        assert (lines[0]["id"], lines[0]["name"]) == (chat, "Ünïted")
        assert sorted(line["user"]["username"] for line in lines[1:4]) == ["ada", "ben", "cyd"]
        assert next(line for line in lines[1:4] if not line["is_active"])["user"]["username"] == "cyd"
        assert all(place in lines[1:4] for place in places)
        edits = {line["id"]: line.pop("edits") for line in lines[4:] if "edits" in line}
        assert lines[4:] == without_nonces(shown)
        assert [edit["content"] for edit in edits[first]] == ["first\nsecond\u2028third", "mended"]
        assert edits == {first: earlier}, "one that was deleted keeps no texts"

        target = tmp_path / "chat.jsonl"
        assert export(server.folder, chat, "--output", str(target)) == []
        assert [json.loads(line) for line in target.read_text().split("\n")[:-1]] == beside
        assert target.stat().st_mode & 0o777 == 0o600, "others on this machine may read it"
        with closing(sqlite3.connect(server.folder / "site.sqlite3")) as database:
            (count,) = database.execute(
                "SELECT count(*) FROM audit_log WHERE kind = 'chat.exported' AND subject = ?", [f"chat:{chat}"]
            ).fetchone()
        assert count == 3
        assert [path.name for path in tmp_path.glob("*chat.jsonl*")] == ["chat.jsonl"]


def test_what_cannot_be_exported_is_named(template: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        export(template, "nonsense")
    with pytest.raises(RuntimeError, match="There is no chat 3ff3cd55"):
        export(template, "3ff3cd55-67df-5bfa-b960-d5d1814956de")
