"""The contract of PresenceStore, over each of its twins, and what several servers know of each other."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis

from chatsite.kernel.backends import close_connections
from chatsite.kernel.errors import Unavailable
from presence.policy import GRACE_MS, IDLE_MS, STALL_MS, TTL_MS, Choice, Status
from presence.stores import SWEPT, Arrival, Beat
from presence.stores.redis import RedisPresenceStore
from tests.contract.asked import listening
from tests.contract.presences import Presence, in_a_cluster, in_memory, in_redis
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisCluster
from tests.standard import through
from tests.world import in_time

ONLINE, AWAY, DND, INVISIBLE, OFFLINE = Status
MINUTE = 60_000


IN_A_CLUSTER = pytest.param("cluster", marks=pytest.mark.stack)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Six servers on loopback."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(params=["memory", "redis", IN_A_CLUSTER])
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Presence:
    """A store in which nobody is."""
    match request.param:
        case "memory":
            return in_memory()
        case "redis":
            return in_redis(request.getfixturevalue("redis_url"), monkeypatch)
    return in_a_cluster(request.getfixturevalue("cluster"), monkeypatch)


@pytest.fixture
async def presence(twin: Presence) -> AsyncIterator[Presence]:
    """One that may find people gone."""
    await twin.thaw()
    yield twin
    await close_connections()


async def test_two_devices_are_one_person_who_is_gone_with_the_last(presence: Presence) -> None:
    await presence.arrive(device="a")
    await presence.arrive(device="b")
    await presence.wait(TTL_MS, "b")
    assert (presence.statuses(), await presence.status()) == ([ONLINE], ONLINE)
    assert not await presence.beat(device="a")
    assert (await presence.sweep()).online == 1
    await presence.wait(TTL_MS)
    assert presence.statuses() == [ONLINE, OFFLINE]
    assert (await presence.sweep()).online == 0


async def test_a_goodbye_has_a_grace(presence: Presence) -> None:
    await presence.arrive(device="a")
    await presence.store.leave("ada", "a")
    await presence.wait(GRACE_MS - 1_000)
    assert presence.statuses() == [ONLINE]
    await presence.arrive(device="b")
    await presence.wait(GRACE_MS)
    assert presence.statuses() == [ONLINE]
    await presence.store.leave("ada", "b")
    await presence.store.leave("ada", "b")
    await presence.store.leave("ada", "never seen")
    await presence.wait(GRACE_MS)
    assert presence.statuses() == [ONLINE, OFFLINE]


async def test_beats_of_what_is_closed_bring_nobody_back(presence: Presence) -> None:
    await presence.arrive()
    await presence.store.leave("ada", "a")
    assert not await presence.beat(active=True)
    await presence.wait(GRACE_MS)
    assert not await presence.beat(active=True)
    assert (presence.statuses(), await presence.beat(user="nobody")) == ([ONLINE, OFFLINE], False)


async def test_who_flaps_ten_times_a_second_is_told_of_once(presence: Presence) -> None:
    for number in range(100):
        await presence.arrive(device=str(number))
        await presence.store.leave("ada", str(number))
        if number % 10 == 0:
            await presence.wait(1_000)
    assert presence.statuses() == [ONLINE]


async def test_who_does_nothing_is_away_until_they_do(presence: Presence) -> None:
    await presence.arrive()
    await presence.wait(IDLE_MS - MINUTE, "a")
    await presence.beat(active=True)
    await presence.wait(IDLE_MS - MINUTE, "a")
    assert presence.statuses() == [ONLINE]
    await presence.wait(MINUTE, "a")
    assert presence.statuses() == [ONLINE, AWAY]
    await presence.arrive(device="b")
    assert presence.statuses() == [ONLINE, AWAY]
    await presence.beat(device="b", active=True)
    assert presence.statuses() == [ONLINE, AWAY, ONLINE]


async def test_versions_rise_and_the_mirror_has_the_last(presence: Presence) -> None:
    for _ in range(3):
        await presence.arrive()
        await presence.choose(DND, text="busy")
        await presence.choose(ONLINE)
        await presence.store.leave("ada", "a")
        await presence.wait(GRACE_MS)
        await presence.arrive(device="back")
        await presence.store.leave("ada", "back")
        await presence.wait(GRACE_MS)
    versions = [change.shown.version for change in presence.told]
    assert versions == sorted(set(versions))
    assert len(versions) == 18
    assert await presence.seen() == presence.told[-1].shown


async def test_versions_rise_though_the_clock_goes_back(presence: Presence) -> None:
    await presence.arrive()
    await presence.choose(DND)
    presence.clock.go(-3_600_000)
    await presence.choose(AWAY)
    assert await presence.beat()
    await presence.wait(2 * TTL_MS)
    assert presence.statuses() == [ONLINE, DND, AWAY, OFFLINE]
    await presence.arrive(device="b")
    versions = [change.shown.version for change in presence.told]
    assert versions == sorted(set(versions))


async def test_what_was_chosen_is_seen_until_its_moment(presence: Presence) -> None:
    await presence.arrive()
    await presence.choose(DND, text="in a meeting", until_ms=presence.clock.now_ms() + MINUTE)
    seen = await presence.seen()
    assert seen is not None
    assert seen[:2] == (DND, "in a meeting")
    await presence.wait(MINUTE + 1_000, "a")
    seen = await presence.seen()
    assert seen is not None
    assert seen[:2] == (ONLINE, "")


async def test_quiet_hours_begin_and_end_by_themselves(presence: Presence) -> None:
    now = presence.clock.now_ms()
    await presence.arrive(choice=Choice(quiet_from_ms=now + MINUTE, quiet_until_ms=now + 2 * MINUTE))
    await presence.wait(3 * MINUTE, "a")
    assert presence.statuses() == [ONLINE, DND, ONLINE]


async def test_the_newest_choice_wins_whichever_device_brings_it(presence: Presence) -> None:
    await presence.arrive(choice=Choice(DND, version=10))
    await presence.arrive(device="b", choice=Choice(ONLINE, version=9))
    await presence.choose(AWAY)
    assert (presence.statuses(), await presence.status()) == ([DND], DND)
    await presence.arrive(device="c", choice=Choice(ONLINE, version=11))
    assert presence.statuses() == [DND, ONLINE]


async def test_who_is_not_there_chooses_nothing_here(presence: Presence) -> None:
    await presence.choose(DND)
    assert (presence.told, await presence.seen()) == ([], None)


async def test_invisible_never_leaks(presence: Presence) -> None:
    """Whatever somebody does who is invisible, it looks as for who left at the same moment."""
    await presence.arrive("ada")
    await presence.arrive("ben")
    await presence.choose(INVISIBLE)
    await presence.arrive("cyd", choice=Choice(INVISIBLE))
    assert (presence.statuses("ada"), presence.statuses("cyd")) == ([ONLINE, OFFLINE], [])
    told, seen = len(presence.told), await presence.seen()
    await presence.arrive("ada", "b", Choice(version=0))
    for text in ("", "psst"):
        await presence.choose(INVISIBLE, text=text, shows_last_seen=text == "psst")
        await presence.beat(active=True)
        await presence.wait(STALL_MS, "a", "b")
        await presence.beat("cyd", active=True)
        await presence.beat("ben")
    assert (len(presence.told), await presence.seen("cyd")) == (told, None)
    assert seen is not None
    assert await presence.seen() is None, "by now somebody who left would be forgotten"
    await presence.store.leave("ada", "a")
    await presence.wait(TTL_MS)
    assert presence.statuses("ada") == [ONLINE, OFFLINE]


async def test_an_end_of_being_invisible_is_seen(presence: Presence) -> None:
    await presence.arrive(choice=Choice(INVISIBLE, until_ms=presence.clock.now_ms() + MINUTE))
    await presence.wait(MINUTE + 1_000, "a")
    assert presence.statuses() == [ONLINE]


async def test_last_seen_is_the_last_sign_of_life(presence: Presence) -> None:
    await presence.arrive()
    await presence.wait(MINUTE, "a")
    last = presence.clock.now_ms()
    await presence.wait(TTL_MS)
    seen = await presence.seen()
    assert seen is not None
    assert abs(seen.last_seen_ms - last) <= 1_500
    await presence.arrive("ben", choice=Choice(shows_last_seen=False))
    await presence.wait(TTL_MS)
    hidden = await presence.seen("ben")
    assert hidden is not None
    assert (hidden.status, hidden.last_seen_ms) == (OFFLINE, 0)


async def test_who_is_gone_is_forgotten(presence: Presence) -> None:
    await presence.arrive()
    await presence.wait(TTL_MS)
    assert await presence.status() is OFFLINE
    await presence.wait(TTL_MS + 1_000)
    assert await presence.seen() is None


async def test_after_a_stall_nobody_is_found_gone_until_all_could_say_that_they_are_there(presence: Presence) -> None:
    await presence.arrive("ada")
    await presence.arrive("ben")
    before = await presence.sweep()
    presence.clock.go(120_000)
    swept = await presence.sweep()
    assert (swept.is_frozen, swept.changes, swept.since_ms > before.since_ms) == (True, [], True)
    await presence.wait(TTL_MS - 1_000, "a")
    assert OFFLINE not in presence.statuses("ada") + presence.statuses("ben")
    await presence.wait(2_000, "a")
    assert (presence.statuses("ada")[-1], presence.statuses("ben")) == (ONLINE, [ONLINE, OFFLINE])


async def test_a_turn_is_bounded_and_the_next_goes_on(presence: Presence) -> None:
    people = [f"p{number}" for number in range(16 * SWEPT + 100)]
    presence.told += await presence.store.arrive([Arrival(user, "a", Choice()) for user in people])
    await presence.wait(TTL_MS - 1_000)
    presence.clock.go(2_000)
    first = await presence.sweep()
    for _ in range(3):
        await presence.sweep()
    assert len(first.changes) <= SWEPT * 16
    assert sorted(change.user for change in presence.told[len(people) :]) == sorted(people)


async def test_others_have_their_turns_while_many_are_found_gone(presence: Presence) -> None:
    people = [f"p{number}" for number in range(16 * SWEPT)]
    await presence.store.arrive([Arrival(user, "a", Choice()) for user in people])
    await presence.wait(TTL_MS - 1_000)
    presence.clock.go(2_000)
    loop, turns = asyncio.get_running_loop(), 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn) if turns < 1_000 else None

    loop.call_soon(turn)
    assert (await presence.sweep()).changes
    assert turns > 20


# --- several servers


@pytest.fixture
async def shared(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Presence:
    """A store in Redis that may find people gone."""
    found = in_redis(redis_url, monkeypatch)
    await found.thaw()
    return found


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    """Somebody who looks into Redis."""
    return redis.Redis.from_url(redis_url, decode_responses=True)


async def test_eight_who_sweep_at_once_tell_of_each_once(shared: Presence) -> None:
    people = [f"p{number}" for number in range(2_000)]
    await shared.store.arrive([Arrival(user, "a", Choice()) for user in people])
    await shared.wait(TTL_MS - 1_000)
    shared.clock.go(2_000)
    servers = [shared.make() for _ in range(8)]
    swept = [one for _ in range(2) for one in await asyncio.gather(*[server.sweep() for server in servers])]
    told = [change for one in swept for change in one.changes]
    assert sorted(change.user for change in [*shared.told, *told]) == sorted(people)


async def test_a_killed_server_takes_only_those_along_who_have_no_other_device(shared: Presence) -> None:
    other = shared.make()
    await shared.store.arrive([Arrival("ada", "a", Choice()), Arrival("ben", "a", Choice())])
    await other.arrive([Arrival("ada", "b", Choice())])
    await shared.wait(TTL_MS, "b")
    assert [(change.user, change.shown.status) for change in shared.told] == [("ben", OFFLINE)]


async def test_an_emptied_redis_finds_nobody_gone_until_all_are_back(shared: Presence, client: redis.Redis) -> None:
    await shared.arrive("ada")
    since = (await shared.sweep()).since_ms
    client.flushdb()
    client.script_flush()
    shared.clock.go(1)
    swept = await shared.sweep()
    assert (swept.is_frozen, swept.since_ms > since) == (True, True)
    assert not await shared.beat("ada")
    first = shared.told[0].shown
    await shared.arrive("ada", "b")
    assert (await shared.status("ada"), shared.told[-1].shown.version > first.version) == (ONLINE, True)
    await shared.wait(TTL_MS - 1_000)
    assert OFFLINE not in shared.statuses("ada")


async def test_a_lost_mirror_is_back_with_the_next_beat(shared: Presence, client: redis.Redis) -> None:
    await shared.arrive("ada")
    await shared.arrive("ben", choice=Choice(INVISIBLE))
    client.delete("presence:user:ada")
    assert await shared.seen() is None
    assert await shared.beat("ada")
    assert await shared.beat("ben")
    assert (await shared.status("ada"), client.exists("presence:user:ben")) == (ONLINE, 0)
    # Whoever asked meanwhile found her gone, so she comes anew.
    assert (shared.statuses("ada"), shared.statuses("ben")) == ([ONLINE, ONLINE], [])
    client.delete("presence:user:ada")
    await shared.arrive("ada", "b")
    versions = [change.shown.version for change in shared.told]
    assert (len(versions), versions) == (3, sorted(set(versions)))


async def test_the_mirror_is_what_other_services_read(shared: Presence, client: redis.Redis) -> None:
    await shared.arrive()
    [mirror] = client.mget(["presence:user:ada"])
    kept: dict[str, Any] = json.loads(mirror or "")
    assert kept.keys() == {"status", "lastSeen", "version"}
    assert (kept["status"], kept["version"]) == ("ONLINE", shared.told[0].shown.version)
    assert 0 < client.pttl("presence:user:ada") <= TTL_MS
    client.pexpire("presence:user:ada", 1_000)
    await shared.beat()
    assert client.pttl("presence:user:ada") > 80_000


async def test_the_keys_of_a_script_share_their_tag_and_nothing_stays(shared: Presence, client: redis.Redis) -> None:
    people = [f"p{number}" for number in range(50)]
    await shared.store.arrive([Arrival(user, "a", Choice()) for user in people])
    keys = [key for key in client.scan_iter("presence:*") if not key.startswith("presence:user:")]
    assert {key.split(":")[1][0] + key.split(":")[1][-1] for key in keys} == {"{}"}
    await shared.wait(TTL_MS)
    assert {key.split(":")[2] for key in client.scan_iter("presence:{*")} == {"meta"}


async def test_a_batch_is_read_in_one_command(shared: Presence, redis_url: str) -> None:
    await shared.store.arrive([Arrival(f"p{number}", "a", Choice()) for number in range(50)])
    with listening(redis_url) as asked:
        assert len(await shared.store.statuses([f"p{number}" for number in range(60)])) == 50
        assert asked.names() == ["MGET"]


@pytest.mark.stack
async def test_a_failover_finds_nobody_gone_who_says_that_they_are_there(
    cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence = in_a_cluster(cluster, monkeypatch)
    await presence.thaw()
    people = [f"p{number}" for number in range(200)]
    presence.told += await presence.store.arrive([Arrival(user, "a", Choice()) for user in people])
    before = {change.user: change.shown.version for change in presence.told}
    since = (await presence.sweep()).since_ms
    killed = cluster.primaries()[0]
    killed.kill()
    async with in_time("a replica leads"):
        while not await whole(presence):
            await asyncio.to_thread(cluster.wait_until_whole)
    assert (await presence.sweep()).since_ms > since
    beaten = await presence.store.beat([Beat(user, "a") for user in people])
    # What had not reached the replica comes again, as its server would have it come.
    presence.told += await presence.store.arrive([Arrival(one.user, one.device, Choice()) for one in beaten.unknown])
    presence.clock.go(TTL_MS // 2 - 2_000)
    await presence.sweep()
    await presence.store.beat([Beat(user, "a") for user in people])
    presence.clock.go(TTL_MS // 2)
    await presence.sweep()
    assert not [change for change in presence.told if change.shown.status is OFFLINE]
    await presence.wait(2 * TTL_MS)
    gone = [change for change in presence.told if change.shown.status is OFFLINE]
    assert sorted(change.user for change in gone) == sorted(people)
    assert all(change.shown.version > before[change.user] for change in gone)
    killed.start()
    await asyncio.to_thread(cluster.wait_until_whole)
    await close_connections()


async def whole(presence: Presence) -> bool:
    """Whether every shard can be asked."""
    try:
        await presence.sweep()
    except Unavailable:
        return False
    return True


async def test_both_twins_tell_the_same_of_any_story(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two implementations of one policy: a long random story must read the same."""
    chance = random.Random(7)
    twins = [in_memory(), in_redis(redis_url, monkeypatch)]
    for twin in twins:
        await twin.thaw()
    for _ in range(400):
        user, device = chance.choice("xyz"), chance.choice("ab")
        what = chance.choices(["arrive", "beat", "leave", "choose", "wait"], [3, 5, 2, 2, 4])[0]
        active, status = chance.random() < 0.3, chance.choice([ONLINE, AWAY, DND, INVISIBLE])
        pause, until = chance.choice([1_000, 9_000, 30_000, 120_000, 310_000]), chance.choice([0, 0, 50_000])
        shows = chance.random() < 0.8
        for twin in twins:
            match what:
                case "arrive":
                    await twin.arrive(user, device)
                case "beat":
                    await twin.beat(user, device, active=active)
                case "leave":
                    await twin.store.leave(user, device)
                case "choose":
                    until_ms = until and twin.clock.now_ms() + until
                    await twin.choose(status, user, text=f"for {until}", until_ms=until_ms, shows_last_seen=shows)
                case "wait":
                    await twin.wait(pause)
        for user in "xyz":
            one, other = [
                [
                    (change.shown.status, change.shown.text, bool(change.shown.last_seen_ms))
                    for change in twin.told
                    if change.user == user
                ]
                for twin in twins
            ]
            assert one == other
    assert len(twins[0].told) > 100


async def test_while_redis_is_away_nobody_can_be_asked(redis_url: str, proxy: Proxy) -> None:
    store = RedisPresenceStore(through(proxy, redis_url))
    await store.arrive([Arrival("ada", "a", Choice())])
    proxy.cut()
    for asked in (store.sweep(), store.statuses(["ada"]), store.beat([Beat("ada", "a")]), store.leave("ada", "a")):
        with pytest.raises(Unavailable):
            await asked
