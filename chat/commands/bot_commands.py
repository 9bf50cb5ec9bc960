"""Commands of bots: what a bot can be asked to do, invoking it, and its answers.

An invocation is no message: nobody but the bot hears of it, on its own devices, and
of a private answer nobody but who invoked it. Neither is in any history.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import transaction

from chat import policy
from chat.commands import locking, messages
from chat.commands.messages import asks_of
from chat.markdown import html_of
from chat.models import BotCommand, Invocation
from chat.queries import bot_commands as queries
from chat.queries.participants import Roster, require_open_roster
from chat.queries.rules import rules
from chat.rules import allowed
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.accounts.policy import printable
from chatsite.gateway.protocol import MAX_CONTENT
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread, unavailable_when_away
from chatsite.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from chatsite.kernel.events import iso
from chatsite.kernel.ids import ChatId, UserId
from chatsite.kernel.limits import require

MOST = 50  # of one bot
MAX_LINE = 200  # characters of a description, or of how it is used
ANSWER_WITHIN = timedelta(minutes=30)
MOST_ANSWERS = 5  # private ones, to one invocation
_NAME = re.compile(r"[a-z0-9_-]{1,32}")
_ABSENT = "There is no such invocation."


class Offered(NamedTuple):
    """A command as a bot offers it, before it is checked."""

    name: str
    description: str
    usage: str = ""


class Asked(NamedTuple):
    """A command as somebody invokes it; a bot is named where several have one of that name."""

    command: str
    text: str = ""
    bot_id: UUID | None = None


@transaction.atomic
def replace(bot: User, offered: Sequence[Offered]) -> list[BotCommand]:
    """Let a bot have these commands and no others, by name. Forbidden for who is no bot, Invalid."""
    require_bot(bot)
    if len(offered) > MOST:
        raise Invalid(f"at most {MOST}.", field="commands")
    made = [_checked(bot, one) for one in offered]
    if len({one.name for one in made}) < len(made):
        raise Invalid("a name is there twice.", field="commands")
    locking.take_turn(bot)
    BotCommand.objects.filter(bot=bot).delete()
    BotCommand.objects.bulk_create(made)
    return sorted(made, key=lambda one: one.name)


def require_bot(user: User) -> None:
    """Refuse commands to who is no bot."""
    if not user.is_bot:
        raise Forbidden("Only bots have commands.")


async def invoke(chat: ChatId, asked: Asked, *, by: UserId, now: datetime) -> Invocation:
    """Ask a bot of the chat to do something; raises what both halves of it raise, and Unavailable."""
    await require_may_invoke(chat, asked, by=by)
    with unavailable_when_away():
        return await in_db_thread(hand_over, chat, asked, by, now)


async def require_may_invoke(chat: ChatId, asked: Asked, *, by: UserId) -> None:
    """Refuse who may not post here, or does it too often. Invalid, NotFound, Forbidden, Conflict, RateLimited."""
    _require_text(asked.text)
    await _require_voice(chat, by)


@transaction.atomic
def hand_over(chat: ChatId, asked: Asked, by: UserId, now: datetime) -> Invocation:
    """Keep that somebody invokes a command, and tell its bot.

    Raises NotFound for an unknown command, Conflict where several bots have it and none is named.
    """
    locking.place(chat, by)  # Who was removed a moment ago asks nobody.
    found = queries.in_chat(chat).filter(name=asked.command)
    if asked.bot_id is not None:
        found = found.filter(bot=asked.bot_id)
    match list(found[:2]):
        case []:
            raise NotFound("There is no such command in this chat.")
        case [one]:
            made = Invocation(
                chat_id=chat, bot_id=one.bot_id, user_id=by, command=one.name, reply_until=now + ANSWER_WITHIN
            )
        case _:
            raise Conflict("Several bots of this chat have this command; say which.")
    made.save(force_insert=True)
    state = {
        "invocationId": str(made.id),
        "roomId": str(chat),
        "userId": str(by),
        "command": made.command,
        "text": asked.text,
        "replyUntil": until_of(made),
    }
    person_changed(made.bot_id, kind="command", state=state)
    return made


def require_invocation(invocation_id: UUID, *, bot: User, now: datetime) -> Invocation:
    """An invocation that a bot may still answer; NotFound for everybody else, Conflict when it is late."""
    found = Invocation.objects.filter(id=invocation_id, bot=bot).first()
    if found is None:
        raise NotFound(_ABSENT)
    if found.reply_until <= now:
        raise Conflict("The time to answer has passed.")
    return found


async def require_may_answer(invocation: Invocation, content: str) -> str:
    """Refuse a private answer that the bot might not say in the chat; answers it as the rules of staff let it be."""
    messages.require_content(content)
    chat = ChatId(invocation.chat_id)
    members = await _require_voice(chat, UserId(invocation.bot_id))
    return allowed(content, (await rules()).for_chat(chat, members.company))


@transaction.atomic
def answer_privately(invocation_id: UUID, content: str, *, now: datetime) -> UUID:
    """Tell who invoked a command, and nobody else; answers the id of it.

    Raises NotFound where either is in the chat no longer, Conflict for too many.
    """
    row = Invocation.objects.select_for_update().filter(id=invocation_id).first()
    if row is None:
        raise NotFound(_ABSENT)
    if row.answers >= MOST_ANSWERS:
        raise Conflict(f"At most {MOST_ANSWERS} private answers.")
    for one in sorted([row.bot_id, row.user_id]):
        locking.place(row.chat_id, one)
    row.answers += 1
    row.save(update_fields=["answers"])
    said = uuid4()
    state = {
        "id": str(said),
        "invocationId": str(row.id),
        "roomId": str(row.chat_id),
        "botId": str(row.bot_id),
        "command": row.command,
        "content": content,
        "html": html_of(content),
        "ts": iso(int(now.timestamp() * 1_000)),
    }
    person_changed(row.user_id, kind="answer", state=state)
    return said


def forget_ended(now: datetime) -> int:
    """Drop the invocations that nobody may answer any more; answers how many."""
    dropped, _ = Invocation.objects.filter(reply_until__lte=now).delete()
    return dropped


def until_of(invocation: Invocation) -> str:
    """Until when an invocation may be answered."""
    return iso(int(invocation.reply_until.timestamp() * 1_000))


async def _require_voice(chat: ChatId, user: UserId) -> Roster:
    """Refuse who may not post, as for a message, from the same buckets; answers who is in the chat."""
    members, seat = await require_open_roster(chat, user)
    policy.require_can_post(seat, members.overrides, now_ms=clock.now_ms())
    await require(*asks_of(chat, user))
    return members


def _checked(bot: User, offered: Offered) -> BotCommand:
    if not _NAME.fullmatch(offered.name):
        raise Invalid("1 to 32 of a-z, 0-9, _ and -.", field="name")
    lines = {"description": printable(offered.description), "usage": printable(offered.usage)}
    for field, line in lines.items():
        if len(line) > MAX_LINE:
            raise Invalid(f"at most {MAX_LINE} characters.", field=field)
    if not lines["description"]:
        raise Invalid("say what it does.", field="description")
    return BotCommand(bot=bot, name=offered.name, **lines)


def _require_text(text: str) -> None:
    if len(text) > MAX_CONTENT:
        raise Invalid(f"at most {MAX_CONTENT} code points, not {len(text)}.", field="text")
    if "\x00" in text:
        raise Invalid("NUL is no text.", field="text")
