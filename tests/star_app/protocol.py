"""The frames of this app. Pure."""

import msgspec

from chatsite.gateway.bodies import Body, encodes
from chatsite.gateway.protocol import ClientFrame
from chatsite.kernel.events import Record
from tests.star_app.events import MessageStarred


class StarMessage(ClientFrame, frozen=True, kw_only=True, tag="STAR_APP_STAR"):
    """Star a message, or take the star away."""

    room_id: str
    message_id: str
    starred: bool = True


class StarMeFrame(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="ME"):
    """What one's other devices hear."""

    kind: str
    version: int
    room_id: str
    message_id: str
    starred: bool


@encodes(MessageStarred.event_type)
def star_body(record: Record) -> Body:
    """The body of a star."""
    event: MessageStarred = record.fact.payload
    frame = StarMeFrame(
        kind="star_app.star",
        version=record.fact.version,
        room_id=event.room_id,
        message_id=event.message_id,
        starred=event.starred,
    )
    return Body(msgspec.json.encode(frame))
