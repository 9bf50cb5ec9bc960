"""Webhooks of a chat: addresses that say something in it, and addresses that are told of what happens there."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from chat import policy
from chat.commands.locking import Actor, lock, note
from chat.commands.participants import let_in, take_out
from chat.events import HOOKED
from chat.models import IncomingWebhook, Participant, Webhook, WebhookDelivery
from chat.policy import Action, Role
from chatsite.accounts.api_tokens import digest_of, is_of
from chatsite.accounts.commands import bots
from chatsite.kernel import chores, outbound
from chatsite.kernel.addresses import networks
from chatsite.kernel.errors import Conflict, Invalid, NotFound

MAX_WEBHOOKS = 20  # of one chat, of each of the two kinds
DELIVER = "webhook"  # the chore that tells a webhook's address what waits for it
EVENTS = tuple(sorted(one.event_type for one in HOOKED))


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
    bot = bots.make_mouthpiece(name=name, company_id=locked.chat.company_id)
    let_in(locked, bot, Role.MEMBER)
    secret = secrets.token_urlsafe(32)
    made = IncomingWebhook.objects.create(chat=locked.chat, bot=bot, digest=digest_of(secret), created_by=locked.by)
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
    bots.silence([found.bot_id])
    take_out(locked, found.bot_id)
    note("chat.webhook.deleted", chat_id, locked.by, {"webhook": str(webhook_id)}, is_staff=locked.is_staff)


def require(webhook_id: UUID, secret: str) -> IncomingWebhook:
    """The webhook of an address; the same NotFound for one that is absent and a wrong secret."""
    found = IncomingWebhook.objects.filter(id=webhook_id).first()
    if found is None or not is_of(found.digest, secret) or not stands(found):
        raise NotFound("There is no such webhook.")
    return found


def stands(webhook: IncomingWebhook | Webhook) -> bool:
    """Whether who made a webhook is still in its chat and manages its people."""
    maker = Participant.objects.select_related("chat").filter(
        chat=webhook.chat_id, user=webhook.created_by_id, is_active=True, user__is_active=True
    )
    place = maker.first()
    return place is not None and policy.may(Role(place.role), Action.MANAGE_PEOPLE)


@transaction.atomic
def subscribe(chat_id: UUID, *, url: str, events: Sequence[object], by: Actor) -> Webhook:
    """A new webhook that tells an address of what happens in a chat; its secret is shown once.

    Raises Invalid, NotFound, Forbidden for who does not manage its people, Conflict
    in archived chats and where there are too many.
    """
    locked = lock(chat_id, by)
    locked.require(Action.MANAGE_PEOPLE)
    if Webhook.objects.filter(chat=locked.chat).count() >= MAX_WEBHOOKS:
        raise Conflict(f"At most {MAX_WEBHOOKS} webhooks; delete one first.")
    if not events or not all(isinstance(name, str) and name in EVENTS for name in events):
        raise Invalid(f"expected some of {', '.join(EVENTS)}.", field="events")
    made = Webhook.objects.create(
        chat=locked.chat,
        url=outbound.require_url(url, allowed=networks(settings.WEBHOOK_ALLOW)),
        secret=outbound.new_secret(secrets.token_bytes(32)),
        events=[name for name in EVENTS if name in events],
        created_by=locked.by,
    )
    note("chat.webhook.made", chat_id, locked.by, {"webhook": str(made.id)}, is_staff=locked.is_staff)
    return made


@transaction.atomic
def unsubscribe(chat_id: UUID, webhook_id: UUID, *, by: Actor) -> None:
    """End a webhook, with what waits for its address. Forbidden, NotFound."""
    found = _locked(chat_id, webhook_id, by)
    found.delete()


@transaction.atomic
def turn_on(chat_id: UUID, webhook_id: UUID, *, by: Actor) -> Webhook:
    """Let a webhook that was stopped go on, from what waits for it. Forbidden, NotFound."""
    found = _locked(chat_id, webhook_id, by)
    found.is_active, found.ended_why, found.failing_since = True, "", None
    found.save(update_fields=["is_active", "ended_why", "failing_since"])
    deliver_soon(found.id)
    return found


@transaction.atomic
def replay(chat_id: UUID, webhook_id: UUID, delivery_id: int, *, by: Actor) -> WebhookDelivery:
    """Deliver once more what was delivered; Conflict where its text is gone. Forbidden, NotFound."""
    found = _locked(chat_id, webhook_id, by)
    delivery = WebhookDelivery.objects.filter(webhook=found, id=delivery_id).first()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    if not delivery.body:
        raise Conflict("What it said was deleted.")
    delivery.delivered_at = None
    delivery.save(update_fields=["delivered_at"])
    deliver_soon(found.id)
    return delivery


def deliver_soon(webhook_id: UUID, *, due_at: datetime | None = None) -> None:
    """Have a webhook's address told what waits for it, after the caller's commit or at a time."""
    chores.add(DELIVER, key=str(webhook_id), payload={"webhook": str(webhook_id)}, due_at=due_at)


def _locked(chat_id: UUID, webhook_id: UUID, by: Actor) -> Webhook:
    locked = lock(chat_id, by, even_archived=True)
    locked.require(Action.MANAGE_PEOPLE)
    found = Webhook.objects.select_for_update().filter(id=webhook_id, chat=locked.chat).first()
    if found is None:
        raise NotFound("There is no such webhook.")
    return found
