"""A stream in Redis, for any number of processes.

    room-streams        incarnation, the era of Redis and the log it is of, and of each partition
                        floor:<p> (where rooms start), behind:<p> (when an old event was passed over)
    room:{id}:meta      incarnation, head, floor, members; passed, reached; bytes, oldest, newest
    room:{id}:stream    the events: XADD <pos>-0, refused by Redis itself where it does not rise
    room:{id}:ids       event id -> pos of those

What a restart, a failover or an emptied Redis lost nobody can tell, so each of
them begins a new incarnation and with it a new epoch: every room starts empty,
its floor at the end that the log had when that was noticed. A position of the
delivery group would be too low: it may have finished events above it. Scripts
carry the incarnation they believe in and Redis refuses a stale one; its era,
which another start or failover begins anew, is asked for by the
script itself, so no write slips in between.

One primary with replicas: the scripts read `room-streams` beside a room's keys,
which a Redis Cluster would refuse.
"""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from chatsite.gateway.bodies import Body
from chatsite.gateway.streams import Entry, Head
from chatsite.kernel import clock
from chatsite.kernel.errors import Unavailable
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import Record
from chatsite.kernel.redis import ERA, NOW_MS, Part, Redis, script
from chatsite.kernel.servers import Description

EVENTS = 1_000  # events kept a room
BYTES = 1024 * 1024  # of frames kept a room
AGE = timedelta(minutes=15)  # how long an event is kept; an older one is no longer pushed
QUIET = timedelta(seconds=2)  # without an old event in a partition, its worker has caught up
CHUNK = 200  # rooms of one script, which keeps others waiting for about 1 ms
FIRST_LOOK, LAST_LOOK = 0.002, 0.02  # seconds between looks at a head that is waited for
TRIES = 3  # an incarnation that ends this often within one call is an outage
STATE = "room-streams"

_COMMON = (
    ERA
    + NOW_MS
    + """
local state, incarnation, source = KEYS[1], ARGV[1], ARGV[2]
local function is_current()
  local known = redis.call('HMGET', state, 'incarnation', 'era', 'source')
  return known[1] == incarnation and known[2] == era() and known[3] == source
end
local function above(one, other)
  return tonumber(one) > tonumber(other)
end
local names = {'incarnation', 'head', 'floor', 'members', 'passed', 'reached', 'bytes', 'oldest', 'newest'}
local function room_of(meta, partition)
  local kept = redis.call('HMGET', meta, unpack(names))
  local room = {}
  for i, name in ipairs(names) do room[name] = kept[i] or '0' end
  room.lost = room.incarnation ~= incarnation
  if room.lost then
    local floor = redis.call('HGET', state, 'floor:' .. partition) or '0'
    room.head, room.floor, room.passed, room.reached = floor, floor, floor, floor
  elseif above(room.passed, room.head) then
    local behind = redis.call('HGET', state, 'behind:' .. partition) or '0'
    if now - behind > QUIET then
      room.head, room.floor, room.lost = room.passed, room.passed, true
    end
  elseif now - room.newest > AGE then
    room.floor = room.head
  end
  return room
end
""".replace("QUIET", str(int(QUIET.total_seconds() * 1_000))).replace("AGE", str(int(AGE.total_seconds() * 1_000)))
)

# ARGV after the first two: the new incarnation, or nothing to look only; then pairs of partition and floor.
_OPEN = script(
    _COMMON
    + """
local known = redis.call('HMGET', state, 'incarnation', 'era', 'source')
if known[1] and known[2] == era() and known[3] == source then return known[1] end
if incarnation == '' then return false end
redis.call('DEL', state)
redis.call('HSET', state, 'incarnation', incarnation, 'era', era(), 'source', source)
for i = 3, #ARGV, 2 do redis.call('HSET', state, 'floor:' .. ARGV[i], ARGV[i + 1]) end
return incarnation
"""
)

