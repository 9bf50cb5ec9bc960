"""The shape cluster: PostgreSQL, Redis, Kafka, and ScyllaDB or Cassandra."""

from chatsite.settings.registry import setting
from chatsite.settings.standard import *  # noqa: F403
from chatsite.settings.standard import DATABASES, INSTALLED_APPS, LOGGING, REDIS_URL

EVENT_LOG = {
    "BACKEND": "chatsite.kernel.eventlog.kafka.KafkaEventLog",
    "CONFIG": {
        "servers": setting("CHAT_KAFKA_SERVERS"),
        "topic": setting("CHAT_KAFKA_TOPIC"),
        "group_prefix": setting("CHAT_KAFKA_GROUP_PREFIX"),
        "options": dict(option.partition("=")[::2] for option in setting("CHAT_KAFKA_OPTIONS")),
    },
}
NONCES = {"BACKEND": "chatsite.kernel.nonces.redis.RedisNonces", "CONFIG": {"url": REDIS_URL}}
INSTALLED_APPS = ["django_cassandra_engine", *INSTALLED_APPS]
DATABASES = {
    "default": DATABASES["default"],
    "cassandra": {
        "ENGINE": "django_cassandra_engine",
        "NAME": setting("SCYLLA_KEYSPACE"),
        "HOST": ",".join(setting("SCYLLA_CONTACT_POINTS")),
        "USER": setting("SCYLLA_USERNAME"),
        "PASSWORD": setting("SCYLLA_PASSWORD"),
        "TEST": {"DEPENDENCIES": []},
        "OPTIONS": {
            "connection": {"lazy_connect": True, "port": setting("SCYLLA_PORT")},
            # The first datacenter is this process's own: its nodes are asked.
            "replication": {setting("SCYLLA_DATACENTER"): setting("SCYLLA_REPLICATION")},
        },
    },
}
MESSAGE_STORE = {"BACKEND": "chat.stores.scylla.ScyllaMessageStore", "CONFIG": {"alias": "cassandra"}}
REACTION_STORE = {"BACKEND": "chat.stores.scylla_reactions.ScyllaReactionStore", "CONFIG": {"alias": "cassandra"}}
PIN_STORE = {"BACKEND": "chat.stores.scylla_pins.ScyllaPinStore", "CONFIG": {"alias": "cassandra"}}
TELEGRAM_MAP = {"BACKEND": "telegram_bridge.stores.scylla_map.ScyllaTelegramMap", "CONFIG": {"alias": "cassandra"}}
READ_STORE = {"BACKEND": "chat.stores.scylla_reads.ScyllaReadStore", "CONFIG": {"alias": "cassandra"}}
MIGRATE_TOO = ("migrate_log", "migrate_messages")
# What the driver warns of is said once by the store; at the end of a process it warns of its own thread.
LOGGING = LOGGING | {"loggers": LOGGING["loggers"] | {"cassandra": {"level": "ERROR"}}}
