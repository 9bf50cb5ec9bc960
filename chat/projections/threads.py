"""What the group `previews` keeps of threads: which messages are in them, and who follows them.

Written with its next write, in one transaction with the previews.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from chat.events import MessageDeleted, MessageImported, MessageSent, ParticipantAdded
from chat.fold import Follow, follow
from chat.mentions import is_person
from chat.models import Chat, Participant, ThreadFollow, ThreadReply
from chatsite.kernel.events import Record


def write(happened: Sequence[Record], deleted: Iterable[Record]) -> None:
    """Keep what was said in threads between the comings in, and what was deleted of it; replays find it as it is."""
    # Locked, so that no chat is deleted for good before what refers to it is written.
    chats = (
        Chat.objects.select_for_update(no_key=True).filter(id__in={record.key for record in happened}).order_by("id")
    )
    there = {str(chat) for chat in chats.values_list("id", flat=True)}
    kept = [record for record in happened if record.key in there]
    said = [record for record in kept if not isinstance(record.fact.payload, ParticipantAdded)]
    ThreadReply.objects.bulk_create([_reply(record) for record in said], ignore_conflicts=True)
    for record in kept:
        match record.fact.payload:
            case MessageSent():
                _follow(record)
            case ParticipantAdded():
                _begin_anew(record)
    for record in deleted:
        if isinstance(record.fact.payload, MessageDeleted):
            gone = ThreadReply.objects.filter(chat=UUID(record.key), message_id=int(record.fact.payload.message_id))
            gone.update(is_deleted=True)


def _reply(record: Record) -> ThreadReply:
    sent: MessageSent | MessageImported = record.fact.payload
    return ThreadReply(
        chat_id=UUID(record.key),
        root=int(sent.thread_id or 0),
        message_id=int(sent.message_id),
        sender=UUID(sent.sender_id),
        pos=record.pos if isinstance(sent, MessageSent) else 0,
    )


def _follow(record: Record) -> None:
    """Let those follow a thread whom a reply makes follow it, of who is in the chat."""
    sent: MessageSent = record.fact.payload
    named = [sent.sender_id, sent.thread_starter_id, *filter(is_person, sent.mentions)]
    concerned = {UUID(one) for one in named if one is not None}
    chat, root = UUID(record.key), int(sent.thread_id or 0)
    rows = {row.user_id: row for row in ThreadFollow.objects.filter(chat=chat, root=root, user__in=concerned)}
    members = Participant.objects.filter(chat=chat, user__in=concerned, is_active=True)
    new = []
    for user in members.values_list("user_id", flat=True):
        row = rows.get(user)
        before = Follow(row.is_following, row.last_read_pos, row.version) if row is not None else None
        after = follow(before, sent, user=str(user), version=record.fact.version, pos=record.pos)
        if after is None or after == before:
            continue
        following, pos, version = after
        if row is None:
            fresh = ThreadFollow(user_id=user, chat_id=chat, root=root, is_following=following)
            fresh.last_read_pos, fresh.version = pos, version
            new.append(fresh)
        else:
            # What the person has said of it meanwhile is newer, and stands.
            unchanged = ThreadFollow.objects.filter(id=row.id, version=row.version)
            unchanged.update(is_following=following, last_read_pos=pos, version=version)
    ThreadFollow.objects.bulk_create(new, ignore_conflicts=True)


def _begin_anew(record: Record) -> None:
    """Forget what somebody followed before who comes back."""
    mine = ThreadFollow.objects.filter(chat=UUID(record.key), user=UUID(record.fact.payload.user_id))
    mine.filter(last_read_pos__lt=record.pos, version__lt=record.fact.version).delete()
