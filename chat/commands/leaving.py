"""The chore that follows leaving a company: nobody stays in chats of a company that is not theirs."""

from typing import Any
from uuid import UUID

from django.db import transaction

from chat.commands.locking import Staff
from chat.commands.participants import expel, may_be_in
from chat.models import Participant
from chatsite.accounts.commands.companies import LEFT_COMPANY
from chatsite.accounts.models import User
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread


@chores.handles(LEFT_COMPANY)
async def leave_chats(payload: dict[str, Any]) -> None:
    """Take a person out of a company's chats, one by one; a second run finds them out."""
    await in_db_thread(_leave_all, UUID(payload["company"]), UUID(payload["user"]), UUID(payload["by"]))


def _leave_all(company: UUID, user_id: UUID, by: UUID) -> None:
    staff = Staff(User.objects.get(id=by))
    places = Participant.objects.select_related("chat", "user").filter(
        chat__company=company, user=user_id, is_active=True
    )
    for place in list(places):
        with transaction.atomic():
            if not may_be_in(place.user, place.chat):  # They may be back in the company by now.
                expel(place.chat_id, user_id=user_id, by=staff)
