"""Templates: one's own, a chat's by its moderators, a company's by staff. Facts of Django's database."""

from uuid import UUID

from django.db import transaction

from chat import policy, templates
from chat.commands import locking
from chat.commands.messages import require_content
from chat.models import MessageTemplate
from chat.policy import Action
from chat.queries import templates as queries
from chatsite.accounts.models import Company, CompanyMember, User
from chatsite.accounts.policy import require_name
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, Forbidden, NotFound

MAX_NAME = 60
MOST = 200  # of one person, chat or company


def make(
    name: str, content: str, *, user: User, chat_id: UUID | None = None, company_id: UUID | None = None
) -> MessageTemplate:
    """A new template: of a chat or a company where one is named, else one's own.

    Raises Invalid, NotFound, Forbidden, Conflict where there is one of that name or
    there are too many.
    """
    row = MessageTemplate(user=user if chat_id is None and company_id is None else None, version=0)
    row.chat_id, row.company_id = chat_id, company_id
    with transaction.atomic():
        _require_may_write(row, user)
        if _beside(row).count() >= MOST:
            raise Conflict(f"At most {MOST} templates.")
        return _save(row, name, content)


def change(template_id: UUID, *, name: str | None, content: str | None, user: User) -> MessageTemplate:
    """Change a template; None leaves a thing as it is. Invalid, NotFound, Forbidden, Conflict."""
    with transaction.atomic():
        row = _locked(template_id, user)
        return _save(row, row.name if name is None else name, row.content if content is None else content)


def delete(template_id: UUID, *, user: User) -> None:
    """Take a template away. NotFound, Forbidden."""
    with transaction.atomic():
        _locked(template_id, user).delete()


def _locked(template_id: UUID, user: User) -> MessageTemplate:
    row = queries.require(template_id, user)
    _require_may_write(row, user)
    # As it is now that its writers take turns: it may have been changed or deleted before ours.
    found = MessageTemplate.objects.select_for_update().filter(id=row.id).first()
    if found is None:
        raise NotFound("There is no such template.")
    return found


def _save(row: MessageTemplate, name: str, content: str) -> MessageTemplate:
    require_content(content)
    templates.places(content)
    row.name, row.content = require_name(name, limit=MAX_NAME), content
    if _beside(row).filter(name=row.name).exists():
        raise Conflict(f"There is a template named {row.name}.")
    row.version = clock.version(above=row.version)
    row.save()
    return row


def _beside(row: MessageTemplate) -> "queries.Rows":
    """The other templates of the same person, chat or company."""
    found = MessageTemplate.objects.filter(user=row.user_id, chat=row.chat_id, company=row.company_id)
    return found.exclude(id=row.id)


def _require_may_write(row: MessageTemplate, user: User) -> None:
    """Refuse who may not change the templates of a chat or company; its writers take turns until the commit."""
    if row.chat_id is not None:
        locked = locking.lock(row.chat_id, user)
        policy.require(locked.role, Action.DELETE_ANY)
    elif row.company_id is not None:
        if not CompanyMember.objects.filter(company=row.company_id, user=user).exists():
            raise NotFound("There is no such company.")
        if not user.is_staff:
            raise Forbidden("Only staff change a company's templates.")
        Company.objects.select_for_update().get(id=row.company_id)
    else:
        locking.take_turn(user)
