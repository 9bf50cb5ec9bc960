"""The methods of presence.v1.Presence: the edge where errors become what gRPC knows."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from chatsite.kernel.errors import CODES, DomainError, Forbidden, Internal, Invalid, RateLimited, Unavailable
from chatsite.kernel.metrics import presence_grpc_calls, presence_grpc_streams
from chatsite.kernel.rest import unavailable
from presence import queries
from presence.callers import Caller, Callers, Scope, device_of
from presence.followers import Follower
from presence.guests import Device, Guests
from presence.policy import Shown, Status
from presence.protocol import MAX_WATCHED
from presence.tracker import AWAY, tracker
from presence.v1 import presence_pb2 as messages
from presence.v1.presence_pb2_grpc import PresenceServicer

logger = logging.getLogger(__name__)

STREAMS = 100  # beats and watches of one caller that one process has open
MAX_DEVICE = 200  # characters of a device's name
KNOWN_SECONDS = 5.0  # how long a stream of beats waits at its end until the store knows
STATUS = {
    Status.ONLINE: messages.STATUS_ONLINE,
    Status.AWAY: messages.STATUS_AWAY,
    Status.DND: messages.STATUS_DND,
}  # All others look like OFFLINE, whoever chose them.
# The codes of gRPC by those of HTTP, which the table of errors has.
CODE_OF = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}

Context = grpc.aio.ServicerContext[Any, Any]
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Method = Callable[["PresenceService", Asked, Context], Awaitable[Answer]]


async def refuse(context: Context, error: DomainError) -> None:
    """End a call with an error of the table."""
    code = CODES[error.code]
    trailer = [("code", error.code), ("retryable", str(code.retryable).lower())]
    status = CODE_OF.get(code.status, grpc.StatusCode.INTERNAL)
    await context.abort(status, f"{error.code}: {error.detail}", tuple(trailer))


def answers(method: Method[Asked, Answer]) -> Method[Asked, Answer]:
    """A method whose errors are translated, and which is counted."""
    name = method.__name__

    @wraps(method)
    async def call(service: "PresenceService", asked: Asked, context: Context) -> Answer:
        said = "cancelled"
        try:
            try:
                answer = await method(service, asked, context)
            except DomainError as error:
                refusal = error
            except AWAY as error:
                logger.warning("%s found no database: %s", name, error)
                refusal = unavailable()
            except Exception:
                logger.exception("%s failed", name)
                refusal = Internal()
            else:
                said = "ok"
                return answer
            said = refusal.code
            await refuse(context, refusal)
            raise AssertionError("A call that is ended does not go on.")
        finally:
            presence_grpc_calls.labels(name, said).inc()

    return call


class PresenceService(PresenceServicer):
    """Answers callers, and lets them go when the server stops."""

    def __init__(self, callers: Callers, guests: Guests) -> None:
        self._callers, self._guests = callers, guests
        self._open: Counter[str] = Counter()  # streams of each caller
        self._followers: set[Follower] = set()
        self._readings: set[asyncio.Task[int]] = set()
        self._is_draining = False

    def drain(self) -> None:
        """End every stream, so that its client comes back to another server."""
        self._is_draining = True
        for follower in self._followers:
            follower.end()
        for reading in self._readings:
            reading.cancel()

    @answers
    async def Get(self, asked: messages.GetRequest, context: Context) -> messages.GetResponse:
        """What others see of some people, in the order asked for."""
        self._require(context, Scope.READ)
        users = _people(asked.user_ids)
        found = await queries.shown_of(users, allowed=_somebody(users))
        return messages.GetResponse(presences=_told(found, users))

    @answers
    async def Watch(self, asked: messages.WatchRequest, context: Context) -> None:
        """The same, and then what changes, until the client or the server ends it."""
        caller, users = self._require(context, Scope.READ), _people(asked.user_ids)
        with self._stream(caller, "Watch"), self._followed() as follower:
            found = await tracker.follow(follower, users, allowed=_somebody(users))
            try:
                await context.write(messages.WatchResponse(presences=_told(found, users)))
                while (news := await follower.take()) is not None:
                    await context.write(messages.WatchResponse(presences=_told(news, news)))
            finally:
                tracker.unfollow(follower, users)
        raise Unavailable(code="draining")

    @answers
    async def Beat(self, asked: AsyncIterator[messages.BeatRequest], context: Context) -> messages.BeatResponse:
        """Take what is said of devices; answered once the store knows."""
        caller = self._require(context, Scope.BEAT)
        with self._stream(caller, "Beat"):
            reading = asyncio.create_task(self._read(asked, caller))
            self._readings.add(reading)
            try:
                beats = await reading
            except asyncio.CancelledError:
                if self._is_draining:
                    raise Unavailable(code="draining") from None
                raise
            finally:
                self._readings.discard(reading)
            try:
                async with asyncio.timeout(KNOWN_SECONDS):
                    await self._guests.passed_on()
            except TimeoutError:
                raise unavailable() from None
        return messages.BeatResponse(beats=beats)

    async def _read(self, asked: AsyncIterator[messages.BeatRequest], caller: Caller) -> int:
        beats = 0
        async for beat in asked:
            if not _is_id(beat.user_id):
                raise Invalid("the id of a person.", field="user_id")
            if len(beat.device) > MAX_DEVICE:
                raise Invalid(f"at most {MAX_DEVICE} characters.", field="device")
            device = Device(beat.user_id, device_of(caller.name, beat.device))
            await self._guests.hear(device, active=beat.active, goodbye=beat.goodbye)
            beats += 1
        return beats

    def _require(self, context: Context, scope: Scope) -> Caller:
        """Who calls, and may do this; without tokens whoever has a certificate may do everything."""
        if self._callers:
            caller = caller_of(self._callers, dict(context.invocation_metadata() or ()))
        else:
            caller = Caller(b",".join(context.peer_identities() or ()).decode(errors="replace"), frozenset(Scope))
        if caller is None or scope not in caller.scopes:
            raise Forbidden(f"This token is not for the scope {scope}.")
        if self._is_draining:
            raise Unavailable(code="draining")
        return caller

    @contextmanager
    def _stream(self, caller: Caller, method: str) -> Iterator[None]:
        """A place for a stream of a caller, who has so many."""
        if self._open[caller.name] >= STREAMS:
            raise RateLimited(f"At most {STREAMS} streams at once.", code="too_many_connections")
        self._open[caller.name] += 1
        presence_grpc_streams.labels(method).inc()
        try:
            yield
        finally:
            self._open[caller.name] -= 1
            presence_grpc_streams.labels(method).dec()

    @contextmanager
    def _followed(self) -> Iterator[Follower]:
        follower = Follower()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)


def caller_of(callers: Callers, metadata: Mapping[str, str | bytes]) -> Caller | None:
    """Whose token a call brings."""
    given = metadata.get("authorization", "")
    kind, _, token = (given.decode(errors="replace") if isinstance(given, bytes) else given).partition(" ")
    return callers.find(token) if kind.lower() == "bearer" else None


def _people(asked: Iterable[str]) -> list[str]:
    """Whom a request names, each once."""
    users = list(dict.fromkeys(asked))
    if len(users) > MAX_WATCHED:
        raise Invalid(f"at most {MAX_WATCHED} people.", field="user_ids")
    return users


def _somebody(users: Iterable[str]) -> set[str]:
    """Those that may be somebody; of all others there is nothing to read."""
    return {user for user in users if _is_id(user)}


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _told(found: Mapping[str, Shown], users: Iterable[str]) -> list[messages.UserPresence]:
    return [_presence(user, found[user]) for user in users]


def _presence(user: str, shown: Shown) -> messages.UserPresence:
    last_seen = None
    if shown.last_seen_ms:
        last_seen = Timestamp()
        last_seen.FromMilliseconds(shown.last_seen_ms)
    status = STATUS.get(shown.status, messages.STATUS_OFFLINE)
    return messages.UserPresence(
        user_id=user, status=status, last_seen=last_seen, version=shown.version, text=shown.text
    )
