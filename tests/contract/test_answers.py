"""What people answer to messages, on a page: as many questions for fifty as for one, and few names for many answers."""

from uuid import UUID

import msgspec
import pytest

from chat.events import MessageDeleted, Poll
from chat.fold import MessageState
from chat.models import Acknowledgement, Chat, ImportantMessage, LinkPreviews, PollVote
from chat.models import Poll as PollRow
from chat.projections import acknowledgements as asked_for
from chat.projections import polls as polls_end
from chat.queries import acknowledgements, link_previews, polls
from chatsite.accounts.models import User
from chatsite.kernel.facts import fact
from chatsite.kernel.ids import ChatId, MessageId
from tests.statements import counted
from tests.unit.events import placed

pytestmark = pytest.mark.django_db
PEOPLE, MESSAGES = 15, 50


@pytest.fixture
def people() -> list[User]:
    """Enough for a page not to name them all."""
    return [User.objects.create(username=f"p{number}") for number in range(PEOPLE)]


@pytest.fixture
def chat(people: list[User]) -> Chat:
    """A chat in which everybody has answered everything."""
    chat = Chat.objects.create(name="A chat", chat_type="group", version=1)
    for message in range(MESSAGES):
        asked = ImportantMessage.objects.create(chat=chat, message_id=message, sender=people[0].id)
        poll = PollRow.objects.create(chat=chat, message_id=message, version=7)
        LinkPreviews.objects.create(
            chat=chat, message_id=message, text_version=1, previews=[{"url": "http://a/", "title": "A"}]
        )
        for number, user in enumerate(people):
            Acknowledgement.objects.create(message=asked, user=user, version=number + 1)
            PollVote.objects.create(poll=poll, user=user, choice=0)
    return chat


def asking(chat: Chat, message: int, *, anonymous: bool = False) -> MessageState:
    """A message that asks everything that one can."""
    return MessageState(
        chat_id=str(chat.id),
        message_id=message,
        version=1,
        content="What of http://a/?",
        message_type="poll",
        important=True,
        poll=Poll(options=("a", "b"), anonymous=anonymous),
    )


def test_a_page_asks_as_often_for_many_as_for_one(chat: Chat, people: list[User]) -> None:
    asked = []
    for many in (1, MESSAGES):
        states, viewer = [asking(chat, message) for message in range(many)], str(people[-1].id)
        with counted() as statements:
            assert len(acknowledgements.of_page(states, viewer=viewer)) == many
            assert len(polls.of_page(states, viewer=viewer)) == many
            assert len(link_previews.of_page(states)) == many
        asked.append(len(statements))
    assert asked == [4, 4]
    plain = MessageState(chat_id=str(chat.id), message_id=0, version=1, content="said", message_type="text")
    with counted() as statements:
        assert not acknowledgements.of_page([plain], viewer=viewer)
        assert not polls.of_page([plain], viewer=viewer)
        assert not link_previews.of_page([plain])
    assert statements == []


def test_it_names_ten_and_the_viewer_but_nobody_of_an_anonymous_poll(chat: Chat, people: list[User]) -> None:
    place, last = (ChatId(chat.id), MessageId(3)), people[-1]
    ten = tuple(str(user.id) for user in people[:10])
    for viewer, named in ((str(last.id), (*ten, str(last.id))), (str(people[2].id), ten), ("", ten)):
        noted = acknowledgements.of_page([asking(chat, 3)], viewer=viewer)[place]
        assert (noted.given, noted.users) == (PEOPLE, named)
        standing = polls.of_page([asking(chat, 3)], viewer=viewer)[place]
        assert (standing.voters, standing.version, [*standing.options]) == (PEOPLE, 7, [0])
        assert standing.options[0] == (PEOPLE, named, viewer != "")
    hidden = polls.of_page([asking(chat, 3, anonymous=True)], viewer=str(last.id))[place]
    assert hidden.options[0] == (PEOPLE, (), True)


def test_who_is_in_no_page_is_asked_for_in_none(chat: Chat, people: list[User]) -> None:
    elsewhere = Chat.objects.create(name="Another", chat_type="group", version=1)
    states = [asking(chat, 1), asking(elsewhere, 2)]
    of_each = (
        acknowledgements.of_page(states, viewer=""),
        polls.of_page(states, viewer=""),
        link_previews.of_page(states),
    )
    for found in of_each:
        assert [*found] == [(ChatId(UUID(str(chat.id))), MessageId(1))], "an id of one chat is nothing in another"


def test_previews_are_of_the_text_that_is_shown(chat: Chat) -> None:
    state, place = asking(chat, 3), (ChatId(chat.id), MessageId(3))
    assert [one.title for one in link_previews.of_page([state])[place]] == ["A"]
    for other in ({"version": 2}, {"deleted_at": "2026-01-01T00:00:00.000Z"}, {"content": ""}):
        assert not link_previews.of_page([msgspec.structs.replace(state, **other)]), other


def test_what_was_deleted_asks_nobody_any_more_and_its_votes_go(chat: Chat) -> None:
    event = MessageDeleted(message_id="3", room_id=str(chat.id), by=str(chat.id), deleted_at="2026-01-01T00:00:00.000Z")
    record = placed(fact(event, key=chat.id, actor=None, version=9))
    for projection in (asked_for, polls_end):
        projection.write([], [record])
    assert ImportantMessage.objects.get(chat=chat, is_deleted=True).message_id == 3
    assert not PollVote.objects.filter(poll__message_id=3).exists()
    assert PollRow.objects.count() == MESSAGES - 1