# KEYS: state, meta, stream, ids. ARGV: .., partition, pos, event id, whether it is too old, members, frame, others.
_APPEND = script(
    _COMMON
    + """
if not is_current() then return 'stale' end
local meta, stream, ids = KEYS[2], KEYS[3], KEYS[4]
local partition, pos, id, is_old, members, frame = unpack(ARGV, 3, 8)
local room = room_of(meta, partition)
if above(members, room.members) then room.members = members end

local function at(pos)
  local found = redis.call('XRANGE', stream, pos .. '-0', pos .. '-0')[1]
  return found and found[2][2] == id and {'held', found[1], found[2]}
end
local function keep()
  local kept = {}
  room.incarnation = incarnation
  for _, name in ipairs(names) do
    kept[#kept + 1], kept[#kept + 2] = name, room[name]
  end
  redis.call('HSET', meta, unpack(kept))
end

if not above(pos, room.head) or not above(pos, room.passed) then
  return not room.lost and at(pos)
end
local first = not room.lost and redis.call('HGET', ids, id)
if first then  -- The same event under a second record: a send that was tried again.
  if above(pos, room.reached) then redis.call('HSET', meta, 'reached', pos) end
  return at(first)
end
if is_old == '1' then
  room.passed, room.reached = pos, pos
  redis.call('HSET', state, 'behind:' .. partition, now)
  keep()
  return false
end

if above(room.passed, room.head) then room.head, room.lost = room.passed, true end
if room.lost then redis.call('DEL', stream, ids) end
local prev, fields = room.head, {'id', id, 'prev', room.head, 'at', now, 'frame', frame, 'members', room.members}
for i = 9, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('XADD', stream, pos .. '-0', unpack(fields))
redis.call('HSET', ids, id, pos)
local count = redis.call('XLEN', stream)
if count == 1 then room.floor, room.bytes, room.oldest = prev, 0, now end
room.head, room.passed, room.newest = pos, pos, now
if above(pos, room.reached) then room.reached = pos end
room.bytes = room.bytes + #frame
while count > 1 and (count > EVENTS or room.bytes > BYTES or now - room.oldest > AGE) do
  local pair = redis.call('XRANGE', stream, '-', '+', 'COUNT', 2)
  local gone = pair[1]
  redis.call('XDEL', stream, gone[1])
  redis.call('HDEL', ids, gone[2][2])
  count, room.bytes = count - 1, room.bytes - #gone[2][8]
  room.floor, room.oldest = string.match(gone[1], '^%d+'), pair[2][2][6]
end
keep()
redis.call('PEXPIRE', stream, AGE)
redis.call('PEXPIRE', ids, AGE)
return {room.members, prev}
""".replace("EVENTS", str(EVENTS))
    .replace("BYTES", str(BYTES))
    .replace("AGE", str(int(AGE.total_seconds() * 1_000)))
)

# KEYS: state, then the metas. ARGV: .., the partition of each.
_HEADS = script(
    _COMMON
    + """
if not is_current() then return 'stale' end
local heads = {}
for i = 2, #KEYS do
  local room = room_of(KEYS[i], ARGV[i + 1])
  heads[i - 1] = {room.head, room.floor, room.reached}
end
return heads
"""
)

# KEYS: state, meta, stream. ARGV: .., partition, pos.
_SINCE = script(
    _COMMON
    + """
if not is_current() then return 'stale' end
local room = room_of(KEYS[2], ARGV[3])
if room.lost then return {room.head, {}} end
return {room.head, redis.call('XRANGE', KEYS[3], '(' .. ARGV[4] .. '-0', '+')}
"""
)


class _Place(NamedTuple):
    head: int
    floor: int
    reached: int  # the head, or above it where a second record of a held event came


