"""What the apps tell the gateway: the frames they read, and their predicates by setting."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

from chatsite.gateway.protocol import ClientFrame, Frames
from chatsite.gateway.session import Session

F = TypeVar("F", bound=ClientFrame)
Handler = Callable[[Session, F], Awaitable[None]]

frames = Frames(strict=settings.GATEWAY["STRICT"])
_handlers: dict[type[ClientFrame], Handler[Any]] = {}


class Identity(NamedTuple):
    """Who a ticket or token speaks for, and until when (Unix seconds)."""

    user_id: str
    sign_in_id: str
    expires_at: float


def on(frame: type[F]) -> Callable[[Handler[F]], Handler[F]]:
    """Register the handler of one frame type; a second one for the same type is an error."""

    def register(handler: Handler[F]) -> Handler[F]:
        if frame in _handlers:
            raise ValueError(f"two handlers for {frame.__name__}")
        frames.add(frame)
        _handlers[frame] = handler
        return handler

    return register


async def handle(session: Session, frame: ClientFrame) -> None:
    """Hand a parsed frame to its handler, which answers or raises DomainError."""
    await _handlers[type(frame)](session, frame)


class Attendant(Protocol):
    """An app that wants to know who is there. It is told in the loop's turn and must not wait."""

    def entered(self, session: Session) -> None:
        """A session was welcomed."""

    def heard(self, session: Session, *, active: bool) -> None:
        """A frame came of it; `active` where its person did something."""

    def left(self, session: Session) -> None:
        """It has ended; one that was never welcomed may end too."""


attendants: list[Attendant] = []

Authenticate = Callable[..., Awaitable[Identity]]
WhoMayHear = Callable[..., Awaitable[set[str]]]
Hears = Callable[[str, Mapping[str, int]], Awaitable[set[str]]]
SubjectsOf = Callable[[str], Awaitable[dict[str, dict[str, Any]]]]
ModeOf = Callable[[str], Awaitable[str]]
Foresee = Callable[[Collection[str]], Awaitable[None]]
UnreadOf = Callable[[str, Collection[str]], Awaitable[dict[str, int | None]]]


@cache
def _named(name: str) -> Any:
    return import_string(settings.GATEWAY[name])


async def authenticate(*, ticket: str | None = None, token: str | None = None, origin: str | None) -> Identity:
    """Who comes with a ticket or a token; Unauthenticated where neither is good."""
    return await cast(Authenticate, _named("AUTHENTICATE"))(ticket=ticket, token=token, origin=origin)


async def who_may_hear(users: Iterable[str], subject: str, *, version: int) -> set[str]:
    """Those of some people who may hear a subject, by its members at `version` or later.

    A person's own id is a subject that only they hear.
    """
    asked = set(users)
    if subject in asked:
        return {subject}
    return await cast(WhoMayHear, _named("WHO_MAY_HEAR"))(asked, subject, version=version)


async def heard_by(user: str, versions: Mapping[str, int]) -> set[str]:
    """Those of some subjects that a person may hear, by the members of each at its version or later.

    The same as `who_may_hear` of each, for one who asks for many at once; none is their own.
    """
    return await cast(Hears, _named("HEARD_BY"))(user, versions)


async def subjects_of(user: str) -> dict[str, dict[str, Any]]:
    """What a person may hear, at most 500, the latest first; with what SUBSCRIBED_ALL says of each."""
    return await cast(SubjectsOf, _named("SUBJECTS_OF"))(user)


async def mode_of(subject: str) -> str:
    """How those who hear everything of theirs hear a subject: "full", or "activity" where many are in it."""
    return await cast(ModeOf, _named("MODE_OF"))(subject)


async def foresee(subjects: Collection[str]) -> None:
    """Let be read together what is about to be asked about some subjects."""
    await cast(Foresee, _named("FORESEE"))(subjects)


async def unread_of(subject: str, users: Collection[str]) -> dict[str, int | None]:
    """What people have not read of a subject whose activity they hear: None of a stranger, of some nothing yet."""
    return await cast(UnreadOf, _named("UNREAD_OF"))(subject, users)
