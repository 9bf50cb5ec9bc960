"""Threads: what is said under a message, beside the conversation, and who follows which.

Numbers come from the rows that the group `previews` keeps, with the stream's recent events over them: they are as of
the head of the chat's stream, like those of a chat's unread messages.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from chat.events import MessageDeleted, MessageSent
from chat.fold import Follow, MessageState, Stamped, follow
from chat.inboxes import MOST
from chat.models import Participant, ThreadFollow, ThreadReply
from chat.protocol import added_of, message_event
from chat.queries import messages, places, unread
from chat.queries.messages import Page, require_message
from chat.queries.places import Place
from chat.queries.reactions import Reactions
from chatsite.gateway.streams import Head, stream
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import ChatId, MessageId, UserId

NAMED = 5  # of those who said something in a thread, how many are told: the first


class Thread(NamedTuple):
    """A thread as somebody sees it, as of the chat's pos `up_to`; at most 100 unread replies are counted.

    Only who follows a thread has something unread in it. Deleted replies count nowhere.
    """

    replies: int
    last_reply: MessageId | None
    participants: Sequence[str]  # in the order in which they came
    unread: int
    follow: Follow | None
    up_to: int

    @property
    def following(self) -> bool:
        """Whether they follow it."""
        return self.follow is not None and self.follow.following


Threads = Mapping[Place, Thread]
NO_THREADS: Threads = {}


class ThreadPage(NamedTuple):
    """Messages of a thread, with the one that it is under; the page has the reactions of them all."""

    root: MessageState
    page: Page


class Followed(NamedTuple):
    """The messages above the threads that somebody follows, the latest reply first; `next` is where to go on."""

    roots: list[MessageState]
    threads: Threads
    reactions: Reactions
    next: MessageId | None


class _CameIn(NamedTuple):
    """The viewer came in, or came back."""

    version: int
    pos: int


class _Recent(NamedTuple):
    """What the rows of a chat may not have yet."""

    head: Head
    events: Sequence["Stamped | _CameIn"]

    @property
    def touched(self) -> set[int]:
        """The messages that were said in a thread, or deleted."""
        return {int(one.event.message_id) for one in self.events if isinstance(one, Stamped)}

    @property
    def deleted(self) -> set[int]:
        """Those of them that were deleted."""
        happened = (one.event for one in self.events if isinstance(one, Stamped))
        return {int(event.message_id) for event in happened if isinstance(event, MessageDeleted)}


class _Reply(NamedTuple):
    message_id: int
    sender: str
    pos: int


async def page(
    chat: ChatId,
    root: MessageId,
    *,
    viewer: UserId,
    before: MessageId | None = None,
    after: MessageId | None = None,
    limit: int,
    at_least: int = 0,
) -> ThreadPage:
    """Messages of a thread before or after an id, or the newest ones; NotFound, Invalid, Unavailable."""
    under = await require_root(chat, root, viewer=viewer)
    found = await messages.page(
        chat, viewer=viewer, thread=root, before=before, after=after, limit=limit, at_least=at_least
    )
    given = await messages.reactions(chat, [under], viewer=viewer)
    return ThreadPage(under, found._replace(reactions={**found.reactions, **given}))


async def require_root(chat: ChatId, message: MessageId, *, viewer: UserId) -> MessageState:
    """A message that a thread may be under, tombstones too: one that somebody said, and not in a thread itself.

    Raises NotFound, Invalid, Unavailable.
    """
    state = await require_message(chat, message, viewer=viewer)
    if state.thread_id is not None:
        raise Invalid(f"this message is in the thread of {state.thread_id} itself.", field="thread_id")
    if state.message_type == "notice":
        raise Invalid("a notice has no thread.", field="thread_id")
    return state


async def under(states: Iterable[MessageState], *, viewer: UserId) -> Threads:
    """The threads under those of some messages that have one, or that the viewer follows; chats are the viewer's."""
    roots = [(ChatId(UUID(one.chat_id)), MessageId(one.message_id)) for one in states if one.thread_id is None]
    found = await of(roots, viewer=viewer)
    return {place: thread for place, thread in found.items() if thread.replies or thread.following}


async def of(roots: Sequence[Place], *, viewer: UserId, read_up_to: int | None = None) -> Threads:
    """Threads as the viewer sees them; or as they would, had they read up to a pos."""
    if not roots:
        return NO_THREADS
    with unavailable_when_away():
        recent = await _recent({chat for chat, _ in roots}, viewer)
        return await in_db_thread(_look, roots, recent, viewer, read_up_to)


