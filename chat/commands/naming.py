"""Who is named by a message: whether its sender may, and who is meant by @here and user groups."""

from collections.abc import Sequence
from uuid import UUID

from chat import mentions, policy
from chat.policy import Action, Seat
from chat.queries.away import online_among
from chat.queries.participants import Roster
from chatsite.accounts.queries import members_of_group
from chatsite.kernel.believed import Believed
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import UserId

BELIEVED_SECONDS = 10.0  # so long a change of a user group may be unknown to who sends
REMEMBERED = 1_000  # groups of who named them; up to 500 ids each


async def require(written: Sequence[str], members: Roster, seat: Seat, *, sender: UserId) -> list[str]:
    """The mentions of a message with all who are meant; Invalid, or Forbidden for @all and @here.

    Only participants are ever named: a user group means those of it who are in the chat.
    """
    kept = mentions.ordered(written)
    named = mentions.take_apart(kept)
    if named.all or named.here:
        policy.require(seat.role, Action.MENTION_ALL, members.overrides)
    if not all(one in members.members for one in named.people):
        raise Invalid("only participants can be mentioned.", field="mentions")
    meant: set[str] = set()
    for group in named.groups:
        meant |= await _groups.get((group, sender)) & members.members.keys()
    if named.here:
        meant |= await online_among(members.members.keys())
    return mentions.with_meant(kept, sorted(meant - {str(sender)}))


async def _read(asked: tuple[UUID, UserId]) -> set[str]:
    group, sender = asked
    known = await in_db_thread(members_of_group, group, viewer=sender)
    if known is None:
        raise Invalid("there is no such user group.", field="mentions")
    return known


# Of a user group, for who names it: a busy chat asks the database no more often.
_groups: Believed[tuple[UUID, UserId], set[str]] = Believed(_read, seconds=BELIEVED_SECONDS, most=REMEMBERED)
