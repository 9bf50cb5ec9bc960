"""Mails to people, sent as chores: again and again until the mail server takes them."""

import asyncio
from typing import Any

from django.core.mail import EmailMessage

from chatsite.accounts import links
from chatsite.accounts.commands import invites, passwords
from chatsite.accounts.links import Purpose
from chatsite.accounts.models import OneTimeLink, User
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread

_RESET = """Hello {name},

somebody, most likely you, asked for a new password for {username}. Set one here
within an hour:

{address}

The link is good once. If it was not you, ignore this mail: nothing has changed.
"""

_JOIN = """Hello,

you are invited to the chat of {company}. Choose a name and a password here
within a week:

{address}

The link is good once.
"""


@chores.handles(passwords.MAIL_RESET)
async def mail_reset(payload: dict[str, Any]) -> None:
    """Mail a link to set a new password to whoever it was asked for."""
    for user, link in await in_db_thread(passwords.reset_links, payload):
        await asyncio.to_thread(_reset_mail(user, link).send)


@chores.handles(invites.MAIL_JOIN)
async def mail_join(payload: dict[str, Any]) -> None:
    """Mail an invitation, while its link is good."""
    open_ones = links.good(Purpose.JOIN).select_related("company")
    if link := await in_db_thread(open_ones.filter(id=payload["link"]).first):
        await asyncio.to_thread(_join_mail(link).send)


def _join_mail(link: OneTimeLink) -> EmailMessage:
    text = _JOIN.format(company=link.company, address=links.address_of(link))
    return EmailMessage("An invitation to the chat", text, to=[link.email])


def _reset_mail(user: User, link: OneTimeLink) -> EmailMessage:
    text = _RESET.format(name=user, username=user.username, address=links.address_of(link))
    return EmailMessage("A new password for the chat", text, to=[user.email])
