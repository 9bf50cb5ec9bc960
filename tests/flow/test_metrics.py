"""/metrics: what an operator watches, for those who may."""

import re
from collections.abc import Callable

from tests.world import Device, Server, World

MakeServer = Callable[..., Server]


async def series(world: World, name: str, **labels: str) -> float:
    """The value of one series."""
    answer = await world.rest(None, "GET", "/metrics")
    given = "".join(f'{label}="{value}"' for label, value in labels.items())
    found = re.search(rf"^{name}{'{' + given + '}' if given else ''} (\S+)$", str(answer.body), re.MULTILINE)
    assert found, f"{name} {labels}: {answer}"
    return float(found[1])


async def test_what_happens_is_counted(make_server: MakeServer) -> None:
    async with World(make_server()) as world:
        chat = await world.chat(["ada", "ben"])
        async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
            for number in range(5):
                await ada.say(chat, f"{number}", nonce=f"n{number}")
            await ada.say(chat, "4", nonce="n4", retry=True)
            await ben.heard_until(chat, lambda heard: len(heard) == 5)
            assert await series(world, "chat_ws_active_sessions") == 2
            assert await series(world, "chat_messages_ingested_total") == 5
            assert await series(world, "chat_messages_fanout_latency_ms_count") == 5
            assert 0 < await series(world, "chat_messages_fanout_latency_ms_sum") < 5 * 5_000
            assert await series(world, "chat_log_append_seconds_count") > 0
            assert await series(world, "chat_ws_resumes_total", result="fresh") == 2
            await ben.cut()
            await ben.resume()
            assert await series(world, "chat_ws_resumes_total", result="recovered") == 1
            for _ in range(20):
                await ada.send("nonsense")
            assert await ada.closed() == 4010
            assert await series(world, "chat_ws_dropped_total", reason="protocol_error") == 1
            assert await series(world, "chat_ws_active_sessions") == 1
        while await series(world, "chat_consumer_lag", group="delivery-workers"):
            pass
        made = 'django_http_responses_total_by_status_view_method_total{method="POST",status="201",view="chat.api.chats'
        assert made in str((await world.rest(None, "GET", "/metrics")).body)


async def test_metrics_are_not_for_everybody(make_server: MakeServer, world: World) -> None:
    # A proxy nobody told us of: whoever it speaks for does not come from this machine.
    forwarded = {"X-Forwarded-For": "127.0.0.1"}
    assert (await world.rest(None, "GET", "/metrics", headers=forwarded)).status == 404
    # Nor one that forwards nothing but the name: nobody on this machine asks it by its public one.
    async with World(make_server(environment={"CHAT_ALLOWED_HOSTS": "*"})) as world:
        hosts = ("chat.example.org", "chat.example.org:80", "localhost.example.org", "127.0.0.1.example.org")
        statuses = [(await world.rest(None, "GET", "/metrics", headers={"Host": host})).status for host in hosts]
        assert statuses == [404, 404, 404, 404]
        for host in ("localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000"):
            assert (await world.rest(None, "GET", "/metrics", headers={"Host": host})).status == 200
    async with World(make_server(environment={"CHAT_TRUSTED_PROXIES": "127.0.0.1"})) as behind:
        for address, status in (("203.0.113.9", 404), ("127.0.0.1, 203.0.113.9", 404), ("::1", 200)):
            assert (await behind.rest(None, "GET", "/metrics", headers={"X-Forwarded-For": address})).status == status
    async with World(make_server(environment={"CHAT_METRICS_ALLOW": "192.0.2.0/24"})) as world:
        assert (await world.rest("ada", "GET", "/metrics")).status == 404


async def test_a_server_that_closes_says_why(world: World) -> None:
    device = Device(world, "ada")
    await device.open_raw(subprotocols=["chat.v1", "ticket.none"])
    assert await device.closed() == 4001
    assert await series(world, "chat_ws_dropped_total", reason="unauthenticated") >= 1
