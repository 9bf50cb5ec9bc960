"""Staff and chats: who is in them is shown, what is said is not, and commands alone change them."""

import html
import json
import re
import sqlite3
from contextlib import closing

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import RequestFactory

from chat.models import Chat, Participant
from chatsite.accounts.models import User
from tests.staff import Staff

CHATS = "/admin/chat/chat/"
PLACES = "/admin/chat/participant/"
RECEIPTS = "/admin/chat/erased/"


async def place(staff: Staff, chat: str, name: str) -> str:
    """The id of somebody's place in a chat."""
    user = (await staff.world.id(name)).replace("-", "")
    with closing(sqlite3.connect(staff.world.server.folder / "site.sqlite3")) as database:
        query = "SELECT id FROM chat_participants WHERE chat_id = ? AND user_id = ?"
        (found,) = database.execute(query, [chat.replace("-", ""), user]).fetchone()
        return str(found)


async def act(staff: Staff, action: str, chat: str, name: str, **fields: str) -> str:
    """Do something with somebody's place in a chat; answers what is told then."""
    return await staff.act(action, await place(staff, chat, name), path=PLACES, **fields)


def done_by(staff: Staff, chat: str) -> list[tuple[str, str]]:
    """What the audit log has of a chat: what was done, and by whom."""
    with closing(sqlite3.connect(staff.world.server.folder / "site.sqlite3")) as database:
        rows = database.execute("SELECT kind, actor FROM audit_log WHERE subject = ? ORDER BY number", [f"chat:{chat}"])
        names = dict(database.execute("SELECT id, username FROM users"))
        return [(kind, names[actor.replace("-", "")]) for kind, actor in rows]


def as_staff(staff: Staff, chat: str) -> list[bool]:
    """Of each entry about a chat whether it says that somebody acted as staff."""
    with closing(sqlite3.connect(staff.world.server.folder / "site.sqlite3")) as database:
        rows = database.execute("SELECT detail FROM audit_log WHERE subject = ? ORDER BY number", [f"chat:{chat}"])
        return [json.loads(detail).get("staff", False) for (detail,) in rows]


async def test_a_chat_is_found_and_shown_without_a_word_of_it(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"], name="Plans of spring")
    await world.chat(["cyd", "dan"], name="Nothing much")
    await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "a word in private"})
    code = (await world.rest("ada", "POST", f"/api/chats/{chat}/invites")).body["code"]
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/participants/{await world.id('ben')}", {"ban": True})
    await world.until("ada", "/api/chats", lambda body: "a word in private" in str(body["chats"]))
    pages = [(await staff.browser.get(f"{CHATS}?q={words}")).text for words in ("spring", "Ours", chat, "ben")]
    for page in pages:
        assert "Plans of spring" in page
    assert ["Nothing much" in page for page in pages] == [False, True, False, False]
    shown = (await staff.browser.get(f"{CHATS}{chat}/change/")).text
    for text in ("Ada", "owner", "Ben", "member", "Ours", "group", "for a member, by Ada, used 0, until"):
        assert text in shown
    assert 'name="_save"' not in shown
    listed = (await staff.browser.get(f"{PLACES}?chat__id__exact={chat}")).text
    assert ("Ada" in listed, "Cyd" in listed) == (True, False)
    places = (await staff.browser.get(f"{PLACES}{await place(staff, chat, 'ada')}/change/")).text
    for page in (*pages, shown, listed, places):
        assert "a word in private" not in page
        assert code not in page, "who reads an invite's code comes in"


async def test_no_row_of_a_chat_is_edited_by_hand(staff: Staff) -> None:
    chat = await staff.world.chat(["ada", "ben"])
    rows = {CHATS: chat, PLACES: await place(staff, chat, "ben")}
    token = {"csrfmiddlewaretoken": staff.browser.cookies["csrftoken"]}
    for path, row in rows.items():
        assert (await staff.browser.get(f"{path}add/")).status_code == 403
        forged = token | {"name": "taken", "role": "owner", "_save": "Save"}
        assert (await staff.browser.post(f"{path}{row}/change/", data=forged)).status_code == 403
        assert (await staff.browser.post(f"{path}{row}/delete/", data=token | {"post": "yes"})).status_code == 403
    assert (await staff.browser.get(f"{RECEIPTS}add/")).status_code == 403
    assert (await staff.world.rest("ada", "GET", f"/api/chats/{chat}")).body["name"] == "A chat"


async def test_who_is_removed_by_staff_hears_it_at_once(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"])
    ben, sam = await world.id("ben"), await world.id("sam")
    async with world.connect("ben", chat) as device:
        assert await act(staff, "remove", chat, "ben") == "Done for 1."
        assert (await device.expect("MEMBER", change="removed", userId=ben))["by"] == sam
        assert (await device.say(chat, "still here?")).code == "not_found"
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).status == 404
    assert done_by(staff, chat) == [("chat.member.removed", "sam")]
    assert "This person is not in the chat." in await act(staff, "remove", chat, "ben")
    assert done_by(staff, chat) == [("chat.member.removed", "sam")]


