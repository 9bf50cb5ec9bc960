"""Moving an installation from one shape to the next, chunk by chunk, so that it may be killed at any moment."""

from collections.abc import Callable
from typing import TypeAlias

Say: TypeAlias = Callable[[str], None]


class Refused(Exception):
    """It cannot be moved like this; the text says what to do first."""


class Differs(Exception):
    """What came is not what was there."""
