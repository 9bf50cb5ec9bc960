"""Idempotency keys: the same creating request twice is one thing made.

The key stands in the transaction of the command itself, so a retry, after a
crash too, finds both or neither. Two at once wait for each other at the key's
row: the second gets the first one's result.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import orjson
from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from chatsite.kernel.errors import Invalid, KeyReused
from chatsite.kernel.models import IdempotencyKey

T = TypeVar("T", bound="dict[str, Any]")

KEPT = timedelta(hours=24)
MAX_KEY = 255  # characters


class Key(NamedTuple):
    """A client's key and what it was sent with, both as digests in hex."""

    key: str
    digest: str


def key_of(request: Request) -> Key | None:
    """The Idempotency-Key of a request with its method, address and body; Invalid for one too long."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if not 1 <= len(text) <= MAX_KEY:
        raise Invalid(f"1 to {MAX_KEY} characters.", field="Idempotency-Key")
    asked: HttpRequest = request._request
    body = orjson.dumps([asked.method, asked.path, request.data], option=orjson.OPT_SORT_KEYS)
    return Key(_digest(text.encode(errors="surrogatepass")), _digest(body))


def once(user: UUID, key: Key | None, work: Callable[[], T]) -> T:
    """Run a command, or answer what it answered to this person's key within 24 hours.

    `work` is a sync command; its result is a small dict of JSON. What it raises
    leaves no trace of the key. KeyReused when the key came with another request.
    """
    if key is None:
        return work()
    now = datetime.now(UTC)
    with transaction.atomic():
        IdempotencyKey.objects.filter(user_id=user, key=key.key, created_at__lt=now - KEPT).delete()
        row, is_new = IdempotencyKey.objects.get_or_create(
            user_id=user, key=key.key, defaults={"digest": key.digest, "created_at": now}
        )
        if row.digest != key.digest:
            raise KeyReused(code="idempotency_reused")
        if is_new:
            row.result = work()
            row.save(update_fields=["result"])
        return cast(T, row.result)


def forget_old(now: datetime) -> int:
    """Drop the keys that are older than 24 hours; answers how many."""
    dropped, _ = IdempotencyKey.objects.filter(created_at__lt=now - KEPT).delete()
    return dropped


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
