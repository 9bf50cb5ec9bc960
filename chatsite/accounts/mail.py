"""Mails to people, sent as chores: again and again until the mail server takes them."""

import asyncio
from typing import Any

from django.core.mail import EmailMessage

from chatsite.accounts import links
from chatsite.accounts.commands import passwords
from chatsite.accounts.models import OneTimeLink, User
from chatsite.kernel import chores
from chatsite.kernel.database import in_db_thread

_RESET = """Hello {name},

somebody, most likely you, asked for a new password for {username}. Set one here
within an hour:

{address}

The link is good once. If it was not you, ignore this mail: nothing has changed.
"""


@chores.handles(passwords.MAIL_RESET)
async def mail_reset(payload: dict[str, Any]) -> None:
    """Mail a link to set a new password to whoever it was asked for."""
    for user, link in await in_db_thread(passwords.reset_links, payload):
        await asyncio.to_thread(_reset_mail(user, link).send)


def _reset_mail(user: User, link: OneTimeLink) -> EmailMessage:
    text = _RESET.format(name=user, username=user.username, address=links.address_of(link))
    return EmailMessage("A new password for the chat", text, to=[user.email])
