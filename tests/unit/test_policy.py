"""The table of roles, and what a chat overrides of it."""

import pytest

from chat import policy
from chat.policy import Action, Mode, Overrides, Role, Seat
from chatsite.kernel.errors import Conflict, Forbidden

LOWEST = {
    Action.POST: Role.GUEST,
    Action.REPLY: Role.MEMBER,
    Action.REACT: Role.GUEST,
    Action.INVITE: Role.MEMBER,
    Action.PIN: Role.MODERATOR,
    Action.MENTION_ALL: Role.MODERATOR,
    Action.MARK_IMPORTANT: Role.MEMBER,
    Action.CLOSE_ANY_POLL: Role.MODERATOR,
    Action.DELETE_ANY: Role.MODERATOR,
    Action.MUTE: Role.MODERATOR,
    Action.MANAGE_PEOPLE: Role.ADMIN,
    Action.RENAME: Role.ADMIN,
    Action.OWN: Role.OWNER,
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_the_table(role: Role, action: Action) -> None:
    assert policy.may(role, action) is (role.rank >= LOWEST[action].rank)


@pytest.mark.parametrize("mine", Role)
@pytest.mark.parametrize("theirs", Role)
def test_only_lower_roles_may_be_changed_except_among_owners(mine: Role, theirs: Role) -> None:
    if mine.rank > theirs.rank or mine is Role.OWNER:
        policy.require_above(mine, theirs)
    else:
        with pytest.raises(Forbidden):
            policy.require_above(mine, theirs)


def test_a_chat_may_decide_who_posts() -> None:
    announcements: Overrides = {Action.POST: Role.MODERATOR}
    policy.require_can_post(Seat(Role.MODERATOR), announcements, now_ms=0)
    with pytest.raises(Forbidden) as refused:
        policy.require_can_post(Seat(Role.MEMBER), announcements, now_ms=0)
    assert refused.value.code == "read_only"


def test_who_is_muted_is_told_for_how_long() -> None:
    seat = Seat(Role.OWNER, muted_until_ms=5_000)
    with pytest.raises(Forbidden) as refused:
        policy.require_can_post(seat, {}, now_ms=2_000)
    assert (refused.value.code, refused.value.retry_after_ms) == ("muted", 3_000)
    policy.require_can_post(seat, {}, now_ms=5_000)


def test_the_last_owner_stays() -> None:
    with pytest.raises(Conflict) as refused:
        policy.require_another_owner(Role.OWNER, owners=1)
    assert refused.value.code == "last_owner"
    policy.require_another_owner(Role.OWNER, owners=2)
    policy.require_another_owner(Role.ADMIN, owners=1)


@pytest.mark.parametrize(
    ("participants", "before", "after"),
    [
        (50, Mode.FULL, Mode.FULL),
        (51, Mode.FULL, Mode.ACTIVITY),
        (41, Mode.ACTIVITY, Mode.ACTIVITY),
        (41, Mode.FULL, Mode.FULL),
        (40, Mode.ACTIVITY, Mode.FULL),
        (51, Mode.ACTIVITY, Mode.ACTIVITY),
    ],
)
def test_a_chat_that_grows_and_shrinks_does_not_flap(participants: int, before: Mode, after: Mode) -> None:
    assert policy.mode_of(participants, before) is after
