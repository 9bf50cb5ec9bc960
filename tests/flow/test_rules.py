"""Rules of staff over what is said: within seconds, by whatever way it is said."""

import json
from typing import Any
from uuid import UUID, uuid4

from tests.installations import SHARED
from tests.staff import PROBE, RULES, Staff
from tests.world import Answer, in_time, manage

FLAGS = "/admin/chat/messageflag/"


def row(staff: Staff) -> str:
    """The id of the newest rule."""
    return str(
        UUID(str(staff.site("SELECT id FROM moderation_rules WHERE name <> %s ORDER BY version DESC", PROBE)[0][0]))
    )


async def said(staff: Staff, name: str, chat: str, content: str, **more: Any) -> Answer:
    """What comes of saying something."""
    return await staff.world.rest(name, "POST", f"/api/chats/{chat}/messages", {"content": content, **more})


async def test_what_a_rule_refuses_is_said_by_no_way(staff: Staff) -> None:
    world = staff.world
    chat, other = await world.chat(["ada", "ben"], name="Here"), await world.chat(["ada"], name="There")
    old = (await said(staff, "ada", other, "a quagga of old")).body["id"]
    fine = (await said(staff, "ada", chat, "fine")).body["id"]
    hook = (await world.rest("ada", "POST", f"/api/chats/{chat}/webhooks", {"name": "Build"})).body["path"]
    assert "was added successfully" in await staff.rule("word", "refuse", "quagga", notice="It is extinct.")
    at = f"/api/chats/{chat}/messages"
    async with world.connect("ben", chat) as ben, world.connect("ada") as ada:
        refused = await ada.say(chat, "My QUAGGA!", nonce="n1")
        assert (refused.code, refused.body["message"], refused.body["retryable"]) == (
            "content_refused", "It is extinct.", False,
        )  # fmt: skip
        assert (await ada.say(chat, "My zebra", nonce="n1")).body["type"] == "ACK", "a nonce is not used up by it"
        ways = [
            await said(staff, "ada", chat, "quagga", nonce="n2"),
            await world.rest("ada", "PATCH", f"{at}/{fine}", {"content": "a quagga now"}),
            await world.rest("ada", "POST", f"/api/chats/{other}/messages/{old}/forward", {"to": [chat]}),
            await world.rest(None, "POST", hook, {"content": "quagga"}),
        ]
        assert [(way.status, way.code) for way in ways] == [(422, "content_refused")] * 4
        await ada.say(chat, "done")
        await ben.expect("MESSAGE", content="done")
        assert "quagga" not in str(ben.frames).casefold()
    assert (await said(staff, "ada", chat, "quaggas")).status == 201, "whole words alone"


