"""Reads what Telegram Desktop writes of one chat, `result.json`, message by message. Pure.

    {"name": "Tea", "type": "private_supergroup", "id": 1234567890, "messages": [
        {"id": 7, "type": "message", "date_unixtime": "1700000000", "from": "Ada", "from_id": "user1", "text": ...}]}

A file is never read whole into memory, but more than once: for what replies to what, and to see
that it is whole, and then for the messages. Of a message its text comes over; what it shows
besides leaves a mark, as `[photo]`.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import ijson
import msgspec

from chat.imports import Line
from chatsite.accounts.policy import printable
from chatsite.gateway.protocol import MAX_CONTENT
from chatsite.kernel.errors import Invalid
from telegram_bridge.ids import MAX_CHAT, MAX_MESSAGE
from telegram_bridge.markup import Part, content_of

MAX_BYTES = 1 << 20  # of a message with all that Telegram says of it; its text has 4,096 characters at most
MAX_LINKS = 1_000_000  # reply links kept in memory, about 100 MB
MAX_NAME = 100
MAX_TITLE = 255
SHARED = {"private_supergroup", "public_supergroup", "private_channel", "public_channel"}
OWN = {"personal_chat", "bot_chat", "private_group", "saved_messages"}
WHOLE_ACCOUNT = {"about", "personal_information", "chats", "left_chats"}
HOW = 'In Telegram Desktop open the chat, "Export chat history", and choose the format JSON.'
_MEDIA = {
    "sticker": "sticker", "video_file": "video", "video_message": "video message", "voice_message": "voice message",
    "animation": "animation", "audio_file": "audio",
}  # fmt: skip
_DONE = {
    "create_group": "created the group", "create_channel": "created the channel", "edit_group_title": "renamed it",
    "edit_group_photo": "changed the photo", "delete_group_photo": "removed the photo", "invite_members": "added",
    "remove_members": "removed", "join_group_by_link": "joined by a link", "join_group_by_request": "joined",
    "pin_message": "pinned a message", "migrate_to_supergroup": "made it a supergroup",
    "migrate_from_group": "made it a supergroup", "topic_created": "began the topic", "topic_edit": "changed the topic",
    "phone_call": "called", "group_call": "began a call",
}  # fmt: skip


class Exported(NamedTuple):
    """The chat that an export is of; its id is one among those of its `kind`.

    The ids of its messages are the same for everybody where it `is_shared`; in other chats each
    account counts for itself.
    """

    id: int
    kind: str
    title: str
    is_shared: bool


class Scanned(NamedTuple):
    """What has to be known of a whole file before its first message; some messages are `left_out` (see `read`)."""

    is_shared: bool
    replies: dict[int, int]
    first_second: int
    left_out: int


class _Poll(msgspec.Struct):
    question: Any = ""


class _Message(msgspec.Struct, rename={"said_by": "from"}):
    """What is read of a message; what else it holds is left."""

    id: int
    type: str
    date_unixtime: str | None = None
    said_by: str | None = None
    from_id: str | None = None
    actor: str | None = None
    actor_id: str | None = None
    action: str | None = None
    title: str | None = None
    new_title: str | None = None
    members: list[str | None] = []
    information_text: str | None = None
    text: str | list[str | Part] = ""
    text_entities: list[Part] | None = None
    reply_to_message_id: int | None = None
    reply_to_peer_id: str | None = None
    forwarded_from: str | None = None
    photo: str | None = None
    file: str | None = None
    file_name: str | None = None
    media_type: str | None = None
    sticker_emoji: str | None = None
    performer: str | None = None
    poll: _Poll | None = None
    location_information: Any = None
    place_name: str | None = None
    contact_information: Any = None
    game_title: str | None = None
    invoice_information: Any = None


class _Bounded:
    """A file that ends reading where one message is longer than any can be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        if self._bytes > MAX_BYTES:
            raise Invalid(f"a message has more than {MAX_BYTES:,} bytes: this is no export of one chat. {HOW}")
        data = self._file.read(size)
        self._bytes += len(data)
        return data

    def next_message(self) -> None:
        """Begin to count anew."""
        self._bytes = 0


