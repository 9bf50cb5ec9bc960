"""Who may do what in a chat: the table of roles. Pure."""

from enum import StrEnum

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


class Action(StrEnum):
    """What a role may allow."""

    POST = "post"
    REPLY = "reply"
    DELETE_ANY = "delete another's message"
    MANAGE_PEOPLE = "manage people"


_LOWEST: dict[Action, Role] = {
    Action.POST: Role.GUEST,
    Action.REPLY: Role.MEMBER,
    Action.DELETE_ANY: Role.MODERATOR,
    Action.MANAGE_PEOPLE: Role.ADMIN,
}


def may(role: Role, action: Action) -> bool:
    """Whether a role allows an action."""
    return role.rank >= _LOWEST[action].rank


def require(role: Role, action: Action) -> None:
    """Refuse an action that the role does not allow."""
    if not may(role, action):
        raise Forbidden(f"A {role} may not {action}.")


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
