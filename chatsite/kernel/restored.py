"""What databases must be told before anybody uses them again after a restore.

Positions handed out after the backup are used up, as are the ids minted under its leases:
the logs start a new generation under a new identity, and every lease above all moments used.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from chatsite.kernel.clock import AHEAD_MS
from chatsite.kernel.ids import MAX_AHEAD_MS, SERVE_WORKER
from chatsite.kernel.models import GroupOffset, LogPartition, WorkerLease


def group_offsets(alias: str) -> dict[str, int]:
    """How far each group of a log has finished, by what a database holds."""
    return dict(GroupOffset.objects.using(alias).values_list("group", "offset"))


def renew_log(alias: str) -> None:
    """Start a new generation of a log, as another log than before."""
    # The identity too: two restores of one backup would give the same generation.
    identity, partitions = uuid.uuid4().hex, LogPartition.objects.using(alias)
    if not partitions.update(generation=F("generation") + 1, identity=identity):
        partitions.create(partition=0, generation=2, identity=identity)  # It was first used after the backup.


def rewind_groups(alias: str, *, finished: Mapping[str, int]) -> None:
    """Let no group of a log go on above what it had `finished`; the rest is applied once more."""
    floor = LogPartition.objects.using(alias).values_list("floor", flat=True).first() or 0
    for group, offset in group_offsets(alias).items():
        kept = max(floor, min(offset, finished.get(group, floor)))
        GroupOffset.objects.using(alias).filter(group=group).update(offset=kept)


def raise_leases(alias: str, *, now_ms: int) -> None:
    """Let no worker number mint below what it may have been used for up to now, in Unix ms."""
    up_to = now_ms + MAX_AHEAD_MS + AHEAD_MS
    with transaction.atomic(using=alias):
        leases = WorkerLease.objects.using(alias)
        if not leases.filter(worker=SERVE_WORKER).exists():
            leases.create(worker=SERVE_WORKER, holder="", expires_at=datetime.now(UTC), minted_up_to=up_to)
        leases.filter(minted_up_to__lt=up_to).update(minted_up_to=up_to)
        leases.update(expires_at=datetime.now(UTC))
