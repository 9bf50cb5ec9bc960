"""Reads IRC logs whose name begins with their date, line by line. Pure.

    [HH:MM] <nick> text          said
    [HH:MM] * nick action        a notice of that nick
    === nick joined, left, ...   a notice of that nick, in the minute of the line before

The date is the day of line 1000, as the #ubuntu corpus has it, and that of the first line in
a shorter log. From there the clock is followed both ways: 23:59 -> 00:00 passes midnight;
12:59 -> 01:00 of a clock that never showed another half of the day is one hour on.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from chat.events import MessageType
from chat.imports import Line
from chatsite.kernel.errors import Invalid

DATED_LINE = 1_000  # the first annotated line of the corpus
MAX_LINE = 8_000  # bytes; IRC's own limit is 512, and no more characters than a message may have
MAX_LINKS = 1_000_000  # reply links kept in memory, about 100 MB
_NOON, _DAY = 12 * 60, 24 * 60  # minutes
_STEP_BACK = 60  # minutes that a clock may be put back, for summer time at most
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?!\d)")
_TIMED = re.compile(r"\[([01]\d|2[0-3]):([0-5]\d)\] ?(.*)", re.DOTALL)
_SAID = re.compile(r"<[@+%&~ ]?([^<>]{1,64})> ?(.*)", re.DOTALL)
_ACTION = re.compile(r" ?\* (([^\s<>*]{1,64}).*)", re.DOTALL)
_EVENT = re.compile(r"=== (.*)", re.DOTALL)
_NAMED = re.compile(r"(?:mode/\S+ .*\bby )?([\w\-\[\]\\^{}|`]{1,64})(?:\s|$)")


class _Read(NamedTuple):
    """A line with its own minute of the day, None where it carries none."""

    number: int
    minute: int | None
    author: str | None
    content: str
    message_type: MessageType


class _Followed(NamedTuple):
    """A line with its minute since the midnight before the log, and what its clock showed."""

    line: _Read
    minute: int | None
    shown: int | None


def read(raw: Iterable[bytes], *, name: str) -> Iterator[Line]:
    """The lines of a log that say something; Invalid names the line that cannot be read.

    `raw` may cut lines after MAX_LINE + 1 bytes.
    """
    midnight = _midnight(name)
    followed = _follow(_parse(raw))
    head = list(islice(followed, DATED_LINE + 1))
    timed = next((one for one in head if one.minute is not None), None)
    if timed is None:
        raise Invalid(f"its first {len(head)} lines carry no time like [23:59]: this is no IRC log of ours.")
    dated = head[DATED_LINE] if len(head) > DATED_LINE else timed
    assert dated.minute is not None and dated.shown is not None and timed.minute is not None
    offset = midnight + (dated.shown - dated.minute) * 60
    for batch in (head, followed):
        for line, minute, _ in batch:
            second = offset + (timed.minute if minute is None else minute) * 60
            if line.content or line.author:
                called = f"line {line.number + 1}"
                yield Line(line.number, second, line.author, line.content, line.message_type, called)


def read_replies(raw: Iterable[bytes]) -> dict[int, int]:
    """The line that each line answers: the nearest earlier of its parents. Each link is `PARENT LINE -`."""
    parents: dict[int, int] = {}
    for number, line in enumerate(raw, start=1):
        numbers = line.split()[:2]
        if not numbers:
            continue
        if len(numbers) < 2 or not all(one.isdigit() and len(one) <= 12 for one in numbers):
            raise Invalid(f"line {number} is no link of two line numbers.")
        parent, child = map(int, numbers)
        if parent < child:
            parents[child] = max(parent, parents.get(child, parent))
        if len(parents) > MAX_LINKS:
            raise Invalid(f"more than {MAX_LINKS:,} reply links.")
    return parents


def _midnight(name: str) -> int:
    try:
        match = _NAME.match(name)
        return int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()) if match else int("no date")
    except ValueError:
        raise Invalid("its name must begin with its date, like 2004-11-15_03.log.") from None


def _parse(raw: Iterable[bytes]) -> Iterator[_Read]:
    for number, line in enumerate(raw):
        if b"\x00" in line:
            raise Invalid(f"line {number + 1} holds NUL: this is no text.")
        if len(line) > MAX_LINE:
            raise Invalid(f"line {number + 1} is longer than {MAX_LINE} bytes: this is no IRC log.")
        if not line.endswith(b"\n"):
            raise Invalid(f"line {number + 1} has no end: the file is cut short, or misses its last line feed.")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if timed := _TIMED.match(text):
            yield _Read(number, int(timed[1]) * 60 + int(timed[2]), *_said(timed[3]))
        else:
            yield _Read(number, None, *_said(text))


def _said(text: str) -> tuple[str | None, str, MessageType]:
    """Who said what, and how."""
    if (said := _SAID.match(text)) and (nick := said[1].strip()):
        return nick, said[2], "text"
    if action := _ACTION.match(text):
        return action[2], action[1], "notice"
    if event := _EVENT.match(text):
        named = _NAMED.match(event[1])
        return (named[1] if named else None), event[1], "notice"
    return None, text.strip(), "notice"


def _follow(lines: Iterable[_Read]) -> Iterator[_Followed]:
    """Lines with a minute that goes on over midnight; a line without a time has that of the line before."""
    minute: int | None = None
    shown: int | None = None
    both_halves = False  # of the day were shown: no clock of twelve hours
    for line in lines:
        if line.minute is not None:
            both_halves = both_halves or not 60 <= line.minute < _NOON + 60
            step = 0 if shown is None else _step(shown, line.minute, both_halves=both_halves)
            minute = line.minute if minute is None else minute + step
            shown = line.minute
        yield _Followed(line, minute, shown)


def _step(before: int, after: int, *, both_halves: bool) -> int:
    """The minutes from one clock reading to the next."""
    step = after - before
    if step >= -_STEP_BACK:
        return step
    return step + (_NOON if before >= _NOON and not both_halves else _DAY)