async def followed(*, viewer: UserId, before: MessageId | None = None, limit: int) -> Followed:
    """Up to so many threads that somebody follows, of what they may read, the latest reply first.

    Fewer where the message above was deleted: its thread is at its end.
    """
    with unavailable_when_away():
        recent = await _recent(set(await in_db_thread(_chats_of, viewer)), viewer)
        talked_in, rows = await in_db_thread(_followed, recent, viewer, before, limit + 1)
    threads = await of([*talked_in, *rows], viewer=viewer)
    latest = {place: thread.last_reply or place[1] for place, thread in threads.items() if thread.following}
    listed = sorted((one for one in latest if before is None or latest[one] < before), key=lambda one: -latest[one])
    shown = listed[:limit]
    states = await places.read(shown, viewer=viewer)
    roots = [states[place] for place in shown if place in states]
    reactions = await places.reactions_to(roots, viewer=viewer)
    return Followed(roots, threads, reactions, MessageId(latest[shown[-1]]) if len(listed) > limit else None)


async def _recent(chats: set[ChatId], viewer: UserId) -> dict[ChatId, _Recent]:
    """What happened in threads of some chats since the group copied it. To be asked before the rows are."""
    done = await unread.copied()
    heads = await stream().heads([str(chat) for chat in chats])
    recent = {}
    for chat in chats:
        head = heads[str(chat)]
        events: list[Stamped | _CameIn] = []
        for entry in await unread.since(str(chat), unread.done_with(done, str(chat)), head):
            if entry.pos > head.pos:
                break
            if (added := added_of(entry.body.bytes)) is not None and added.user_id == str(viewer):
                events.append(_CameIn(added.version, entry.pos))
            happened = message_event(entry.body.bytes, pos=entry.pos)
            match happened.event if happened else None:
                case MessageSent() as sent if happened is not None and sent.thread_id is not None:
                    events.append(happened)
                case MessageDeleted() if happened is not None:
                    events.append(happened)
        recent[chat] = _Recent(head, events)
    return recent


# --- in a thread of Django's database


def _chats_of(viewer: UserId) -> list[ChatId]:
    mine = Participant.objects.filter(user=viewer, is_active=True)
    return [ChatId(chat) for chat in mine.values_list("chat_id", flat=True)]


def _followed(
    recent: Mapping[ChatId, _Recent], viewer: UserId, before: MessageId | None, limit: int
) -> tuple[list[Place], list[Place]]:
    """The threads in which something happened that the rows do not tell yet, and those that the rows list."""
    talked_in = {
        (chat, MessageId(int(one.event.thread_id)))
        for chat, happened in recent.items()
        for one in happened.events
        if isinstance(one, Stamped) and isinstance(one.event, MessageSent) and one.event.thread_id is not None
    }
    deleted = _any(Q(chat=chat, message_id__in=one.deleted) for chat, one in recent.items() if one.deleted)
    if deleted is not None:
        rows = ThreadReply.objects.filter(deleted).values_list("chat_id", "root").distinct()
        talked_in |= {_place(chat, root) for chat, root in rows}
    newest = ThreadReply.objects.filter(chat=OuterRef("chat"), root=OuterRef("root"), is_deleted=False)
    last = Subquery(newest.order_by("-message_id").values("message_id")[:1], output_field=BigIntegerField())
    mine = ThreadFollow.objects.filter(
        user=viewer, is_following=True, chat__participants__user=viewer, chat__participants__is_active=True
    ).annotate(latest=Coalesce(last, F("root")))
    if before is not None:
        mine = mine.filter(latest__lt=before)
    # What was talked in is looked at in any case: beside so many others that keep their places.
    listed = mine.order_by("-latest").values_list("chat_id", "root")[: limit + len(talked_in)]
    return list(talked_in), [place for row in listed if (place := _place(*row)) not in talked_in]


