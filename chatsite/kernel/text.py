"""What counts as text. Pure."""

from collections.abc import Mapping
from typing import Any

from chatsite.kernel.errors import Invalid

ESCAPED_NUL = "\\u0000"  # how JSON writes it: what lacks this needs no closer look


def require_text(data: Mapping[str, Any]) -> None:
    """Refuse an object that holds NUL, which PostgreSQL keeps in no text; Invalid names the field."""
    for field, value in data.items():
        if _has_nul(field) or _has_nul(value):
            raise Invalid("NUL is no text.", field=field)


def _has_nul(value: Any) -> bool:
    match value:
        case str():
            return "\x00" in value
        case Mapping():
            return any(_has_nul(one) for pair in value.items() for one in pair)
        case list():
            return any(_has_nul(one) for one in value)
    return False
