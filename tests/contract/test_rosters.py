"""Who is in a chat: what this process commits is known from its commit on, whatever was kept of before."""

from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chat.commands import chats
from chat.queries.participants import roster
from chatsite.accounts.models import User
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.ids import ChatId

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.mark.parametrize(
    ("command", "is_archived", "members"),
    [(chats.archive, True, 1), (chats.erase, False, 0)],
    ids=["archived", "deleted for good"],
)
async def test_a_chat_that_ended_has_ended_for_the_next_who_asks(
    lease: None, command: Any, is_archived: bool, members: int
) -> None:
    ada, made = await in_db_thread(_make)
    chat = ChatId(made)
    assert (await roster(chat)).members.keys() == {str(ada.id)}
    await in_db_thread(command, made, by=ada)
    known = await roster(chat)
    assert (known.is_archived, len(known.members)) == (is_archived, members)
    await sync_to_async(connections.close_all)()


def _make() -> tuple[User, UUID]:
    ada = User.objects.create_user("ada", "pw")
    return ada, chats.create(creator=ada, name="Plans", people=[])[0].id
