"""Incoming webhooks: who has the address says something in its chat, as a bot of the webhook's own."""

import hashlib
import hmac
import secrets
from uuid import UUID

from django.db import transaction

from chat.commands.locking import Actor, lock, note
from chat.commands.participants import let_in, take_out
from chat.models import IncomingWebhook
from chat.policy import Action, Role
from chatsite.accounts.commands import bots, people
from chatsite.kernel.errors import Conflict, NotFound

MAX_WEBHOOKS = 20  # of one chat


@transaction.atomic
def make(chat_id: UUID, *, name: str, by: Actor) -> tuple[IncomingWebhook, str]:
    """A new webhook of a chat, whose bot has that name; answers it and the secret, which is shown once.

    Raises Invalid, NotFound, Forbidden for who does not manage its people, Conflict
    in direct and archived chats and where there are too many.
    """
    locked = lock(chat_id, by)
    locked.require(Action.MANAGE_PEOPLE)
    if IncomingWebhook.objects.filter(chat=locked.chat).count() >= MAX_WEBHOOKS:
        raise Conflict(f"At most {MAX_WEBHOOKS} webhooks; delete one first.")
    bot = bots.make_mouthpiece(name=name, company_id=locked.chat.company_id, by=locked.by.id)
    let_in(locked, bot, Role.MEMBER)
    secret = secrets.token_urlsafe(32)
    made = IncomingWebhook.objects.create(chat=locked.chat, bot=bot, digest=_digest(secret), created_by=locked.by)
    note("chat.webhook.made", chat_id, locked.by, {"webhook": str(made.id)}, is_staff=locked.is_staff)
    return made, secret


@transaction.atomic
def delete(chat_id: UUID, webhook_id: UUID, *, by: Actor) -> None:
    """End a webhook and take its bot out; what it said stays. Forbidden, NotFound."""
    locked = lock(chat_id, by, even_archived=True)
    locked.require(Action.MANAGE_PEOPLE)
    found = IncomingWebhook.objects.select_related("bot").filter(id=webhook_id, chat=locked.chat).first()
    if found is None:
        raise NotFound("There is no such webhook.")
    found.delete()
    take_out(locked, found.bot_id)
    people.deactivate(found.bot_id, by=locked.by.id)
    note("chat.webhook.deleted", chat_id, locked.by, {"webhook": str(webhook_id)}, is_staff=locked.is_staff)


def require(webhook_id: UUID, secret: str) -> IncomingWebhook:
    """The webhook of an address; the same NotFound for one that is absent and a wrong secret."""
    found = IncomingWebhook.objects.filter(id=webhook_id).first()
    if found is None or not hmac.compare_digest(found.digest, _digest(secret)):
        raise NotFound("There is no such webhook.")
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
