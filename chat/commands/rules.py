"""Making and changing the rules of staff: facts of Django's database, known to every process within seconds."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from chat.commands.locking import Staff
from chat.models import Chat, ModerationRule
from chat.queries.rules import forget
from chat.rules import Deed, Kind, finder_of
from chatsite.accounts import audit
from chatsite.accounts.models import Company
from chatsite.accounts.policy import printable, require_name
from chatsite.kernel import clock
from chatsite.kernel.errors import Conflict, Invalid, NotFound

MAX_RULES = 200  # each judges every text of its chats
MAX_NOTICE = 200


@dataclass(frozen=True)
class Plan:
    """What a rule is to be."""

    name: str
    kind: Kind
    patterns: str
    deed: Deed
    notice: str = ""
    company_id: UUID | None = None
    chat_id: UUID | None = None
    is_active: bool = True


def check(rule_id: UUID, plan: Plan) -> None:
    """Refuse what can be no rule: Invalid, NotFound, Conflict where there are 200."""
    require_name(plan.name, limit=60)
    finder_of(plan.kind, plan.patterns)
    if len(plan.notice) > MAX_NOTICE:
        raise Invalid(f"at most {MAX_NOTICE} characters.", field="notice")
    if plan.company_id is not None and plan.chat_id is not None:
        raise Invalid("a rule is for a company or for a chat.", field="chat")
    if plan.company_id is not None and not Company.objects.filter(id=plan.company_id).exists():
        raise NotFound("There is no such company.")
    if plan.chat_id is not None and not Chat.objects.filter(id=plan.chat_id).exists():
        raise NotFound("There is no such chat.")
    if ModerationRule.objects.exclude(id=rule_id).count() >= MAX_RULES:
        raise Conflict(f"At most {MAX_RULES} rules; a rule may have many lines.")


@transaction.atomic
def keep(rule_id: UUID, plan: Plan, *, by: Staff) -> ModerationRule:
    """Make a rule, or change the one of this id; it judges what is said from now on."""
    check(rule_id, plan)
    row = ModerationRule.objects.select_for_update().filter(id=rule_id).first()
    is_new = row is None
    row = row or ModerationRule(id=rule_id, created_by=by.user, version=0)
    row.name, row.kind, row.patterns, row.deed = printable(plan.name), plan.kind, plan.patterns, plan.deed
    row.notice, row.company_id, row.chat_id = printable(plan.notice), plan.company_id, plan.chat_id
    row.is_active, row.version = plan.is_active, clock.version(above=row.version)
    row.save()
    _note("made" if is_new else "changed", row, by)
    return row


@transaction.atomic
def switch(rule_id: UUID, *, on: bool, by: Staff) -> None:
    """Let a rule judge, or no longer. NotFound."""
    row = _locked(rule_id)
    row.is_active, row.version = on, clock.version(above=row.version)
    row.save(update_fields=["is_active", "version"])
    _note("changed", row, by)


@transaction.atomic
def delete(rule_id: UUID, *, by: Staff) -> None:
    """End a rule; what it found stays reported. NotFound."""
    row = _locked(rule_id)
    _note("deleted", row, by)
    row.delete()


def _locked(rule_id: UUID) -> ModerationRule:
    row = ModerationRule.objects.select_for_update().filter(id=rule_id).first()
    if row is None:
        raise NotFound("There is no such rule.")
    return row


def _note(what: str, row: ModerationRule, by: Staff) -> None:
    about = {
        "name": row.name,
        "kind": str(row.kind),
        "deed": str(row.deed),
        "company": str(row.company_id) if row.company_id else None,
        "chat": str(row.chat_id) if row.chat_id else None,
        "on": row.is_active,
        "staff": True,
    }
    audit.record(f"chat.rule.{what}", actor=by.user.id, subject=f"rule:{row.id}", detail=about)
    transaction.on_commit(forget)
