"""Listens for other services: who may call, whether it is well, what it offers, how it stops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chatsite.kernel.errors import Unauthenticated, Unavailable
from chatsite.kernel.metrics import presence_grpc_calls
from presence.callers import Callers
from presence.guests import Guests
from presence.rpc import Listening
from presence.rpc.service import Context, PresenceService, caller_of, refuse
from presence.stores import presence_store
from presence.v1 import presence_pb2
from presence.v1.presence_pb2_grpc import add_PresenceServicer_to_server

SERVICE = presence_pb2.DESCRIPTOR.services_by_name["Presence"].full_name
# A supervisor asks without a token whether it is well; the stream of the same would hold a place.
FOR_EVERYBODY = "/grpc.health.v1.Health/Check"
MOST_CALLS = 1_000  # at once, in one process; over it RESOURCE_EXHAUSTED
MOST_BYTES = 1 << 20  # of one message
DRAIN_SECONDS = 5.0  # how long open calls may go on after SIGTERM
WELL_SECONDS = 1.0  # between two looks at the store
STORE_SECONDS = 2.0  # in which it has to answer
NOBODY = str(UUID(int=0))
OPTIONS = (
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.so_reuseport", 0),  # Two that share a port without knowing it would each be asked half.
    # Whoever vanished gives up the places of their streams; those who ask the same of us may.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continue: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"


class Doorkeeper(grpc.aio.ServerInterceptor):
    """Refuses who brings no token, whatever they ask for."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def intercept_service(self, continuation: Continue, details: grpc.HandlerCallDetails) -> "Handler | None":
        """The handler of a call, or one that refuses it."""
        handler = await continuation(details)
        if details.method == FOR_EVERYBODY or handler is None:
            return handler
        if caller_of(self._callers, dict(details.invocation_metadata)) is not None:
            return handler
        kinds = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        return kinds[bool(handler.request_streaming), bool(handler.response_streaming)](_refuse)


async def _refuse(_: object, context: Context) -> None:
    presence_grpc_calls.labels("any", "unauthenticated").inc()  # Whoever it is may call methods by any name.
    await refuse(context, Unauthenticated("Bring a token: `authorization: Bearer TOKEN`."))


class GrpcServer:
    """One port, and all that answers there."""

    def __init__(self, at: Listening) -> None:
        self._at = at
        self._callers, self._guests = Callers(at.callers), Guests()
        self._service = PresenceService(self._callers, self._guests)
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def open(self) -> str:
        """Listen; answers where. OSError where that cannot be."""
        doors = [Doorkeeper(self._callers)] if self._callers else []
        self._server = grpc.aio.server(interceptors=doors, options=OPTIONS, maximum_concurrent_rpcs=MOST_CALLS)
        add_PresenceServicer_to_server(self._service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        await self._say(is_well=False)
        asked = f"{self._at.host}:{self._at.port}"
        try:
            credentials = self._credentials()
            port = self._server.add_secure_port(asked, credentials) if credentials else None
            port = self._server.add_insecure_port(asked) if port is None else port
        except RuntimeError:
            raise OSError(f"Presence cannot listen on {asked}: is somebody else there?") from None
        await self._server.start()
        return f"grpc{'s' if self._at.certificate else ''}://{self._at.host}:{port}"

    def _credentials(self) -> grpc.ServerCredentials | None:
        if not self._at.certificate:
            return None
        pair = Path(self._at.key).read_bytes(), Path(self._at.certificate).read_bytes()
        trusted = Path(self._at.client_ca).read_bytes() if self._at.client_ca else None
        return grpc.ssl_server_credentials([pair], trusted, require_client_auth=trusted is not None)

    async def run(self) -> None:
        """Answer until cancelled, then let those go who are connected."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._guests.run())
                tasks.create_task(self._look_after())
        finally:
            await self._health.enter_graceful_shutdown()
            self._service.drain()
            if self._server is not None:
                await self._server.stop(DRAIN_SECONDS)
            await self._guests.turn()  # What was said since.

    async def _look_after(self) -> None:
        """Say each second whether the store answers."""
        while True:
            is_well = False
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(STORE_SECONDS):
                    await presence_store().statuses([NOBODY])
                is_well = True
            await self._say(is_well=is_well)
            await asyncio.sleep(WELL_SECONDS)

    async def _say(self, *, is_well: bool) -> None:
        answer = health_pb2.HealthCheckResponse
        for name in ("", SERVICE):
            await self._health.set(name, answer.SERVING if is_well else answer.NOT_SERVING)
