"""What a person has begun to write, in the chats that they are in."""

from chat.models import Draft
from chatsite.accounts.models import User

PAGE = 100


def page(user: User, *, after: int = 0) -> list[Draft]:
    """Up to 101 drafts in the order in which they were begun; one more than a page says there are more."""
    mine = Draft.objects.filter(user=user, chat__participants__user=user, chat__participants__is_active=True)
    return list(mine.filter(id__gt=after).order_by("id")[: PAGE + 1])
