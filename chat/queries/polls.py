"""How polls stand, and who chose what where that may be known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from chat.fold import MessageState
from chat.models import Poll, PollVote
from chat.queries.messages import require_message
from chat.queries.places import Place, among, place_of
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict, Forbidden, Invalid
from chatsite.kernel.ids import ChatId, MessageId, UserId

NAMED = 10  # of those who chose an option, how many a page names: the first, and the viewer


class Option(NamedTuple):
    """How many chose an option, and who: the first of them, and the viewer if they did; nobody is named of an
    anonymous poll."""

    given: int
    users: Sequence[str]
    is_mine: bool


class Standing(NamedTuple):
    """How a poll stands as of a version (microseconds); options by number, those that somebody chose."""

    options: Mapping[int, Option]
    voters: int
    is_closed: bool
    version: int


UNTOUCHED = Standing({}, 0, is_closed=False, version=0)


class Voters(NamedTuple):
    """Who chose an option, in the order of their ids; `next` is where to go on, None at the end."""

    users: Sequence[UUID]
    next: UUID | None


def of_page(states: Iterable[MessageState], *, viewer: str) -> Mapping[Place, Standing]:
    """How those messages that are polls stand; two queries, and none where there is no poll."""
    asked = [state for state in states if state.poll is not None and not state.is_deleted]
    if not asked:
        return {}
    # Before the votes: what is voted in between is told by a frame above this version, which says it again.
    rows = list(Poll.objects.filter(among(asked)).annotate(voters=Count("votes__user", distinct=True)))
    anonymous = {place_of(state) for state in asked if state.poll is not None and state.poll.anonymous}
    options = _options(rows, anonymous, viewer)
    return {_place_of(row): Standing(options[row.pk], row.voters, row.is_closed, row.version) for row in rows}


async def voters(
    chat: ChatId, message: MessageId, choice: int, *, viewer: UserId, after: UUID | None = None, limit: int
) -> Voters:
    """Who chose an option; Invalid for an unknown one, NotFound, Forbidden in an anonymous poll, Unavailable.

    Conflict where there is no poll.
    """
    state = await require_message(chat, message, viewer=viewer)
    if state.poll is None:
        raise Conflict("The message is no poll.")
    if state.poll.anonymous:
        raise Forbidden("Nobody is told who voted for what in an anonymous poll.")
    if choice >= len(state.poll.options):
        raise Invalid(f"the options are 0 to {len(state.poll.options) - 1}.", field="option")
    with unavailable_when_away():
        return await in_db_thread(_voters, chat, message, choice, after, limit)


def _options(rows: Sequence[Poll], anonymous: set[Place], viewer: str) -> Mapping[int, Mapping[int, Option]]:
    """What was chosen in each poll, by its key."""
    one = [F("poll_id"), F("choice")]
    mine = Q(user=UUID(viewer)) if viewer else Q(pk__in=[])
    found = (
        PollVote.objects.filter(poll__in=[row.pk for row in rows])
        .annotate(number=Window(RowNumber(), partition_by=one, order_by=F("id").asc()))
        .annotate(total=Window(Count("id"), partition_by=one))
        .filter(Q(number__lte=NAMED) | mine)
        .order_by("id")
        .values_list("poll_id", "choice", "user", "total")
    )
    hidden = {row.pk for row in rows if _place_of(row) in anonymous}
    options: defaultdict[int, dict[int, Option]] = defaultdict(dict)
    for poll, choice, user, total in found:
        _, users, is_mine = options[poll].get(choice, Option(0, (), is_mine=False))
        named = users if poll in hidden else (*users, str(user))
        options[poll][choice] = Option(total, named, is_mine=is_mine or str(user) == viewer)
    return options


def _voters(chat: ChatId, message: MessageId, choice: int, after: UUID | None, limit: int) -> Voters:
    votes = PollVote.objects.filter(poll__chat=chat, poll__message_id=message, choice=choice)
    votes = votes if after is None else votes.filter(user__gt=after)
    users = list(votes.order_by("user").values_list("user", flat=True)[: limit + 1])
    return Voters(users[:limit], users[limit - 1] if len(users) > limit else None)


def _place_of(row: Poll) -> Place:
    return ChatId(row.chat_id), MessageId(row.message_id)
