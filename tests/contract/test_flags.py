"""What a report leaves behind: one open flag of a person, bounded, and a fact that is for staff."""

from collections.abc import Iterator

import msgspec
import pytest

from chat.commands import flags
from chat.commands.flags import Report
from chat.events import HOOKED, MessageFlagged
from chat.models import Chat, MessageFlag, Participant
from chat.moderation import State
from chatsite.accounts.models import User
from chatsite.gateway.bodies import body_of
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, NotFound
from chatsite.kernel.events import Record
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.models import LogRecord

pytestmark = pytest.mark.django_db(transaction=True)
SPAM = Report("spam", text="again")


@pytest.fixture
def place(transactional_db: None) -> Iterator[tuple[ChatId, UserId]]:
    """Somebody in a chat."""
    ada = User.objects.create(username="ada")
    chat = Chat.objects.create(name="A chat", chat_type="group", version=1)
    Participant.objects.create(chat=chat, user=ada, version=1)
    with clock.leased():
        yield ChatId(chat.id), UserId(ada.id)


def test_there_is_one_open_flag_of_a_person_and_message(place: tuple[ChatId, UserId]) -> None:
    chat, ada = place
    first = flags.keep(chat, MessageId(1), SPAM, ada, None)
    assert flags.keep(chat, MessageId(1), Report("abuse"), ada, None) == (first.flag, True)
    MessageFlag.objects.update(state=State.DISMISSED)
    assert not flags.keep(chat, MessageId(1), SPAM, ada, None).repeated, "it may be reported anew"
    assert MessageFlag.objects.count() == LogRecord.objects.count() == 2


def test_the_fact_is_for_staff(place: tuple[ChatId, UserId]) -> None:
    chat, ada = place
    kept = flags.keep(chat, MessageId(1), SPAM, ada, ada)
    record = LogRecord.objects.get()
    fact = msgspec.json.decode(bytes(record.value))
    assert (fact["eventType"], fact["audience"]) == ("chat.message.flagged.v1", "staff")
    assert (fact["payload"]["flagId"], fact["payload"]["messageId"]) == (str(kept.flag.id), "1")
    moved = Record(
        partition=0, offset=1, pos=1, key=str(chat), event_type=record.event_type, event_id=fact["eventId"],
        value=bytes(record.value), appended_ms=0,
    )  # fmt: skip
    assert isinstance(moved.fact.payload, MessageFlagged)
    assert body_of(moved) is None, "no frame: it enters no stream"
    assert MessageFlagged not in HOOKED, "no webhook of a chat is told"


def test_one_too_many_is_refused_until_staff_have_looked(
    place: tuple[ChatId, UserId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "MAX_OPEN", 2)
    chat, ada = place
    for number in (1, 2):
        flags.keep(chat, MessageId(number), SPAM, ada, None)
    with pytest.raises(Conflict, match="2 of your reports wait"):
        flags.keep(chat, MessageId(3), SPAM, ada, None)
    assert flags.keep(chat, MessageId(1), SPAM, ada, None).repeated
    MessageFlag.objects.filter(message_id=1).update(state=State.ACTED)
    flags.keep(chat, MessageId(3), SPAM, ada, None)


def test_who_has_left_meanwhile_reports_nothing(place: tuple[ChatId, UserId]) -> None:
    chat, ada = place
    Participant.objects.update(is_active=False)
    with pytest.raises(NotFound):
        flags.keep(chat, MessageId(1), SPAM, ada, None)
    assert not MessageFlag.objects.exists() and not LogRecord.objects.exists()
