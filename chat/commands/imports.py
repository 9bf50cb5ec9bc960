"""Bringing in what was said elsewhere, one chat a source.

Chat and people are facts of Django's database, the messages are facts of the log. All
their ids follow from the source, so a second run, or one after a kill, finds what is there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from chat import policy
from chat.commands.chats import require_name, store_new
from chat.commands.locking import record
from chat.events import MessageImported, Origin, ParticipantAdded
from chat.fold import MessageState, Stamped, apply
from chat.imports import Line
from chat.messages import Message
from chat.models import Chat, Erased, Participant
from chat.policy import Kind, Role
from chat.queries import participants
from chat.queries.erased import CHAT
from chatsite.accounts.imported import ids_of, imported_people
from chatsite.accounts.models import Company, User
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict, DomainError, Invalid, Unavailable
from chatsite.kernel.eventlog import log
from chatsite.kernel.events import NewRecord, Record, iso, new_record
from chatsite.kernel.ids import ChatId, MessageId, SourceIds, UserId, unix_ms_of, version_of

BATCH = 500  # messages in flight at once; also the people of one transaction
KNOWN_PEOPLE = 50_000  # ids kept by name, some 10 MB; beyond it they are looked up again
PAUSES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 10)  # seconds between tries while log or store are away
ERASED = "the chat of this source was deleted for good."
R = TypeVar("R")
_NAMESPACE = UUID("a1c7b4de-8a0b-5d55-8f0f-2f6f4d0c9b10")  # of the ids of imported chats, for ever


class Ledger(Protocol):
    """Which chat a source became and which message each of its numbers, where another app keeps that."""

    def require_free(self, chat: ChatId) -> None:
        """Conflict where the source is another chat already."""

    def open(self, chat: ChatId) -> None:
        """Note the chat, in the transaction that finds or makes it; Conflict, also while another run has it open."""

    def close(self, chat: ChatId) -> None:
        """Let another run open it."""

    async def find(self, chat: ChatId, numbers: Mapping[int, MessageId]) -> dict[int, MessageId]:
        """The messages that stand for some of these numbers already."""

    async def claim(self, chat: ChatId, numbers: Mapping[int, MessageId]) -> dict[int, MessageId]:
        """Note what numbers become, and answer what stands of those it keeps: the first claim."""


class Source(NamedTuple):
    """Where lines come from: `kind` is the network or format, `name` tells its sources apart.

    `title` is what its chat is called at first. Where people edit what they said (`is_edited`), a message
    that was brought in before stays as it came; elsewhere another text means that this is another source.
    A `ledger` knows a message by its number, whatever else is missing or was moved since.
    """

    kind: str
    name: str
    title: str
    company: Company | None
    owner: User
    is_edited: bool = False
    ledger: Ledger | None = None


class Imported(NamedTuple):
    """What an import has done so far; `new` are the messages that were not there before."""

    messages: int = 0
    new: int = 0
    notices: int = 0
    replies: int = 0


class Planned(NamedTuple):
    """What an import would do."""

    messages: int
    new: int
    notices: int
    replies: int
    new_chat: bool
    new_people: int


class _Said(NamedTuple):
    line: Line
    message: MessageId
    event: MessageImported


def open_chat(source: Source) -> Chat:
    """The chat of a source, made by its owner where it is not there yet; Conflict when it is archived or was erased."""
    chat_id = _chat_of(source)
    with transaction.atomic():
        chat = _find_open(Chat.objects.select_for_update(), chat_id)
        if source.ledger:
            source.ledger.open(chat_id)
        if chat:
            return chat
        chat = Chat(
            id=chat_id,
            name=require_name(source.title),
            chat_type=Kind.GROUP,
            company=source.company,
            created_by=source.owner,
        )
        store_new(chat, {source.owner: Role.OWNER}, creator=source.owner)
        return chat


def add_people(chat_id: UUID, names: Mapping[str, str], *, source: Source) -> dict[str, UserId]:
    """The people of a source by their keys; those who never were in its chat become members of it."""
    with transaction.atomic():
        chat = Chat.objects.select_for_update().filter(id=chat_id).first()
        if chat is None:  # It was there when this began.
            raise Conflict(ERASED)
        policy.require_open(is_archived=chat.is_archived)
        people = imported_people(names, network=source.kind, company=source.company)
        ids = {user.id for user in people.values()}
        # Who was removed stays out: another run must change nothing.
        ids -= set(Participant.objects.filter(chat=chat, user__in=ids).values_list("user_id", flat=True))
        if ids:
            _add(chat, sorted(ids), by=source.owner)
        return {key: UserId(user.id) for key, user in people.items()}


async def import_lines(
    lines: Iterable[Line],
    *,
    source: Source,
    replies: Mapping[int, int],
    report: Callable[[Imported], None],
) -> tuple[ChatId, Imported]:
    """Bring in the lines of a source and wait until they are durable; `replies` gives the line each answers.

    Whatever it raises (Invalid, Conflict, Unavailable), what came before is kept, and a
    next run goes on from there.
    """
    batches = _batches(lines)
    first = next(batches, None)  # Before the chat is made: what is no log at all leaves nothing behind.
    if first is None:
        raise Invalid(f"{source.title} holds no messages.")
    chat = ChatId((await in_db_thread(open_chat, source)).id)
    try:
        return chat, await _bring_in(chain([first], batches), chat, source, replies, report)
    finally:
        if source.ledger:
            await in_db_thread(source.ledger.close, chat)


async def plan_lines(
    lines: Iterable[Line],
    *,
    source: Source,
    replies: Mapping[int, int],
    report: Callable[[Imported], None],
    people: set[UUID],
) -> tuple[ChatId, Planned]:
    """What `import_lines` would do, with what it would refuse; writes nothing.

    `people` are those whom other sources bring already; this one's are added to them.
    """
    chat = _chat_of(source)
    is_there = await in_db_thread(_find_open, Chat.objects.all(), chat) is not None
    if source.ledger:
        await in_db_thread(source.ledger.require_free, chat)
    if not is_there:
        require_name(source.title)
    script, done, new_people = _Script(chat, source, replies), Imported(), 0
    for batch in _batches(lines):
        senders = ids_of(_authors(batch), network=source.kind, company=source.company)
        more = set(senders.values()) - people
        new_people += len(more) - await in_db_thread(User.objects.filter(id__in=more).count)
        people |= more
        ids = script.ids_of(batch)
        if source.ledger:
            ids |= await source.ledger.find(chat, ids)
        said = script.said(batch, ids, {key: UserId(person) for key, person in senders.items()})
        done = _counted(done, said, new=await _count_absent(chat, said, source) if is_there else len(said))
        report(done)
    return chat, Planned(*done, new_chat=not is_there, new_people=new_people)


async def _bring_in(
    batches: Iterable[Sequence[Line]],
    chat: ChatId,
    source: Source,
    replies: Mapping[int, int],
    report: Callable[[Imported], None],
) -> Imported:
    script, done = _Script(chat, source, replies), Imported()
    known: dict[str, UserId] = {}
    for batch in batches:
        if len(known) > KNOWN_PEOPLE:
            known.clear()
        if missing := {key: name for key, name in _authors(batch).items() if key not in known}:
            known |= await in_db_thread(add_people, chat, missing, source=source)
        ids = script.ids_of(batch)
        if source.ledger:  # First: what a killed run claimed is said by the next under the same id.
            ids |= await _patiently(partial(source.ledger.claim, chat, ids))
        said = script.said(batch, ids, known)
        done = _counted(done, said, new=await _patiently(partial(_record, chat, said, source)))
        report(done)
    return done


class _Script:
    """Makes messages of a source's lines, in their order: each knows which one it answers."""

    def __init__(self, chat: ChatId, source: Source, replies: Mapping[int, int]) -> None:
        self._chat, self._source, self._replies = chat, source, replies
        self._ids = SourceIds(source.name)
        self._parents: dict[int, MessageId | None] = dict.fromkeys(replies.values())

    def ids_of(self, batch: Sequence[Line]) -> dict[int, MessageId]:
        """The ids that the next lines would have, by their numbers; Invalid for one that lies in the future."""
        return {line.number: _require_past(self._ids.id_of(line.number, second=line.second), line) for line in batch}

    def said(self, batch: Sequence[Line], ids: Mapping[int, MessageId], senders: Mapping[str, UserId]) -> list[_Said]:
        """The messages of the next lines, under the ids that they have."""
        said = []
        for line in batch:
            message = ids[line.number]
            if line.number in self._parents:
                self._parents[line.number] = message
            sender = senders[_key(line)] if line.author else UserId(self._source.owner.id)
            reply_to = self._parents.get(self._replies.get(line.number, -1))
            said.append(_said(line, message, self._chat, sender, reply_to, self._source.kind))
        return said


