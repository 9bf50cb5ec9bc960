"""The shape standard: PostgreSQL and Redis, any number of processes."""

from django.core.exceptions import ImproperlyConfigured

from chatsite.settings.embedded import *  # noqa: F403
from chatsite.settings.embedded import DATA, LOG_KEEP_SECONDS
from chatsite.settings.postgres import postgres
from chatsite.settings.registry import setting

REDIS_URL: str = setting("CHAT_REDIS_URL")
if not (REDIS_URL and setting("CHAT_DATABASE_URL")):
    raise ImproperlyConfigured(f"CHAT_SHAPE={setting('CHAT_SHAPE')} needs CHAT_DATABASE_URL and CHAT_REDIS_URL.")

# One database, two schemas: log and store stand apart, so that they can move.
DATABASES = {
    "default": postgres(setting("CHAT_DATABASE_URL"), schema="public", pool=setting("CHAT_DATABASE_POOL")),
    "messages": postgres(setting("CHAT_DATABASE_URL"), schema="messages", pool=None),
}
REQUESTS_AT_ONCE = setting("CHAT_DATABASE_POOL") - 9  # the process keeps nine connections for itself
SHARED = True
EVENT_LOG = {
    "BACKEND": "chatsite.kernel.eventlog.sql.SqlEventLog",
    "CONFIG": {"alias": "messages", "keep_seconds": LOG_KEEP_SECONDS, "partitions": 64},
}
if setting("CHAT_SEARCH"):
    MESSAGE_SEARCH = {"BACKEND": "chat.indexes.sql_postgres.PostgresSearch", "CONFIG": {"alias": "default"}}
INBOXES = {"BACKEND": "chat.inboxes.redis.RedisInboxes", "CONFIG": {"url": REDIS_URL}}
ROOM_STREAM = {"BACKEND": "chatsite.gateway.streams.redis.RedisRoomStream", "CONFIG": {"url": REDIS_URL}}
SESSION_REGISTRY = {"BACKEND": "chatsite.gateway.sessions.redis.RedisSessionRegistry", "CONFIG": {"url": REDIS_URL}}
PRESENCE_STORE = {
    "BACKEND": "presence.stores.redis.RedisPresenceStore",
    "CONFIG": {"url": setting("CHAT_PRESENCE_REDIS_URL") or REDIS_URL},
}
NOTES = {"BACKEND": "chatsite.kernel.notes.redis.RedisNotes", "CONFIG": {"url": REDIS_URL}}
if setting("CHAT_LIMITS"):
    LIMITS = {"BACKEND": "chatsite.kernel.limits.redis.RedisBuckets", "CONFIG": {"url": REDIS_URL}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "chatsite.gateway.layers.redis.RedisChannelLayer",
        "CONFIG": {"url": REDIS_URL, "capacity": 5_000},
    }
}
# For apps of others; what ours share are ports.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:", "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_POOL = "threads"  # one loop does what waits; a thread is only somebody who waits for it
CELERY_WORKER_CONCURRENCY = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA / "beat")
CELERY_BEAT_SCHEDULE = {
    "chores": {
        "task": "chatsite.chores",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },  # one came due, or lost its nudge
    "tidy": {"task": "chatsite.tidy", "schedule": 3_600.0},
}
