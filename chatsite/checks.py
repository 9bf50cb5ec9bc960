"""What a shape must not be served with: Django's system checks of our own, which ask no server."""

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from chatsite.settings.registry import setting
from presence.rpc import faults, listening

PORTS = (
    "EVENT_LOG", "MESSAGE_STORE", "REACTION_STORE", "PIN_STORE", "READ_STORE", "INBOXES", "ROOM_STREAM",
    "SESSION_REGISTRY", "NONCES", "NOTES", "LIMITS", "PRESENCE_STORE",
)  # fmt: skip
MAKE_KEY = {  # the key of each setting, and what makes one
    "CHAT_SECRET_KEY": "openssl rand -base64 48",
    "CHAT_TOKEN_KEY": "openssl genpkey -algorithm ed25519",
}
SHORTEST_KEY = 40  # characters; Django's own has 50
IN_PROCESS = ("Memory", "Local", "LocMem")  # how the twins begin that keep everything in their process
CQL_DRIVERS = ("scylla-driver", "cassandra-driver")


@register()
def check_shape(**_: Any) -> Sequence[CheckMessage]:
    """Refuse what would lose or show something in the chosen shape."""
    shape = setting("CHAT_SHAPE")
    if shape == "embedded" and not settings.SHARED:
        return [*_drivers()]
    # One machine may run the shape standard to look at it: there the same is a warning.
    found = [*_exposed(Error if shape == "cluster" else Warning)]
    return [*found, *_mixtures(shape), *_drivers()]


@register()
def check_presence_grpc(**_: Any) -> Sequence[CheckMessage]:
    """Refuse to answer whoever comes."""
    found = faults(at) if (at := listening()) is not None else ()
    return [(Error if one.is_error else Warning)(one.what, hint=one.fix, id="chatsite.E010") for one in found]


def _exposed(kind: type[Error] | type[Warning]) -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield kind(
            "CHAT_DEBUG is on: whoever makes an error sees settings.", hint="Set CHAT_DEBUG=off.", id="chatsite.E001"
        )
    for name, how in MAKE_KEY.items():
        if not setting(name):
            hint = f"Set {name} to the same text for every process; `{how}` makes one."
            what = f"{name} is not set: each data folder makes a key of its own, which other machines do not know."
            yield kind(what, hint=hint, id="chatsite.E002")
    secret = setting("CHAT_SECRET_KEY")
    if secret and (len(secret) < SHORTEST_KEY or len(set(secret)) < 8 or secret.startswith("django-insecure-")):
        hint = f"Make one with `{MAKE_KEY['CHAT_SECRET_KEY']}`."
        yield kind("CHAT_SECRET_KEY can be guessed.", hint=hint, id="chatsite.E003")
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that people use."
        yield kind("CHAT_ALLOWED_HOSTS allows every name.", hint=hint, id="chatsite.E004")


def _mixtures(shape: str) -> Iterator[CheckMessage]:
    hint = "Use the settings of one shape whole: CHAT_SHAPE=embedded, standard or cluster."
    for name, backend in _backends().items():
        # The log of a database keeps nonces itself; what a process knows of them only saves the question.
        is_known = name == "NONCES" and "sql" in settings.EVENT_LOG["BACKEND"]
        if settings.SHARED and backend.rpartition(".")[2].startswith(IN_PROCESS) and not is_known:
            what = f"{name} is {backend}, which other processes do not see."
            yield Error(what, hint=hint, id="chatsite.E005")
    for alias, database in settings.DATABASES.items():
        if settings.SHARED and alias in ("default", "messages") and "sqlite3" in str(database["ENGINE"]):
            yield Error(f"The database {alias!r} is a file.", hint="Set CHAT_DATABASE_URL.", id="chatsite.E006")
    if shape != "embedded" and not settings.SHARED:
        yield Error(f"CHAT_SHAPE={shape} runs settings of the embedded shape.", hint=hint, id="chatsite.E005")
    is_kafka, is_cql = "kafka" in settings.EVENT_LOG["BACKEND"], "scylla" in settings.MESSAGE_STORE["BACKEND"]
    if shape == "cluster" and not is_kafka:
        yield Error("The shape cluster needs Kafka as its event log.", hint=hint, id="chatsite.E007")
    if is_kafka != is_cql:
        what = "Kafka without ScyllaDB or Cassandra" if is_kafka else "ScyllaDB or Cassandra without Kafka"
        yield Error(f"This is a mixture of shapes: {what}.", hint=hint, id="chatsite.E007")
    if is_kafka and not setting("CHAT_KAFKA_SERVERS"):
        hint = "Set CHAT_KAFKA_SERVERS=host:9092."
        yield Error("Nobody says where Kafka is.", hint=hint, id="chatsite.E008")


def _backends() -> dict[str, str]:
    backends = {name: getattr(settings, name)["BACKEND"] for name in PORTS}
    backends["CHANNEL_LAYERS"] = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    return backends | {"CACHES": settings.CACHES["default"]["BACKEND"]}


def _drivers() -> Iterator[CheckMessage]:
    """Both drivers are a package `cassandra`: whichever was installed last is half overwritten."""
    if all(map(_is_installed, CQL_DRIVERS)):
        hint = "pip uninstall cassandra-driver scylla-driver, then: pip install scylla-driver"
        yield Error(f"{' and '.join(CQL_DRIVERS)} are both installed.", hint=hint, id="chatsite.E009")


def _is_installed(name: str) -> bool:
    try:
        return bool(distribution(name).version)
    except PackageNotFoundError:
        return False
