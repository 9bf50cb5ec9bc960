"""Giving a message an emoji and taking it back: facts of the event log."""

from chat import emoji as emojis
from chat import policy
from chat.commands.changes import Changed, record_change
from chat.commands.messages import asks_of
from chat.commands.turns import shown, turn
from chat.events import ReactionAdded, ReactionRemoved
from chat.fold import Tallies
from chat.queries.messages import reactions, require_undeleted
from chat.queries.participants import require_open_roster
from chat.queries.reactions import tally_of
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, Invalid
from chatsite.kernel.ids import ChatId, MessageId, UserId
from chatsite.kernel.limits import require

MAX_REACTIONS = 50  # different emojis of one message


async def react(chat: ChatId, message: MessageId, *, emoji: str, by: UserId) -> Changed:
    """Give a message an emoji and wait until that is durable; given twice is given once.

    Raises Invalid, NotFound, Forbidden for somebody who is muted, Conflict for a deleted message or one that
    has 50 other emojis, Unavailable.
    """
    return await _change(chat, message, _require_emoji(emoji), by=by, add=True)


async def unreact(chat: ChatId, message: MessageId, *, emoji: str, by: UserId) -> Changed:
    """Take one's emoji back, if it was given; raises what `react` does, but for being muted."""
    return await _change(chat, message, _require_emoji(emoji), by=by, add=False)


async def _change(chat: ChatId, message: MessageId, emoji: str, *, by: UserId, add: bool) -> Changed:
    _, seat = await require_open_roster(chat, by)
    if add:
        policy.require_can_react(seat, now_ms=clock.now_ms())
    await require(*asks_of(chat, by))
    async with turn("reactions", chat, message):
        state = await require_undeleted(chat, message, viewer=by)
        tallies = (await reactions(chat, [state], viewer=by)).get(message, {})
        if add:
            _require_room(tallies, emoji)
        count, users = tally_of(tallies, emoji)
        was_given = str(by) in users
        event = (ReactionAdded if add else ReactionRemoved)(
            message_id=str(message),
            room_id=str(chat),
            user_id=str(by),
            emoji=emoji,
            count=count + (add and not was_given) - (was_given and not add),
        )
        changed = await record_change(chat, message, event, by=by, version=clock.version())
        await shown(chat, changed.pos)  # So that the next change is counted with this one.
    return changed


def _require_emoji(text: str) -> str:
    if (emoji := emojis.spelled(text)) is None:
        raise Invalid("expected one emoji.", field="emoji")
    return emoji


def _require_room(tallies: Tallies, emoji: str) -> None:
    if emoji not in tallies and len(tallies) >= MAX_REACTIONS:
        raise Conflict(f"A message takes at most {MAX_REACTIONS} different reactions.")
