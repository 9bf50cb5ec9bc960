"""The server that other services ask: whom it lets in, how it says that it is not well, how it stops."""

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.db import connections
from prometheus_client import REGISTRY

from chatsite.accounts.models import User
from chatsite.checks import check_presence_grpc
from chatsite.kernel.backends import backend
from presence import guests as guests_module
from presence import rpc
from presence.guests import Device, Guests
from presence.policy import Status
from presence.rpc import Listening, faults, new_server
from presence.rpc import server as server_module
from presence.stores import Beat, presence_store
from presence.v1 import presence_pb2 as messages
from tests.servers.proxy import Proxy
from tests.services import PRESENCE, TOKENS, Refused, health
from tests.standard import through
from tests.world import in_time

AT = Listening("127.0.0.1", 0, [f"crm:read+beat:{TOKENS['read']}"], "", "", "")


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A store in which nobody is, and hasty looks at it."""
    monkeypatch.setattr(server_module, "WELL_SECONDS", 0.02)
    monkeypatch.setattr(server_module, "STORE_SECONDS", 0.2)
    backend.cache_clear()
    yield
    backend.cache_clear()


@asynccontextmanager
async def serving(at: Listening) -> AsyncIterator[tuple[str, "asyncio.Task[None]"]]:
    """A server, until its task is cancelled; answers its host and port."""
    server = new_server(at)
    address = await server.open()
    running = asyncio.create_task(server.run())
    try:
        yield address.partition("://")[2], running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def made(answer: type) -> Any:
    """How an answer is read."""
    return answer.FromString  # type: ignore[attr-defined]


async def get(channel: grpc.aio.Channel, *, token: str | None = None) -> messages.GetResponse:
    """Ask for nobody."""
    call: Any = channel.unary_unary(
        f"/{PRESENCE}/Get", messages.GetRequest.SerializeToString, made(messages.GetResponse)
    )
    metadata = [("authorization", f"Bearer {token}")] if token else []
    try:
        found: messages.GetResponse = await call(messages.GetRequest(), metadata=metadata, timeout=10)
    except grpc.aio.AioRpcError as error:
        raise Refused(error) from None
    return found


# --- certificates


class Authority:
    """Who signs certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = self._write(name, self._key, self._signed(name, self._key, is_authority=True))[0]

    def sign(self, name: str) -> tuple[Path, Path]:
        """A new certificate for a name, and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(f"{self._name}-{name}", key, self._signed(name, key))

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> x509.Certificate:
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(
            issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)]),
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            public_key=key.public_key(), serial_number=x509.random_serial_number(),
            not_valid_before=now - day, not_valid_after=now + day,
        )  # fmt: skip
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> tuple[Path, Path]:
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    """The authority that the server trusts."""
    return Authority(tmp_path, "ours")


@pytest.fixture
def with_tls(ours: Authority) -> Callable[..., Listening]:
    """How a server with a certificate listens."""

    def make(**others: Any) -> Listening:
        certificate, key = ours.sign("localhost")
        return AT._replace(**{"certificate": str(certificate), "key": str(key)} | others)

    return make


@asynccontextmanager
async def client(
    port: str, trusts: Authority, pair: tuple[Path, Path] | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """A client with a certificate, or without one."""
    certificate, key = (file.read_bytes() for file in pair) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(trusts.file.read_bytes(), key, certificate)
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
        yield channel


async def test_only_certificates_of_the_trusted_authority_come_in(
    tmp_path: Path, ours: Authority, with_tls: Callable[..., Listening]
) -> None:
    theirs = Authority(tmp_path, "theirs")
    async with serving(with_tls(callers=[], client_ca=str(ours.file))) as (address, _):
        port = address.rpartition(":")[2]
        async with client(port, ours, ours.sign("crm")) as channel:
            assert not (await get(channel)).presences
        for pair in (None, theirs.sign("crm")):
            async with client(port, ours, pair) as channel:
                with pytest.raises(Refused) as refused:
                    await get(channel)
                assert refused.value.code == "UNAVAILABLE"
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(Refused) as refused:
                await get(channel, token=TOKENS["read"])
            assert refused.value.code == "UNAVAILABLE"


async def test_with_tokens_too_a_certificate_is_not_enough(ours: Authority, with_tls: Callable[..., Listening]) -> None:
    before = {code: counted(code) for code in ("ok", "unauthenticated")}
    both = with_tls(client_ca=str(ours.file))
    async with serving(both) as (address, _), client(address.rpartition(":")[2], ours, ours.sign("crm")) as channel:
        with pytest.raises(Refused) as refused:
            await get(channel)
        assert refused.value.code == "UNAUTHENTICATED"
        assert not (await get(channel, token=TOKENS["read"])).presences
    assert {code: counted(code) - known for code, known in before.items()} == {"ok": 1, "unauthenticated": 1}


def counted(code: str) -> float:
    """How many calls were counted that ended so."""
    method = "any" if code == "unauthenticated" else "Get"
    return REGISTRY.get_sample_value("presence_grpc_calls_total", {"method": method, "code": code}) or 0.0


# --- what it must not listen with


def test_what_would_let_anybody_in_is_an_error_and_no_package_is_asked_for_without_a_port(
    ours: Authority, with_tls: Callable[..., Listening], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    assert [*faults(AT), *faults(with_tls()), *faults(with_tls(callers=[], client_ca=str(ours.file)))] == []
    wrong = {
        "could ask who is there": AT._replace(callers=[]),
        "lacks a part": with_tls(key=""),
        "lacks a part.": AT._replace(client_ca=str(ours.file)),
        "There is no file /nowhere.pem": with_tls(certificate="/nowhere.pem"),
    }
    for what, at in wrong.items():
        assert [one.is_error for one in faults(at) if what in one.what] == [True]
    for host in ("0.0.0.0", "10.1.2.3", "[::]", "chat.example.org"):
        [could_be_stronger] = faults(AT._replace(host=host))
        assert (could_be_stronger.is_error, host in could_be_stronger.what) == (False, True)
        assert [one.is_error for one in faults(AT._replace(host=host, callers=[]))] == [True, False]
        assert [*faults(with_tls(host=host))] == []
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert [*faults(AT._replace(host=host))] == []
    monkeypatch.setattr(rpc, "PACKAGES", ("grpc", "a_package_that_is_not_there"))
    assert check_presence_grpc() == []
    settings.PRESENCE_GRPC = settings.PRESENCE_GRPC | {"PORT": 0, "CALLERS": AT.callers}
    [missing] = check_presence_grpc()
    assert (missing.is_serious(), "a_package_that_is_not_there" in missing.msg) == (True, True)
    assert "requirements/grpc.txt" in str(missing.hint)


async def test_a_port_that_is_taken_is_said() -> None:
    async with serving(AT) as (address, _):
        with pytest.raises(OSError, match=f"Presence cannot listen on {address}"):
            await new_server(AT._replace(port=int(address.rpartition(":")[2]))).open()


# --- how it is, and how it stops


async def test_it_is_not_well_while_the_store_is_away(redis_url: str, proxy: Proxy, settings: Any) -> None:
    settings.PRESENCE_STORE = {
        "BACKEND": "presence.stores.redis.RedisPresenceStore",
        "CONFIG": {"url": through(proxy, redis_url)},
    }
    async with serving(AT) as (address, _), grpc.aio.insecure_channel(address) as channel:
        for change, status in ((proxy.heal, "SERVING"), (proxy.stall, "NOT_SERVING"), (proxy.heal, "SERVING")):
            change()
            async with in_time(f"it says {status}"):
                while await health(channel) != status:
                    pass


async def test_who_is_connected_is_let_go_when_it_stops() -> None:
    metadata = [("authorization", f"Bearer {TOKENS['read']}")]
    async with serving(AT) as (address, running), grpc.aio.insecure_channel(address) as channel:
        watching: Any = channel.unary_stream(f"/{PRESENCE}/Watch", messages.WatchRequest.SerializeToString)(
            messages.WatchRequest(), metadata=metadata
        )
        beating: Any = channel.stream_unary(f"/{PRESENCE}/Beat", messages.BeatRequest.SerializeToString)(
            metadata=metadata
        )
        assert await watching.read() == b""
        await beating.write(messages.BeatRequest(user_id=str(uuid.uuid4()), goodbye=True))
        async with in_time("it stops"):
            running.cancel()
            for ended in (watching.read(), beating):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await ended
                assert (Refused(refused.value).code, Refused(refused.value).ours) == ("UNAVAILABLE", "draining")
            with suppress(asyncio.CancelledError):
                await running
    for method in ("Watch", "Beat"):
        assert REGISTRY.get_sample_value("presence_grpc_streams", {"method": method}) == 0


# --- devices that others speak for


@pytest.fixture
async def ada(transactional_db: None) -> AsyncIterator[str]:
    """The id of somebody."""
    user = await User.objects.acreate(username="ada")
    yield str(user.id)
    await sync_to_async(connections.close_all)()


async def test_what_is_said_while_the_store_is_away_is_passed_on_later(
    redis_url: str, proxy: Proxy, settings: Any, ada: str
) -> None:
    settings.PRESENCE_STORE = {
        "BACKEND": "presence.stores.redis.RedisPresenceStore",
        "CONFIG": {"url": through(proxy, redis_url)},
    }
    guests = Guests()
    proxy.cut()
    await guests.hear(Device(ada, "phone"), active=False, goodbye=False)
    await guests.turn()
    waiting = asyncio.create_task(guests.passed_on())
    assert not (await asyncio.wait([waiting], timeout=0))[0]
    proxy.heal()
    async with in_time("it is passed on"):
        while not (await asyncio.wait([waiting], timeout=0.02))[0]:
            await guests.turn()
    assert (await presence_store().statuses([ada]))[ada].status is Status.ONLINE


async def test_who_says_more_than_waits_here_is_not_read(monkeypatch: pytest.MonkeyPatch, ada: str) -> None:
    monkeypatch.setattr(guests_module, "MOST_WAITING", 2)
    guests = Guests()
    for name in ("a", "b", "a", "b"):
        await guests.hear(Device(ada, name), active=False, goodbye=False)
    third = asyncio.create_task(guests.hear(Device(ada, "c"), active=False, goodbye=False))
    assert not (await asyncio.wait([third], timeout=0))[0]
    await guests.turn()
    async with in_time("there is room"):
        await third
    await guests.turn()
    assert (await presence_store().sweep()).online == 1


async def test_devices_arrive_once_come_back_and_leave_with_their_goodbye(ada: str) -> None:
    guests, stranger = Guests(), str(uuid.uuid4())

    async def say(user: str, *, goodbye: bool = False) -> None:
        await guests.hear(Device(user, "phone"), active=True, goodbye=goodbye)
        await guests.turn()

    for user in (ada, stranger, ada):
        await say(user)
    first = await presence_store().statuses([ada, stranger])
    assert first.keys() == {ada}
    backend.cache_clear()  # As if what kept her were emptied: the next word brings her back.
    assert not await presence_store().statuses([ada])
    await say(ada)
    again = await presence_store().statuses([ada])
    assert again[ada].status is Status.ONLINE
    assert (await presence_store().beat([Beat(ada, "phone")])).unknown == []
    await say(ada, goodbye=True)
    assert (await presence_store().beat([Beat(ada, "phone")])).unknown != []
    assert await presence_store().statuses([ada]) == again  # A grace has yet to pass.
