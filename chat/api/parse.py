"""What the chat's endpoints read from requests."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from chat.events import Poll
from chat.policy import Level, Role
from chat.polls import poll_of
from chatsite.accounts.api import body_of
from chatsite.kernel.errors import Invalid, NotFound
from chatsite.kernel.ids import EPOCH_MS, MessageId, id_at

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
_SPAN_MS = 1 << 41  # what an id's 41 bits of time reach, before and after 2024


def uuid_field(data: dict[str, Any], name: str) -> UUID:
    """A UUID of a body."""
    return _uuid(data.get(name), name)


def uuid_list(data: dict[str, Any], name: str) -> list[UUID]:
    """A list of UUIDs of a body; empty where there is none."""
    values = data.get(name, [])
    if not isinstance(values, list):
        raise Invalid("expected a list of ids.", field=name)
    return [_uuid(value, name) for value in values]


def path_uuid(text: str) -> UUID:
    """A UUID of an address in its one spelling; anything else is not found."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound() from None
    if str(found) != text:
        raise NotFound()
    return found


def role_field(data: dict[str, Any]) -> Role:
    """The role of a body; member where none is given."""
    try:
        return Role(data.get("role", Role.MEMBER))
    except ValueError:
        raise Invalid(f"expected one of {', '.join(Role)}.", field="role") from None


def level_field(data: dict[str, Any]) -> Level | None:
    """The level of notifications of a body, that may be missing."""
    text = optional_text(data, "level")
    try:
        return None if text is None else Level(text)
    except ValueError:
        raise Invalid(f"expected one of {', '.join(Level)}.", field="level") from None


def optional_text(data: dict[str, Any], name: str) -> str | None:
    """A string of a body that may be missing."""
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid("expected a string.", field=name)
    return value


def link_to_next(request: Request, cursor: str | None, *, name: str = "after") -> dict[str, str]:
    """The Link header of a list that goes on after a cursor."""
    if cursor is None:
        return {}
    query = request.query_params.copy()
    query[name] = cursor
    return {"Link": f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="next"'}


def flag_field(data: dict[str, Any], name: str) -> bool:
    """A boolean of a body; false where it is missing."""
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise Invalid("expected true or false.", field=name)
    return value


def number_field(data: dict[str, Any], name: str) -> int | None:
    """A whole number of a body that may be missing."""
    value = data.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise Invalid("expected a whole number.", field=name)
    return value


def moment_field(data: dict[str, Any], name: str) -> datetime | None:
    """A time of a body, ISO 8601, that may be missing or null; UTC where it names no zone."""
    text = optional_text(data, name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("expected a time as ISO 8601.", field=name) from None


def text_list(data: dict[str, Any], name: str) -> list[str]:
    """A list of strings of a body; empty where there is none."""
    values = data.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Invalid("expected a list of strings.", field=name)
    return values


def poll_field(data: dict[str, Any]) -> Poll | None:
    """The poll of a body, that may be missing."""
    if (asked := data.get("poll")) is None:
        return None
    if not isinstance(asked, dict):
        raise Invalid("expected an object.", field="poll")
    return poll_of(
        text_list(asked, "options"),
        multiple=flag_field(asked, "multiple"),
        anonymous=flag_field(asked, "anonymous"),
        closes_at=optional_text(asked, "closes_at"),
    )


def number_param(request: Request, name: str, default: int, *, lowest: int, highest: int) -> int:
    """A whole number of a query string within bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if len(text) <= 20 and text.isascii() and text.isdecimal() else highest + 1
    if not lowest <= number <= highest:
        raise Invalid(f"expected a whole number from {lowest} to {highest}.", field=name)
    return number


def moment_param(request: Request, name: str) -> MessageId | None:
    """The lowest id of a time in a query string, ISO 8601; UTC where it names no zone."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        unix_ms = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise Invalid("expected a time as ISO 8601.", field=name) from None
    if not -_SPAN_MS <= unix_ms - EPOCH_MS < _SPAN_MS:
        raise Invalid("expected a time between 1954 and 2093.", field=name)
    return id_at(unix_ms)


def _uuid(value: object, name: str) -> UUID:
    try:
        if isinstance(value, str):
            return UUID(value)
    except ValueError:
        pass
    raise Invalid("expected an id.", field=name)


def nonce_of(request: Request) -> str | None:
    """The nonce of a message in a body, or the Idempotency-Key in its place."""
    if (nonce := optional_text(body_of(request), "nonce")) is not None:
        return nonce
    key = request.headers.get("Idempotency-Key")
    return hashlib.sha256(key.encode()).hexdigest() if key else None
