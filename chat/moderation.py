"""What somebody reports of a message. Pure."""

from enum import StrEnum

from chatsite.kernel.errors import Invalid

MAX_TEXT = 1_000  # characters of what somebody says beside the reason
MAX_NAME = 64  # of what looked at a message, and of what it found


class Reason(StrEnum):
    """Why a message is reported."""

    SPAM = "spam"
    ABUSE = "abuse"
    HARASSMENT = "harassment"
    ILLEGAL = "illegal"
    OTHER = "other"


class State(StrEnum):
    """What became of a report."""

    OPEN = "open"
    DISMISSED = "dismissed"
    ACTED = "acted"


class Outcome(StrEnum):
    """What staff did about a report."""

    DELETED = "deleted"
    MUTED = "muted"
    BANNED = "banned"


def reason_of(text: str) -> Reason:
    """The reason of a name; Invalid where it is none."""
    try:
        return Reason(text)
    except ValueError:
        raise Invalid(f"expected one of {', '.join(Reason)}.", field="reason") from None
