"""Links that let colleagues into a chat: facts of Django's database."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chat import policy
from chat.commands.locking import Actor, lock
from chat.commands.participants import come_in
from chat.models import Chat, Invite
from chat.policy import Action, Role
from chatsite.accounts.models import User
from chatsite.kernel.errors import Conflict, Forbidden, Invalid, NotFound

DEFAULT_LIFE = timedelta(days=7)
LONGEST_LIFE = timedelta(days=365)
MAX_USES = 10_000
MAX_INVITES = 100  # of one chat at a time
_ENDED = "There is no such invite, or it has ended."


def invite(
    chat_id: UUID,
    *,
    by: Actor,
    now: datetime,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
    role: Role = Role.MEMBER,
) -> Invite:
    """A new link into a chat, for a role that is not above one's own; Conflict in direct chats."""
    expires_at = expires_at or now + DEFAULT_LIFE
    if not now < expires_at <= now + LONGEST_LIFE:
        raise Invalid("expected a time within the next year.", field="expires_at")
    if max_uses is not None and not 1 <= max_uses <= MAX_USES:
        raise Invalid(f"expected 1 to {MAX_USES}.", field="max_uses")
    if role not in (Role.GUEST, Role.MEMBER):
        raise Invalid("an invite is for a guest or a member.", field="role")
    with transaction.atomic():
        locked = lock(chat_id, by)
        locked.require(Action.INVITE)
        if role.rank > locked.role.rank:
            raise Forbidden(f"A {locked.role} may not invite a {role}.")
        if locked.chat.pair is not None:
            raise Conflict("A direct chat is for those whom it was made for.")
        if Invite.objects.filter(chat=locked.chat, expires_at__gt=now).count() >= MAX_INVITES:
            raise Conflict(f"This chat has {MAX_INVITES} invites; revoke some first.")
        return Invite.objects.create(
            code=secrets.token_urlsafe(18),
            chat=locked.chat,
            created_by=locked.by,
            role=role,
            expires_at=expires_at,
            max_uses=max_uses,
        )


def revoke(chat_id: UUID, *, by: Actor, code: str | None = None) -> int:
    """End one invite, or all of a chat; answers how many. One's own, or anybody's for who manages people."""
    with transaction.atomic():
        locked = lock(chat_id, by, even_archived=True)
        found = Invite.objects.filter(chat=locked.chat)
        if code is not None:
            found = found.filter(code=code)
        if not policy.may(locked.role, Action.MANAGE_PEOPLE):
            found = found.filter(created_by=locked.by)
        revoked = found.delete()[0]
        if code is not None and not revoked:
            raise NotFound("There is no such invite.")
        return revoked


def accept(code: str, *, user: User) -> tuple[Chat, str | None]:
    """Come into a chat by its invite; answers it and the id of the event, None where one was in already.

    The same NotFound for an invite that is absent, has ended or is used up, and for
    who is of another company or banned; Conflict where the chat is archived.
    """
    with transaction.atomic():
        # The chat's lock first, as every command takes it: under it an invite is not used twice at once.
        chat = Chat.objects.select_for_update().filter(invites=code).first()
        invite = Invite.objects.filter(code=code, expires_at__gt=datetime.now(UTC)).first()
        if chat is None or invite is None or (invite.max_uses is not None and invite.uses >= invite.max_uses):
            raise NotFound(_ENDED)
        event_id = come_in(chat, user, Role(invite.role), absent=_ENDED)
        if event_id is not None:
            Invite.objects.filter(code=code).update(uses=F("uses") + 1)
        return chat, event_id
