"""Staff and reports: what waits is listed, its text is read on the record, and each deed is one command."""

import html
import json
import sqlite3
from contextlib import closing

from tests.staff import Staff

FLAGS = "/admin/chat/messageflag/"


async def reported(staff: Staff, chat: str, *, author: str = "ben", text: str, by: str = "ada") -> tuple[str, str]:
    """Somebody says something and somebody else reports it; answers the ids of message and report."""
    at = f"/api/chats/{chat}/messages"
    message = str((await staff.world.rest(author, "POST", at, {"content": text})).body["id"])
    return message, await report(staff, chat, message, by=by)


async def report(staff: Staff, chat: str, message: str, *, by: str) -> str:
    """Report a message; answers the id of the report."""
    body = {"reason": "abuse", "text": "He goes on."}
    answer = await staff.world.rest(by, "POST", f"/api/chats/{chat}/messages/{message}/flag", body)
    return str(answer.body["id"])


def noted(staff: Staff, chat: str) -> list[tuple[str, dict[str, str]]]:
    """What the audit log has of a chat: kinds and details."""
    with closing(sqlite3.connect(staff.world.server.folder / "site.sqlite3")) as database:
        query = "SELECT kind, detail FROM audit_log WHERE subject = ? ORDER BY number"
        return [(kind, json.loads(detail)) for kind, detail in database.execute(query, [f"chat:{chat}"])]


async def page(staff: Staff, path: str) -> str:
    """A page of the admin as it reads."""
    return html.unescape((await staff.browser.get(path)).text)


async def test_a_text_is_shown_once_it_is_on_the_record_why(staff: Staff) -> None:
    chat = await staff.world.chat(["ada", "ben"], name="Plans")
    await staff.world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "said before it"})
    message, flag = await reported(staff, chat, text="a word <in> anger")
    await staff.world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "said after it"})
    for shown in (await page(staff, FLAGS), await page(staff, f"{FLAGS}{flag}/change/")):
        assert "abuse" in shown and "Ben" in shown and "Ada" in shown and "Plans" in shown
        assert "anger" not in shown and 'name="_save"' not in shown
    read = f"{FLAGS}{flag}/read/"
    assert "anger" not in await page(staff, read)
    refused = await staff.fill(read, why="  ")
    assert "anger" not in refused and "errornote" in refused
    assert noted(staff, chat) == []
    shown = await staff.fill(read, why="Ada asked for help.")
    for text in ("said before it", "<strong>a word &lt;in&gt; anger</strong>", "said after it"):
        assert text in shown
    about = {"flag": flag, "message": message, "staff": True}
    assert noted(staff, chat) == [("chat.message.read", about | {"why": "Ada asked for help."})]


async def test_what_is_dismissed_waits_no_longer(staff: Staff) -> None:
    chat = await staff.world.chat(["ada", "ben", "cyd"])
    message, flag = await reported(staff, chat, text="a joke")
    other = await report(staff, chat, message, by="cyd")
    assert await staff.act("dismiss", flag, path=FLAGS) == "Done for 1."
    listed = await page(staff, FLAGS)
    assert other in listed and flag not in listed, "the other one waits still"
    assert flag in await page(staff, f"{FLAGS}?state=dismissed")
    assert flag in (everything := await page(staff, f"{FLAGS}?state=all")) and other in everything
    assert "It is closed already." in await staff.act("dismiss", flag, path=f"{FLAGS}?state=all")
    assert [kind for kind, _ in noted(staff, chat)] == ["chat.message.flag.dismissed"]
    assert await report(staff, chat, message, by="ada") not in (flag, other), "it may be reported anew"


async def test_each_deed_is_one_command_and_closes_the_report(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben", "cyd"])
    ben = await world.id("ben")
    message, flag = await reported(staff, chat, text="to be deleted")
    also = await report(staff, chat, message, by="cyd")
    _, second = await reported(staff, chat, text="to be muted for")
    _, third = await reported(staff, chat, text="to be banned for")
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as device:
        assert await staff.act("delete_message", flag, path=FLAGS) == "Done for 1."
        gone = await ada.expect("MESSAGE_DELETED", messageId=message)
        assert gone["by"] == await world.id("sam")
        assert await staff.act("mute_author", second, path=FLAGS) == "Done for 1."
        await ada.expect("MEMBER", change="muted", userId=ben)
        assert (await device.say(chat, "mh")).code == "muted"
        assert await staff.act("ban_author", third, path=FLAGS) == "Done for 1."
        await ada.expect("MEMBER", change="banned", userId=ben)
        for one in (flag, also, second, third):
            assert one not in json.dumps(ada.frames + device.frames)
    acted = await page(staff, f"{FLAGS}?state=acted")
    assert all(one in acted for one in (flag, also, second, third)), "with the message all reports of it are closed"
    assert "(deleted)" in await staff.fill(f"{FLAGS}{flag}/read/", why="to see")
    kinds = [kind for kind, _ in noted(staff, chat)]
    closed = "chat.message.flag.acted"
    assert kinds == [
        "chat.message.deleted", closed, closed, "chat.member.muted", closed, "chat.member.banned", closed,
        "chat.message.read",
    ]  # fmt: skip
    assert all(detail["staff"] for _, detail in noted(staff, chat))
    _, left = await reported(staff, chat, author="cyd", text="cyd goes")
    await world.rest("cyd", "POST", f"/api/chats/{chat}/leave")
    assert "This person is not in the chat." in await staff.act("mute_author", left, path=FLAGS)
    assert left in await page(staff, FLAGS), "what was refused is not done"


async def test_who_is_no_administrator_reads_no_report(staff: Staff) -> None:
    chat = await staff.world.chat(["ada", "ben"])
    _, flag = await reported(staff, chat, text="not for ben")
    other = Staff(staff.world)
    await other.log_in("ben")
    for path in (FLAGS, f"{FLAGS}{flag}/change/", f"{FLAGS}{flag}/read/"):
        assert (await other.browser.get(path)).url.path == "/admin/login/"
    await other.browser.aclose()
    assert (await staff.browser.get(f"{FLAGS}add/")).status_code == 403
    token = {"csrfmiddlewaretoken": staff.browser.cookies["csrftoken"]}
    for way in ("change", "delete"):
        forged = await staff.browser.post(f"{FLAGS}{flag}/{way}/", data=token | {"state": "acted", "post": "yes"})
        assert forged.status_code == 403
