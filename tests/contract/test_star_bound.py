"""How many messages a person may star: what they hold is bounded, and there is a way on."""

from collections.abc import Iterator

import pytest

from chat.commands import stars
from chat.models import Chat, Participant, Star
from chatsite.accounts.models import User
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, NotFound
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.models import LogRecord

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(transactional_db: None) -> Iterator[tuple[ChatId, UserId]]:
    """Somebody in a chat."""
    ada = User.objects.create(username="ada")
    chat = Chat.objects.create(name="A chat", chat_type="group", version=1)
    Participant.objects.create(chat=chat, user=ada, version=1)
    with clock.leased():
        yield ChatId(chat.id), UserId(ada.id)


def test_one_too_many_is_refused_until_there_is_room(
    place: tuple[ChatId, UserId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stars, "MAX_STARS", 2)
    chat, ada = place
    versions = [stars.add(chat, MessageId(number), ada) for number in (1, 2)]
    with pytest.raises(Conflict, match="At most 2 messages"):
        stars.add(chat, MessageId(3), ada)
    assert stars.add(chat, MessageId(1), ada) == versions[0], "it is starred already"
    assert stars.take_away(chat, MessageId(1), ada) > versions[1]
    stars.add(chat, MessageId(3), ada)
    assert sorted(Star.objects.values_list("message_id", flat=True)) == [2, 3]
    assert LogRecord.objects.filter(key=str(ada), event_type="person.state.changed.v1").count() == 4


def test_who_has_left_meanwhile_stars_nothing(place: tuple[ChatId, UserId]) -> None:
    chat, ada = place
    Participant.objects.update(is_active=False)
    with pytest.raises(NotFound):
        stars.add(chat, MessageId(1), ada)
    assert not Star.objects.exists()
    assert not LogRecord.objects.exists()
