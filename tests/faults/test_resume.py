"""A server dies under its clients, and they go on at the other from where they were."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from prometheus_client.parser import text_string_to_metric_families

from tests.faults.conftest import IN_BOTH_SHAPES
from tests.faults.stacks import Part, Stack
from tests.phones import Phone, phone
from tests.world import COLLEAGUES, World

pytestmark = IN_BOTH_SHAPES
CHATS = 25  # of everybody: half of the ten people resume 125 subscriptions
SAYS = 30  # messages of each
KILL_AT = 100  # acked messages of all
RESUMES = {"recovered", "resync", "fresh"}  # what a SUBSCRIBE can be: a room without a cursor is fresh
REQUESTS = "django_http_requests_total_by_view_transport_method_total"
TICKETS = {"chatsite.accounts.api.TicketView", "chatsite.views.metrics"}  # and what this test asks for itself


async def counted(world: World, stack: Stack, part: Part) -> Counter[str]:
    """What one server counted: cursors by what became of them, requests by view."""
    with stack.through(part):
        body = str((await world.rest(None, "GET", "/metrics")).body)
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            if sample.name in ("chat_ws_resumes_total", REQUESTS):
                found[sample.labels.get("result") or sample.labels["view"]] += int(sample.value)
    return found


async def talk(one: Phone, chats: list[str]) -> None:
    """Say one thing after the other, each in another chat, once the one before is acked."""
    for number in range(SAYS):
        one.client.post(room_id=chats[number % CHATS], content=f"{one.name} {number}")
        await one.until(lambda number=number: len(one.acks) > number)  # type: ignore[misc]


async def test_a_killed_servers_clients_resume_at_the_other_without_a_hole_or_a_read(stack: Stack) -> None:
    dying, other = stack.serving
    async with AsyncExitStack() as held:
        world = await held.enter_async_context(World(stack))
        chats = [await world.chat(COLLEAGUES, name=f"{number}") for number in range(CHATS)]
        phones: list[Phone] = []
        for number, name in enumerate(COLLEAGUES):
            with stack.through(stack.serving[number % 2]):
                phones.append(await held.enter_async_context(phone(world, name, *chats)))
        before = await counted(world, stack, other)
        talking = [asyncio.create_task(talk(one, chats)) for one in phones]
        watching = phones[1]  # of the server that lives
        await watching.until(lambda: sum(len(one.acks) for one in phones) >= KILL_AT)
        await asyncio.to_thread(dying.kill)
        await asyncio.gather(*talking)
        for one in phones:
            await one.until(lambda one=one: sum(map(len, one.heard.values())) >= SAYS * len(phones))  # type: ignore[misc]
        since = await counted(world, stack, other) - before

        for chat in chats:
            assert all(one.heard[chat] == watching.heard[chat] for one in phones)
            said = sorted(watching.said(chat))
            assert said == sorted(
                {f"{one.name} {n}" for one in phones for n in range(SAYS) if chats[n % CHATS] == chat}
            )
        assert [one.reloads for one in phones] == [[]] * len(phones)
        moved = [one for number, one in enumerate(phones) if number % 2 == 0]
        assert all(one.states.count("online") == 2 for one in moved)
        resumed = sum(since[result] for result in RESUMES)
        assert resumed >= CHATS * len(moved)
        assert since["recovered"] >= 0.99 * resumed
        assert since.keys() - RESUMES == TICKETS, "more than tickets was asked for over REST"
