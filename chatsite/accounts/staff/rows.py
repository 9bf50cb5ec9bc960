"""Rows that the admin shows, and the commands that change them: what each app's admin is made of."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest

from chatsite.accounts.models import User
from chatsite.kernel.errors import DomainError


class Shown:
    """Rows that nobody adds, edits or deletes here."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


def staff_of(request: HttpRequest) -> User:
    """The administrator who asks."""
    if not isinstance(request.user, User):
        raise TypeError("The admin let in somebody who is not signed in.")
    return request.user


def each(request: HttpRequest, chosen: Iterable[Any], command: Callable[[Any], object]) -> None:
    """Call a command for each row that was ticked, and tell what came of it."""
    done = 0
    for row in chosen:
        try:
            command(row)
            done += 1
        except DomainError as error:
            messages.error(request, f"{row}: {error.detail}")
    if done:
        messages.success(request, f"Done for {done}.")
