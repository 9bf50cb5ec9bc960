"""Bots: people that are programs. They are made by staff and act by API tokens alone."""

import secrets
from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from chatsite.accounts import policy, queries
from chatsite.accounts.commands import people
from chatsite.accounts.models import CompanyMember, User
from chatsite.accounts.queries import MOUTHPIECE
from chatsite.kernel.errors import Forbidden, Invalid, NotFound


@transaction.atomic
def make(username: str, *, name: str, by: User) -> User:
    """A new bot of the company of who makes it; Forbidden for who is no staff, Invalid."""
    require_staff(by)
    company = CompanyMember.objects.filter(user=by).order_by("joined_at").first()
    if company is None:
        raise Invalid("it would be of your company, and you are in none.", field="username")
    bot = User(username=policy.require_username(username), name=policy.require_name(name), is_bot=True)
    bot.set_unusable_password()
    people.add(bot, by=by.id)
    # Not into what everybody of the company has: it is added where it is wanted.
    CompanyMember.objects.create(company=company.company, user=bot)
    return bot


@transaction.atomic
def make_mouthpiece(*, name: str, company_id: UUID | None) -> User:
    """A new bot for one place, which nobody finds by its name and no token is for; Invalid.

    What it is made for is what the audit log says.
    """
    bot = User(username=f"{MOUTHPIECE}{secrets.token_hex(8)}", name=policy.require_name(name), is_bot=True)
    bot.set_unusable_password()
    bot.save(force_insert=True)
    if company_id is not None:
        CompanyMember.objects.create(company_id=company_id, user=bot)
    return bot


def silence(bots: Collection[UUID]) -> None:
    """Let bots that were made for one place do nothing more; they have never signed in."""
    User.objects.filter(id__in=bots, is_bot=True, username__startswith=MOUTHPIECE).update(is_active=False)


@transaction.atomic
def retire(bot_id: UUID, *, by: User) -> None:
    """Let a bot do nothing more: its tokens end. Forbidden, NotFound."""
    people.deactivate(require_bot(bot_id, by=by).id, by=by.id)


def require_bot(bot_id: UUID, *, by: User) -> User:
    """A bot that staff may look after; Forbidden, NotFound."""
    require_staff(by)
    bot = queries.bots().filter(id=bot_id).first()
    if bot is None:
        raise NotFound("There is no such bot.")
    return bot


def require_staff(user: User) -> None:
    """Refuse who is no administrator."""
    if not user.is_staff:
        raise Forbidden("Only staff look after bots.")
