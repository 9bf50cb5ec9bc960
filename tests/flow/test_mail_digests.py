"""Mails of what was missed: how much is unread where, never what; one a period, and none to who is there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage

from tests.mail_server import MailServer, mail_server
from tests.world import PASSWORD, Server, World, in_time, manage

PATH = "/api/me/mail-digest"
ON = {"CHAT_MAIL_DIGEST": "on", "CHAT_URL": "https://chat.example.org"}
ADA = "ada@example.org"
_NEXT_PERIOD = """
from datetime import timedelta
from django.db.models import F
from chat.models import MailDigest
MailDigest.objects.update(mailed_for=F("mailed_for") - timedelta(days=1))
"""
_DUE = """
from django.utils import timezone
from chatsite.kernel.models import Chore
Chore.objects.filter(kind="mail_digest").update(due_at=timezone.now())
"""
_LOOKED = """
from django.db.models import Q
from django.utils import timezone
from chatsite.kernel.models import Chore
mine = Chore.objects.filter(kind="mail_digest")
print("waits" if mine.filter(Q(due_at__lte=timezone.now()) | Q(claimed_until__isnull=False)).exists() else "looked")
"""


@asynccontextmanager
async def mailing(make_server: Callable[..., Server], **more: str) -> AsyncIterator[tuple[World, MailServer]]:
    """A world that mails, where ada has an address."""
    async with mail_server() as mails, World(make_server(environment=ON | mails.settings | more)) as world:
        assert (await world.rest("ada", "PATCH", "/api/me", {"email": ADA, "password": PASSWORD})).status == 200
        yield world, mails


async def look(world: World, *, again: bool = False) -> None:
    """Let the time come, of the same period `again` or of a later one, and the server look."""
    due = _DUE if again else _NEXT_PERIOD + _DUE
    await asyncio.to_thread(manage, world.server.folder, "shell", "-v", "0", "-c", due)
    async with in_time("it was looked at who is to be mailed"):
        while "waits" in await asyncio.to_thread(manage, world.server.folder, "shell", "-v", "0", "-c", _LOOKED):
            pass


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """What a mail says."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


async def say(world: World, chat: str, text: str, mentions: tuple[str, ...] = ()) -> None:
    """Let ben say something, until lists show it."""
    body = {"content": text, "mentions": list(mentions)}
    assert (await world.rest("ben", "POST", f"/api/chats/{chat}/messages", body)).status == 201
    await world.until("ben", f"/api/chats/{chat}", lambda shown: (shown["last_message"] or {}).get("content") == text)


async def test_what_was_missed_is_mailed_once_and_never_what_it_says(make_server: Callable[..., Server]) -> None:
    async with mailing(make_server) as (world, mails):
        ada = await world.id("ada")
        direct = (await world.rest("ben", "POST", "/api/chats/direct", {"user_id": ada})).body["id"]
        many, muted = await world.chat(["ada", "ben"]), await world.chat(["ada", "ben"])
        await world.rest("ada", "PUT", f"/api/chats/{muted}/notifications", {"level": "nothing"})
        await say(world, direct, "old news")
        assert (await world.rest("ada", "PUT", PATH, {"frequency": "daily"})).body["frequency"] == "daily"
        await look(world)
        assert mails.came.empty()
        await say(world, direct, "a secret")
        await say(world, many, "unmentioned")
        await say(world, many, "another secret", mentions=(ada,))
        await say(world, muted, "a third secret", mentions=(ada,))
        await look(world)
        first = await mails.next()
        assert (first["To"], first["List-Unsubscribe-Post"]) == (ADA, "List-Unsubscribe=One-Click")
        for kind in ("plain", "html"):
            said = text_of(first, kind)
            assert "2 unread messages" in said
            assert "1 mention" in said
            assert f"https://chat.example.org/#/chat/{direct}" in said
            assert f"https://chat.example.org/#/chat/{many}" in said
            assert muted not in said
            assert "secret" not in said
        # Of the same period none comes, whatever is new; of the next one none where nothing is.
        await say(world, direct, "later")
        await look(world, again=True)
        assert mails.came.empty()
        await look(world)
        assert "3 unread messages" in text_of(await mails.next())
        await look(world)
        assert mails.came.empty()


