"""The shape standard: PostgreSQL and Redis, any number of processes."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatsite.settings.embedded import *  # noqa: F403
from chatsite.settings.embedded import LOG_KEEP_SECONDS
from chatsite.settings.registry import setting

REDIS_URL: str = setting("CHAT_REDIS_URL")
if not (REDIS_URL and setting("CHAT_DATABASE_URL")):
    raise ImproperlyConfigured(f"CHAT_SHAPE={setting('CHAT_SHAPE')} needs CHAT_DATABASE_URL and CHAT_REDIS_URL.")

DB_WRITERS = 5  # the threads of log and store: two that read, one that writes, one that listens, one to spare


def _postgres(schema: str, connections: int) -> dict[str, Any]:
    parts = urlsplit(setting("CHAT_DATABASE_URL"))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port or 5432,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "options": f"-c search_path={schema}",
            "pool": {"min_size": 1, "max_size": connections, "timeout": 5},
        },
    }


# One database, two schemas: log and store stand apart, so that they can move.
DATABASES = {
    "default": _postgres("public", setting("CHAT_DATABASE_POOL")),
    "messages": _postgres("messages", DB_WRITERS),
}
LOG_PARTITIONS = 64
EVENT_LOG = {
    "BACKEND": "chatsite.kernel.eventlog.sql.SqlEventLog",
    "CONFIG": {"alias": "messages", "keep_seconds": LOG_KEEP_SECONDS, "partitions": LOG_PARTITIONS},
}
INBOXES = {"BACKEND": "chat.inboxes.redis.RedisInboxes", "CONFIG": {"url": REDIS_URL}}
ROOM_STREAM = {"BACKEND": "chatsite.gateway.streams.redis.RedisRoomStream", "CONFIG": {"url": REDIS_URL}}
if setting("CHAT_LIMITS"):
    LIMITS = {"BACKEND": "chatsite.kernel.buckets.RedisBuckets", "CONFIG": {"url": REDIS_URL}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = REDIS_URL
