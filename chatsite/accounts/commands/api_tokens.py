"""API tokens: made for oneself or, by staff, for a bot."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from chatsite.accounts import api_tokens, audit, policy, queries
from chatsite.accounts.audit import Kind
from chatsite.accounts.commands import sign_ins
from chatsite.accounts.commands.people import require_person
from chatsite.accounts.models import ApiToken, SignIn
from chatsite.kernel.errors import Conflict, Invalid, NotFound

MAX_TOKENS = 20  # of one person at a time
LONGEST_DAYS = 366


@transaction.atomic
def make(user_id: UUID, *, name: str, scopes: Collection[object], days: int, by: UUID) -> tuple[ApiToken, str]:
    """A new token of a person, good for so many days; answers it and the text that is shown once.

    Raises Invalid for a name, scope or life that cannot be, Conflict for too many, NotFound.
    """
    user = require_person(user_id)
    name, kept = policy.require_name(name), api_tokens.require_scopes(scopes)
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid(f"expected 1 to {LONGEST_DAYS}.", field="expires_in_days")
    if queries.api_tokens(user.id, now=datetime.now(UTC)).count() >= MAX_TOKENS:
        raise Conflict(f"At most {MAX_TOKENS} API tokens; revoke one first.")
    made = api_tokens.new()
    sign_in = SignIn.objects.create(user=user, refresh_id="", user_agent=f"API token {name}")
    token = ApiToken.objects.create(
        id=made.id,
        sign_in=sign_in,
        name=name,
        digest=made.digest,
        scopes=kept,
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    detail = {"token": str(token.id), "scopes": kept}
    audit.record(Kind.TOKEN_MADE, actor=by, subject=audit.of_person(user.id), detail=detail)
    return token, made.text


@transaction.atomic
def revoke(user_id: UUID, token_id: UUID, *, by: UUID) -> None:
    """End a token of a person; its sockets close within a second. NotFound."""
    rows = SignIn.objects.filter(user=user_id, api_token=token_id)
    if not sign_ins.end(rows, of=user_id):
        raise NotFound("There is no such token.")
    detail = {"token": str(token_id)}
    audit.record(Kind.TOKEN_REVOKED, actor=by, subject=audit.of_person(user_id), detail=detail)
