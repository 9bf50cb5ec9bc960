"""Limits over sockets and REST: who asks too often is told when to come again, and costs nobody else."""

import asyncio
import itertools
from collections.abc import Callable

from tests.staff import Staff
from tests.world import PASSWORD, Answer, Server, World

MakeServer = Callable[..., Server]


async def test_too_many_sends_are_refused_and_nothing_accepted_is_lost(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "sends=5/4"})) as world:
        chat, other = await world.chat(["ada", "ben"]), await world.chat(["ada"])
        async with world.connect("ada", chat) as ada, world.connect("ben") as ben:
            answers = await asyncio.gather(*[ada.say(chat, f"{number}", nonce=f"n{number}") for number in range(12)])
            refused = [answer for answer in answers if answer.body["type"] == "ERROR"]
            assert {(answer.code, answer.body["retryable"]) for answer in refused} == {("rate_limited", True)}
            assert all(0 < answer.body["retryAfterMs"] <= 200 for answer in refused)
            accepted = [answer.body["messageId"] for answer in answers if answer.code is None]
            assert len(accepted) >= 4
            assert accepted == sorted(accepted, key=int)
            # The bucket is hers in this chat: hers in another, and ben's here, are full.
            assert (await ada.say(other, "elsewhere")).code is None
            assert (await ben.say(chat, "another")).code is None
            # A nonce that was used answers whatever the bucket says.
            again = await asyncio.gather(*[ada.say(chat, "0", nonce="n0", retry=True) for _ in range(20)])
            assert {answer.body.get("messageId") for answer in again} == {accepted[0]}
            rest = await asyncio.gather(
                *[world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "x"}) for _ in range(12)]
            )
            late = [answer for answer in rest if answer.status == 429]
            assert late
            assert {(answer.code, answer.headers["retry-after"]) for answer in late} == {("rate_limited", "1")}
        stored = [message["id"] for message in await world.history("ada", chat)]
        posted = [answer.body["id"] for answer in rest if answer.status == 201]
        assert set(stored) == {*accepted, *posted} | {stored[len(accepted)]}
        assert len(stored) == len(accepted) + len(posted) + 1


async def test_a_chat_has_a_limit_for_all_and_a_person_one_for_all_chats(make_server: MakeServer) -> None:
    rules = "chat_sends=0.01/5,person_sends=0.01/3"
    async with World(make_server(environment={"CHAT_LIMIT_RULES": rules})) as world:
        first, second = await world.chat(["ada", "ben", "cyd"]), await world.chat(["ada"])
        async with world.connect("ada") as ada, world.connect("ben") as ben, world.connect("cyd") as cyd:
            assert [(await ada.say(chat, "x")).code for chat in (first, second, first, second)] == [
                *[None] * 3,
                "rate_limited",
            ]
            assert [(await ben.say(first, "x")).code for _ in range(4)] == [*[None] * 3, "rate_limited"]
            assert (await cyd.say(first, "x")).code == "rate_limited"


async def test_a_person_searches_only_so_often(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "searches=0.01/2"})) as world:
        answers = [await world.rest("ada", "GET", "/api/search/messages?q=tea") for _ in range(3)]
        assert [answer.code for answer in answers] == [None, None, "rate_limited"]
        assert (await world.rest("ben", "GET", "/api/search/messages?q=tea")).code is None


async def test_a_stranger_cannot_use_up_a_chats_limit(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "chat_sends=0.01/2"})) as world:
        chat = await world.chat(["ada"])
        async with world.connect("eve") as eve, world.connect("ada") as ada:
            assert {(await eve.say(chat, "x")).code for _ in range(5)} == {"not_found"}
            assert (await ada.say(chat, "x")).code is None


async def test_other_frames_and_errors_share_a_bucket_of_the_person(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "frames=0.05/12"})) as world:
        chat = await world.chat(["ada", "ben"])
        async with world.connect("ada") as ada, world.connect("ada") as second, world.connect("ada") as third:
            for number in range(30):
                await ada.send({"type": "UNSUBSCRIBE", "rooms": [chat]} if number % 2 else "nonsense")
            assert (await ada.expect("ERROR", code="rate_limited"))["retryAfterMs"] > 0
            # Her other connections pay from the same bucket; what she says has buckets of its own.
            assert (await second.ask("HEARTBEAT")).code == "rate_limited"
            assert (await third.say(chat, "still here")).code is None
            async with world.connect("ben") as ben:
                assert (await ben.ask("HEARTBEAT")).body["type"] == "HEARTBEAT_ACK"


