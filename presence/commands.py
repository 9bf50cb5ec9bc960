"""What people choose, and what is written down of them."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from datetime import time as day_time
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from chatsite.accounts.models import User
from chatsite.kernel.errors import Invalid
from presence.models import Presence
from presence.policy import MAX_TEXT, Status


@dataclass(frozen=True, kw_only=True)
class Choose:
    """A status with its text, until a moment or for good."""

    status: str
    text: str
    until: datetime | None


class QuietHours(NamedTuple):
    """When somebody wants to be left alone, each day."""

    start: day_time
    end: day_time
    time_zone: str


class Seen(NamedTuple):
    """When somebody was seen last (Unix ms), and the version that said so."""

    at_ms: int
    version: int


def choose(user: UUID, wanted: Choose) -> Presence:
    """Keep what a person wants others to see; Invalid says what is wrong with it."""
    if wanted.status not in (Status.ONLINE, Status.AWAY, Status.DND, Status.INVISIBLE):
        raise Invalid("ONLINE, AWAY, DND or INVISIBLE.", field="status")
    if len(wanted.text) > MAX_TEXT:
        raise Invalid(f"at most {MAX_TEXT} characters.", field="text")
    if not all(one.isprintable() for one in wanted.text):
        raise Invalid("printable characters of one line.", field="text")
    if wanted.until is not None and wanted.until <= datetime.now(UTC):
        raise Invalid("a moment to come.", field="until")
    return _change(user, **asdict(wanted))


def keep_quiet(user: UUID, hours: QuietHours | None) -> Presence:
    """Keep when a person wants to be left alone, or that they never do."""
    if hours is None:
        return _change(user, quiet_start=None, quiet_end=None, time_zone="")
    try:
        ZoneInfo(hours.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("there is no such time zone.", field="time_zone") from None
    return _change(user, quiet_start=hours.start, quiet_end=hours.end, time_zone=hours.time_zone)


def show_last_seen(user: UUID, *, shows: bool) -> Presence:
    """Keep whether others may know when a person was seen last."""
    return _change(user, shows_last_seen=shows)


def write_down(seen: Mapping[str, Seen]) -> None:
    """Keep when people were seen last; who was erased meanwhile stays so, and what is newer stays too."""
    with transaction.atomic():
        people = {str(one) for one in User.objects.filter(id__in=list(seen)).values_list("id", flat=True)}
        newer = Presence.objects.select_for_update().filter(user_id__in=list(people))
        newest = {str(row.user_id): row.seen_version for row in newer}
        Presence.objects.bulk_create(
            [
                Presence(user_id=UUID(user), last_seen=datetime.fromtimestamp(at_ms / 1_000, UTC), seen_version=version)
                for user, (at_ms, version) in seen.items()
                if user in people and version > newest.get(user, 0)
            ],
            update_conflicts=True,
            unique_fields=["user"],
            update_fields=["last_seen", "seen_version"],
        )


@transaction.atomic
def _change(user: UUID, **fields: object) -> Presence:
    Presence.objects.get_or_create(user_id=user)
    row = Presence.objects.select_for_update().get(user_id=user)
    for name, value in fields.items():
        setattr(row, name, value)
    row.version = max(time.time_ns() // 1_000, row.version + 1)
    row.save(update_fields=[*fields, "version"])
    return row
