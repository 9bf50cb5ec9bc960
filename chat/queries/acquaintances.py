"""Who shares a chat with whom: the predicates of presence."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from chat.models import Participant
from chat.policy import Mode
from chatsite.kernel.database import in_db_thread


async def acquaintances(user: str, among: Collection[str]) -> set[str]:
    """Those of some people who share a chat with a person, an archived one too; unknown ids are nobody."""
    return await in_db_thread(_acquaintances, user, among)


async def close_to(users: Collection[str]) -> Mapping[str, set[str]]:
    """Who hears everything in a chat that one of some people is in, themselves too where they are in any."""
    return await in_db_thread(_close_to, users)


def _acquaintances(user: str, among: Collection[str]) -> set[str]:
    chats = Participant.objects.filter(user_id=user, is_active=True).values("chat_id")
    shared = Participant.objects.filter(chat_id__in=chats, is_active=True, user_id__in=_ids(among))
    return {str(one) for one in shared.values_list("user_id", flat=True).distinct()}


def _close_to(users: Collection[str]) -> dict[str, set[str]]:
    places = Participant.objects.filter(is_active=True, chat__mode=Mode.FULL, chat__is_archived=False)
    chats: defaultdict[UUID, list[str]] = defaultdict(list)
    for chat, user in places.filter(user_id__in=_ids(users)).values_list("chat_id", "user_id"):
        chats[chat].append(str(user))
    members: defaultdict[UUID, set[str]] = defaultdict(set)
    for chat, member in places.filter(chat_id__in=list(chats)).values_list("chat_id", "user_id"):
        members[chat].add(str(member))
    close: defaultdict[str, set[str]] = defaultdict(set)
    for chat, near in chats.items():
        for one in near:
            close[one] |= members[chat]
    return dict(close)


def _ids(texts: Collection[str]) -> list[UUID]:
    """The ids of those texts that are any, in their one form."""
    found = []
    for text in texts:
        try:
            one = UUID(text)
        except ValueError:
            continue
        if str(one) == text:
            found.append(one)
    return found
