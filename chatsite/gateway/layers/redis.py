"""A channel layer over Redis' publish and subscribe, for any number of processes.

Channels' own has no bound on what waits for a receiver that is busy, and raises
what the driver raises. Ours drops what does not fit, as with every layer: the hub
finds the hole. It says Unavailable while Redis is away; when that is back it hears
its groups again by itself, and misses what was said in between.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import _wrap_close
from redis.exceptions import RedisError

from chatsite.kernel.errors import Unavailable
from chatsite.kernel.redis import Redis

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.5  # within which Redis answers, or is away
RETRY_MS = 1_000


class _Received(asyncio.Queue[bytes]):
    """What came for a channel; over its bound the channel misses it."""

    def put_nowait(self, item: bytes) -> None:
        if self.full():
            logger.debug("a channel is full and misses a message")
        else:
            super().put_nowait(item)


class _LoopLayer(RedisPubSubLoopLayer):
    """The layer of one event loop."""

    def __init__(self, url: str, *, capacity: int, channel_layer: RedisPubSubChannelLayer) -> None:
        host = {"address": url, "socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
        # What is published reaches every database of a server, so the prefix names ours.
        super().__init__(hosts=[host], prefix=f"chat{urlsplit(url).path}", channel_layer=channel_layer)
        self._capacity = capacity
        self._redis = Redis(url)

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

    def _get_layer(self) -> _LoopLayer:
        loop = asyncio.get_running_loop()
        if (layer := self._layers.get(loop)) is None:
            layer = self._layers[loop] = _LoopLayer(self._url, capacity=self._capacity, channel_layer=self)
            _wrap_close(self, loop)
        return cast(_LoopLayer, layer)


@contextmanager
def _away_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        detail = "Nobody can be heard now; retry."
        raise Unavailable(detail, code="store_unavailable", retry_after_ms=RETRY_MS) from error
