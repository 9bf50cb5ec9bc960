"""Presence in Redis, for any number of processes, by the clock of Redis.

    presence:{n}:alive     `user/device` -> the Unix ms at which it is gone
    presence:{n}:looks     `user/device`, at the ms at which to look at that: never later
    presence:{n}:due       user, at the next ms at which the time alone may change what others see
    presence:{n}:people    user -> what is known of them, packed (the order is in the scripts)
    presence:{n}:meta      the era of Redis, when it was swept last, from when on deadlines are believed, version
    presence:user:{id}     a mirror for MGET: {"status", "lastSeen", "version", "text"}, TTL 90 s

A person is in shard n of so many; the keys that a script names share its tag, so
they may stand in a Redis Cluster. The rules are those of `presence.policy`: one
contract suite holds both to them. A sign of life is one HSET, half as dear as to move
a deadline in a sorted set: what is looked at too early is planned again.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar
from zlib import crc32

import msgspec
import orjson

from chatsite.kernel.redis import ERA, NOW_MS, Part, Script, script
from chatsite.kernel.redis_cluster import connect
from presence import policy
from presence.policy import Choice, Shown, Status
from presence.stores import SWEPT, Arrival, Beat, Beaten, Change, Swept

T = TypeVar("T", Arrival, Beat, str)
SHARDS = 16  # fixed for life: a person's shard follows from it
MIRRORS = 50  # written in one go, which takes this process's loop 2 ms
PEOPLE = 200  # of one script, which keeps others waiting for less than 1 ms
_MIRROR = "presence:user:"
_tuple = tuple.__new__  # of a NamedTuple, in a third of the time that its own call takes

_COMMON = (
    NOW_MS
    + """
local micros = clock[1] * 1000000 + clock[2]
local people, alive, looks, due, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local DEVICES, GRACE, ACTIVE, SEEN, STATUS, TEXT, LAST_SEEN, VERSION, CHOICE = 1, 2, 3, 4, 5, 6, 7, 8, 9
local CHOSEN, WORDS, UNTIL, QUIET_FROM, QUIET_UNTIL, SHOWS, CHOICE_VERSION = 1, 2, 3, 4, 5, 6, 7
local changes = {}
local function find(user)
  local packed = redis.call('HGET', people, user)
  return packed and cmsgpack.unpack(packed)
end
local function stranger()
  return {{}, 0, 0, 0, 'OFFLINE', '', 0, 0, {'ONLINE', '', 0, 0, 0, 1, 0}}
end
local function is_there(p)
  return #p[DEVICES] > 0 or p[GRACE] > now
end
local function holds(choice)
  return choice[UNTIL] == 0 or now < choice[UNTIL]
end
local function status_of(p)
  local choice = p[CHOICE]
  if not is_there(p) then return 'OFFLINE' end
  if holds(choice) and choice[CHOSEN] ~= 'ONLINE' then
    return choice[CHOSEN] == 'INVISIBLE' and 'OFFLINE' or choice[CHOSEN]
  end
  if choice[QUIET_FROM] <= now and now < choice[QUIET_UNTIL] then return 'DND' end
  return now - p[ACTIVE] < IDLE and 'ONLINE' or 'AWAY'
end
local function keep(user, p)
  if not is_there(p) then
    redis.call('HDEL', people, user)
    redis.call('ZREM', due, user)
    return
  end
  redis.call('HSET', people, user, cmsgpack.pack(p))
  local choice, look = p[CHOICE], nil
  for _, at in ipairs({p[GRACE], choice[UNTIL], choice[QUIET_FROM], choice[QUIET_UNTIL], p[ACTIVE] + IDLE}) do
    if at > now and (not look or at < look) then look = at end
  end
  if look then redis.call('ZADD', due, look, user) else redis.call('ZREM', due, user) end
