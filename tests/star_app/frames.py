"""What answers STAR_APP_STAR."""

from uuid import UUID

from chat.queries.participants import chat_id
from chatsite.gateway.protocol import frame
from chatsite.gateway.registry import on
from chatsite.gateway.session import Session
from chatsite.kernel.ids import UserId, read_id
from tests.star_app.commands import star
from tests.star_app.protocol import StarMessage


@on(StarMessage)
async def star_message(session: Session, asked: StarMessage) -> None:
    """Star a message."""
    version = await star(
        chat_id(asked.room_id),
        read_id(asked.message_id, "messageId"),
        by=UserId(UUID(session.require_user)),
        starred=asked.starred,
    )
    session.reply(frame("ACK", ref=asked.ref, roomId=asked.room_id, messageId=asked.message_id, version=version))
