"""Threads: what is said under a message, beside the conversation."""

from typing import NamedTuple

from chat.fold import MessageState
from chat.queries import messages
from chat.queries.messages import Page, require_message
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import ChatId, MessageId, UserId


class ThreadPage(NamedTuple):
    """Messages of a thread, with the one that it is under; the page has the reactions of them all."""

    root: MessageState
    page: Page


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