end
local function settle(user, p)
  local choice, status = p[CHOICE], status_of(p)
  local text = status ~= 'OFFLINE' and holds(choice) and choice[WORDS] or ''
  local told = p[LAST_SEEN] == 0 and 0 or 1
  local is_same = status == p[STATUS] and text == p[TEXT]
  if not (is_same and (status == 'OFFLINE' or told == choice[SHOWS])) then
    local seen = (status ~= 'OFFLINE' or is_there(p)) and now or p[SEEN]
    local version = math.max(micros, p[VERSION] + 1, (redis.call('HGET', meta, 'version') or 0) + 1)
    redis.call('HSET', meta, 'version', version)
    p[STATUS], p[TEXT], p[LAST_SEEN], p[VERSION] = status, text, choice[SHOWS] == 1 and seen or 0, version
    changes[#changes + 1] = {user, p[STATUS], p[TEXT], p[LAST_SEEN], p[VERSION]}
  end
  keep(user, p)
end
local function chosen(p, at)
  if tonumber(ARGV[at + 6]) >= p[CHOICE][CHOICE_VERSION] then
    local choice = {ARGV[at], ARGV[at + 1]}
    for i = 2, 6 do choice[i + 1] = tonumber(ARGV[at + i]) end
    p[CHOICE] = choice
  end
end
""".replace("IDLE", str(policy.IDLE_MS)).replace("TTL", str(policy.TTL_MS))
)

# ARGV: user, device and the seven parts of a choice, again and again.
_ARRIVE = script(
    _COMMON
    + """
for at = 1, #ARGV, 9 do
  local user, device = ARGV[at], ARGV[at + 1]
  local p = find(user) or stranger()
  if not is_there(p) then p[ACTIVE] = now end
  chosen(p, at + 2)
  local name = user .. '/' .. device
  if redis.call('HSET', alive, name, now + TTL) == 1 then
    redis.call('ZADD', looks, now + TTL, name)
    table.insert(p[DEVICES], device)
  end
  settle(user, p)
end
return changes
""".replace("TTL", str(policy.TTL_MS))
)

# ARGV: `user/device`, user, and whether they did something, again and again. Answers changes, and which are unknown.
_BEAT = script(
    _COMMON
    + """
local unknown = {}
for at = 1, #ARGV, 3 do
  if redis.call('HSET', alive, ARGV[at], now + TTL) == 1 then
    redis.call('HDEL', alive, ARGV[at])
    unknown[#unknown + 1] = (at - 1) / 3
  elseif ARGV[at + 2] == '1' then
    local user = ARGV[at + 1]
    local p = find(user)
    if p then
      p[ACTIVE] = now
      if p[STATUS] == 'AWAY' then settle(user, p) else redis.call('HSET', people, user, cmsgpack.pack(p)) end
    else
      redis.call('HDEL', alive, ARGV[at])
      unknown[#unknown + 1] = (at - 1) / 3
    end
  end
end
return {changes, unknown}
""".replace("TTL", str(policy.TTL_MS))
)

_WITHOUT = """
local function without(p, device)
  for i, one in ipairs(p[DEVICES]) do
    if one == device then table.remove(p[DEVICES], i) return true end
  end
end
"""

# ARGV: user, device.
_LEAVE = script(
    _COMMON
    + _WITHOUT
    + """
local user, device = ARGV[1], ARGV[2]
redis.call('HDEL', alive, user .. '/' .. device)
redis.call('ZREM', looks, user .. '/' .. device)
local p = find(user)
if p and without(p, device) then
  p[SEEN], p[GRACE] = now, math.max(p[GRACE], now + GRACE_MS)
  keep(user, p)
end
""".replace("GRACE_MS", str(policy.GRACE_MS))
)

# ARGV: user and the seven parts of a choice.
_CHOOSE = script(
    _COMMON
    + """
local p = find(ARGV[1])
if p and is_there(p) then
  chosen(p, 2)
  settle(ARGV[1], p)
end
return changes
"""
)

# ARGV: users whose mirrors were lost. Whoever asked meanwhile found them gone, so they come anew.
_TELL_AGAIN = script(
    _COMMON
    + """
for _, user in ipairs(ARGV) do
  local p = find(user)
  if p then
    p[STATUS] = 'OFFLINE'
    settle(user, p)
  end
end
return changes
"""
)

# ARGV: how many devices and people to look at. Answers changes, how many are there, whether it is frozen, since when.
_SWEEP = script(
    ERA
    + _COMMON
    + _WITHOUT
    + """
local known, this = redis.call('HMGET', meta, 'era', 'swept', 'since'), era()
local swept, since = tonumber(known[2] or now), tonumber(known[3] or 0)
if known[1] ~= this or now - swept > STALL then since = now end
redis.call('HSET', meta, 'era', this, 'swept', now, 'since', since)
-- Ahead of a clock that went back, a device that is gone would stay for as long.
local ahead = string.format('(%.0f', now + TTL)
for _, one in ipairs(redis.call('ZRANGEBYSCORE', looks, ahead, '+inf', 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', looks, now + TTL, one)
end
local is_frozen = now >= since and now - since < TTL
if not is_frozen then
  local touched, order = {}, {}
  local function touch(user)
    if touched[user] == nil then
      touched[user] = find(user) or false
      order[#order + 1] = user
    end
    return touched[user]
  end
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', looks, '-inf', now, 'LIMIT', 0, ARGV[1])) do
    local deadline = tonumber(redis.call('HGET', alive, one) or 0)
    if deadline > now then
      redis.call('ZADD', looks, math.min(deadline, now + TTL), one)
    else
      redis.call('ZREM', looks, one)
      redis.call('HDEL', alive, one)
      local user, device = string.match(one, '^(.*)/(.*)$')
      local p = touch(user)
      if p and without(p, device) then p[SEEN] = math.max(p[SEEN], deadline - TTL) end
    end
  end
  for _, user in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[1])) do
    if not touch(user) then redis.call('ZREM', due, user) end
  end
  for _, user in ipairs(order) do
    if touched[user] then settle(user, touched[user]) end
  end
end
return {changes, redis.call('HLEN', people), is_frozen and 1 or 0, since}
""".replace("STALL", str(policy.STALL_MS)).replace("TTL", str(policy.TTL_MS))
)

# KEYS: a mirror. ARGV: its version, and what it is to be, unless it is newer.
_SHOW = script(
    """
local kept = redis.call('GET', KEYS[1])
if not kept or cjson.decode(kept).version < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[2], 'PX', TTL) end
""".replace("TTL", str(policy.TTL_MS))
)


class RedisPresenceStore:
    """People of all processes that share a Redis, or a Redis Cluster."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)

    async def arrive(self, arrivals: Sequence[Arrival]) -> Sequence[Change]:
        async def some(shard: int, group: Sequence[Arrival]) -> list[Change]:
            args = [part for one in group for part in (one.user, one.device, *_parts(one.choice))]
            return _changes(await self._run(_ARRIVE, shard, args))

        found = await _each(arrivals, some, of=lambda one: one.user)
        changes = await self._shown([change for changes in found for change in changes])
        as_before = {one.user for one in arrivals} - {change.user for change in changes}
        return [*changes, *await self._tell_again(await self._renew(as_before))]

    async def beat(self, beats: Sequence[Beat]) -> Beaten:
        async def some(shard: int, group: Sequence[Beat]) -> tuple[list[Change], list[Beat]]:
            args = [part for one in group for part in (_device(one.user, one.device), one.user, int(one.active))]
            changes, unknown = await self._run(_BEAT, shard, args)
            return _changes(changes), [group[number] for number in unknown]

        found, lost = await asyncio.gather(
            _each(beats, some, of=lambda one: one.user), self._renew({one.user for one in beats})
        )
        changes = await self._shown([change for changes, _ in found for change in changes])
        unknown = [beat for _, beats in found for beat in beats]
        lost -= {beat.user for beat in unknown} | {change.user for change in changes}
        return Beaten([*changes, *await self._tell_again(lost)], unknown)

    async def leave(self, user: str, device: str) -> None:
        await self._run(_LEAVE, _shard(user), [user, device])

    async def choose(self, user: str, choice: Choice) -> Sequence[Change]:
        return await self._shown(_changes(await self._run(_CHOOSE, _shard(user), [user, *_parts(choice)])))

    async def statuses(self, users: Sequence[str]) -> dict[str, Shown]:
        if not users:
            return {}
        mirrors, now = await self._redis.values([f"{_MIRROR}{user}" for user in users]), _now_ms()
        found, offline = {}, Status.OFFLINE
        # In one pass and without calls: a page of people costs little more than Redis and the way there.
        for user, one in zip(users, _decode(b"[%b]" % b",".join([text or b"null" for text in mirrors])), strict=True):
            if one is not None:
                shown = _tuple(Shown, (one.status, one.text, one.last_seen or 0, one.version))
                if one.status is not offline or policy.is_fresh(shown, now=now):
                    found[user] = shown
        return found

    async def sweep(self) -> Swept:
        found = await asyncio.gather(*[self._run(_SWEEP, shard, [SWEPT]) for shard in range(SHARDS)])
        changes = await self._shown([change for changes, *_ in found for change in _changes(changes)])
        return Swept(
            changes,
            online=sum(online for _, online, _, _ in found),
            is_frozen=any(is_frozen for _, _, is_frozen, _ in found),
            since_ms=max(since for *_, since in found),
        )

    async def _run(self, script: Script, shard: int, args: Sequence[Part]) -> Any:
        keys = [f"presence:{{{shard}}}:{kind}" for kind in ("people", "alive", "looks", "due", "meta")]
        return await self._redis.run(script, keys=keys, args=args)

    async def _shown(self, changes: list[Change]) -> list[Change]:
        """Mirror what changed. Another process may have mirrored what came after it: that stays."""
        for start in range(0, len(changes), MIRRORS):
            await asyncio.gather(
                *[
                    self._redis.run(_SHOW, keys=[_mirror(user)], args=[shown.version, _write(shown)])
                    for user, shown in changes[start : start + MIRRORS]
                ]
            )
        return changes

    async def _renew(self, users: set[str]) -> set[str]:
        """Let mirrors live on; answers whose are lost, or never were."""
        asked = list(users)
        kept = await asyncio.gather(*[self._redis.ask("PEXPIRE", _mirror(user), policy.TTL_MS) for user in asked])
        return {user for user, is_there in zip(asked, kept, strict=True) if not is_there}

    async def _tell_again(self, users: set[str]) -> list[Change]:
        async def some(shard: int, group: Sequence[str]) -> list[Change]:
            return _changes(await self._run(_TELL_AGAIN, shard, group))

        found = await _each(list(users), some, of=lambda user: user)
        return await self._shown([change for changes in found for change in changes])


R = TypeVar("R")


async def _each(
    asked: Sequence[T], some: Callable[[int, Sequence[T]], Coroutine[Any, Any, R]], *, of: Callable[[T], str]
) -> list[R]:
    """Run a script for the people of each shard, so many at a time."""
    shards: defaultdict[int, list[T]] = defaultdict(list)
    for one in asked:
        shards[_shard(of(one))].append(one)
    return await asyncio.gather(
        *[
            some(shard, group[start : start + PEOPLE])
            for shard, group in shards.items()
            for start in range(0, len(group), PEOPLE)
        ]
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _shard(user: str) -> int:
    return crc32(user.encode()) % SHARDS


def _device(user: str, device: str) -> str:
    return f"{user}/{device}"


def _mirror(user: str) -> str:
    return f"{_MIRROR}{user}"


def _parts(choice: Choice) -> list[Part]:
    return [
        str(choice.status),
        choice.text,
        choice.until_ms,
        choice.quiet_from_ms,
        choice.quiet_until_ms,
        int(choice.shows_last_seen),
        choice.version,
    ]


def _changes(rows: Iterable[Sequence[Any]]) -> list[Change]:
    return [
        Change(user.decode(), Shown(Status(status.decode()), text.decode(), int(seen), int(version)))
        for user, status, text, seen, version in rows
    ]


def _write(shown: Shown) -> bytes:
    mirror = {"status": shown.status, "lastSeen": shown.last_seen_ms or None, "version": shown.version}
    return orjson.dumps(mirror | ({"text": shown.text} if shown.text else {}))


class _Mirror(msgspec.Struct, rename="camel", gc=False):
    status: Status
    last_seen: int | None
    version: int
    text: str = ""


_decode = msgspec.json.Decoder(list[_Mirror | None]).decode  # of many in one go: half as dear as one by one
