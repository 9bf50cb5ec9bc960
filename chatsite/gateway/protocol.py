"""The gateway's part of the WebSocket contract: positions, and its own frames. Pure.

A room event's frame is encoded once, without its place in the stream; `stamp`
adds epoch, pos and prev, the same bytes for everybody.
"""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, NamedTuple

import msgspec

from chatsite.kernel.errors import CODES, DomainError, Invalid
from chatsite.kernel.text import ESCAPED_NUL, require_text

# The bounds of section "Limits" of the contract; READY tells them to every client.
MAX_FRAME_BYTES = 64 * 1024
MAX_ROOMS_A_SUBSCRIBE = 500
MAX_SUBSCRIPTIONS = 1_000
MAX_UNACKED = 16
REPLAY_EVENTS, REPLAY_BYTES = 100, 128 * 1024
HEARTBEAT_MS = 30_000
MAX_CONTENT = 8_000  # code points of a message


class Cursor(NamedTuple):
    """Where a receiver is in a room's stream."""

    epoch: str
    pos: int


class Verdict(Enum):
    """What a receiver does with a frame that carries a pos."""

    APPLY = "apply"
    DROP = "drop"
    HOLE = "hole"
    RESYNC = "resync"


def judge(cursor: Cursor | None, *, epoch: str, pos: int, prev: int) -> Verdict:
    """The receiver rule, the same in the hub, the clients and their tests."""
    if cursor is None or cursor.epoch != epoch:
        return Verdict.RESYNC
    if pos <= cursor.pos:
        return Verdict.DROP
    if prev <= cursor.pos:
        return Verdict.APPLY
    return Verdict.HOLE


class CloseCode:
    """Why the server ends a session."""

    UNAUTHENTICATED = 4001
    FORBIDDEN = 4003
    TOO_SLOW = 4008
    TOO_MANY = 4009
    PROTOCOL_ERROR = 4010
    REVOKED = 4011
    DRAINING = 4012


CLOSE_REASONS = {code: name.lower() for name, code in vars(CloseCode).items() if not name.startswith("_")}


class Position(msgspec.Struct, frozen=True, rename="camel"):
    """A cursor as a client sends it."""

    epoch: str
    pos: int


Ref = str | None


