"""What was said elsewhere, as every format hands it over. Pure."""

from typing import NamedTuple

from chat.events import MessageType


class Line(NamedTuple):
    """One thing that a source holds, in the source's order.

    `number` counts from 0 and `second` is Unix time as the source tells it.
    `author` is None where the source names nobody.
    """

    number: int
    second: int
    author: str | None
    content: str
    message_type: MessageType
