"""A channel layer over Redis' publish and subscribe, for any number of processes.

Channels' own has no bound on what waits for a receiver that is busy, and raises
what the driver raises. Ours drops what does not fit, as with every layer: the hub
finds the hole. It says Unavailable while Redis is away; when that is back it hears
its groups again by itself, and misses what was said in between.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast
from urllib.parse import urlsplit

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import _wrap_close
from redis.exceptions import RedisError

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.redis import Redis

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.5  # within which Redis answers, or is away
RETRY_MS = 1_000
LOOK_SECONDS = 0.1  # how long a look for a notice takes where there is none
RECONNECT_SECONDS = 0.5


class _Received(asyncio.Queue[bytes]):
    """What came for a channel; over its bound the channel misses it."""

    def put_nowait(self, item: bytes) -> None:
        if self.full():
            logger.debug("a channel is full and misses a message")
        else:
            super().put_nowait(item)


class _Connection(RedisSingleShardConnection):
    """The subscriptions of one event loop; a loss of them, and their return, is said once."""

    async def _do_receiving(self) -> None:
        is_lost = False
        while True:
            try:
                message = await self._next()
            except (RedisError, OSError) as error:
                if not is_lost:
                    logger.warning("other processes are not heard: %s", error)
                is_lost = True
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            if is_lost:
                logger.warning("other processes are heard again")
            is_lost = False
            self._receive_message(message)

    async def _next(self) -> Any:
        """What came, or nothing after a moment."""
        if self._pubsub is None or not self._pubsub.subscribed:
            await asyncio.sleep(LOOK_SECONDS)
            return None
        return await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=LOOK_SECONDS)


class _LoopLayer(RedisPubSubLoopLayer):
    """The layer of one event loop."""

    def __init__(self, url: str, *, capacity: int, redis: Redis, channel_layer: RedisPubSubChannelLayer) -> None:
        host = {"address": url, "socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
        # What is published reaches every database of a server, so the prefix names ours.
        super().__init__(hosts=[host], prefix=f"chat{urlsplit(url).path}", channel_layer=channel_layer)
        self._shards: list[RedisSingleShardConnection] = [_Connection(host, self)]
        self._capacity = capacity
        self._redis = redis

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Say something to one channel; what many say at once goes out together."""
        await self._redis.ask("PUBLISH", channel, self.channel_layer.serialize(message))

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Say something to every channel of a group."""
        await self.send(self._get_group_channel_name(group), message)

    async def group_add(self, group: str, channel: str) -> None:
        """Let a channel hear a group."""
        with _away_is_unavailable():
            async with asyncio.timeout(ANSWER_SECONDS):
                await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Let a channel hear a group no more."""
        with _away_is_unavailable():
            async with asyncio.timeout(ANSWER_SECONDS):
                await super().group_discard(group, channel)

    async def flush(self) -> None:
        """Let go of the connections."""
        with suppress(TimeoutError):  # Redis is away, and so are they.
            async with asyncio.timeout(ANSWER_SECONDS):
                await super().flush()
        await self._redis.close()

    async def _subscribe_to_channel(self, channel: str) -> None:
        # Whoever has a channel hears groups by it; what is sent to it alone would need a subscription.
        self.channels[channel] = _Received(maxsize=self._capacity)


class RedisChannelLayer(RedisPubSubChannelLayer):
    """Channels' publish and subscribe layer; `capacity` messages wait for a channel."""

    def __init__(self, url: str, *, capacity: int) -> None:
        super().__init__()
        self._url = url
        self._capacity = capacity
        self._redis = Redis(url)  # of all loops: a command's has one for each thing that it tells

    def _get_layer(self) -> _LoopLayer:
        loop = asyncio.get_running_loop()
        if (layer := self._layers.get(loop)) is None:
            layer = self._layers[loop] = _LoopLayer(
                self._url, capacity=self._capacity, redis=self._redis, channel_layer=self
            )
            _wrap_close(self, loop)
        return cast(_LoopLayer, layer)


@contextmanager
def _away_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        detail = "Nobody can be heard now; retry."
        raise Unavailable(detail, code="store_unavailable", retry_after_ms=RETRY_MS) from error
