"""What each shape refuses to run with, and what an operator is told to do."""

import secrets
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.core.checks import CheckMessage, Error

from chatsite import checks
from tests.world import manage

PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NOWHERE = "127.0.0.1:1"
STANDARD = {
    "DJANGO_SETTINGS_MODULE": "chatsite.settings.standard",
    "CHAT_SHAPE": "standard",
    "CHAT_DATABASE_URL": f"postgresql://chat:hush-pg@{NOWHERE}/chat",
    "CHAT_REDIS_URL": f"redis://:hush-redis@{NOWHERE}/0",
}
CLUSTER = STANDARD | {
    "DJANGO_SETTINGS_MODULE": "chatsite.settings.cluster",
    "CHAT_SHAPE": "cluster",
    "CHAT_KAFKA_SERVERS": NOWHERE,
    "SCYLLA_PASSWORD": "hush-cql",
}
SOUND = {
    "CHAT_DEBUG": "off",
    "CHAT_HTTPS": "on",
    "CHAT_TRUSTED_PROXIES": "10.0.0.1",
    "CHAT_SECRET_KEY": secrets.token_urlsafe(48),
    "CHAT_TOKEN_KEY": PEM,
}


def test_a_sound_installation_passes_and_no_server_is_asked(tmp_path: Path) -> None:
    assert "no issues" in manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", environment=CLUSTER | SOUND)


@pytest.fixture
def shape(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a shape, soundly set up."""
    environment = (CLUSTER if request.param == "cluster" else STANDARD) | SOUND
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    chosen = vars(import_module(f"chatsite.settings.{request.param}"))
    for name in (*checks.PORTS, "CHANNEL_LAYERS", "CACHES", "SHARED", "DATABASES"):
        monkeypatch.setattr(settings, name, chosen[name])
    monkeypatch.setattr(settings, "DEBUG", False)
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["chat.example.org"])


def found() -> list[CheckMessage]:
    """What the checks say now."""
    return list(checks.check_shape())


@pytest.mark.parametrize("shape", ["standard", "cluster"], indirect=True)
def test_what_can_be_seen_or_guessed_is_named_with_its_fix(shape: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found() == []
    monkeypatch.setenv("CHAT_SECRET_KEY", "a" * 60)
    monkeypatch.delenv("CHAT_TOKEN_KEY")
    monkeypatch.setattr(settings, "DEBUG", True)
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["chat.example.org", "*"])
    said = {one.id: f"{one.msg} {one.hint}" for one in found()}
    assert "Set CHAT_DEBUG=off" in said["chatsite.E001"]
    assert "CHAT_TOKEN_KEY" in said["chatsite.E002"]
    assert "openssl genpkey -algorithm ed25519" in said["chatsite.E002"]
    assert "can be guessed" in said["chatsite.E003"]
    assert "Name the hosts" in said["chatsite.E004"]


@pytest.mark.parametrize(("shape", "is_refused"), [("standard", False), ("cluster", True)], indirect=["shape"])
def test_one_machine_may_look_at_the_shape_standard(
    shape: None, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEBUG", True)
    assert [isinstance(one, Error) for one in found()] == [is_refused]


MEMORY = {"BACKEND": "a.b.MemoryThings", "CONFIG": {}}


@pytest.mark.parametrize(
    ("shape", "mixed", "what"),
    [
        ("standard", {"ROOM_STREAM": MEMORY}, "ROOM_STREAM is a.b.MemoryThings, which other processes do not see."),
        ("standard", {"SESSION_REGISTRY": MEMORY}, "SESSION_REGISTRY is"),
        ("standard", {"CHANNEL_LAYERS": {"default": MEMORY}}, "CHANNEL_LAYERS is"),
        ("standard", {"CACHES": {"default": {"BACKEND": "a.LocMemCache"}}}, "CACHES is a.LocMemCache"),
        ("standard", {"EVENT_LOG": {"BACKEND": "kafka.Log"}}, "Kafka without ScyllaDB"),
        ("cluster", {"NONCES": MEMORY}, "NONCES is"),
        ("cluster", {"EVENT_LOG": {"BACKEND": "sql.Log"}}, "The shape cluster needs Kafka"),
        ("cluster", {"MESSAGE_STORE": {"BACKEND": "sql.Store"}}, "Kafka without ScyllaDB or Cassandra"),
        ("cluster", {"SHARED": False}, "CHAT_SHAPE=cluster runs settings of the embedded shape"),
    ],
    indirect=["shape"],
)
def test_mixtures_of_shapes_are_refused(
    shape: None, mixed: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in mixed.items():
        monkeypatch.setattr(settings, name, value)
    assert [one for one in found() if isinstance(one, Error) and what in one.msg]


@pytest.mark.parametrize("shape", ["standard"], indirect=True)
def test_a_file_is_no_database_of_several_processes(shape: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"})
    assert [one.id for one in found()] == ["chatsite.E006"]


def test_serving_does_not_start_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as refused:
        manage(tmp_path, "serve", "--port", "0", environment=CLUSTER | SOUND | {"CHAT_DEBUG": "on"})
    said = str(refused.value)
    assert "CHAT_DEBUG is on" in said
    assert "Set CHAT_DEBUG=off" in said
    assert "hush" not in said


def test_two_drivers_in_one_place_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scylla_driver", "cassandra_driver"):
        (info := tmp_path / f"{name}-3.29.0.dist-info").mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 3.29.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (message,) = found()
    assert message.msg == "scylla-driver and cassandra-driver are both installed."
    assert "pip uninstall cassandra-driver scylla-driver" in str(message.hint)
