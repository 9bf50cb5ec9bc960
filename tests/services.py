"""Another system that asks who is there: a gRPC client made of what the server says of itself, and nothing of ours."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from chatsite.kernel.events import iso
from tests.world import in_time

PRESENCE = "presence.v1.Presence"
TOKENS = {scopes: f"{scopes.replace('+', '-')}-{'0123456789abcdef' * 2}" for scopes in ("read", "beat", "read+beat")}
CALLERS = ",".join(f"the-{scopes.replace('+', '-')}:{scopes}:{token}" for scopes, token in TOKENS.items())
Shown = dict[str, Any]


class Refused(Exception):
    """A call that was refused: gRPC's code and ours."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code().name
        trailer = dict(error.trailing_metadata() or ())
        self.ours = str(trailer.get("code"))
        self.is_retryable = trailer.get("retryable") == "true"
        self.details = error.details() or ""
        super().__init__(f"{self.code} {self.ours}: {self.details}")


class WithToken(grpc.StreamStreamClientInterceptor):
    """Brings a token where the reflection is asked."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept_stream_stream(self, continuation: Any, details: Any, asked: Any) -> Any:
        """Go on with the token."""
        return continuation(details._replace(metadata=[("authorization", f"Bearer {self._token}")]), asked)


class Learnt:
    """What a server offers, as its reflection tells."""

    def __init__(self, address: str, token: str) -> None:
        with grpc.insecure_channel(address) as channel:
            known = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, WithToken(token)))
            self.services = sorted(known.get_services())
            self._pool = DescriptorPool(known)
            self.methods: dict[str, MethodDescriptor] = {
                method.name: method for method in self._pool.FindServiceByName(PRESENCE).methods
            }

    def asked(self, method: str, fields: Mapping[str, Any]) -> Message:
        """A request."""
        made: Message = message_factory.GetMessageClass(self.methods[method].input_type)(**fields)
        return made

    def read(self, method: str, text: bytes) -> Message:
        """An answer."""
        made: Message = message_factory.GetMessageClass(self.methods[method].output_type).FromString(text)
        return made


async def health(channel: grpc.aio.Channel, name: str = "") -> str:
    """How a server, or a service of its own, says that it is."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


class Service:
    """Another system, with or without a token."""

    def __init__(self, channel: grpc.aio.Channel, learnt: Learnt, token: str | None) -> None:
        self.channel, self.learnt = channel, learnt
        self._metadata = [("authorization", f"Bearer {token}")] if token is not None else []

    async def get(self, *users: str) -> list[Shown]:
        """What others see of some people."""
        call: Any = self.channel.unary_unary(f"/{PRESENCE}/Get", _write)
        asked = self.learnt.asked("Get", {"user_ids": users})
        try:
            return _shown(self.learnt.read("Get", await call(asked, metadata=self._metadata)))
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None

    async def beat(self, *beats: Mapping[str, Any]) -> int:
        """Say that devices are there; answers how many were heard."""
        call: Any = self.channel.stream_unary(f"/{PRESENCE}/Beat", _write)
        try:
            answer = await call(self._beats(beats), metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None
        return int(getattr(self.learnt.read("Beat", answer), "beats"))  # noqa: B009 - as below

    async def _beats(self, beats: Iterable[Mapping[str, Any]]) -> AsyncIterator[Message]:
        for beat in beats:
            yield self.learnt.asked("Beat", beat)

    @asynccontextmanager
    async def watching(self, *users: str) -> AsyncIterator["Watching"]:
        """Watch some people; what is told of each at once is in `first`."""
        call: Any = self.channel.unary_stream(f"/{PRESENCE}/Watch", _write)
        asked = self.learnt.asked("Watch", {"user_ids": users})
        stream = Watching(call(asked, metadata=self._metadata), self.learnt)
        stream.first = await stream.next()
        try:
            yield stream
        finally:
            stream.call.cancel()

    async def is_well(self) -> None:
        """Wait until it says that it is well: it has looked at the store once by then."""
        async with in_time("the service is well"):
            while await self.health() != "SERVING":
                await asyncio.sleep(0.05)

    async def health(self, name: str = PRESENCE) -> str:
        """How it says that it is."""
        return await health(self.channel, name)


class Watching:
    """An open watch."""

    def __init__(self, call: Any, learnt: Learnt) -> None:
        self.call, self._learnt = call, learnt
        self.first: list[Shown] = []
        self.told: list[Shown] = []

    async def next(self) -> list[Shown]:
        """What is told next; Refused where it ends."""
        try:
            async with in_time("a watch tells something"):
                shown = _shown(self._learnt.read("Watch", await self.call.read()))
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None
        self.told += shown
        return shown

    async def until(self, user: str, status: str) -> Shown:
        """Wait until what was told last of somebody is this."""
        async with in_time(f"{user} looks {status}"):
            while (latest := [one for one in self.told if one["user_id"] == user][-1])["status"] != status:
                await self.next()
        return latest


async def learn(address: str, token: str) -> Learnt:
    """Ask a server what it offers."""
    return await asyncio.to_thread(Learnt, address, token)


def _write(message: Message) -> bytes:
    return message.SerializeToString()


def _shown(answer: Message) -> list[Shown]:
    told: Sequence[Any] = getattr(answer, "presences")  # noqa: B009 - no stub knows what reflection made
    return [
        {
            "user_id": one.user_id,
            "status": one.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number[one.status].name[7:],
            # As REST writes it: the JSON of a Timestamp leaves out milliseconds that are none.
            "last_seen": iso(one.last_seen.ToMilliseconds()) if one.HasField("last_seen") else None,
            "version": one.version,
            "text": one.text,
        }
        for one in told
    ]
