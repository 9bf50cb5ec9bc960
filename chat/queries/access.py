"""Whether somebody may do something in a chat."""

from uuid import UUID

from chat import policy
from chat.models import Chat
from chat.policy import Action, Role
from chat.queries.chats import require_participant
from chatsite.accounts.models import User


def require_action(chat_id: UUID, user: User, action: Action) -> Chat:
    """A chat in which somebody may do something; NotFound for strangers, Forbidden for other roles."""
    chat, place = require_participant(chat_id, user)
    policy.require(Role(place.role), action, chat.overrides)
    return chat
