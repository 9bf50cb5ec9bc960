"""The audit log: who did what to whom, appended with the deed and never changed.

Each entry's hash covers the hash before it and its own canonical JSON, so a
changed, removed or inserted row breaks the chain; the head row tells whether the
newest ones were cut off. `manage.py verify_audit` walks it.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from django.db import transaction

from chatsite.accounts.models import AuditEntry, AuditHead

MAX_SUBJECT = 100  # characters
_CHUNK = 1_000  # rows that a walk holds at a time


class Kind(StrEnum):
    """What people, companies and staff do; other apps name their own kinds `app.noun.verb`."""

    SIGNED_IN = "accounts.sign_in"
    SIGN_IN_FAILED = "accounts.sign_in.failed"
    SIGNED_OUT = "accounts.sign_out"
    SIGN_INS_ENDED = "accounts.sign_ins.ended"
    PASSWORD_CHANGED = "accounts.password.changed"  # noqa: S105 - no password
    PASSWORD_RESET = "accounts.password.reset"  # noqa: S105 - no password
    RESET_MAILED = "accounts.password.reset_mailed"
    EMAIL_CHANGED = "accounts.email.changed"
    PERSON_INVITED = "accounts.person.invited"
    PERSON_MADE = "accounts.person.made"
    PERSON_DEACTIVATED = "accounts.person.deactivated"
    PERSON_REACTIVATED = "accounts.person.reactivated"
    STAFF_MADE = "accounts.staff.made"
    STAFF_UNMADE = "accounts.staff.unmade"
    TOKEN_MADE = "accounts.api_token.made"  # noqa: S105 - no password
    TOKEN_REVOKED = "accounts.api_token.revoked"  # noqa: S105 - no password
    COMPANY_MADE = "accounts.company.made"
    USER_GROUP_MADE = "accounts.user_group.made"
    USER_GROUP_CHANGED = "accounts.user_group.changed"
    USER_GROUP_DROPPED = "accounts.user_group.dropped"
    MEMBER_ADDED = "accounts.member.added"
    MEMBER_REMOVED = "accounts.member.removed"


class Broken(Exception):
    """The chain does not hold; the text names the first entry at fault."""


def record(
    kind: str,
    *,
    actor: UUID | None,
    subject: str,
    detail: Mapping[str, object] | None = None,
    at: datetime | None = None,
) -> AuditEntry:
    """Append an entry with the caller's transaction; `subject` is like `user:<id>`.

    `detail` is what JSON can say, without floats, and never text of messages,
    passwords or tokens. The head row is locked until the commit: call it last.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("audit.record needs the caller's transaction: use transaction.atomic().")
    AuditHead.objects.get_or_create(id=AuditHead.ONLY)
    head = AuditHead.objects.select_for_update().get(id=AuditHead.ONLY)
    entry = AuditEntry(
        number=head.number + 1,
        at=at or datetime.now(UTC),
        kind=str(kind),
        actor=actor,
        subject=subject[:MAX_SUBJECT],
        detail=dict(detail or {}),
        previous=head.hash,
    )
    entry.hash = hash_of(entry)
    entry.save(force_insert=True)
    head.number, head.hash = entry.number, entry.hash
    head.save(update_fields=["number", "hash"])
    return entry


def of_person(user_id: UUID) -> str:
    """The subject of entries about a person."""
    return f"user:{user_id}"


def of_company(company_id: UUID) -> str:
    """The subject of entries about a company."""
    return f"company:{company_id}"


def hash_of(entry: AuditEntry) -> str:
    """The hash that an entry must have, by what it says and the hash before it."""
    said = {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": entry.kind,
        "actor": str(entry.actor) if entry.actor else None,
        "subject": entry.subject,
        "detail": entry.detail,
    }
    return hashlib.sha256(entry.previous.encode() + msgspec.json.encode(said, order="deterministic")).hexdigest()


def verify() -> int:
    """Walk the whole chain; answers how many entries hold. Broken names the first that does not."""
    before = _head()  # More may come while this walks: the head is asked again at the end.
    number, previous = 0, ""
    for entry in AuditEntry.objects.order_by("number").iterator(chunk_size=_CHUNK):
        number += 1
        if entry.number != number:
            raise Broken(f"entry {number} is missing")
        if entry.previous != previous or entry.hash != hash_of(entry):
            raise Broken(f"entry {number} was changed")
        if number == before.number and entry.hash != before.hash:
            raise Broken(f"entry {number} is not the one that the head knows")
        previous = entry.hash
    if number < before.number:
        raise Broken(f"entry {number + 1} is missing: the head is at {before.number}")
    if number > (after := _head().number):
        raise Broken(f"entry {after + 1} is unknown to the head")
    return number


def _head() -> AuditHead:
    return AuditHead.objects.filter(id=AuditHead.ONLY).first() or AuditHead()
