"""The one fact of this app. Pure."""

from typing import ClassVar

from chatsite.kernel.events import Audience, Payload, event


@event
class MessageStarred(Payload, frozen=True, kw_only=True, rename="camel"):
    """A person has starred a message, or has taken the star away."""

    event_type: ClassVar[str] = "star_app.message.starred.v1"
    audience: ClassVar[Audience] = "person"
    user_id: str
    room_id: str
    message_id: str
    starred: bool
