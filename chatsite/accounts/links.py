"""One-time links: to set a new password, to join, to make the first administrator.

A link's token is its id and this installation's signature over it, so nothing in
the database opens anything, and what mails a link can make its token again.
"""

import hmac
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from chatsite.accounts.models import OneTimeLink, User
from chatsite.kernel.errors import NotFound

Purpose = OneTimeLink.Purpose
_ID_LETTERS = 32
LIVES = {Purpose.RESET: timedelta(hours=1), Purpose.JOIN: timedelta(days=7)}


def token_of(link: OneTimeLink) -> str:
    """What opens a link."""
    return link.id.hex + _signature(link.purpose, link.id)


def address_of(link: OneTimeLink) -> str:
    """Where a person opens a link."""
    return f"{settings.PUBLIC_URL}{path_of(link)}"


def path_of(link: OneTimeLink) -> str:
    """The same without the server's name."""
    return f"/{link.purpose}/{token_of(link)}"


def find(purpose: Purpose, token: str, *, now: datetime | None = None) -> OneTimeLink | None:
    """The link of a token while it is good."""
    try:
        link_id = uuid.UUID(hex=token[:_ID_LETTERS])
    except ValueError:
        return None
    if not hmac.compare_digest(token[_ID_LETTERS:].encode(), _signature(purpose, link_id).encode()):
        return None
    return good(purpose, now=now).select_related("user", "company").filter(id=link_id).first()


def use(link: OneTimeLink) -> None:
    """Use a link up within the caller's transaction; of two at once the second gets NotFound."""
    if not good(link.purpose).filter(id=link.id).update(used_at=datetime.now(UTC)):
        raise NotFound("The link is unknown, used or expired.")


def cancel(purpose: Purpose, user: User) -> None:
    """Let a person's open links of a purpose open nothing more."""
    good(purpose).filter(user=user).update(used_at=datetime.now(UTC))


def good(purpose: str, *, now: datetime | None = None) -> "QuerySet[OneTimeLink]":
    """The links of a purpose that are neither used nor expired."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=now or datetime.now(UTC))
    return OneTimeLink.objects.filter(lasting, purpose=purpose, used_at=None)


def _signature(purpose: str, link_id: uuid.UUID) -> str:
    return salted_hmac(f"chatsite.accounts.links.{purpose}", link_id.hex, algorithm="sha256").hexdigest()
