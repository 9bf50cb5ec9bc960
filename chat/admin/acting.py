"""How staff acts on chats: the permission it takes, and the actor that commands are told."""

from django.http import HttpRequest

from chat.commands.locking import Staff
from chatsite.accounts.staff.rows import Shown, staff_of

ACT = ["act"]  # the permission of every action; `has_act_permission` says who has it


class ActedOn(Shown):
    """Rows that only actions change, each by one command."""

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may change chats, and who is in them."""
        return staff_of(request).has_perm("chat.change_chat")


def actor(request: HttpRequest) -> Staff:
    """The administrator who asks, as commands know staff."""
    return Staff(staff_of(request))