def _chat_of(source: Source) -> ChatId:
    namespace = source.company.id if source.company else _NAMESPACE
    return ChatId(uuid5(namespace, f"chat:{source.kind}:{source.name}"))


def _find_open(chats: "QuerySet[Chat]", chat_id: ChatId) -> Chat | None:
    if Erased.objects.filter(kind=CHAT, subject=chat_id).exists():
        raise Conflict(ERASED)
    if chat := chats.filter(id=chat_id).first():
        policy.require_open(is_archived=chat.is_archived)
    return chat


def _authors(batch: Sequence[Line]) -> dict[str, str]:
    """The names of those who say something, by what tells them apart."""
    names: dict[str, str] = {}
    for line in batch:
        if line.author:
            names.setdefault(_key(line), line.author)
    return names


def _key(line: Line) -> str:
    return line.author_id or line.author or ""


def _counted(done: Imported, said: Sequence[_Said], *, new: int) -> Imported:
    return Imported(
        done.messages + len(said),
        done.new + new,
        done.notices + sum(one.line.message_type == "notice" for one in said),
        done.replies + sum(one.event.reply_to_id is not None for one in said),
    )


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines in batches; those before an unreadable one come first, then its error."""
    batch: list[Line] = []
    try:
        for line in lines:
            batch.append(line)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except DomainError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _require_past(message: MessageId, line: Line) -> MessageId:
    if unix_ms_of(message) > clock.now_ms():
        raise Invalid(f"{line.called} lies in the future, at {iso(unix_ms_of(message))}.")
    return message


def _said(line: Line, message: MessageId, chat: ChatId, sender: UserId, reply_to: MessageId | None, kind: str) -> _Said:
    event = MessageImported(
        message_id=str(message),
        room_id=str(chat),
        sender_id=str(sender),
        content=line.content,
        sent_at=iso(unix_ms_of(message)),
        attachments=[],
        origin=Origin(kind=kind, author=line.author or "", ts=iso(line.second * 1_000)),
        message_type=line.message_type,
        html=line.html,
        reply_to_id=str(reply_to) if reply_to is not None else None,
    )
    return _Said(line, message, event)


async def _patiently(work: Callable[[], Awaitable[R]]) -> R:
    """Do what may be done twice, trying again while log or store are away."""
    for pause in PAUSES:
        try:
            return await work()
        except Unavailable:
            await asyncio.sleep(pause)
    return await work()


async def _record(chat: ChatId, said: Sequence[_Said], source: Source) -> int:
    """Append what is neither stored nor in the log; answers how many."""
    # The store first: the log keeps its unique keys for a week only, and drops nothing that is not stored.
    fresh = await _not_stored(chat, said, source)
    appended = await asyncio.gather(*[log().append(_record_of(chat, one, by=source.owner)) for one in fresh])
    new = 0
    for one, place in zip(fresh, appended, strict=True):
        if place.first is None:
            new += 1
        else:
            _require_same(one, _logged(one, place.first), source)
    return new


async def _count_absent(chat: ChatId, said: Sequence[_Said], source: Source) -> int:
    """How many messages neither the store nor the log has."""
    fresh = await _not_stored(chat, said, source)
    found = await asyncio.gather(*[log().find(_unique_key(chat, one)) for one in fresh])
    for one, there in zip(fresh, found, strict=True):
        if there is not None:
            _require_same(one, _logged(one, there), source)
    return found.count(None)


async def _not_stored(chat: ChatId, said: Sequence[_Said], source: Source) -> list[_Said]:
    """The messages that the store has not; Conflict where it has another one."""
    ids = [one.message for one in said]
    stored = await _stored(chat, min(ids), max(ids))
    for one in said:
        if one.message in stored:
            _require_same(one, stored[one.message], source)
    return [one for one in said if one.message not in stored]


def _logged(one: _Said, record: Record) -> MessageState:
    return apply(None, Stamped(record.fact.payload, version_of(one.message), record.pos))


def _unique_key(chat: ChatId, one: _Said) -> str:
    return f"import:{chat}:{one.message}"


async def _stored(chat: ChatId, first: MessageId, last: MessageId) -> dict[int, MessageState]:
    """The messages that the store has between two ids, both included."""
    found: dict[int, MessageState] = {}
    after = MessageId(first - 1)
    while True:
        page = await Message.objects.page(chat, after=after, limit=BATCH)
        found |= {state.message_id: state for state in page.messages if state.message_id <= last}
        if not page.more:
            return found
        after = page.cursor if page.cursor is not None else MessageId(page.messages[-1].message_id)
        if after >= last:
            return found


def _require_same(one: _Said, there: MessageState, source: Source) -> None:
    """Refuse a message whose id is taken by another; what was edited or deleted since is the same one."""
    mine = apply(None, Stamped(one.event, version_of(one.message), 0))
    is_same = mine.created_at == there.created_at
    # What names nobody has who brings it in for its sender, and who did so first may have been another.
    is_same = is_same and (one.line.author is None or mine.sender_id == there.sender_id)
    if is_same and not source.is_edited:
        is_same = (mine.message_type, mine.reply_to_id) == (there.message_type, there.reply_to_id)
        is_same = is_same and (there.is_edited or there.is_deleted or mine.content == there.content)
    if not is_same:
        raise Conflict(
            f"{one.line.called} would be message {one.message}, which is there with another body:"
            " was the source changed, or named like another one?"
        )


def _record_of(chat: ChatId, one: _Said, *, by: User) -> NewRecord:
    return new_record(
        one.event,
        event_id=uuid5(chat, one.event.message_id),
        key=chat,
        version=version_of(one.message),
        occurred_ms=unix_ms_of(one.message),
        actor=by.id,
        region=settings.REGION,
        unique_key=_unique_key(chat, one),
    )


def _add(chat: Chat, people: Sequence[UUID], *, by: User) -> None:
    version = clock.version()
    for person in people:
        chat.count(1)
        chat.members_version += 1
        added = ParticipantAdded(
            room_id=str(chat.id),
            user_id=str(person),
            by=str(by.id),
            role=Role.MEMBER,
            count=chat.participant_count,
            members_version=chat.members_version,
        )
        record(added, key=chat.id, actor=by, version=version)  # Nothing for the person, who cannot sign in.
    chat.version = version
    chat.save(update_fields=["participant_count", "mode", "members_version", "version"])
    Participant.objects.bulk_create(
        Participant(chat=chat, user_id=person, role=Role.MEMBER, version=version) for person in people
    )
    needed = chat.members_version
    transaction.on_commit(lambda: participants.need(ChatId(chat.id), needed))