async def test_each_action_on_a_participant_is_one_command_with_one_entry(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben", "cyd"])
    ben = await world.id("ben")
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as device:
        await act(staff, "mute", chat, "ben")
        assert (await ada.expect("MEMBER", change="muted", userId=ben))["mutedUntil"]
        assert (await device.say(chat, "mh")).code == "muted"
        await act(staff, "unmute", chat, "ben")
        assert (await device.say(chat, "ah")).body["type"] == "ACK"
        for role in ("owner", "admin", "moderator", "guest"):
            await act(staff, "change_role", chat, "ben", role=role)
            await ada.expect("MEMBER", change="role", userId=ben, role=role)
        await act(staff, "ban", chat, "cyd")
        await ada.expect("MEMBER", change="banned", userId=await world.id("cyd"))
    kinds = ["chat.member.muted"] * 2 + ["chat.member.role_changed"] * 4 + ["chat.member.banned"]
    assert done_by(staff, chat) == [(kind, "sam") for kind in kinds]
    await world.rest("ada", "DELETE", f"/api/chats/{chat}/bans/{await world.id('cyd')}")
    assert done_by(staff, chat)[-1] == ("chat.member.ban_lifted", "ada")
    assert as_staff(staff, chat) == [True] * len(kinds) + [False]


async def test_what_a_command_refuses_is_told_and_changes_nothing(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"])
    pair = str((await world.rest("ada", "POST", "/api/chats/direct", {"user_id": await world.id("ben")})).body["id"])
    assert (await act(staff, "remove", chat, "ada")).startswith("Ada: ")
    assert (await act(staff, "change_role", chat, "ada", role="member")).startswith("Ada: ")
    assert (await act(staff, "change_role", chat, "ben")).endswith("role: choose one.")
    assert await act(staff, "change_role", chat, "ben", role="king") == "No action selected."
    for action, fields in (("remove", {}), ("ban", {}), ("change_role", {"role": "owner"})):
        assert (await act(staff, action, pair, "ben", **fields)).endswith(
            "A direct chat is for those whom it was made for."
        )
    assert done_by(staff, chat) == done_by(staff, pair) == []


async def test_a_chat_is_archived_restored_and_deleted_for_good(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"], name="Old  <plans>")
    await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "one"})
    async with world.connect("ben", chat) as device:
        assert await staff.act("archive", chat, path=CHATS) == "Done for 1."
        await device.expect("ROOM", change="archived")
        assert (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "two"})).code == "archived"
        await staff.act("restore", chat, path=CHATS)
        await device.expect("ROOM", change="restored")
        page = await staff.fill(CHATS, action="erase", _selected_action=chat, index="0")
        assert "<li>1 messages</li>" in page and "<li>2 people" in page
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        again = await staff.fill(CHATS, action="erase", _selected_action=chat, typed="Old plans")
        assert "This is not what is asked for." in again
        assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).status == 200
        done = html.unescape(await staff.fill(CHATS, action="erase", _selected_action=chat, typed="Old <plans>"))
        (receipt,) = re.findall(r"is deleted for good. The receipt is (\S+)\.", done)
        await device.expect("ROOM", change="deleted")
    assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).status == 404
    finished = await world.until("sam", f"/api/receipts/{receipt}", lambda body: body["finished_at"])
    assert finished["counts"]["history_messages"] == 1
    shown = (await staff.browser.get(f"{RECEIPTS}{receipt}/change/")).text
    assert chat in shown and "history_messages" in shown
    assert receipt in (await staff.browser.get(f"{RECEIPTS}?q={chat}")).text
    kinds = ("chat.room.archived", "chat.room.restored", "chat.room.deleted")
    assert done_by(staff, chat) == [(kind, "sam") for kind in kinds]
    assert as_staff(staff, chat) == [True] * 3


async def test_chats_are_deleted_one_by_one(staff: Staff) -> None:
    one, two = await staff.world.chat(["ada"], name="one"), await staff.world.chat(["ada"], name="two")
    fields = {"action": "erase", "index": "0", "typed": "one", "_selected_action": [one, two]}
    fields["csrfmiddlewaretoken"] = staff.browser.cookies["csrftoken"]
    answer = await staff.browser.post(CHATS, data=fields)
    assert "Choose one: each chat is deleted on its own." in answer.text
    for chat in (one, two):
        assert (await staff.world.rest("ada", "GET", f"/api/chats/{chat}")).status == 200


async def test_who_is_no_administrator_sees_and_does_nothing(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"])
    with closing(sqlite3.connect(world.server.folder / "site.sqlite3")) as database, database:
        database.execute("UPDATE users SET is_staff = 1 WHERE username = 'cyd'")  # No administrator for all that.
    row = await place(staff, chat, "ben")
    for name in ("ben", "cyd"):
        other = Staff(world)
        await other.log_in(name)
        for path in (CHATS, PLACES, RECEIPTS, f"{CHATS}{chat}/change/", f"{PLACES}{row}/change/"):
            assert (await other.browser.get(path)).url.path == "/admin/login/"
        fields = {"csrfmiddlewaretoken": other.browser.cookies["csrftoken"], "index": "0"}
        for path, action, chosen in ((CHATS, "archive", chat), (PLACES, "remove", row)):
            answer = await other.browser.post(path, data=fields | {"action": action, "_selected_action": chosen})
            assert answer.url.path == "/admin/login/"
        await other.browser.aclose()
    assert (await world.rest("ben", "GET", f"/api/chats/{chat}")).body["is_archived"] is False
    assert done_by(staff, chat) == []


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Chat, Participant])
def test_actions_take_the_permission_to_change_chats(model: type[Chat] | type[Participant]) -> None:
    request = RequestFactory().get("/")
    for codename, may in ((f"view_{model._meta.model_name}", False), ("change_chat", True)):
        user = User.objects.create_user(codename, is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename=codename))
        request.user = user
        assert bool(admin.site.get_model_admin(model).get_actions(request)) is may