async def test_who_wants_quiet_is_mailed_later_and_what_is_refused_comes_again(
    make_server: Callable[..., Server],
) -> None:
    async with mailing(make_server) as (world, mails):
        body = {"user_id": await world.id("ada")}
        direct = (await world.rest("ben", "POST", "/api/chats/direct", body)).body["id"]
        await world.rest("ada", "PUT", PATH, {"frequency": "daily"})
        await world.rest("ada", "PATCH", "/api/me/presence", {"status": "DND"})
        await say(world, direct, "while she wants quiet")
        await look(world)
        assert mails.came.empty()
        await world.rest("ada", "PATCH", "/api/me/presence", {"status": "INVISIBLE"})
        # Refused for good it is tried once a period, refused for now again soon.
        for code, is_tried_again in ((550, False), (451, True)):
            mails.refusal = code
            await look(world)
            assert ADA in await mails.refused.get()
            assert f"the mail server refuses it ({code})" in world.server.log()
            await look(world, again=True)
            assert mails.refused.empty() is not is_tried_again
        assert ADA not in world.server.log()
        mails.refusal = None
        await look(world, again=True)
        mail = await mails.next()
        assert "1 unread message\r\n" in text_of(mail)
        # The link in it shows a button to who opens it, and switches it off for a program that posts.
        link = mail["List-Unsubscribe"].strip(" <>").removeprefix("https://chat.example.org")
        assert link in text_of(mail)
        assert "Switch them off" in str((await world.rest(None, "GET", link)).body)
        assert (await world.rest("ada", "GET", PATH)).body["frequency"] == "daily"
        assert (await world.rest(None, "POST", link[:-1])).status == 404
        for _ in range(2):
            assert (await world.rest(None, "POST", link)).status == 200
        assert (await world.rest("ada", "GET", PATH)).body["frequency"] == "never"
        await say(world, direct, "while she wants none")
        await look(world)
        assert mails.came.empty()


async def test_what_came_before_somebody_was_last_here_is_no_news(make_server: Callable[..., Server]) -> None:
    async with mailing(make_server) as (world, mails):
        body = {"user_id": await world.id("ada")}
        direct = (await world.rest("ben", "POST", "/api/chats/direct", body)).body["id"]
        online = f"/api/presence?user={await world.id('ada')}"
        await world.rest("ada", "PUT", PATH, {"frequency": "daily"})
        await say(world, direct, "seen and left unread")
        async with world.connect("ada"):
            await world.until("ben", online, lambda body: body["presence"][0]["status"] == "ONLINE")
            await look(world)
            # She is gone for others, and may be mailed.
            await world.rest("ada", "PATCH", "/api/me/presence", {"status": "INVISIBLE"})
            await world.until("ben", online, lambda body: body["presence"][0]["status"] == "OFFLINE")
        await look(world)
        assert mails.came.empty()
        await say(world, direct, "missed")
        await look(world)
        assert "2 unread messages" in text_of(await mails.next())


async def test_it_is_off_until_installation_and_person_want_it(
    world: World, make_server: Callable[..., Server]
) -> None:
    off = {"frequency": "never", "is_available": False, "has_address": False}
    assert (await world.rest("dan", "GET", PATH)).body == off
    assert (await world.rest("dan", "PUT", PATH, {"frequency": "daily"})).code == "not_supported"
    assert (await world.rest("dan", "POST", f"{PATH}/test")).code == "not_supported"
    async with mailing(make_server, CHAT_LIMIT_RULES="mail_tests=0.01/2") as (mailing_world, mails):
        on = {"frequency": "never", "is_available": True, "has_address": False}
        assert (await mailing_world.rest("ben", "GET", PATH)).body == on
        assert (await mailing_world.rest("ben", "PUT", PATH, {"frequency": "daily"})).code == "conflict"
        for wrong in ("weekly", None, ["daily"]):
            answer = await mailing_world.rest("ada", "PUT", PATH, {"frequency": wrong})
            assert answer.code == "invalid_field"
        assert (await mailing_world.rest("ada", "POST", f"{PATH}/test")).status == 202
        tried = await mails.next()
        assert (tried["To"], "This is a test" in text_of(tried)) == (ADA, True)
        codes = [(await mailing_world.rest("ada", "POST", f"{PATH}/test")).code for _ in range(2)]
        assert codes == [None, "rate_limited"]
