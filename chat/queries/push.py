"""Which browsers are told of what is new: those whose sign-ins stand."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from chat.models import PushSubscription
from chatsite.kernel.believed import Believed
from chatsite.kernel.database import in_db_thread

LOOK_SECONDS = 2.0  # so long the first browser of an installation may be told nothing, where another process took it


def standing() -> QuerySet[PushSubscription]:
    """The browsers of people who may sign in, and have neither signed out there nor stayed away too long."""
    unused = datetime.now(UTC) - timedelta(seconds=settings.TOKENS["REFRESH_SECONDS"])
    return PushSubscription.objects.filter(user__is_active=True, sign_in__revoked_at=None, sign_in__used_at__gt=unused)


async def anybody() -> bool:
    """Whether anybody has a browser that is told: where nobody has, what is said costs no look for them each time."""
    return await _anybody.get(None)


def forget_nobody() -> None:
    """Have this process look again: somebody has one now."""
    _anybody.forget(None)


async def _read(_: None) -> bool:
    return await in_db_thread(PushSubscription.objects.exists)


_anybody: Believed[None, bool] = Believed(_read, seconds=LOOK_SECONDS, most=1)
