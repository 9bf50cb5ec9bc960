"""How long an invocation can be answered, and that nothing of it is kept afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chat.commands import bot_commands as commands
from chat.commands.bot_commands import ANSWER_WITHIN, Asked, Offered
from chat.models import Chat, Invocation, Participant
from chatsite.accounts.models import User
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, NotFound
from chatsite.kernel.ids import ChatId, UserId

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def place(transactional_db: None) -> Iterator[tuple[ChatId, User, User]]:
    """A chat with somebody and a bot that can say what time it is."""
    ada, bot = User.objects.create(username="ada"), User.objects.create(username="clock", is_bot=True)
    chat = Chat.objects.create(name="A chat", chat_type="group", version=1)
    for one in (ada, bot):
        Participant.objects.create(chat=chat, user=one, version=1)
    with clock.leased():
        commands.replace(bot, [Offered("time", "Says what time it is")])
        yield ChatId(chat.id), ada, bot


def test_it_is_answered_in_time_or_not_at_all(place: tuple[ChatId, User, User]) -> None:
    chat, ada, bot = place
    made = commands.hand_over(chat, Asked("time"), UserId(ada.id), NOW)
    just_in_time = NOW + ANSWER_WITHIN - timedelta(seconds=1)
    assert commands.require_invocation(made.id, bot=bot, now=just_in_time) == made
    with pytest.raises(Conflict, match="has passed"):
        commands.require_invocation(made.id, bot=bot, now=NOW + ANSWER_WITHIN)


def test_nothing_of_it_stays_when_its_time_has_passed(place: tuple[ChatId, User, User]) -> None:
    chat, ada, bot = place
    early = commands.hand_over(chat, Asked("time"), UserId(ada.id), NOW)
    late = commands.hand_over(chat, Asked("time"), UserId(ada.id), NOW + timedelta(minutes=1))
    assert commands.forget_ended(NOW + ANSWER_WITHIN) == 1
    assert list(Invocation.objects.all()) == [late]
    with pytest.raises(NotFound):
        commands.require_invocation(early.id, bot=bot, now=NOW)


def test_who_left_a_moment_ago_neither_asks_nor_hears(place: tuple[ChatId, User, User]) -> None:
    chat, ada, _ = place
    made = commands.hand_over(chat, Asked("time"), UserId(ada.id), NOW)
    Participant.objects.filter(user=ada).update(is_active=False)
    for refused in (
        lambda: commands.hand_over(chat, Asked("time"), UserId(ada.id), NOW),
        lambda: commands.answer_privately(made.id, "eight", now=NOW),
    ):
        with pytest.raises(NotFound):
            refused()


def test_a_bot_that_is_retired_offers_nothing(place: tuple[ChatId, User, User]) -> None:
    chat, ada, bot = place
    User.objects.filter(id=bot.id).update(is_active=False)
    with pytest.raises(NotFound, match="no such command"):
        commands.hand_over(chat, Asked("time"), UserId(ada.id), NOW)
