"""Pages of rows by their names: where one ended, and what lies behind that."""

from typing import Protocol
from uuid import UUID

from django.db.models import Q

from chatsite.kernel.errors import Invalid


class Named(Protocol):
    """A row with a name, which others may have too."""

    id: UUID
    name: str


def cursor(row: Named) -> str:
    """Where a page ended that is ordered by name and id."""
    return f"{row.id}_{row.name}"


def behind(after: str) -> Q:
    """What lies behind the end of a page; Invalid for what is no cursor."""
    last, _, name = after.partition("_")
    try:
        return Q(name__gt=name) | Q(name=name, id__gt=UUID(last))
    except ValueError:
        raise Invalid("this is no cursor of ours.", field="after") from None
