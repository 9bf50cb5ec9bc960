"""Whether somebody may do something in a chat, and which rule says so."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from chat import policy
from chat.models import Ban, Chat, Erased, Participant
from chat.policy import Action, Overrides, Role, Seat
from chat.queries.chats import require_participant
from chat.queries.erased import CHAT
from chatsite.accounts.models import CompanyMember, User
from chatsite.kernel.events import iso

READ = "read"
_EVEN_ARCHIVED = {READ, Action.OWN}
_POSTS = {Action.POST, Action.REPLY, Action.MENTION_ALL, Action.MARK_IMPORTANT}  # they all say something


class Standing(NamedTuple):
    """What is known of somebody and a chat: all that a rule may look at."""

    user: User | None
    chat: Chat | None
    place: Participant | None
    is_erased: bool
    is_banned: bool
    is_of_company: bool
    now_ms: int

    @property
    def seat(self) -> Seat | None:
        """Their place, as the policy sees it."""
        place = self.place
        if place is None or not place.is_active:
            return None
        return Seat(Role(place.role), int(place.muted_until.timestamp() * 1_000) if place.muted_until else 0)

    @property
    def overrides(self) -> Overrides:
        """What the chat decides for itself."""
        return self.chat.overrides if self.chat else {}


class Decision(NamedTuple):
    """Whether an action is allowed, by which rule; `code` is the error that a refusal answers."""

    action: str
    allowed: bool
    rule: str
    code: str | None
    why: str


class _Rule(NamedTuple):
    """Why an action is refused, or None where this rule has nothing against it."""

    name: str
    code: str
    refuses: Callable[[Standing, str], str | None]


def require_action(chat_id: UUID, user: User, action: Action) -> Chat:
    """A chat in which somebody may do something; NotFound for strangers, Forbidden for other roles."""
    chat, place = require_participant(chat_id, user)
    policy.require(Role(place.role), action, chat.overrides)
    return chat


def explain(user: User | None, chat_id: UUID, *, now_ms: int) -> list[Decision]:
    """What somebody may do in a chat, action by action, each with the first rule that decides."""
    standing = _standing(user, chat_id, now_ms)
    return [_decide(standing, action) for action in (READ, *Action)]


def _standing(user: User | None, chat_id: UUID, now_ms: int) -> Standing:
    chat = Chat.objects.filter(id=chat_id).first()
    company = chat.company_id if chat else None
    return Standing(
        user=user,
        chat=chat,
        place=Participant.objects.filter(chat=chat_id, user=user).first(),
        is_erased=Erased.objects.filter(kind=CHAT, subject=chat_id).exists(),
        is_banned=Ban.objects.filter(chat=chat_id, user=user).exists(),
        is_of_company=company is None or CompanyMember.objects.filter(company=company, user=user).exists(),
        now_ms=now_ms,
    )


def _decide(standing: Standing, action: str) -> Decision:
    for rule in RULES:
        if (why := rule.refuses(standing, action)) is not None:
            return Decision(action, False, rule.name, rule.code, why)
    seat = standing.seat
    return Decision(action, True, "role", None, f"they are in the chat, as {seat.role if seat else 'nobody'}.")


def _no_seat(standing: Standing) -> bool:
    return standing.seat is None


def _left(standing: Standing, _: str) -> str | None:
    if standing.place is None or standing.place.is_active:
        return None
    moment = datetime.fromtimestamp(standing.place.version / 1_000_000, UTC)
    return f"they left or were removed at {moment:%Y-%m-%d %H:%M} UTC; the audit log tells which."


def _archived(standing: Standing, action: str) -> str | None:
    archived = standing.chat is not None and standing.chat.is_archived
    return (
        "the chat is archived: it is read only until its owner restores it."
        if archived and (action not in _EVEN_ARCHIVED)
        else None
    )


def _muted(standing: Standing, action: str) -> str | None:
    seat = standing.seat
    if seat is None or action not in _POSTS or seat.muted_until_ms <= standing.now_ms:
        return None
    return f"they are muted until {iso(seat.muted_until_ms)}."


def _read_only(standing: Standing, action: str) -> str | None:
    return _lower(standing, Action.POST) if action in _POSTS else None


def _role(standing: Standing, action: str) -> str | None:
    return None if action == READ else _lower(standing, Action(action))


def _lower(standing: Standing, action: Action) -> str | None:
    seat = standing.seat
    if seat is None or policy.may(seat.role, action, standing.overrides):
        return None
    whose = "this chat lets" if action in standing.overrides else "the table of roles lets"
    lowest = next(role for role in Role if policy.may(role, action, standing.overrides))
    return f"they are {seat.role} there; {whose} only {lowest} and above {action}."


# In the order in which they decide; a new rule is a line here. What the code answers is `not_found` wherever
# somebody has no seat: absent and hidden must look alike, and only this list tells them apart.
RULES = (
    _Rule("person", "unauthenticated", lambda one, _: None if one.user else "there is no such person."),
    _Rule(
        "active person", "unauthenticated",
        lambda one, _: None if one.user and one.user.is_active else "their account is not active: they cannot sign in.",
    ),
    _Rule("erased", "not_found", lambda one, _: "the chat was deleted for good." if one.is_erased else None),
    _Rule("chat", "not_found", lambda one, _: None if one.chat else "there is no such chat."),
    _Rule(
        "ban", "not_found",
        lambda one, _: "they are banned from the chat." if _no_seat(one) and one.is_banned else None,
    ),
    _Rule("left", "not_found", _left),
    _Rule(
        "company", "not_found",
        lambda one, _: "the chat is of a company that is not theirs." if _no_seat(one) and not one.is_of_company
        else None,
    ),
    _Rule("participant", "not_found", lambda one, _: "they never were in the chat." if _no_seat(one) else None),
    _Rule("archived", "archived", _archived),
    _Rule("muted", "muted", _muted),
    _Rule("read only", "read_only", _read_only),
    _Rule("role", "forbidden", _role),
)  # fmt: skip
