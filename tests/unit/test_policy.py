"""The table of roles, held against the one of the contract."""

import pytest

from chat import policy
from chat.policy import Action, Role
from chatsite.kernel.errors import Conflict, Forbidden

ALLOWED = {
    Action.POST: {Role.GUEST, Role.MEMBER, Role.MODERATOR, Role.ADMIN, Role.OWNER},
    Action.REPLY: {Role.MEMBER, Role.MODERATOR, Role.ADMIN, Role.OWNER},
    Action.DELETE_ANY: {Role.MODERATOR, Role.ADMIN, Role.OWNER},
    Action.MANAGE_PEOPLE: {Role.ADMIN, Role.OWNER},
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_the_table(role: Role, action: Action) -> None:
    assert policy.may(role, action) == (role in ALLOWED[action])
    if role not in ALLOWED[action]:
        with pytest.raises(Forbidden):
            policy.require(role, action)


def test_nobody_changes_their_equals_but_owners() -> None:
    policy.require_above(Role.ADMIN, Role.MODERATOR)
    policy.require_above(Role.OWNER, Role.OWNER)
    for mine, theirs in ((Role.ADMIN, Role.ADMIN), (Role.ADMIN, Role.OWNER), (Role.MEMBER, Role.MEMBER)):
        with pytest.raises(Forbidden):
            policy.require_above(mine, theirs)


def test_the_last_owner_cannot_go() -> None:
    policy.require_another_owner(Role.OWNER, owners=2)
    policy.require_another_owner(Role.MEMBER, owners=1)
    with pytest.raises(Conflict) as refused:
        policy.require_another_owner(Role.OWNER, owners=1)
    assert refused.value.code == "last_owner"
