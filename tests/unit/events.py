"""What can happen to one message, as strategies too, and how the log hands it on."""

from hypothesis import strategies as st

from chat.events import MessageDeleted, MessageEdited, MessageImported, MessageSent, Origin, Poll
from chat.fold import Stamped
from chatsite.kernel.events import NewRecord, Record, iso
from chatsite.kernel.ids import MessageId, make_id, unix_ms_of, version_of

CHAT = "0f0e0d0c-0b0a-4908-8706-050403020100"
SENDER, OTHER, THIRD = (f"{n}f0e0d0c-0b0a-4908-8706-050403020100" for n in (1, 2, 3))
MESSAGE = make_id(1_000_000, 1, 1)
SENT_US = version_of(MESSAGE)


def placed(new: NewRecord, *, pos: int = 1) -> Record:
    """A record as the log hands it on."""
    return Record(
        partition=0, offset=pos, pos=pos, key=new.key, event_type=new.event_type, event_id=new.event_id,
        value=new.value, appended_ms=0,
    )  # fmt: skip


def sent(message: MessageId = MESSAGE, *, content: str = "first", pos: int = 1) -> Stamped:
    """A message as it was sent."""
    event = MessageSent(
        message_id=str(message),
        room_id=CHAT,
        sender_id=SENDER,
        content=content,
        html=f"<p><em>{content}</em></p>",
        sent_at=iso(unix_ms_of(message)),
        attachments=[],
        poll=Poll(options=("the first", "another")),
    )
    return Stamped(event, version_of(message), pos)


def imported(message: MessageId = MESSAGE, *, content: str = "first", pos: int = 1) -> Stamped:
    """A message that was said elsewhere."""
    moment = iso(unix_ms_of(message))
    event = MessageImported(
        message_id=str(message),
        room_id=CHAT,
        sender_id=SENDER,
        content=content,
        sent_at=moment,
        attachments=[],
        origin=Origin(kind="irc", author="u", ts=moment),
    )
    return Stamped(event, version_of(message), pos)


def edited(after_us: int, content: str, message: MessageId = MESSAGE) -> Stamped:
    """A change of text, so many microseconds after the message."""
    version = version_of(message) + after_us
    html = f"<p><em>{content}</em></p>" if content.startswith("edit") else None
    event = MessageEdited(
        message_id=str(message), room_id=CHAT, content=content, html=html, edited_at=iso(version // 1_000)
    )
    return Stamped(event, version, 1_000 + after_us)


def deleted(after_us: int, by: str = SENDER, message: MessageId = MESSAGE) -> Stamped:
    """A delete, so many microseconds after the message."""
    version = version_of(message) + after_us
    event = MessageDeleted(message_id=str(message), room_id=CHAT, by=by, deleted_at=iso(version // 1_000))
    return Stamped(event, version, 1_000 + after_us)


edits = st.integers(1, 20).map(lambda after: edited(after * 1_000, f"edit {after}"))
deletes = st.builds(
    lambda after, by: deleted(after * 1_000, by), st.integers(1, 20), st.sampled_from([SENDER, OTHER, THIRD])
)
changes = st.tuples(edits, edits, deletes | edits, deletes | edits)
sent_lives = changes.map(lambda changed: [sent(pos=1), sent(pos=9), *changed])
imported_lives = changes.map(lambda changed: [imported(pos=1), imported(pos=9), *changed])
lives = sent_lives | imported_lives
