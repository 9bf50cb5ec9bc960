"""The one table of settings: name, type, default and help of each.

Every deployment setting is read here and nowhere else, from the environment
variable of its name. `manage.py config` prints this table with the value in
force and where it came from.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatsite.kernel.addresses import networks
from chatsite.settings.limits import LIMITS, read_limits
from presence.callers import Callers

Value: TypeAlias = str | int | bool | list[str] | Path

ROOT = Path(__file__).resolve().parents[2]


def _boolean(text: str) -> bool:
    match text.lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off" | "":
            return False
    raise ValueError("expected true or false")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _callers(text: str) -> list[str]:
    Callers(entries := _words(text))
    return entries


def _port_or_none(text: str) -> int | str:
    return int(text) if text else ""


def _networks(text: str) -> list[str]:
    return [str(network) for network in networks(_words(text))]


def _at_least(lowest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if (number := int(text)) < lowest:
            raise ValueError(f"at least {lowest}")
        return number

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise ValueError("expected something like https://chat.example.org")
    return f"{parts.scheme}://{parts.netloc}"


def _address_of(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if text and (parts.scheme not in schemes or not parts.hostname):
            raise ValueError(f"expected {' or '.join(schemes)}://host")
        return text

    return parse


def _options(text: str) -> list[str]:
    options = _words(text)
    if wrong := [option for option in options if not option.partition("=")[2]]:
        raise ValueError(f"no value for {', '.join(wrong)}")
    return options


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One deployment setting, read from the environment variable of its name."""

    name: str
    parse: Callable[[str], Value]
    kind: str
    default: Value
    help: str
    secret: bool = False

    def read(self, environ: Mapping[str, str] = os.environ) -> Value:
        """The value in force; ImproperlyConfigured names a value that does not parse."""
        if (text := environ.get(self.name)) is None:
            return self.default
        try:
            return self.parse(text)
        except ValueError as error:
            shown = "(hidden)" if self.secret else repr(text)
            raise ImproperlyConfigured(f"{self.name}={shown} is not a {self.kind}: {error}") from None

    def source(self, environ: Mapping[str, str] = os.environ) -> str:
        """Where the value in force came from: environment or default."""
        return "environment" if self.name in environ else "default"


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            name="CHAT_SHAPE",
            parse=_one_of("embedded", "standard", "cluster"),
            kind="embedded, standard or cluster",
            default="embedded",
            help="Which servers it runs on: none; PostgreSQL and Redis; those, Kafka and ScyllaDB or Cassandra.",
        ),
        Setting(
            name="CHAT_DATA",
            parse=lambda text: Path(text).expanduser().resolve(),
            kind="folder",
            default=ROOT / "data",
            help="Folder of the databases and of the keys that the first start makes.",
        ),
        Setting(
            name="CHAT_SECRET_KEY",
            parse=str,
            kind="text",
            default="",
            help="Signs links and forms, the same on every machine; made and kept in CHAT_DATA where none is set.",
            secret=True,
        ),
        Setting(
            name="CHAT_TOKEN_KEY",
            parse=str,
            kind="Ed25519 private key in PEM",
            default="",
            help="Signs access tokens, the same on every machine; made and kept in CHAT_DATA where none is set.",
            secret=True,
        ),
        Setting(
            name="CHAT_DATABASE_URL",
            parse=_address_of("postgresql"),
            kind="address (postgresql://user:password@host:5432/name)",
            default="",
            help="The PostgreSQL database of the shapes standard and cluster.",
            secret=True,
        ),
        Setting(
            name="CHAT_DATABASE_POOL",
            parse=_at_least(12),  # a process that runs everything keeps nine for itself
            kind="number",
            default=20,
            help="Connections to PostgreSQL of one process for requests and commands; log and store take up to 9 more.",
        ),
        Setting(
            name="CHAT_REDIS_URL",
            parse=_address_of("redis", "rediss"),
            kind="address (redis://:password@host:6379/0)",
            default="",
            help="The Redis of the shapes standard and cluster; its policy must be noeviction.",
            secret=True,
        ),
        Setting(
            name="CHAT_PRESENCE_REDIS_URL",
            parse=_address_of("redis", "rediss", "redis-cluster"),
            kind="address (redis://host:6379/0, or redis-cluster://host:6379 for any server of a Redis Cluster)",
            default="",
            help="Where presence is kept, in the shapes standard and cluster; CHAT_REDIS_URL where none is set.",
            secret=True,
        ),
        Setting(
            name="CHAT_PRESENCE_GRPC_PORT",
            parse=_port_or_none,
            kind="port number, or nothing",
            default="",
            help="Port on which `serve` and `presence_grpc` tell other services who is there; 0 takes a free one.",
        ),
        Setting(
            name="CHAT_PRESENCE_GRPC_HOST",
            parse=str,
            kind="address",
            default="127.0.0.1",
            help="Address of that port.",
        ),
        Setting(
            name="CHAT_PRESENCE_GRPC_TOKENS",
            parse=_callers,
            kind="comma-separated list of name:scopes:token, with the scopes read, beat or read+beat",
            default=[],
            help="The services that may call, each with a token of its own.",
            secret=True,
        ),
        Setting(
            name="CHAT_PRESENCE_GRPC_CERTIFICATE",
            parse=str,
            kind="file",
            default="",
            help="Certificate of that port in PEM, with its chain; without one it speaks no TLS.",
        ),
        Setting(
            name="CHAT_PRESENCE_GRPC_KEY",
            parse=str,
            kind="file",
            default="",
            help="Private key of that certificate, in PEM.",
        ),
        Setting(
            name="CHAT_PRESENCE_GRPC_CLIENT_CA",
            parse=str,
            kind="file",
            default="",
            help="Authorities in PEM, one of which has to have signed a caller's certificate (mTLS).",
        ),
        Setting(
            name="CHAT_KAFKA_SERVERS",
            parse=str,
            kind="comma-separated list of host:port",
            default="",
            help="Kafka's bootstrap servers, in the shape cluster.",
        ),
        Setting(
            name="CHAT_KAFKA_TOPIC",
            parse=str,
            kind="name",
            default="transport.chat-events",
            help="The topic of the event log; its dead letters go to the same name with .dlq.",
        ),
        Setting(
            name="CHAT_KAFKA_PARTITIONS",
            parse=_at_least(1),
            kind="number",
            default=64,
            help="Partitions that `migrate_log` gives a new topic; fixed for its life.",
        ),
        Setting(
            name="CHAT_KAFKA_REPLICATION",
            parse=_at_least(1),
            kind="number",
            default=3,
            help="Copies that `migrate_log` gives a new topic; with 3, two must have a record before it is acked.",
        ),
        Setting(
            name="CHAT_KAFKA_GROUP_PREFIX",
            parse=str,
            kind="name",
            default="",
            help="Stands before the names of the consumer groups, where several systems share one Kafka.",
        ),
        Setting(
            name="CHAT_KAFKA_OPTIONS",
            parse=_options,
            kind="comma-separated list of name=value",
            default=[],
            help="More options of librdkafka, such as security.protocol=SASL_SSL,sasl.username=chat.",
            secret=True,
        ),
        Setting(
            name="SCYLLA_CONTACT_POINTS",
            parse=_words,
            kind="comma-separated list of hosts",
            default=["127.0.0.1"],
            help="Nodes of ScyllaDB or Cassandra to ask first, in the shape cluster.",
        ),
        Setting(
            name="SCYLLA_PORT",
            parse=int,
            kind="port number",
            default=9042,
            help="Their CQL port.",
        ),
        Setting(
            name="SCYLLA_KEYSPACE",
            parse=str,
            kind="name",
            default="wellwon_scylla",
            help="The keyspace of the message store.",
        ),
        Setting(
            name="SCYLLA_USERNAME",
            parse=str,
            kind="name",
            default="",
            help="Name to sign in with; none signs in with none.",
        ),
        Setting(
            name="SCYLLA_PASSWORD",
            parse=str,
            kind="password",
            default="",
            help="Password of that name.",
            secret=True,
        ),
        Setting(
            name="SCYLLA_DATACENTER",
            parse=str,
            kind="name",
            default="datacenter1",
            help="The datacenter of this process: its nodes are asked, and it holds the replicas.",
        ),
        Setting(
            name="SCYLLA_REPLICATION",
            parse=_at_least(1),
            kind="number",
            default=3,
            help="Replicas that `migrate_messages` gives a new keyspace in the datacenter.",
        ),
        Setting(
            name="CHAT_ACCEPT_UNREPLICATED",
            parse=_boolean,
            kind="boolean",
            default=False,
            help="Whether the shape cluster may start on a topic or keyspace that keeps fewer than three copies.",
        ),
        Setting(
            name="CHAT_DEBUG",
            parse=_boolean,
            kind="boolean",
            default=True,
            help="Shows error pages and allows demo people. Switch it off wherever others can reach the server.",
        ),
        Setting(
            name="CHAT_ALLOWED_HOSTS",
            parse=_words,
            kind="comma-separated list",
            default=["localhost", "127.0.0.1", "[::1]"],
            help="Host names that this server answers to.",
        ),
        Setting(
            name="CHAT_ALLOWED_ORIGINS",
            parse=_words,
            kind="comma-separated list",
            default=[],
            help="Exact origins (https://chat.example.org) that may open a WebSocket beside the server's own.",
        ),
        Setting(
            name="CHAT_HTTPS",
            parse=_boolean,
            kind="boolean",
            default=False,
            help="People come over https alone, by a proxy of CHAT_TRUSTED_PROXIES: http is sent there, browsers are"
            " told to remember (HSTS), cookies are for https.",
        ),
        Setting(
            name="CHAT_TRUSTED_PROXIES",
            parse=_networks,
            kind="comma-separated list of addresses and networks",
            default=[],
            help="Proxies in front of this server: only their X-Forwarded-For and X-Forwarded-Proto are believed.",
        ),
        Setting(
            name="PORT",
            parse=int,
            kind="port number",
            default=8000,
            help="Port that `manage.py serve` listens on; 0 takes a free one.",
        ),
        Setting(
            name="CHAT_HOST",
            parse=str,
            kind="address",
            default="127.0.0.1",
            help="Address that `manage.py serve` listens on.",
        ),
        Setting(
            name="CHAT_URL",
            parse=_origin,
            kind="address",
            default="",
            help="Public address (https://chat.example.org) for links; http://localhost:$PORT where none is set.",
        ),
        Setting(
            name="CHAT_SMTP_HOST",
            parse=str,
            kind="host name",
            default="",
            help="Mail server; while none is set, mails are written to files in the folder `mail` of CHAT_DATA.",
        ),
        Setting(
            name="CHAT_SMTP_PORT",
            parse=int,
            kind="port number",
            default=587,
            help="Port of the mail server.",
        ),
        Setting(
            name="CHAT_SMTP_SECURITY",
            parse=_one_of("starttls", "tls", "none"),
            kind="starttls, tls or none",
            default="starttls",
            help="How the connection to the mail server is encrypted.",
        ),
        Setting(
            name="CHAT_SMTP_USER",
            parse=str,
            kind="name",
            default="",
            help="Name to sign in to the mail server with; none signs in with none.",
        ),
        Setting(
            name="CHAT_SMTP_PASSWORD",
            parse=str,
            kind="password",
            default="",
            help="Password of that name.",
            secret=True,
        ),
        Setting(
            name="CHAT_MAIL_FROM",
            parse=str,
            kind="mail address",
            default="chat@localhost",
            help="Sender of the mails.",
        ),
        Setting(
            name="CHAT_REGION",
            parse=str,
            kind="name",
            default="local",
            help="Region name written into every event.",
        ),
        Setting(
            name="CHAT_ACCESS_TOKEN_SECONDS",
            parse=int,
            kind="number of seconds",
            default=600,
            help="Life of an access token, and so of a WebSocket that does not renew itself.",
        ),
        Setting(
            name="CHAT_REFRESH_TOKEN_SECONDS",
            parse=int,
            kind="number of seconds",
            default=30 * 86_400,
            help="Life of a sign-in that is not used.",
        ),
        Setting(
            name="CHAT_LOG_KEEP_SECONDS",
            parse=_at_least(2 * 86_400),  # Nonces and the outbox's event ids are looked up for a day.
            kind="number of seconds",
            default=7 * 86_400,
            help="How long the event log keeps a record that every group has finished.",
        ),
        Setting(
            name="CHAT_EDIT_WINDOW_SECONDS",
            parse=_at_least(0),
            kind="number of seconds",
            default=0,
            help="How long a message may be edited after it was sent; 0 = for ever.",
        ),
        Setting(
            name="CHAT_SEARCH",
            parse=_boolean,
            kind="boolean",
            default=True,
            help="Whether messages can be searched. What is said while it is off is found after `backfill_search`.",
        ),
        Setting(
            name="CHAT_OUTBOUND_BYTES",
            parse=int,
            kind="number of bytes",
            default=1024 * 1024,
            help="Bytes that may wait for one WebSocket before it is closed with 4008 (too slow).",
        ),
        Setting(
            name="CHAT_CONNECTIONS",
            parse=_at_least(1),
            kind="number",
            default=10,
            help="WebSockets and waiting polls that one person may have open, over all servers; one more is refused.",
        ),
        Setting(
            name="CHAT_ADDRESS_CONNECTIONS",
            parse=_at_least(1),
            kind="number",
            default=1_000,
            help="Connections that one address may hold; those of CHAT_TRUSTED_PROXIES are not counted.",
        ),
        Setting(
            name="CHAT_METRICS_ALLOW",
            parse=_networks,
            kind="comma-separated list of addresses and networks",
            default=["127.0.0.0/8", "::1/128"],
            help="Who may read /metrics beside staff. A proxy that is not in CHAT_TRUSTED_PROXIES may not.",
        ),
        Setting(
            name="CHAT_WEBHOOK_ALLOW",
            parse=_networks,
            kind="comma-separated list of addresses and networks",
            default=[],
            help="What of one's own network webhooks and notifications may be sent to; else the public internet alone.",
        ),
        Setting(
            name="CHAT_PUSH",
            parse=_boolean,
            kind="boolean",
            default=True,
            help="Whether browsers that people name are told of what is new, by the push services of their makers.",
        ),
        Setting(
            name="CHAT_LINK_PREVIEWS",
            parse=_boolean,
            kind="boolean",
            default=False,
            help="Whether chats may have linked pages read, to show what they say: their sites learn who runs this.",
        ),
        Setting(
            name="CHAT_LINK_PREVIEW_ALLOW",
            parse=_networks,
            kind="comma-separated list of addresses and networks",
            default=[],
            help="What of one's own network is read for previews, by whoever links it; else the public internet alone.",
        ),
        Setting(
            name="CHAT_MAIL_DIGEST",
            parse=_boolean,
            kind="boolean",
            default=False,
            help="Whether people may have what they missed mailed to them: how much is unread where, never what.",
        ),
        Setting(
            name="CHAT_LIMITS",
            parse=_boolean,
            kind="boolean",
            default=True,
            help="Whether the rate limits of CHAT_LIMIT_RULES hold.",
        ),
        Setting(
            name="CHAT_LIMIT_RULES",
            parse=read_limits,
            kind="comma-separated list of name=rate/burst",
            default=read_limits(""),
            help="Rate limits in tokens a second and tokens at once; those not named keep their default. "
            + "; ".join(f"{name}: {limit.counts}" for name, limit in LIMITS.items())
            + ".",
        ),
    )
}


def setting(name: str) -> Any:
    """The value in force of one setting, of the type its row in the table parses to."""
    return SETTINGS[name].read()


def settings_module() -> str:
    """The settings of the shape that CHAT_SHAPE names."""
    return f"chatsite.settings.{setting('CHAT_SHAPE')}"