def read_chat(file: BinaryIO) -> Exported:
    """The chat of an export; Invalid says what to do where it is none, or one of several chats."""
    told: dict[str, Any] = {}
    try:
        for prefix, kind, value in ijson.parse(_Bounded(file)):
            if prefix == "" and kind == "map_key" and value in WHOLE_ACCOUNT:
                raise Invalid(f"this is an export of a whole account: one chat is brought in at a time. {HOW}")
            if prefix in ("name", "type", "id"):
                told[prefix] = value
            if prefix == "messages" and kind == "start_array":
                return _exported(told)
    except ijson.JSONError as error:
        raise _unreadable(error) from None
    raise Invalid(f"it names no messages: this is no export of a chat. {HOW}")


def scan(file: BinaryIO, *, is_shared: bool) -> Scanned:
    """Read a whole file for what its messages reply to; Invalid names what cannot be read."""
    replies: dict[int, int] = {}
    first: int | None = None
    left_out = 0
    for message in _messages(file):
        left_out += _is_left_out(message, is_shared=is_shared)
        if not _is_undated(message):
            second = _second(message)
            first = second if first is None else first
        # What is answered in another chat has another chat's number.
        if message.reply_to_message_id is not None and message.reply_to_peer_id is None:
            replies[message.id] = message.reply_to_message_id
        if len(replies) > MAX_LINKS:
            raise Invalid(f"more than {MAX_LINKS:,} replies.")
    return Scanned(is_shared, replies, first or 0, left_out)


def read(file: BinaryIO, scanned: Scanned) -> Iterator[Line]:
    """The messages of an export in their order, numbered by their Telegram ids.

    What an export cannot show has no time in it, and gets that of the message before. It is left
    out where only its time would tell it again: a later export may lack the message before.
    """
    second = scanned.first_second
    for message in _messages(file):
        second = second if _is_undated(message) else _second(message)
        if not _is_left_out(message, is_shared=scanned.is_shared):
            yield _line(message, second)


def _exported(told: dict[str, Any]) -> Exported:
    number, kind, name = told.get("id"), told.get("type"), told.get("name")
    if kind not in SHARED | OWN:
        raise Invalid(f"chats of the type {str(kind)[:MAX_NAME]!r} are not brought in.")
    if type(number) is not int or not 0 < number < MAX_CHAT:
        raise Invalid(f"its id is {str(number)[:MAX_NAME]!r}, and no number of a chat. {HOW}")
    title = printable(name)[:MAX_TITLE] if isinstance(name, str) else ""
    fallback = "Saved messages" if kind == "saved_messages" else f"Telegram chat {number}"
    return Exported(number, str(kind), title or fallback, kind in SHARED)


def _messages(file: BinaryIO) -> Iterator[_Message]:
    bounded, last = _Bounded(file), None
    try:
        for raw in ijson.items(bounded, "messages.item"):
            bounded.next_message()
            message = _message(raw)
            if last is not None and message.id <= last:
                raise Invalid(f"message {message.id} stands after message {last}: was the file changed?")
            last = message.id
            yield message
    except ijson.JSONError as error:
        raise _unreadable(error) from None


def _message(raw: Any) -> _Message:
    number = raw.get("id") if isinstance(raw, dict) else None
    if type(number) is not int or not -MAX_MESSAGE <= number <= MAX_MESSAGE:
        raise Invalid("one of its messages has no id.")
    try:
        return msgspec.convert(raw, _Message)
    except msgspec.ValidationError as error:
        raise Invalid(f"message {number}: {error}.") from None


def _unreadable(error: Exception) -> Invalid:
    if "premature EOF" in str(error):
        return Invalid("it ends in the middle: the file is cut short. Export or copy it once more.")
    return Invalid(f"this is no JSON: {str(error).splitlines()[0][:200]}. {HOW}")


def _is_undated(message: _Message) -> bool:
    """Whether it is of those of which an export tells but the id."""
    return message.type not in ("message", "service") and message.date_unixtime is None


