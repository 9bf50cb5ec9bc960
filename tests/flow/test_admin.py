"""Staff at work: the admin shows rows, and changes them by commands alone."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.staff import PEOPLE, Staff
from tests.world import PASSWORD

GOOD = "a much better one"
COMPANIES = "/admin/accounts/company/"


async def test_only_administrators_come_in_and_each_try_is_kept(staff: Staff) -> None:
    sam, ben = await staff.world.id("sam"), await staff.world.id("ben")
    other = Staff(staff.world)
    for name, password in (("sam", "wrong"), ("ben", PASSWORD), ("nobody", "x")):
        assert "errornote" in await other.log_in(name, password)
    assert (await other.browser.get(PEOPLE)).url.path == "/admin/login/"
    await other.browser.aclose()
    kinds = [kind for kind, _ in staff.entries(f"user:{sam}")]
    assert sorted(kinds) == ["accounts.sign_in", "accounts.sign_in", "accounts.sign_in.failed"]
    assert ("accounts.sign_in.failed", False) in staff.entries(f"user:{ben}")


async def test_who_is_deactivated_is_out_within_a_second(staff: Staff) -> None:
    world, ben = staff.world, await staff.world.id("ben")
    async with world.connect("ben") as device:
        assert await staff.act("deactivate", ben) == "Done for 1."
        assert await device.closed() == 4011
    assert (await world.rest("ben", "GET", "/api/me")).code == "unauthenticated"
    body = {"username": "ben", "password": PASSWORD}
    assert (await world.rest(None, "POST", "/api/auth/token", body)).status == 401
    await staff.act("reactivate", ben)
    assert (await world.rest(None, "POST", "/api/auth/token", body)).status == 200
    assert staff.entries(f"user:{ben}")[1:4:2] == [
        ("accounts.person.deactivated", True),
        ("accounts.person.reactivated", True),
    ]


async def test_who_is_deactivated_says_nothing_later(staff: Staff) -> None:
    world, ben = staff.world, await staff.world.id("ben")
    chat = await world.chat(["ada", "ben"])
    soon = [(datetime.now(UTC) + timedelta(seconds=seconds)).isoformat() for seconds in (2, 3)]
    path = f"/api/chats/{chat}/scheduled"
    assert (await world.rest("ben", "POST", path, {"content": "I am still here.", "send_at": soon[0]})).status == 201
    await staff.act("deactivate", ben)
    async with world.connect("ada", chat) as ada:
        await world.rest("ada", "POST", path, {"content": "marker", "send_at": soon[1]})
        await ada.expect("MESSAGE", content="marker")
    assert [one["content"] for one in await world.history("ada", chat)] == ["marker"]


async def test_what_ends_sign_ins_ends_sessions_in_the_admin_too(staff: Staff) -> None:
    world, ben = staff.world, await staff.world.id("ben")
    await staff.act("make_staff", ben)
    for end in ("end_sign_ins", "deactivate", "password"):
        other = Staff(world)
        assert "Log out" in await other.log_in("ben")
        if end == "password":
            token = {"username": "ben", "password": PASSWORD}
            access = (await world.rest(None, "POST", "/api/auth/token", token)).body["access"]
            signed = {"Authorization": f"Bearer {access}"}
            change = {"old": PASSWORD, "new": GOOD}
            assert (await world.rest(None, "POST", "/api/me/password", change, headers=signed)).status == 204
        else:
            assert await staff.act(end, ben) == "Done for 1."
            await staff.act("reactivate", ben)
        assert (await other.browser.get(PEOPLE)).url.path == "/admin/login/", end
        await other.browser.aclose()
    assert (await staff.browser.get(PEOPLE)).url.path == PEOPLE, "somebody else was logged out"


async def test_each_action_is_one_command_with_one_entry(staff: Staff) -> None:
    world, ben = staff.world, await staff.world.id("ben")
    theirs = staff.company("Theirs")
    await world.rest("ben", "PATCH", "/api/me", {"email": "ben@example.org", "password": PASSWORD})
    before = len(staff.entries(f"user:{ben}"))
    assert await staff.act("send_reset", ben) == "Done for 1."
    assert "/reset/" in await world.mail("ben@example.org")
    await staff.act("make_staff", ben)
    await staff.act("unmake_staff", ben)
    await staff.act("end_sign_ins", ben)
    assert staff.entries(f"user:{ben}")[before:] == [
        ("accounts.password.reset_mailed", True),
        ("accounts.staff.made", True),
        ("accounts.staff.unmade", True),
        ("accounts.sign_ins.ended", True),
    ]
    await staff.act("add_to_company", ben, company=theirs)
    await staff.act("remove_from_company", ben, company=theirs)
    assert [kind for kind, _ in staff.entries(f"company:{_dashed(theirs)}")] == [
        "accounts.member.added",
        "accounts.member.removed",
    ]
    await staff.act("invite", theirs, path=COMPANIES, email="new@example.org")
    assert "/join/" in await world.mail("new@example.org")


async def test_who_leaves_the_company_leaves_its_chats(staff: Staff) -> None:
    world, ada = staff.world, await staff.world.id("ada")
    shared, alone = await world.chat(["ada", "ben", "cyd"]), await world.chat(["ada"])
    await world.rest("ada", "PATCH", f"/api/chats/{shared}/participants/{await world.id('cyd')}", {"role": "admin"})
    async with world.connect("ada", shared, alone) as device, world.connect("ben", shared) as ben:
        await staff.act("remove_from_company", ada, company=staff.company("Ours"))
        for chat in (shared, alone):
            await device.expect("MEMBER", change="removed", roomId=chat, userId=ada)
            assert (await device.say(chat, "still here?")).code == "not_found"
        heir = await ben.expect("MEMBER", change="role", roomId=shared)
        assert (heir["userId"], heir["role"]) == (await world.id("cyd"), "owner")


def _dashed(text: str) -> str:
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@pytest.mark.parametrize(
    ("action", "fields", "told"),
    [
        ("unmake_staff", {}, "This is the last administrator."),
        ("deactivate", {}, "This is the last administrator."),
        ("send_reset", {}, "This person has no mail address."),
        ("add_to_company", {}, "company: choose one."),
        ("add_to_company", {"company": "0" * 32}, "No action selected."),
    ],
)
async def test_a_refusal_is_told_and_changes_nothing(
    staff: Staff, action: str, fields: dict[str, str], told: str
) -> None:
    sam = await staff.world.id("sam")
    before = staff.entries(f"user:{sam}")
    assert (await staff.act(action, sam, **fields)).endswith(told)
    assert staff.entries(f"user:{sam}") == before
    assert "Log out" in (await staff.browser.get("/admin/")).text


async def test_no_row_is_added_edited_or_deleted_by_hand(staff: Staff) -> None:
    ben = await staff.world.id("ben")
    page = await staff.browser.get(f"{PEOPLE}{ben}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.text
    assert "127.0.0.1" in page.text, "sign-ins are not shown"
    for path in ("user", "company", "auditentry"):
        assert (await staff.browser.get(f"/admin/accounts/{path}/add/")).status_code == 403
        assert (await staff.browser.get(f"/admin/accounts/{path}/?q=a")).status_code == 200
    token = staff.browser.cookies["csrftoken"]
    forged = {"csrfmiddlewaretoken": token, "username": "mallory", "_save": "Save"}
    assert (await staff.browser.post(f"{PEOPLE}{ben}/change/", data=forged)).status_code == 403
    assert (await staff.browser.post(f"{PEOPLE}{ben}/delete/", data=forged | {"post": "yes"})).status_code == 403
    audit = await staff.browser.get("/admin/accounts/auditentry/1/change/")
    assert (audit.status_code, 'name="_save"' in audit.text) == (200, False)
    assert (await staff.browser.get("/admin/auth/group/")).status_code == 404


async def test_the_admins_own_password_is_changed_by_the_command(staff: Staff) -> None:
    sam = await staff.world.id("sam")
    path = "/admin/password_change/"
    wrong = await staff.fill(path, old_password="wrong", new_password1=GOOD, new_password2=GOOD)
    assert "is not your password" in wrong
    done = await staff.fill(path, old_password=PASSWORD, new_password1=GOOD, new_password2=GOOD)
    assert "Your password was changed." in done
    assert (await staff.browser.get("/admin/")).url.path == "/admin/", "the browser that changed it was logged out"
    assert staff.entries(f"user:{sam}")[-1] == ("accounts.password.changed", True)
    assert (await staff.world.rest("sam", "GET", "/api/me")).code == "unauthenticated"


async def test_the_pages_of_the_admin_need_nothing_that_the_policy_forbids(staff: Staff) -> None:
    ben = await staff.world.id("ben")
    for path in ("/admin/", PEOPLE, f"{PEOPLE}{ben}/change/", COMPANIES, "/admin/accounts/auditentry/"):
        page = await staff.browser.get(path)
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)(?![^>]*application/json)", page.text), (
            path
        )