def _look(
    roots: Sequence[Place], recent: Mapping[ChatId, _Recent], viewer: UserId, read_up_to: int | None
) -> dict[Place, Thread]:
    wanted: dict[ChatId, set[MessageId]] = defaultdict(set)
    for chat, root in roots:
        wanted[chat].add(root)
    these = _any(Q(chat=chat, root__in=ids) for chat, ids in wanted.items())
    apart = _any(Q(chat=chat, message_id__in=recent[chat].touched) for chat in wanted if recent[chat].touched)
    kept = ThreadReply.objects.filter(these, is_deleted=False)
    mine = ThreadFollow.objects.filter(these, user=viewer)
    follows = {_place(row.chat_id, row.root): Follow(row.is_following, row.last_read_pos, row.version) for row in mine}
    fresh: dict[Place, dict[int, _Reply]] = defaultdict(dict)
    gone: set[Place] = set()
    if apart is not None:
        for row in kept.filter(apart):
            fresh[_place(row.chat_id, row.root)][row.message_id] = _Reply(row.message_id, str(row.sender), row.pos)
        deleted = ThreadReply.objects.filter(apart, is_deleted=True).values_list("chat_id", "message_id")
        gone = {_place(chat, message) for chat, message in deleted}
        kept = kept.exclude(apart)
    _fold(fresh, follows, wanted, recent, gone, viewer)
    by_place: dict[Place, list[tuple[str, int, int, int]]] = defaultdict(list)
    grouped = kept.values("chat_id", "root", "sender").annotate(Count("id"), Min("message_id"), Max("message_id"))
    for in_chat, under_it, sender, *numbers in grouped.values_list(
        "chat_id", "root", "sender", "id__count", "message_id__min", "message_id__max"
    ):
        by_place[_place(in_chat, under_it)].append((str(sender), *numbers))
    for place, replies in fresh.items():
        by_place[place] += [(one.sender, 1, one.message_id, one.message_id) for one in replies.values()]
    left = _unread(kept, fresh, follows, viewer, read_up_to)
    return {
        place: _thread(by_place[place], left.get(place, 0), follows.get(place), recent[place[0]].head.pos)
        for place in roots
    }


def _fold(
    fresh: dict[Place, dict[int, _Reply]],
    follows: dict[Place, Follow],
    wanted: Mapping[ChatId, set[MessageId]],
    recent: Mapping[ChatId, _Recent],
    gone: set[Place],
    viewer: UserId,
) -> None:
    """Put what happened since over what is kept of the same replies, and over who follows what."""
    for chat, roots in wanted.items():
        for happened in recent[chat].events:
            if isinstance(happened, _CameIn):
                _begin_anew(follows, [(chat, root) for root in roots], happened)
                continue
            match happened.event:
                case MessageSent() as sent if (root := MessageId(int(sent.thread_id or 0))) in roots:
                    message = MessageId(int(sent.message_id))
                    if (chat, message) not in gone:  # A retry stands in the log twice, once after its delete.
                        fresh[chat, root].setdefault(message, _Reply(message, sent.sender_id, happened.pos))
                    before = follows.get((chat, root))
                    after = follow(before, sent, user=str(viewer), version=happened.version, pos=happened.pos)
                    if after is not None:
                        follows[chat, root] = after
                case MessageDeleted() as deleted:
                    for root in roots:
                        fresh[chat, root].pop(int(deleted.message_id), None)


def _begin_anew(follows: dict[Place, Follow], places: Iterable[Place], came_in: _CameIn) -> None:
    """Forget what somebody followed before who comes back."""
    for place in places:
        old = follows.get(place)
        if old is not None and old.read_pos < came_in.pos and old.version < came_in.version:
            del follows[place]


def _unread(
    kept: "QuerySet[ThreadReply]",
    fresh: Mapping[Place, Mapping[int, _Reply]],
    follows: Mapping[Place, Follow],
    viewer: UserId,
    read_up_to: int | None,
) -> dict[Place, int]:
    """How many replies of others lie above where the viewer has read the threads that they follow."""
    above = {
        place: one.read_pos if read_up_to is None else read_up_to for place, one in follows.items() if one.following
    }
    found: dict[Place, int] = {}
    if (these := _any(Q(chat=place[0], root=place[1], pos__gt=pos) for place, pos in above.items())) is not None:
        rows = kept.filter(these).exclude(sender=viewer).values("chat_id", "root").annotate(Count("id"))
        found = {_place(chat, root): count for chat, root, count in rows.values_list("chat_id", "root", "id__count")}
    for place, pos in above.items():
        others = [one for one in fresh.get(place, {}).values() if one.pos > pos and one.sender != str(viewer)]
        found[place] = found.get(place, 0) + len(others)
    return found


def _thread(said: Sequence[tuple[str, int, int, int]], left: int, mine: Follow | None, up_to: int) -> Thread:
    """A thread of how many replies each said, with their first and their last one."""
    first: dict[str, int] = {}
    for sender, _, earliest, _ in said:
        first[sender] = min(earliest, first.get(sender, earliest))
    return Thread(
        replies=sum(count for _, count, _, _ in said),
        last_reply=MessageId(max(last for *_, last in said)) if said else None,
        participants=sorted(first, key=lambda sender: first[sender])[:NAMED],
        unread=min(left, MOST),
        follow=mine,
        up_to=up_to,
    )


def _place(chat: UUID, message: int) -> Place:
    return ChatId(chat), MessageId(message)


def _any(conditions: Iterable[Q]) -> Q | None:
    """What meets one of some conditions; None where there are none."""
    either: Q | None = None
    for one in conditions:
        either = one if either is None else either | one
    return either
