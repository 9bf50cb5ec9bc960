"""What a person has scheduled."""

from chat.models import ScheduledMessage
from chatsite.accounts.models import User


def of(user: User) -> list[ScheduledMessage]:
    """What waits to be said, and what was refused; the next first, 100 at most."""
    return list(ScheduledMessage.objects.filter(user=user).order_by("send_at", "id"))