async def test_what_a_rule_masks_is_said_masked_and_a_retry_finds_it(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"])
    await staff.rule("regex", "mask", r"\b\d{4} ?\d{4}\b")
    nonce = uuid4().hex
    async with world.connect("ben", chat) as ben, world.connect("ada") as ada:
        first = await ada.say(chat, "*Card* 1234 5678", nonce=nonce)
        told = await ben.expect("MESSAGE", messageId=first.body["messageId"])
        assert (told["content"], told["html"]) == ("*Card* **** ****", "<p><em>Card</em> **** ****</p>")
        again = await ada.say(chat, "*Card* 1234 5678", nonce=nonce, retry=True)
        assert again.body["messageId"] == first.body["messageId"]
        assert (await ada.say(chat, "*Card* 1234 0000", nonce=nonce, retry=True)).code == "nonce_reused"
    message = f"/api/chats/{chat}/messages/{first.body['messageId']}"
    changed = await world.rest("ada", "PATCH", message, {"content": "It was 12345678"})
    assert changed.body["content"] == "It was ********"
    # After a restart the log alone knows the nonce; and what was masked stays in no store.
    world.server.stop()
    world.server.start()
    retried = await said(staff, "ada", chat, "*Card* 1234 5678", nonce=nonce)
    assert (retried.status, retried.body["id"]) == (200, first.body["messageId"])
    for name in () if SHARED else ("site.sqlite3", "messages.sqlite3"):
        assert b"1234 5678" not in (world.server.folder / name).read_bytes()


async def test_what_a_rule_flags_is_said_and_waits_for_staff(staff: Staff) -> None:
    world = staff.world
    chat = await world.chat(["ada", "ben"], name="Market")
    before = (await said(staff, "ben", chat, "at evil.example before")).body["id"]
    await staff.rule("link", "flag", "evil.example", name="Bad links")
    sent = await said(staff, "ben", chat, "Look: https://www.evil.example/x")
    assert (sent.status, sent.body["content"]) == (201, "Look: https://www.evil.example/x")
    page = await told(staff, 1)
    assert "rule Bad links" in page and "Market" in page and "Ben" in page
    # A replay reports neither that once more, nor what was said before there was the rule.
    world.server.stop()
    manage(world.server.folder, "project", "--replay", "moderation")
    world.server.start()
    again = await said(staff, "ben", chat, "evil.example after all")
    await told(staff, 2)
    assert reported(staff) == [sent.body["id"], again.body["id"]], f"not {before}"


def reported(staff: Staff) -> list[str]:
    """The messages that were reported, the first report first."""
    return [str(message) for (message,) in staff.site("SELECT message_id FROM message_flags ORDER BY created_at")]


async def told(staff: Staff, reports: int) -> str:
    """The queue of reports, once it has so many."""
    async with in_time("staff are told"):
        while len(reported(staff)) < reports:
            await staff.world.rest("ada", "GET", "/api/me")
    return (await staff.browser.get(FLAGS)).text


async def test_the_options_of_a_poll_are_judged_too(staff: Staff) -> None:
    chat = await staff.world.chat(["ada"])

    async def asked(*options: str) -> Answer:
        return await said(staff, "ada", chat, "Which one?", poll={"options": list(options)}, nonce=options[0])

    await staff.rule("word", "refuse", "bongo")
    await staff.rule("word", "mask", "okapi")
    await staff.rule("word", "flag", "tapir")
    assert (await asked("zebra", "a bongo")).code == "content_refused"
    masked = await asked("an okapi", "zebra")
    assert [one["text"] for one in masked.body["poll"]["options"]] == ["an *****", "zebra"]
    assert (await asked("an okapi", "zebra")).status == 200, "a retry"
    assert (await asked("an okapi", "ibex")).code == "nonce_reused"
    assert (await asked("tapir", "zebra")).status == 201
    await told(staff, 1)


async def test_a_rule_is_for_a_chat_until_it_is_off(staff: Staff) -> None:
    world = staff.world
    chat, other = await world.chat(["ada"]), await world.chat(["ada"])
    await staff.rule("word", "refuse", "okapi", chat=chat)
    assert (await said(staff, "ada", chat, "okapi")).code == "content_refused"
    assert (await said(staff, "ada", other, "okapi")).status == 201
    assert await staff.act("turn_off", row(staff), path=RULES) == "Done for 1."
    await staff.rules_hold()
    assert (await said(staff, "ada", chat, "okapi")).status == 201
    company = staff.company("Ours")
    await staff.fill(
        f"{RULES}{row(staff)}/change/", name="Wider", kind="word", deed="refuse", patterns="okapi", notice="",
        company=company, chat="", is_active="on",
    )  # fmt: skip
    await staff.rules_hold()
    assert (await said(staff, "ada", other, "okapi")).code == "content_refused"
    theirs = await world.chat(["zoe"])
    assert (await said(staff, "zoe", theirs, "okapi")).status == 201, "of another company"
    rule = row(staff)
    await staff.fill(f"{RULES}{rule}/delete/", post="yes")
    async with in_time("the rule is gone"):  # It is told to the loop a moment after its commit.
        while (await said(staff, "ada", other, "okapi")).status != 201:
            pass
    kinds = [kind for kind, _ in staff.entries(f"rule:{rule}")]
    assert kinds == ["chat.rule.made", "chat.rule.changed", "chat.rule.changed", "chat.rule.deleted"]


async def test_what_is_no_rule_is_refused_when_it_is_saved(staff: Staff) -> None:
    for kind, line, why in (
        ("regex", "(a", "is no pattern: missing )"),
        ("word", "???", "has no word"),
        ("link", "x", "is no domain"),
    ):
        page = await staff.rule(kind, "refuse", line, waits=False)
        assert why in page and "errorlist" in page
    chat = await staff.world.chat(["ada"])
    page = await staff.rule("word", "refuse", "x", chat=chat, company=staff.company("Ours"))
    assert "for a company or for a chat" in page
    other = Staff(staff.world)
    await other.log_in("ben")
    assert (await other.browser.get(RULES)).url.path == "/admin/login/"
    await other.browser.aclose()


async def test_a_dry_run_counts_by_chat_and_shows_no_text(staff: Staff) -> None:
    world = staff.world
    chat, quiet = await world.chat(["ada", "ben"], name="Zoo"), await world.chat(["ada"], name="Quiet")
    for text in ("a tapir", "TAPIR tapir", "tapirs", "none"):
        await said(staff, "ada", chat, text)
    await said(staff, "ada", quiet, "nothing of that kind")
    await world.until("ada", f"/api/chats/{quiet}", lambda body: body["last_message"])
    await staff.rule("word", "refuse", "tapir", waits=False, name="Zoo words")
    await staff.rule("word", "flag", "none", waits=False, name="Off", is_active="")
    told = manage(world.server.folder, "rules_dry_run")
    assert f"Zoo words: 2 of 4 in {chat} Zoo\n" in told and f"Off: 1 of 4 in {chat} Zoo\n" in told
    assert quiet not in told and "5 messages of 2 chats since" in told and "tapir" not in told
    one = json.loads(manage(world.server.folder, "rules_dry_run", "--rule", "Off", "--days", "1", "--json"))
    assert {row["chat"]: row["found"] for row in one} == {chat: {"Off": 1}, quiet: {}}
    assert (await world.history("ada", chat))[0]["content"] == "a tapir", "nothing was changed"
