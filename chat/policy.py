"""Who may do what in a chat: the table of roles, and what a chat overrides of it. Pure."""

from enum import StrEnum
from typing import NamedTuple

from chatsite.kernel.errors import Conflict, Forbidden


class Role(StrEnum):
    """What a participant is in a chat, lowest first."""

    GUEST = "guest"
    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """Its place in the order of roles; a higher one may change a lower one."""
        return _RANKS[self]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class Kind(StrEnum):
    """What a chat is, for life."""

    DIRECT = "direct"  # of two people, for good
    GROUP_DIRECT = "group_direct"  # of a few people, for good, without a name
    GROUP = "group"  # of those who were added or invited
    ANNOUNCEMENT = "announcement"  # a group in which only moderators and above post
    PUBLIC = "public"  # anybody of its company may join
    COMPANY = "company"  # everybody of its company is in it


class Level(StrEnum):
    """What of a chat somebody wants to be notified of."""

    ALL = "all"
    MENTIONS = "mentions"
    NOTHING = "nothing"


class Mode(StrEnum):
    """How those who hear everything of theirs hear a chat."""

    FULL = "full"  # every event
    ACTIVITY = "activity"  # once a second that there is something new


MOST_FULL, BACK_TO_FULL = 50, 40  # participants; in between a chat stays as it is, so that it does not flap


def mode_of(participants: int, before: Mode) -> Mode:
    """How a chat of so many is heard from now on."""
    if BACK_TO_FULL < participants <= MOST_FULL:
        return before
    return Mode.ACTIVITY if participants > MOST_FULL else Mode.FULL


class Action(StrEnum):
    """What a role may allow."""

    POST = "post"
    REPLY = "reply"
    REACT = "react"
    INVITE = "invite"
    PIN = "pin"
    CLOSE_ANY_POLL = "close another's poll"
    MENTION_ALL = "mention all"
    MARK_IMPORTANT = "ask for acknowledgement"
    DELETE_ANY = "delete another's message"
    MUTE = "mute somebody"
    MANAGE_PEOPLE = "manage people"
    RENAME = "rename the chat"
    OWN = "archive, restore or delete the chat"


_LOWEST: dict[Action, Role] = {
    Action.POST: Role.GUEST,
    Action.REPLY: Role.MEMBER,
    Action.REACT: Role.GUEST,
    Action.INVITE: Role.MEMBER,
    Action.PIN: Role.MODERATOR,
    Action.MENTION_ALL: Role.MODERATOR,
    Action.MARK_IMPORTANT: Role.MEMBER,
    Action.DELETE_ANY: Role.MODERATOR,
    Action.CLOSE_ANY_POLL: Role.MODERATOR,
    Action.MUTE: Role.MODERATOR,
    Action.MANAGE_PEOPLE: Role.ADMIN,
    Action.RENAME: Role.ADMIN,
    Action.OWN: Role.OWNER,
}

# What a chat may decide for itself, by the name it has in REST.
OVERRIDABLE = {
    "post": Action.POST,
    "invite": Action.INVITE,
    "pin": Action.PIN,
    "mention_all": Action.MENTION_ALL,
}
Overrides = dict[Action, Role]
NO_OVERRIDES: Overrides = {}


class Seat(NamedTuple):
    """Somebody's place in a chat, as far as it decides what they may do."""

    role: Role
    muted_until_ms: int = 0  # Unix ms; 0 = may speak


def may(role: Role, action: Action, overrides: Overrides = NO_OVERRIDES) -> bool:
    """Whether a role allows an action in a chat with these overrides."""
    return role.rank >= overrides.get(action, _LOWEST[action]).rank


def require(role: Role, action: Action, overrides: Overrides = NO_OVERRIDES) -> None:
    """Refuse an action that the role does not allow."""
    if not may(role, action, overrides):
        raise Forbidden(f"A {role} may not {action}.")


def require_can_post(seat: Seat, overrides: Overrides, *, now_ms: int) -> None:
    """Refuse a message of somebody who is muted, or where only others may post."""
    _require_voice(seat, now_ms=now_ms)
    if not may(seat.role, Action.POST, overrides):
        raise Forbidden(code="read_only")


def require_can_react(seat: Seat, *, now_ms: int) -> None:
    """Refuse a reaction of somebody who is muted; where only others may post, one may still react."""
    _require_voice(seat, now_ms=now_ms)
    require(seat.role, Action.REACT)


def _require_voice(seat: Seat, *, now_ms: int) -> None:
    if seat.muted_until_ms > now_ms:
        raise Forbidden(code="muted", retry_after_ms=seat.muted_until_ms - now_ms)


def wants_news(level: Level, *, is_named: bool, follows: bool | None) -> bool:
    """Whether a message is news to somebody; `follows` its thread, None where it is in none.

    Of a thread that one does not follow only what names one is news.
    """
    if level is Level.NOTHING:
        return False
    return is_named or (level is Level.ALL if follows is None else follows)


def require_above(mine: Role, theirs: Role) -> None:
    """Refuse to change somebody of the same or a higher role; owners may change each other."""
    if mine.rank <= theirs.rank and mine is not Role.OWNER:
        raise Forbidden(f"A {mine} may not change a {theirs}.")


def require_another_owner(role: Role, *, owners: int) -> None:
    """Refuse to let the last owner go."""
    if role is Role.OWNER and owners <= 1:
        raise Conflict(code="last_owner")


def require_open(*, is_archived: bool) -> None:
    """Refuse to change a chat that is archived."""
    if is_archived:
        raise Conflict(code="archived")
