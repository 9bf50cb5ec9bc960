"""Inboxes in Redis, for any number of processes.

    inbox:{user}:{chat}     unread message ids by pos, `@` behind those that name the person, and markers:
                            opened:<era> at the read position; filled; overflowed
    inboxes:{chat}          who has an inbox of the chat that is open

A Redis that was restarted or failed over may have lost a message and kept the
inbox, so an inbox is open only in the era that it was opened under.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from chat.inboxes import MOST, Unread
from chatsite.kernel.ids import ChatId
from chatsite.kernel.redis import ERA, Part, Redis, script

KEPT = timedelta(days=7)  # that nobody looked at; then it is counted anew
CHUNK = 100  # inboxes of one script, which keeps others waiting for about 1 ms
_NAMED = "@"

_COMMON = (
    ERA
    + """
local marker = 'opened:' .. era()
local function read_pos_of(inbox)
  return redis.call('ZSCORE', inbox, marker)
end
local function put(inbox, read_pos, id, pos, named)
  if tonumber(pos) <= tonumber(read_pos) then return end
  if redis.call('ZSCORE', inbox, id) or redis.call('ZSCORE', inbox, id .. '@') then return end
  redis.call('ZADD', inbox, pos, id .. named)
  if redis.call('ZCOUNT', inbox, '(' .. read_pos, '+inf') > MOST then
    local oldest = redis.call('ZRANGEBYSCORE', inbox, '(' .. read_pos, '+inf', 'LIMIT', 0, 1)
    redis.call('ZREM', inbox, oldest[1])
    redis.call('ZADD', inbox, 0, 'overflowed')
  end
end
local function close(inbox, index, user)
  redis.call('DEL', inbox)
  redis.call('SREM', index, user)
end
local function keep(inbox, index)
  redis.call('EXPIRE', inbox, KEPT)
  redis.call('EXPIRE', index, KEPT + 86400)  -- Longer than any inbox that it leads to.
end
""".replace("MOST", str(MOST)).replace("KEPT", str(int(KEPT.total_seconds())))
)

# KEYS: index. ARGV: chat, message, pos, how many may hear it, those, and whom of them it names.
_ADD = script(
    _COMMON
    + """
local chat, id, pos, last = ARGV[1], ARGV[2], ARGV[3], 4 + ARGV[4]
local hears, names = {}, {}
for i = 5, last do hears[ARGV[i]] = true end
for i = last + 1, #ARGV do names[ARGV[i]] = '@' end
for _, user in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local inbox = 'inbox:' .. user .. ':' .. chat
  local read_pos = read_pos_of(inbox)
  if not read_pos then
    close(inbox, KEYS[1], user)
  elseif hears[user] then
    put(inbox, read_pos, id, pos, names[user] or '')
  end
end
"""
)

# KEYS: index. ARGV: chat, message.
_DROP = script(
    _COMMON
    + """
for _, user in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local inbox = 'inbox:' .. user .. ':' .. ARGV[1]
  local dropped = redis.call('ZREM', inbox, ARGV[2], ARGV[2] .. '@')
  if dropped > 0 and redis.call('ZSCORE', inbox, 'overflowed') then close(inbox, KEYS[1], user) end
end
"""
)

# KEYS: inbox. ARGV: pos.
_ADVANCE = script(
    _COMMON
    + """
local read_pos = read_pos_of(KEYS[1])
if read_pos and tonumber(ARGV[1]) > tonumber(read_pos) then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. read_pos, ARGV[1])
  redis.call('ZADD', KEYS[1], ARGV[1], marker)
end
"""
)

# KEYS: inbox, index. ARGV: user.
_FORGET = script(_COMMON + "close(KEYS[1], KEYS[2], ARGV[1])")

# KEYS: index. ARGV: chat.
_CLOSE = script(
    """
for _, user in ipairs(redis.call('SMEMBERS', KEYS[1])) do redis.call('DEL', 'inbox:' .. user .. ':' .. ARGV[1]) end
redis.call('DEL', KEYS[1])
"""
)

# KEYS: inbox, index. ARGV: user, read pos.
_OPEN = script(
    _COMMON
    + """