class RedisRoomStream:
    """RoomStream of all processes that share a Redis: 1,000 events, 1 MiB, 15 minutes a room."""

    def __init__(self, url: str) -> None:
        self._redis = Redis(url)
        self._source = ""  # the identity of the log
        self._incarnation = ""

    async def append(self, record: Record, body: Body) -> Entry | None:
        is_old = clock.now_ms() - record.appended_ms > AGE.total_seconds() * 1_000
        answer = await self._run(
            _APPEND,
            [_key(record.key, kind) for kind in ("meta", "stream", "ids")],
            [
                log().partition_of(record.key),
                record.pos,
                record.event_id,
                int(is_old),
                body.members_version,
                *_parts(body),
            ],
        )
        if answer is None:
            return None
        if len(answer) == 3:
            return _entry(*answer[1:])
        members, prev = map(int, answer)
        return Entry(record.pos, prev, record.event_id, body._replace(members_version=members))

    async def since(self, subject: str, pos: int) -> Sequence[Entry] | None:
        keys = [_key(subject, "meta"), _key(subject, "stream")]
        head, found = await self._run(_SINCE, keys, [log().partition_of(subject), pos])
        if pos == int(head):
            return ()
        entries = [_entry(*one) for one in found]
        if pos > int(head) or not entries or entries[0].prev > pos:
            return None
        return entries

    async def heads(self, subjects: Sequence[str]) -> dict[str, Head]:
        epoch = await self.epoch()
        places = await self._places(subjects)
        if epoch != (now := await self.epoch()):  # The incarnation ended in between, of some or of all.
            epoch, places = now, await self._places(subjects)
        return {subject: Head(epoch, place.head, place.floor) for subject, place in places.items()}

    async def epoch(self) -> str:
        if not self._incarnation:
            await self._open()
        return f"{self._source}.{self._incarnation}"

    async def wait_for(self, subject: str, pos: int, *, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + seconds, FIRST_LOOK
        try:
            while (await self._places([subject]))[subject].reached < pos:
                if loop.time() >= end:
                    return False
                await asyncio.sleep(min(pause, end - loop.time()))
                pause = min(2 * pause, LAST_LOOK)
        except Unavailable:
            return False
        return True

    async def describe(self) -> Description:
        return await self._redis.describe()

    async def _places(self, subjects: Sequence[str]) -> dict[str, _Place]:
        chunks = [subjects[start : start + CHUNK] for start in range(0, len(subjects), CHUNK)]
        found = await asyncio.gather(
            *[
                self._run(_HEADS, [_key(one, "meta") for one in chunk], [log().partition_of(one) for one in chunk])
                for chunk in chunks
            ]
        )
        places = [_Place(*map(int, place)) for answer in found for place in answer]
        return dict(zip(subjects, places, strict=True))

    async def _run(self, script: Any, keys: Sequence[str], args: Sequence[Part]) -> Any:
        """Run a script in the present incarnation."""
        for _ in range(TRIES):
            incarnation = self._incarnation or await self._open()
            answer = await self._redis.run(script, keys=[STATE, *keys], args=[incarnation, self._source, *args])
            if answer != b"stale":
                return answer
            if self._incarnation == incarnation:
                self._incarnation = ""
        raise Unavailable(code="store_unavailable", retry_after_ms=1_000)

    async def _open(self) -> str:
        """The incarnation that all processes are in; the first who finds none begins it."""
        source = await log().open()
        found = await self._redis.run(_OPEN, keys=[STATE], args=["", source])
        if found is None:
            # Read after the loss was noticed: whatever the streams lost lies at or below these ends.
            floors = [part for pair in (await log().ends()).items() for part in pair]
            found = await self._redis.run(_OPEN, keys=[STATE], args=[uuid.uuid4().hex[:12], source, *floors])
        self._source, self._incarnation = source, found.decode()
        return self._incarnation


def _key(subject: str, kind: str) -> str:
    """A key of a room; the braces keep all of one room together."""
    return f"room:{{{subject}}}:{kind}"


def _parts(body: Body) -> list[Part]:
    """The frame, then what else of a body is not always there."""
    optional = {
        "farewell": body.farewell,
        "joins": body.joins,
        "joined": body.joins_version or None,
        "minted": body.minted,
    }
    return [body.bytes, *[part for name, value in optional.items() if value is not None for part in (name, value)]]


def _entry(key: bytes, fields: Sequence[bytes]) -> Entry:
    of = dict(zip(fields[::2], fields[1::2], strict=True))
    body = Body(
        of[b"frame"],
        int(of[b"members"]),
        farewell=_text(of.get(b"farewell")),
        joins=_text(of.get(b"joins")),
        joins_version=int(of.get(b"joined", 0)),
        minted=int(of[b"minted"]) if b"minted" in of else None,
    )
    return Entry(int(key.partition(b"-")[0]), int(of[b"prev"]), of[b"id"].decode(), body)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
