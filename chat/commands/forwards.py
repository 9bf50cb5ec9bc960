"""Forwarding: what somebody said is said again elsewhere, as a copy that no later change of it reaches."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from chat.commands.messages import Copied, Draft, Sent, accept, find_sent
from chat.events import Forwarded
from chat.fold import MessageState
from chat.markdown import html_of
from chat.models import Chat
from chat.queries.messages import require_undeleted
from chat.queries.participants import require_seat
from chatsite.gateway.protocol import MAX_CONTENT
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Conflict, DomainError, Forbidden, Invalid
from chatsite.kernel.ids import ChatId, MessageId, UserId

MAX_TARGETS = 20  # chats of one request; each is a send
NEW_LINE = "\n"
Outcomes = dict[ChatId, Sent | DomainError]  # by chat, in the order asked for


class Tried(NamedTuple):
    """How a client tells its tries apart, in each of the chats."""

    nonce: str | None = None
    retry: bool = False
    first_tried_ms: int = 0


async def forward(source: ChatId, message: MessageId, *, to: Sequence[ChatId], by: UserId, tried: Tried) -> Outcomes:
    """Send a copy of a message to each of some chats; answers what became of each, once those are durable.

    A copy has the text, its html and the attachments, and mentions nobody; of a poll it has the question and a list of
    the options. Each is a send of its own, by the rules of its chat and under the nonce there; what was forwarded
    before answers as it did, whatever the message says by now.
    Raises Invalid, what keeps somebody from reading the message, Conflict where it is deleted or no text, and the
    first refusal where every chat refuses.
    """
    targets = list(dict.fromkeys(to))
    if not 1 <= len(targets) <= MAX_TARGETS:
        raise Invalid(f"1 to {MAX_TARGETS} chats.", field="to")
    taken = Forwarded(room_id=str(source), message_id=str(message), sender_id="", sent_at="")
    try:
        state = await _require_text(source, message, viewer=by)
    except DomainError as refusal:
        gone = Draft("", *tried, copied=Copied(None, (), taken))
        return _require_any({chat: await find_sent(chat, gone, sender=by) or refusal for chat in targets})
    draft = Draft(_text_of(state), *tried, copied=_copied(state, taken))
    companies = await in_db_thread(_companies, [source, *targets])
    outcomes = [await _accepted(chat, draft, by=by, crosses=_crosses(companies, source, chat)) for chat in targets]
    return _require_any({chat: await _durable(one) for chat, one in zip(targets, outcomes, strict=True)})


async def _require_text(chat: ChatId, message: MessageId, *, viewer: UserId) -> MessageState:
    state = await require_undeleted(chat, message, viewer=viewer)
    if state.message_type not in ("text", "poll"):
        raise Conflict("Only what somebody said can be forwarded.")
    if state.expires_at is not None:
        raise Conflict("What goes by itself cannot be forwarded: a copy would stay.")
    return state


def _copied(state: MessageState, taken: Forwarded) -> Copied:
    """What of a message is copied; a copy of a copy has the words of who said them first."""
    first = state.forwarded_from
    sender, sent_at = (first.sender_id, first.sent_at) if first else (state.sender_id or "", state.created_at or "")
    whole = Forwarded(room_id=taken.room_id, message_id=taken.message_id, sender_id=sender, sent_at=sent_at)
    html = state.html if state.poll is None else html_of(_text_of(state))
    return Copied(html, state.attachments, whole)


def _text_of(state: MessageState) -> str:
    """What of a message is said again: of a poll the question and a list of its options, as many as a text may hold."""
    text, options = state.content, state.poll.options if state.poll is not None else ()
    for number, option in enumerate(options):
        line = f"{'' if number else NEW_LINE}{NEW_LINE}- {option}"
        if len(text) + len(line) > MAX_CONTENT:
            break
        text += line
    return text


def _companies(chats: Sequence[ChatId]) -> dict[ChatId, UUID | None]:
    rows = Chat.objects.filter(id__in=chats).values_list("id", "company_id")
    return {ChatId(chat): company for chat, company in rows}


def _crosses(companies: Mapping[ChatId, UUID | None], source: ChatId, target: ChatId) -> bool:
    """Whether something would leave its company."""
    return companies.get(source) is not None and companies.get(target) != companies[source]


async def _accepted(chat: ChatId, draft: Draft, *, by: UserId, crosses: bool) -> "asyncio.Future[Sent] | DomainError":
    try:
        if crosses:
            await require_seat(chat, by)
            raise Forbidden("What is said in a company stays in it.")
        return await accept(chat, draft, sender=by)
    except DomainError as refusal:
        return refusal


async def _durable(outcome: "asyncio.Future[Sent] | DomainError") -> Sent | DomainError:
    if isinstance(outcome, DomainError):
        return outcome
    try:
        return await asyncio.shield(outcome)
    except DomainError as refusal:
        return refusal


def _require_any(outcomes: Outcomes) -> Outcomes:
    """The outcomes, or the first refusal raised where there is nothing else."""
    refusals = [one for one in outcomes.values() if isinstance(one, DomainError)]
    if len(refusals) == len(outcomes):
        raise refusals[0]
    return outcomes