local read_pos = read_pos_of(KEYS[1])
if not read_pos or tonumber(read_pos) > tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1])
  redis.call('ZADD', KEYS[1], ARGV[2], marker)
end
redis.call('SADD', KEYS[2], ARGV[1])
keep(KEYS[1], KEYS[2])
"""
)

# KEYS: inbox. ARGV: message, pos and `@` or nothing, of each.
_FILL = script(
    _COMMON
    + """
local read_pos = read_pos_of(KEYS[1])
if read_pos then
  for i = 1, #ARGV, 3 do put(KEYS[1], read_pos, ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
  redis.call('ZADD', KEYS[1], 0, 'filled')
end
"""
)

# KEYS: inbox and index of each. ARGV: the pos of each. Answers ids and positions of each, or nil.
_OF = script(
    _COMMON
    + """
local found = {}
for i, pos in ipairs(ARGV) do
  local inbox, index = KEYS[2 * i - 1], KEYS[2 * i]
  local read_pos = read_pos_of(inbox)
  found[i] = false
  if read_pos and tonumber(read_pos) <= tonumber(pos) and redis.call('ZSCORE', inbox, 'filled') then
    found[i] = redis.call('ZRANGEBYSCORE', inbox, '(' .. read_pos, '+inf', 'WITHSCORES')
    if redis.call('TTL', inbox) < KEPT - 86400 then keep(inbox, index) end
  end
end
return found
""".replace("KEPT", str(int(KEPT.total_seconds())))
)


class RedisInboxes:
    """Inboxes of all processes that share a Redis; a message costs what inboxes of its chat are open."""

    def __init__(self, url: str) -> None:
        self._redis = Redis(url)

    async def add(
        self, chat: ChatId, users: Collection[str], message_id: int, pos: int, *, mentioned: Collection[str]
    ) -> None:
        args: list[Part] = [str(chat), message_id, pos, len(users), *users, *mentioned]
        await self._redis.run(_ADD, keys=[_index(chat)], args=args)

    async def drop(self, chat: ChatId, message_id: int) -> None:
        await self._redis.run(_DROP, keys=[_index(chat)], args=[str(chat), message_id])

    async def advance(self, chat: ChatId, user: str, pos: int) -> None:
        await self._redis.run(_ADVANCE, keys=[_inbox(chat, user)], args=[pos])

    async def forget(self, chat: ChatId, user: str) -> None:
        await self._redis.run(_FORGET, keys=[_inbox(chat, user), _index(chat)], args=[user])

    async def close(self, chat: ChatId) -> None:
        await self._redis.run(_CLOSE, keys=[_index(chat)], args=[str(chat)])

    async def open(self, chat: ChatId, user: str, *, read_pos: int) -> None:
        await self._redis.run(_OPEN, keys=[_inbox(chat, user), _index(chat)], args=[user, read_pos])

    async def fill(self, chat: ChatId, user: str, unread: Sequence[Unread]) -> None:
        parts = [part for one in unread for part in (one.message_id, one.pos, _NAMED if one.mentioned else "")]
        await self._redis.run(_FILL, keys=[_inbox(chat, user)], args=parts)

    async def of(self, user: str, positions: Mapping[ChatId, int]) -> Mapping[ChatId, Sequence[Unread]]:
        chats = list(positions)
        chunks = [chats[start : start + CHUNK] for start in range(0, len(chats), CHUNK)]
        answers = await asyncio.gather(
            *[
                self._redis.run(
                    _OF,
                    keys=[key for chat in chunk for key in (_inbox(chat, user), _index(chat))],
                    args=[positions[chat] for chat in chunk],
                )
                for chunk in chunks
            ]
        )
        found = [one for answer in answers for one in answer]
        return {chat: _unread(one) for chat, one in zip(chats, found, strict=True) if one is not None}


def _inbox(chat: ChatId, user: str) -> str:
    return f"inbox:{user}:{chat}"


def _index(chat: ChatId) -> str:
    return f"inboxes:{chat}"


def _unread(found: Sequence[bytes]) -> list[Unread]:
    """What members and their positions say, in turn."""
    return [
        Unread(int(member.removesuffix(b"@")), int(float(pos)), member.endswith(b"@"))
        for member, pos in zip(found[::2], found[1::2], strict=True)
    ]
