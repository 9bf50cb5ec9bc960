"""What was said elsewhere, as every format hands it over. Pure."""

from typing import NamedTuple

from chat.events import MessageType


class Line(NamedTuple):
    """One thing that a source holds, in the source's order.

    `number` rises from line to line, and `called` says which it is to who looks into the source;
    `second` is Unix time as the source tells it. `author` is None where the source names nobody,
    and `author_id` tells people apart where names do not. `html` is what marks in the content mean.
    """

    number: int
    second: int
    author: str | None
    content: str
    message_type: MessageType
    called: str
    author_id: str | None = None
    html: str | None = None
