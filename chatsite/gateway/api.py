"""REST of the gateway: the long poll, an async view, for 25 seconds of waiting would eat threads."""

from typing import Any, TypeVar

import msgspec
import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from chatsite.gateway import describe
from chatsite.gateway.longpoll import MAX_SECONDS, Answer, poll
from chatsite.gateway.protocol import MAX_ROOMS_A_SUBSCRIBE, Cursor, Position, Subscribe
from chatsite.gateway.registry import Identity, authenticate
from chatsite.kernel.errors import Invalid, Unauthenticated
from chatsite.kernel.limits import Ask, require, rule

T = TypeVar("T")


@describe.events
class EventsView(APIView):
    """What happens, for clients without a socket."""

    view_is_async = True
    scope = "connect"  # of API tokens; who authenticates asks it

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """The walk of every API view, awaited: who asks, how often they may, what they ask for."""
        self.headers = self.default_response_headers
        self.request = self.initialize_request(request)
        try:
            identity = await authenticate(token=_bearer(request), origin=None)
            await require(Ask(rule("requests"), identity.sign_in_id))
            if request.method != "POST":
                self.http_method_not_allowed(self.request)
            response: HttpResponseBase = await self.post(self.request, identity)
        except Exception as error:  # noqa: BLE001 - an edge: whatever it is, `problem` tells the client and the log
            response = self.handle_exception(error)
        return self.finalize_response(self.request, response)  # type: ignore[arg-type]

    async def post(self, request: Request, identity: Identity) -> HttpResponse:
        """Hear what was missed of some chats, as soon as there is something; the next request brings `rooms` back."""
        rooms, seconds = _rooms(request.data), _seconds(request.data)
        # A poll costs its person what a SUBSCRIBE does.
        await require(Ask(rule("frames"), identity.user_id, Subscribe(rooms=rooms).cost()))
        cursors = {subject: Cursor(at.epoch, at.pos) if at else None for subject, at in rooms.items()}
        return _response(await poll(identity, cursors, seconds=seconds))


def _bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated()
    return token.strip()


def _rooms(body: Any) -> dict[str, Position | None]:
    rooms = _field(body, "rooms", dict[str, Position | None])
    if not rooms:
        raise Invalid("name at least one room.", field="rooms")
    if len(rooms) > MAX_ROOMS_A_SUBSCRIBE:
        raise Invalid(f"at most {MAX_ROOMS_A_SUBSCRIBE} rooms a request.", field="rooms")
    return rooms


def _seconds(body: Any) -> float:
    seconds = _field(body, "wait", float) if "wait" in body else MAX_SECONDS
    if not 0 <= seconds <= MAX_SECONDS:
        raise Invalid(f"0 to {MAX_SECONDS} seconds.", field="wait")
    return seconds


def _field(body: Any, name: str, type_: type[T]) -> T:
    try:
        return msgspec.convert(body.get(name), type_)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), field=name) from None


def _response(answer: Answer) -> HttpResponse:
    """The answer as JSON; its frames are the bytes that a socket would be sent."""
    body = {
        "frames": [orjson.Fragment(frame) for frame in answer.frames],
        "rooms": {subject: at._asdict() if at else None for subject, at in answer.rooms.items()},
        "more": answer.more,
    }
    return HttpResponse(orjson.dumps(body), content_type="application/json")
