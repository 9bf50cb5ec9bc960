"""How often the databases are asked: never by a send, and by a list of chats as often as by any other."""

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from chat.commands.messages import Draft, send
from chat.models import Chat, Participant
from chat.queries import rules
from chat.queries.participants import foresee, heard_by, need, who_may_hear
from chat.queries.search import placed
from chat.search import Asked, Query, restrict
from chatsite.accounts import tokens
from chatsite.accounts.authentication import authenticate
from chatsite.accounts.models import SignIn, User
from chatsite.gateway.registry import Identity
from chatsite.gateway.streams import stream
from chatsite.kernel.database import DB_THREADS, in_db_thread
from chatsite.kernel.errors import Invalid, Unauthenticated
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import NewRecord, new_record
from chatsite.kernel.ids import ChatId, MessageId, UserId
from telegram_bridge.ids import Named
from telegram_bridge.models import TelegramImport
from telegram_bridge.queries import search as telegram
from telegram_bridge.stores import Mapped, TelegramId, telegram_map
from tests.statements import Statement, counted
from tests.unit.events import sent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
MOMENT = "2026-01-01T00:00:00Z"
GROUPS = ("history-writers", "previews")  # they run in the server's process, and tell there how far they are


@pytest.fixture
async def server(lease: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """What a running server has open; its rules are read anew beside all that is asked, not by it."""
    monkeypatch.setattr(rules, "STALE_SECONDS", math.inf)
    await log().open()
    readers = [await log().read(group) for group in GROUPS]
    yield
    for reader in readers:
        await reader.close()
    await log().close()
    await sync_to_async(connections.close_all)()


def make_chats(name: str, count: int) -> list[Chat]:
    """The chats of a new person, every tenth a direct one; others have said something in all of them."""
    user, *others = (User.objects.create_user(f"{name}{n or ''}", "pw") for n in range(3))
    chats = [
        Chat(
            name=f"chat {n}",
            chat_type="group",
            pair=f"{name}:{n}" if n % 10 == 0 else None,
            created_by=user,
            version=n + 1,
            last_message={"id": "1", "sender_id": str(others[n % 2].id), "content": "hello", "created_at": MOMENT},
        )
        for n in range(count)
    ]
    Chat.objects.bulk_create(chats)
    Participant.objects.bulk_create(
        Participant(chat=chat, user=one, role="member", version=1) for chat in chats for one in (user, others[0])
    )
    return chats


async def talk(chats: list[Chat]) -> None:
    """Something that no group has worked off is in the log of each chat."""
    happened = sent()

    def said(chat: Chat) -> NewRecord:
        version = happened.version
        return new_record(
            happened.event, event_id=uuid4(), key=chat.id, version=version, occurred_ms=0, actor=None, region="r"
        )

    await asyncio.gather(*[log().append(said(chat)) for chat in chats])


async def ask(name: str, *, chats: int) -> Counter[str]:
    """A list of somebody's chats; answers how many statements each database got for it."""
    client = AsyncClient()
    token = await client.post("/api/auth/token", {"username": name, "password": "pw"}, content_type="application/json")
    with counted() as statements:
        answer = await client.get("/api/chats", headers={"Authorization": f"Bearer {token.json()['access']}"})
    assert [chat["unread"] for chat in answer.json()["chats"]] == [1] * chats
    # What other processes' groups hold is read every other second, whoever asks.
    return Counter(one.database for one in statements if "log_held_keys" not in one.sql)


async def test_a_list_of_chats_takes_as_many_statements_however_many_there_are(server: None) -> None:
    counts = {}
    for name, count in (("first", 1), ("few", 20), ("many", 200)):
        await talk(await sync_to_async(make_chats)(name, count))
        counts[name] = (await ask(name, chats=count), await ask(name, chats=count))
    assert counts["few"] == counts["many"]
    for cold, warm in counts.values():
        assert set(cold) == {"default", "messages"}
        assert warm["messages"] < cold["messages"]
        assert warm["default"] == cold["default"]


async def test_a_send_asks_no_database_and_the_log_writes_it_in_its_own_thread(server: None) -> None:
    (row,) = await sync_to_async(make_chats)("ada", 1)
    ada = await User.objects.aget(username="ada")
    chat, sender = ChatId(row.id), UserId(ada.id)
    await send(chat, Draft("warm"), sender=sender)
    with counted() as statements:
        for n in range(20):
            await send(chat, Draft(f"hello {n}", nonce=f"n{n}", mentions=[str(sender)]), sender=sender)
            await send(chat, Draft(f"hello {n}", nonce=f"n{n}", mentions=[str(sender)]), sender=sender)
    assert {(one.database, one.thread) for one in statements} == {("messages", "writer-messages")}
    assert Counter(kind(one) for one in statements) == {"BEGIN": 20, "SELECT": 20, "UPDATE": 20, "INSERT": 20}
    assert all("log_" in one.sql for one in statements if kind(one) != "BEGIN")


async def test_a_send_in_a_thread_asks_the_message_store_for_the_message_above_it_and_no_more(server: None) -> None:
    (row,) = await sync_to_async(make_chats)("ada", 1)
    chat, sender = ChatId(row.id), UserId((await User.objects.aget(username="ada")).id)
    root = await send(chat, Draft("root"), sender=sender)
    with counted() as statements:
        await send(chat, Draft("reply", thread=root.message_id), sender=sender)
    # Where it is not stored yet, what the log's groups hold is asked too.
    asked = [one for one in statements if "log_" not in one.sql and kind(one) != "BEGIN"]
    assert {one.database for one in asked} == {"messages"}
    assert all("history_messages" in one.sql for one in asked)


async def test_the_members_of_a_chat_are_read_once_for_all_who_come_to_it_together(server: None) -> None:
    (row,) = await sync_to_async(make_chats)("ada", 1)
    ada = str((await User.objects.aget(username="ada")).id)
    with counted() as statements:
        heard = await asyncio.gather(*[who_may_hear([ada], str(row.id), version=0) for _ in range(50)])
    assert heard == [{ada}] * 50
    assert len(statements) == 2  # the chat and its participants


async def test_who_knows_of_newer_members_is_not_answered_by_a_read_that_began_before(server: None) -> None:
    (row,) = await sync_to_async(make_chats)("ada", 1)
    ada = str((await User.objects.aget(username="ada")).id)
    busy = threading.Event()
    threads = [asyncio.create_task(in_db_thread(busy.wait)) for _ in range(DB_THREADS)]
    with counted() as statements:
        begun = asyncio.create_task(who_may_hear([ada], str(row.id), version=0))
        await log().newest(limit=1)  # Meanwhile it waits for a thread.
        later = [asyncio.create_task(who_may_hear([ada], str(row.id), version=row.version + 1)) for _ in range(2)]
        busy.set()
        await asyncio.gather(begun, *later, *threads)
    assert len([one for one in statements if one.database == "default"]) == 4


async def test_sign_ins_of_many_who_come_at_once_are_read_together_and_ended_ones_refused(server: None) -> None:
    ada = await User.objects.acreate(username="ada")
    sign_ins = [await SignIn.objects.acreate(user=ada, refresh_id=str(n)) for n in range(20)]
    await SignIn.objects.filter(refresh_id="7").aupdate(revoked_at=datetime.now(UTC))
    texts = [
        tokens.issue("access", user_id=ada.id, sign_in_id=one.id, token_id="t", now=time.time()) for one in sign_ins
    ]
    with counted() as statements:
        found = await asyncio.gather(
            *[authenticate(ticket=None, token=text, origin=None) for text in texts], return_exceptions=True
        )
    assert [n for n, one in enumerate(found) if isinstance(one, Unauthenticated)] == [7]
    assert [one.sign_in_id for one in found if isinstance(one, Identity)] == [
        str(one.id) for one in sign_ins if one.refresh_id != "7"
    ]
    assert len(statements) == 1


async def test_rooms_that_many_ask_for_at_once_are_read_from_the_log_together(server: None) -> None:
    chats = await sync_to_async(make_chats)("ada", 50)
    await talk(chats)
    await stream().epoch()
    with counted() as statements:
        heads = await asyncio.gather(*[stream().heads([str(chat.id)]) for chat in chats])
    assert len({head.pos for found in heads for head in found.values()}) == len(chats)
    assert len([one for one in statements if "log_records" in one.sql]) == 1


async def test_who_is_in_many_chats_is_read_together(server: None) -> None:
    counts = []
    for name, count in (("few", 5), ("many", 200)):
        chats = [str(chat.id) for chat in await sync_to_async(make_chats)(name, count)]
        person = str((await User.objects.aget(username=name)).id)
        with counted() as statements:
            await foresee([*chats, str(uuid4()), "nonsense"])
            counts.append(len(statements))
            for chat in chats:
                assert await who_may_hear([person, "eve"], chat, version=0) == {person}
            assert len(statements) == counts[-1]
            await foresee(chats)
            assert len(statements) == counts[-1]
        need(ChatId(UUID(chats[0])), 10)  # What is stale is not believed, whoever reads it.
        with counted() as statements:
            await foresee(chats)
            assert len(statements) == counts[-1]
    assert counts[0] == counts[1] == 3


def kind(statement: Statement) -> str:
    """What a statement does."""
    return statement.sql.split()[0]


async def test_the_counter_counts_in_every_thread(server: None) -> None:
    with counted() as statements:
        await in_db_thread(Chat.objects.count)
        await log().ends()
        await Chat.objects.acount()
    assert [(one.database, one.thread.rstrip("_0123456789")) for one in statements[:2]] == [
        ("default", "db"),
        ("messages", "read"),
    ]
    assert len(statements) == 3
    assert await stream().epoch()


async def test_one_who_asks_for_many_chats_is_judged_as_by_each(server: None) -> None:
    chats = [str(chat.id) for chat in await sync_to_async(make_chats)("ada", 5)]
    foreign = [str(chat.id) for chat in await sync_to_async(make_chats)("ben", 5)]
    ada = await User.objects.aget(username="ada")
    asked = dict.fromkeys([*chats, *foreign, str(uuid4()), "nonsense"], 0)
    assert await heard_by(str(ada.id), asked) == set(chats)
    with counted() as statements:
        assert await heard_by(str(ada.id), dict.fromkeys(chats, 0)) == set(chats)
        assert not statements
    # A membership that is newer than what is known is read: she is in it no more.
    row = await Chat.objects.aget(id=chats[0])
    await Participant.objects.filter(chat_id=row.id, user=ada).aupdate(is_active=False)
    await Chat.objects.filter(id=row.id).aupdate(members_version=row.members_version + 1)
    assert await heard_by(str(ada.id), {chats[0]: row.members_version, chats[1]: 0}) == set(chats[:2])
    assert await heard_by(str(ada.id), {chats[0]: row.members_version + 1, chats[1]: 0}) == {chats[1]}


async def test_a_message_is_found_by_its_telegram_id_with_two_questions_whatever_it_may_be_of(server: None) -> None:
    for name, count in (("few", 3), ("many", telegram.MOST)):
        chats = [ChatId(chat.id) for chat in await sync_to_async(make_chats)(name, count)]
        viewer = UserId((await User.objects.aget(username=name)).id)
        sources = [-(10**12) - viewer.int % 10**9 - n for n in range(1, count + 1)]
        pairs = zip(chats, sources, strict=True)
        await TelegramImport.objects.abulk_create(TelegramImport(chat_id=a, telegram_chat_id=b) for a, b in pairs)
        mapped = Mapped(TelegramId(sources[1], 7), chats[1], MessageId(-5))
        await telegram_map().claim([mapped])
        with counted() as statements:
            places = await telegram.places_of([Named(None, 7)], chats=chats, viewer=viewer, field="q")
        assert places == {(str(chats[1]), -5)}
        assert Counter(one.database for one in statements) == {"default": 1, "messages": 1}
    asked = Asked()
    for text in ("7", "8"):
        restrict(asked, "telegram", text, field="telegram")
    with pytest.raises(Invalid, match="at most 100 messages") as refused:
        await placed(Query(), asked, chats, viewer)
    assert refused.value.field == "telegram"
    eve = UserId((await User.objects.acreate(username="eve")).id)
    assert await telegram.places_of([Named(None, 7)], chats=chats, viewer=eve, field="q") == frozenset()
