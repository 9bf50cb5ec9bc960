"""The facts of a chat, as they stand in the log. Pure.

Ids are strings here, as everywhere in JSON; times are ISO 8601 with ms and Z.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, ClassVar, Literal

import msgspec

from chat.mentions import written_of
from chatsite.kernel.events import Audience, Payload, event

MessageType = Literal["text", "notice", "poll"]


class Member(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A participant of a new chat."""

    user_id: str
    role: str


@event
class ChatCreated(Payload, frozen=True, kw_only=True, rename="camel"):
    """A chat came to be, with its first participants."""

    event_type: ClassVar[str] = "chat.room.created.v1"
    room_id: str
    name: str
    chat_type: str
    company_id: str | None
    created_by: str
    participants: list[Member]
    members_version: int


class MembershipChanged(Payload, frozen=True, kw_only=True, rename="camel"):
    """What every change of membership says; `count` is how many are in the chat after it."""

    room_id: str
    user_id: str
    by: str
    role: str
    count: int
    members_version: int


@event
class ParticipantAdded(MembershipChanged, frozen=True, kw_only=True, rename="camel"):
    """Somebody was added to a chat."""

    event_type: ClassVar[str] = "chat.member.added.v1"


@event
class ParticipantRemoved(MembershipChanged, frozen=True, kw_only=True, rename="camel"):
    """Somebody was removed from a chat."""

    event_type: ClassVar[str] = "chat.member.removed.v1"


@event
class ParticipantLeft(MembershipChanged, frozen=True, kw_only=True, rename="camel"):
    """Somebody left a chat."""

    event_type: ClassVar[str] = "chat.member.left.v1"


@event
class ParticipantBanned(MembershipChanged, frozen=True, kw_only=True, rename="camel"):
    """Somebody was removed from a chat for good."""

    event_type: ClassVar[str] = "chat.member.banned.v1"
    reason: str | None = None


@event
class ParticipantRoleChanged(MembershipChanged, frozen=True, kw_only=True, rename="camel"):
    """Somebody has another role; `role` is the new one."""

    event_type: ClassVar[str] = "chat.member.role_changed.v1"


@event
class ParticipantMuted(MembershipChanged, frozen=True, kw_only=True, rename="camel"):
    """Somebody may not post until a time; None lets them speak again."""

    event_type: ClassVar[str] = "chat.member.muted.v1"
    muted_until: str | None = None


class RoomChanged(Payload, frozen=True, kw_only=True, rename="camel"):
    """What every change of a chat itself says."""

    room_id: str
    by: str
    members_version: int


@event
class ChatUpdated(RoomChanged, frozen=True, kw_only=True, rename="camel"):
    """A chat has another name, description or rules; all of them as they are now."""

    event_type: ClassVar[str] = "chat.room.updated.v1"
    name: str
    description: str
    permissions: dict[str, str]
    slow_mode_seconds: int
    expire_seconds: int = 0  # after which a message goes by itself; 0 = it stays
    link_previews: bool = False  # whether links that are said in it are read, to show what they lead to


@event
class ChatArchived(RoomChanged, frozen=True, kw_only=True, rename="camel"):
    """A chat takes nothing new any more."""

    event_type: ClassVar[str] = "chat.room.archived.v1"


@event
class ChatRestored(RoomChanged, frozen=True, kw_only=True, rename="camel"):
    """A chat that was archived goes on."""

    event_type: ClassVar[str] = "chat.room.restored.v1"


@event
class ChatHardDeleted(RoomChanged, frozen=True, kw_only=True, rename="camel"):
    """A chat is gone for good, with everything in it."""

    event_type: ClassVar[str] = "chat.room.deleted.v1"
    receipt_id: str


class PersonEvent(Payload, frozen=True, kw_only=True, rename="camel"):
    """What concerns one person, under their own key."""

    audience: ClassVar[Audience] = "person"
    user_id: str
    room_id: str


@event
class PersonChatAdded(PersonEvent, frozen=True, kw_only=True, rename="camel"):
    """A person is in one more chat."""

    event_type: ClassVar[str] = "person.chat.added.v1"
    role: str
    members_version: int = 0


@event
class PersonChatRemoved(PersonEvent, frozen=True, kw_only=True, rename="camel"):
    """A person is no longer in a chat."""

    event_type: ClassVar[str] = "person.chat.removed.v1"


