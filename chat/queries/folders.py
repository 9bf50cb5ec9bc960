"""The folders of a person."""

from chat.models import Folder
from chatsite.accounts.models import User


def of(user: User) -> list[Folder]:
    """One's folders by name."""
    return list(Folder.objects.filter(user=user).order_by("name"))
