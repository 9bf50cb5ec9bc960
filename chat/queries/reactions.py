"""The reactions of messages: what the store has, with what has happened since."""

from collections.abc import Iterable, Mapping, Sequence

from chat.fold import NOBODY, Reacted, Tallies, Tally, react
from chat.protocol import reaction_event
from chat.stores import reaction_store
from chatsite.gateway.streams import Entry
from chatsite.kernel.ids import ChatId, MessageId, UserId

Reactions = Mapping[MessageId, Tallies]


async def reactions_of(
    chat: ChatId, messages: Sequence[MessageId], since: Iterable[Entry], *, viewer: UserId
) -> Reactions:
    """The reactions of those messages that have any; `since` is what the store may not have yet."""
    return folded(await reaction_store().counts(chat, messages, viewer=viewer), messages, since)


def folded(stored: Reactions, messages: Sequence[MessageId], since: Iterable[Entry]) -> Reactions:
    """What the store has, with what has happened since."""
    found, wanted = dict(stored), set(messages)
    for happened in sorted(_events(since), key=lambda one: one.version):
        message = MessageId(int(happened.event.message_id))
        if message in wanted:
            found[message] = react(found.get(message, {}), happened.event)
    given = {message: _given(tallies) for message, tallies in found.items()}
    return {message: tallies for message, tallies in given.items() if tallies}


def tally_of(tallies: Tallies, emoji: str) -> Tally:
    """How many gave an emoji."""
    return tallies.get(emoji, NOBODY)


def _given(tallies: Tallies) -> Tallies:
    return {emoji: tally for emoji, tally in tallies.items() if tally.given}


def _events(entries: Iterable[Entry]) -> Iterable[Reacted]:
    for entry in entries:
        if happened := reaction_event(entry.body.bytes):
            yield happened