class ClientFrame(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """What every frame of a client may carry; subclasses name their type as their tag."""

    ref: Ref = None

    def cost(self) -> float:
        """Tokens of its person's bucket that it takes; 0 where its command has buckets of its own."""
        return 1.0


class Auth(ClientFrame, frozen=True, kw_only=True, tag="AUTH"):
    """Sign this connection in, or renew it."""

    ticket: str | None = None
    token: str | None = None


class Subscribe(ClientFrame, frozen=True, kw_only=True, tag="SUBSCRIBE"):
    """Hear rooms, each from a cursor on or from now on."""

    rooms: dict[str, Position | None] | Literal["all"] | None = None
    room_id: str | None = None

    def cost(self) -> float:
        """A frame, and a tenth of one for each room: a client may come back with hundreds."""
        rooms = MAX_ROOMS_A_SUBSCRIBE if self.rooms == "all" else len(self.rooms or ())
        return 1.0 + rooms / 10


class Unsubscribe(ClientFrame, frozen=True, kw_only=True, tag="UNSUBSCRIBE"):
    """Hear rooms no more."""

    rooms: list[str]

    def cost(self) -> float:
        """What it cost to subscribe them."""
        return 1.0 + len(self.rooms) / 10


class Heartbeat(ClientFrame, frozen=True, kw_only=True, tag="HEARTBEAT"):
    """The client is there; `active` when its person did something."""

    active: bool = False


encode = msgspec.json.Encoder().encode


class Frames:
    """The frame types this server reads: the gateway's own and those the apps register.

    Unknown fields are ignored, so that newer clients can talk to older servers;
    `strict` refuses them, so that a misspelt one is found in our own tests.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._types: dict[str, type[ClientFrame]] = {}
        self._decode: msgspec.json.Decoder[Any] | None = None

    def add(self, frame: type[ClientFrame]) -> None:
        """Read frames of one more type."""
        self._types[str(frame.__struct_config__.tag)] = frame
        self._decode = None

    @property
    def types(self) -> dict[str, type[ClientFrame]]:
        """Every type a client may send."""
        return dict(self._types)

    def parse(self, text: str) -> ClientFrame:
        """The frame of a text; Invalid says which field is wrong and why."""
        if self._decode is None:
            self._decode = msgspec.json.Decoder(union_of(tuple(self._types.values())))
        try:
            frame: ClientFrame = self._decode.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise self._explain(text, error) from None
        if ESCAPED_NUL in text:
            require_text(_rough(text))
        if self._strict and (unknown := _rough(text).keys() - {"type", *frame.__struct_encode_fields__}):
            raise Invalid(f"unknown, and this server is strict: {', '.join(sorted(unknown))}.", field="fields")
        return frame

    def _explain(self, text: str, error: Exception) -> Invalid:
        type_ = _rough(text).get("type")
        if not isinstance(type_, str):
            return Invalid(code="bad_frame")
        if type_ not in self._types:
            return Invalid(f"There is no frame of type {type_[:40]!r}.", code="unknown_type")
        return Invalid(str(error))


def union_of(types: tuple[Any, ...]) -> Any:
    """The union of some types, for a decoder."""
    union = types[0]
    for one in types[1:]:
        union |= one
    return union


def address_of(text: str) -> tuple[str | None, str | None]:
    """The ref and nonce of a text that may be no frame at all, for its ERROR."""
    rough = _rough(text)
    return _plain(rough.get("ref")), _plain(rough.get("nonce"))


def _rough(text: str) -> dict[str, Any]:
    """What the stock parser makes of a text: it lets pass the lone surrogates that ours refuses."""
    try:
        rough = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return rough if isinstance(rough, dict) else {}


def _plain(value: Any) -> str | None:
    """A string that can be sent back, else None."""
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def stamp(body: bytes, *, epoch: str, pos: int, prev: int) -> bytes:
    """A room event's frame: its body with its place in the stream."""
    return b'%b,"epoch":"%b","pos":%d,"prev":%d}' % (body[:-1], epoch.encode(), pos, prev)


def prepare(payload: bytes) -> bytes:
    """A WebSocket text frame of a server, as it goes over the wire (RFC 6455, 5.2); made once for all who get it."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 1 << 16:
        return b"\x81\x7e%b%b" % (size.to_bytes(2), payload)
    return b"\x81\x7f%b%b" % (size.to_bytes(8), payload)


def payloads(frames: bytes) -> Iterator[bytes]:
    """What is in prepared frames."""
    start = 0
    while start < len(frames):
        size, head = frames[start + 1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(frames[start + 2 : start + head])
        yield frames[start + head : start + head + size]
        start += head + size


def frame(type_: str, **fields: Any) -> bytes:
    """A frame of the server to one client; fields that are None are left out."""
    return encode({"type": type_} | {name: value for name, value in fields.items() if value is not None})


def resync_frame(subject: str, cursor: Cursor, *, ref: Ref = None) -> bytes:
    """The RESYNC that says from where on a subject is live, where what lies before cannot be completed."""
    return frame("RESYNC", roomId=subject, epoch=cursor.epoch, pos=cursor.pos, ref=ref)


def error_frame(error: DomainError, *, ref: Ref = None, nonce: str | None = None, room_id: str | None = None) -> bytes:
    """The ERROR that answers a refused frame, or one room of it."""
    return frame(
        "ERROR",
        ref=ref,
        nonce=nonce,
        roomId=room_id,
        code=error.code,
        message=error.detail,
        retryable=CODES[error.code].retryable,
        retryAfterMs=error.retry_after_ms,
    )