@event
class ReadAdvanced(PersonEvent, frozen=True, kw_only=True, rename="camel"):
    """A person has read a chat up to a pos; with `back` they took that back to there.

    `unread` and `mentions` are what is left above it, as of the chat's pos `up_to`.
    """

    event_type: ClassVar[str] = "chat.read.advanced.v1"
    message_id: str
    pos: int
    read_at: str
    unread: int
    mentions: int
    up_to: int
    back: bool = False


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a message came from that was not written here."""

    kind: str
    author: str
    ts: str


class Forwarded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a message is a copy of: who said it first and when, and where it was taken from.

    The place is for those in that chat alone: what all get to see goes without it.
    """

    room_id: str | None = None
    message_id: str | None = None
    sender_id: str
    sent_at: str

    @property
    def for_all(self) -> "Forwarded":
        """What everybody may know of it."""
        return Forwarded(sender_id=self.sender_id, sent_at=self.sent_at)


class Poll(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a message asks people to choose between; the question is its text."""

    options: tuple[str, ...]
    multiple: bool = False  # whether one may choose several
    anonymous: bool = False  # whether nobody learns who chose what
    closes_at: str | None = None


@event
class MessageSent(Payload, frozen=True, kw_only=True, rename="camel"):
    """Somebody said something."""

    event_type: ClassVar[str] = "chat.message.sent.v1"
    message_id: str
    room_id: str
    sender_id: str
    content: str
    sent_at: str
    attachments: list[str]
    nonce: str | None = None
    html: str | None = None
    message_type: MessageType = "text"
    reply_to_id: str | None = None
    thread_id: str | None = None
    thread_starter_id: str | None = None  # who said the message that the thread is under: the thread is theirs
    mentions: list[str] = []  # see `chat.mentions`
    origin: Origin | None = None
    forwarded_from: Forwarded | None = None
    important: bool = False  # it asks everybody to say that they have taken note of it
    poll: Poll | None = None
    expires_at: str | None = None  # when it goes by itself
    unmasked_digest: str | None = None  # what a retry is compared with where a rule masked the text


@event
class MessageImported(Payload, frozen=True, kw_only=True, rename="camel"):
    """Somebody said something elsewhere, before: history alone learns of it, nobody is told."""

    event_type: ClassVar[str] = "chat.message.imported.v1"
    message_id: str
    room_id: str
    sender_id: str
    content: str
    sent_at: str
    attachments: list[str]
    origin: Origin
    html: str | None = None
    message_type: MessageType = "text"
    reply_to_id: str | None = None
    thread_id: str | None = None
    mentions: list[str] = []


@event
class MessageEdited(Payload, frozen=True, kw_only=True, rename="camel"):
    """A message's text became another."""

    event_type: ClassVar[str] = "chat.message.edited.v1"
    message_id: str
    room_id: str
    content: str
    edited_at: str
    html: str | None = None
    mentions: list[str] = []


@event
class MessageDeleted(Payload, frozen=True, kw_only=True, rename="camel"):
    """A message was taken back; its tombstone stays."""

    event_type: ClassVar[str] = "chat.message.deleted.v1"
    message_id: str
    room_id: str
    by: str
    deleted_at: str
    reason: str | None = None


class LinkPreview(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a page that a message links says of itself."""

    url: str
    title: str
    description: str | None = None
    site: str | None = None


@event
class MessagePreviewed(Payload, frozen=True, kw_only=True, rename="camel"):
    """What the links of a message lead to, all of it; none where somebody took the previews away.

    They are of the text whose version is `text_version`, and of no later one.
    """

    event_type: ClassVar[str] = "chat.message.previewed.v1"
    message_id: str
    room_id: str
    text_version: int
    previews: list[LinkPreview] = []


@event
class PollChanged(Payload, frozen=True, kw_only=True, rename="camel"):
    """How a poll stands now: how many chose each option, and how many chose at all.

    Where it is not anonymous and somebody has voted, who that was and what all they choose now.
    """

    event_type: ClassVar[str] = "chat.poll.changed.v1"
    message_id: str
    room_id: str
    counts: list[int]
    voters: int
    is_closed: bool = False
    user_id: str | None = None
    choices: list[int] = []


class Reaction(Payload, frozen=True, kw_only=True, rename="camel"):
    """What every change of a reaction says; `count` is how many gave the emoji then, as far as was known."""

    message_id: str
    room_id: str
    user_id: str
    emoji: str
    count: int


@event
class ReactionAdded(Reaction, frozen=True, kw_only=True, rename="camel"):
    """Somebody gave a message an emoji."""

    event_type: ClassVar[str] = "chat.reaction.added.v1"


@event
class ReactionRemoved(Reaction, frozen=True, kw_only=True, rename="camel"):
    """Somebody took their emoji back."""

    event_type: ClassVar[str] = "chat.reaction.removed.v1"


class PinChanged(Payload, frozen=True, kw_only=True, rename="camel"):
    """What every change of a pin says."""

    message_id: str
    room_id: str
    by: str


@event
class MessagePinned(PinChanged, frozen=True, kw_only=True, rename="camel"):
    """A message was pinned in its chat."""

    event_type: ClassVar[str] = "chat.pin.added.v1"


@event
class MessageUnpinned(PinChanged, frozen=True, kw_only=True, rename="camel"):
    """A message is pinned no longer."""

    event_type: ClassVar[str] = "chat.pin.removed.v1"


@event
class MessageAcknowledged(Payload, frozen=True, kw_only=True, rename="camel"):
    """Somebody has taken note of an important message, for good; `count` is how many have."""

    event_type: ClassVar[str] = "chat.message.acknowledged.v1"
    message_id: str
    room_id: str
    user_id: str
    acknowledged_at: str
    count: int


@event
class MessageFlagged(Payload, frozen=True, kw_only=True, rename="camel"):
    """Somebody, or a program, reported a message: for staff and their services, for nobody in the chat."""

    event_type: ClassVar[str] = "chat.message.flagged.v1"
    audience: ClassVar[Audience] = "staff"
    flag_id: str
    message_id: str
    room_id: str
    author_id: str | None
    by: str | None  # None: a rule of staff
    reason: str
    text: str = ""
    source: str = ""
    label: str = ""
    score: float | None = None


MessageEvent = MessageSent | MessageImported | MessageEdited | MessageDeleted
ReactionEvent = ReactionAdded | ReactionRemoved
PinEvent = MessagePinned | MessageUnpinned


def whole_text(content: str, poll: Poll | None) -> str:
    """All that a message says: its text, and the options of a poll, each in a line."""
    return "\n".join((content, *poll.options)) if poll is not None else content


def body_digest(
    content: str,
    reply_to_id: str | None,
    mentions: Sequence[str],
    thread_id: str | None = None,
    *,
    important: bool = False,
    poll: Poll | None = None,
) -> bytes:
    """What two sends with one nonce must have in common to be the same send."""
    body: list[Any] = [content, reply_to_id, list(dict.fromkeys(mentions))]
    # What a send has not leaves no trace: digests of before there was such a thing are kept for a day.
    if thread_id is not None:
        body.append(thread_id)
    if important:
        body.append({"important": True})
    if poll is not None:
        body.append({"poll": poll})
    return blake2b(msgspec.json.encode(body), digest_size=16).digest()


def forward_digest(taken: Forwarded) -> bytes:
    """What two forwards with one nonce must have in common: what is forwarded, whatever it says by now."""
    return blake2b(msgspec.json.encode(["forward", taken.room_id, taken.message_id]), digest_size=16).digest()


def digest_of(event: MessageSent) -> bytes:
    """What a retry of a message is compared with."""
    if event.unmasked_digest is not None:
        return bytes.fromhex(event.unmasked_digest)
    if event.forwarded_from is not None:
        return forward_digest(event.forwarded_from)
    said = event.content, event.reply_to_id, written_of(event.mentions), event.thread_id
    return body_digest(*said, important=event.important, poll=event.poll)


# What a webhook may be told of: what every member of a chat hears.
HOOKED: tuple[type[Payload], ...] = (
    MessageSent,
    MessageEdited,
    MessageDeleted,
    MessageAcknowledged,
    MessagePreviewed,
    PollChanged,
    ReactionAdded,
    ReactionRemoved,
    MessagePinned,
    MessageUnpinned,
    ParticipantAdded,
    ParticipantRemoved,
    ParticipantLeft,
    ParticipantBanned,
    ParticipantRoleChanged,
    ParticipantMuted,
    ChatUpdated,
    ChatArchived,
    ChatRestored,
)