def _is_left_out(message: _Message, *, is_shared: bool) -> bool:
    """Whether it has neither a time nor a number of its chat, which no message from before a supergroup has."""
    return _is_undated(message) and not (is_shared and message.id > 0)


def _second(message: _Message) -> int:
    """When it was said, Unix time; Invalid where it does not say."""
    text = message.date_unixtime or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise Invalid(f"message {message.id} has no date_unixtime: export it with a newer Telegram Desktop.")
    return int(text)


def _line(message: _Message, second: int) -> Line:
    called, is_said = f"message {message.id}", message.type == "message"
    content, html = content_of(_parts(message)) if is_said else (_event(message), None)
    if len(content) > MAX_CONTENT:
        raise Invalid(f"{called} has {len(content)} characters; a message here has {MAX_CONTENT} at most.")
    author, author_id = (message.said_by, message.from_id) if is_said else (message.actor, message.actor_id)
    return Line(
        message.id,
        second,
        printable(author or "")[:MAX_NAME] or ("Deleted account" if author_id else None),
        content,
        "text" if is_said else "notice",
        called,
        author_id[:MAX_NAME] if author_id else None,
        html,
    )


def _parts(message: _Message) -> list[Part]:
    """A mark for each thing that cannot come over, and then what was said."""
    marks = [Part(text=f"[{_clean(mark)}]\n") for mark in _marks(message)]
    text = [message.text] if isinstance(message.text, str) else message.text
    parts = message.text_entities or [Part(text=one) if isinstance(one, str) else one for one in text]
    said = [msgspec.structs.replace(one, text=_clean(one.text)) for one in parts if one.text]
    if not marks and not said:
        return [Part(text="[nothing that this export shows]")]
    if marks and not said:
        marks[-1] = Part(text=marks[-1].text.rstrip("\n"))
    return marks + said


def _marks(message: _Message) -> Iterator[str]:
    if message.forwarded_from:
        yield f"forwarded from {printable(message.forwarded_from)[:MAX_NAME]}"
    if message.photo is not None:
        yield "photo"
    if message.media_type is not None or message.file is not None:
        yield _file(message)
    if message.poll is not None:
        yield _with("poll", message.poll.question)
    if message.location_information is not None or message.place_name is not None:
        yield _with("location", message.place_name)
    if message.contact_information is not None:
        info = message.contact_information if isinstance(message.contact_information, dict) else {}
        yield _with("contact", f"{info.get('first_name') or ''} {info.get('last_name') or ''}")
    if message.game_title is not None:
        yield _with("game", message.game_title)
    if message.invoice_information is not None:
        yield "invoice"


def _file(message: _Message) -> str:
    kind = _MEDIA.get(message.media_type or "", "file")
    match kind:
        case "sticker":
            return f"sticker {message.sticker_emoji or ''}".strip()
        case "audio":
            return _with(kind, " - ".join(one for one in (message.performer, message.title) if one))
        case _:
            return _with(kind, message.file_name)


def _with(kind: str, name: Any) -> str:
    """A kind of thing, and what it is called."""
    clean = printable(name)[:MAX_NAME] if isinstance(name, str) else ""
    return f"{kind}: {clean}" if clean else kind


def _event(message: _Message) -> str:
    """What a notice says of something that nobody said."""
    if message.type != "service":
        return "[a message that this export cannot show]"
    if message.information_text:
        return _clean(message.information_text)
    action = message.action or "did something"
    people = ", ".join(printable(one)[:MAX_NAME] or "somebody" if one else "somebody" for one in message.members)
    names = people[:MAX_TITLE] or printable(message.title or message.new_title or "")[:MAX_TITLE]
    actor = printable(message.actor or "")[:MAX_NAME] or "Somebody"
    done = _DONE.get(action) or printable(action.replace("_", " "))[:MAX_NAME]
    return f"{actor} {done}: {names}" if names else f"{actor} {done}"


def _clean(text: str) -> str:
    """A text that every store can hold."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
