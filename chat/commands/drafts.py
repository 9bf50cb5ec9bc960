"""What one has begun to write: a fact of Django's database, for oneself alone."""

from uuid import UUID

from django.db import transaction

from chat.commands import locking
from chat.commands.messages import require_content
from chat.models import Draft
from chatsite.accounts.models import User
from chatsite.accounts.notices import person_changed
from chatsite.kernel import clock
from chatsite.kernel.ids import MessageId


def save(chat_id: UUID, *, user: User, content: str, reply_to: MessageId | None) -> Draft:
    """Keep a draft, in place of the one before; what it is already changes nothing. Invalid, NotFound."""
    require_content(content)
    with transaction.atomic():
        before = _locked(chat_id, user)
        if before is not None and (before.content, before.reply_to) == (content, reply_to):
            return before
        draft = before or Draft(chat_id=chat_id, user=user, version=0)
        draft.content, draft.reply_to = content, reply_to
        draft.version = clock.version(above=draft.version)
        draft.save()
        _tell(draft, version=draft.version, content=content)
        return draft


def discard(chat_id: UUID, *, user: User) -> None:
    """Forget a draft, if there is one; NotFound."""
    with transaction.atomic():
        draft = _locked(chat_id, user)
        if draft is not None:
            draft.delete()
            _tell(draft, version=clock.version(above=draft.version), content=None)


def _locked(chat_id: UUID, user: User) -> Draft | None:
    """One's draft in a chat, where one's devices take turns; NotFound for who is not in it."""
    locking.place(chat_id, user.id)
    return Draft.objects.filter(chat=chat_id, user=user).first()


def _tell(draft: Draft, *, version: int, content: str | None) -> None:
    reply_to = str(draft.reply_to) if content is not None and draft.reply_to is not None else None
    state = {"roomId": str(draft.chat_id), "content": content, "replyToId": reply_to}
    person_changed(draft.user_id, kind="draft", state=state, version=version)