async def sign_in(world: World, name: str, password: str, *, address: str) -> Answer:
    """Try to sign in from an address."""
    body = {"username": name, "password": password}
    return await world.rest(None, "POST", "/api/auth/token", body, headers={"X-Forwarded-For": address})


async def test_guessing_a_password_ends_soon_and_locks_out_nobody_else(make_server: MakeServer) -> None:
    environment = {"CHAT_TRUSTED_PROXIES": "127.0.0.1", "CHAT_LIMIT_RULES": "guesses=0.001/3,name_guesses=0.001/8"}
    async with World(make_server(environment=environment)) as world:
        for _ in range(5):  # What was right costs nothing.
            assert (await sign_in(world, "ada", "pw", address="192.0.2.1")).status == 200
        wrong = [await sign_in(world, "ada", f"guess {n}", address="192.0.2.1") for n in range(5)]
        assert [answer.code for answer in wrong] == [*["unauthenticated"] * 3, "rate_limited", "rate_limited"]
        assert 990 <= int(wrong[-1].headers["retry-after"]) <= 1_000
        assert (await sign_in(world, "ada", "pw", address="192.0.2.1")).code == "rate_limited"
        assert (await sign_in(world, "ada", "pw", address="192.0.2.2")).status == 200
        assert (await sign_in(world, "ben", "pw", address="192.0.2.1")).status == 200
        # One customer's IPv6 addresses are one; from all addresses together a name has a limit too.
        customer = (f"2001:db8:1:2::{n}" for n in itertools.count(1))
        codes = [(await sign_in(world, "ada", "?", address=next(customer))).code for _ in range(4)]
        assert codes == [*["unauthenticated"] * 3, "rate_limited"]
        codes = [(await sign_in(world, "ada", "?", address=f"198.51.100.{n}")).code for n in range(4)]
        assert codes == [*["unauthenticated"] * 2, "rate_limited", "rate_limited"]


async def test_a_password_is_guessed_nowhere_else_either(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "guesses=0.001/3"})) as world:
        change = {"old": "guess", "new": "a much better one"}
        for _ in range(5):  # A right one costs nothing, whatever else is wrong.
            too_short = await world.rest("ada", "POST", "/api/me/password", {"old": PASSWORD, "new": "x"})
            assert too_short.body["errors"][0]["field"] == "new"
        wrong = [await world.rest("ada", "POST", "/api/me/password", change) for _ in range(4)]
        assert [answer.code for answer in wrong] == [*["invalid_field"] * 3, "rate_limited"]
        assert (await sign_in(world, "ada", PASSWORD, address="")).code == "rate_limited"
        sam = Staff(world)
        await sam.log_in()
        new = {"new_password1": "a much better one", "new_password2": "a much better one"}
        told = [await sam.fill("/admin/password_change/", old_password="guess", **new) for _ in range(4)]
        assert ["is not your password" in page for page in told] == [True, True, True, False]
        assert "Too many requests" in told[-1]
        other = Staff(world)
        assert "Too many requests" in await other.log_in()
        for name in ("ben", "ben", "ben"):
            assert "errornote" in await other.log_in(name, "guess")
        assert "Too many requests" in await other.log_in("ben", "guess")
        await sam.browser.aclose()
        await other.browser.aclose()


async def test_a_thousand_guesses_at_once_are_no_more_than_one_after_the_other(make_server: MakeServer) -> None:
    async with World(make_server(environment={"CHAT_LIMIT_RULES": "guesses=0.001/3"})) as world:
        tries = [sign_in(world, "ada", f"guess {n}", address="192.0.2.1") for n in range(40)]
        codes = [answer.code for answer in await asyncio.gather(*tries)]
        assert codes.count("unauthenticated") == 3


async def test_an_address_and_a_sign_in_have_their_limits(make_server: MakeServer) -> None:
    rules = "sign_ins=0.001/2,tickets=0.001/2,resets=0.001/2"
    async with World(make_server(environment={"CHAT_LIMIT_RULES": rules})) as world:
        await world.token("ada")
        await world.token("ben")
        # An untrusted peer's header does not make it another address.
        assert (await sign_in(world, "cyd", "pw", address="192.0.2.1")).code == "rate_limited"
        answers = [await world.rest("ada", "POST", "/api/auth/ws-ticket") for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert (await world.rest("ben", "POST", "/api/auth/ws-ticket")).status == 201
        forgotten = [
            await world.rest(None, "POST", "/api/auth/password/reset", {"username": name}) for name in ("ada", "x", "y")
        ]
        assert [answer.status for answer in forgotten] == [202, 202, 429]
