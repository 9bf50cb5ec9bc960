"""Reads the lines that people say in an IRC log of tests/data/irc."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOG = Path(__file__).parent / "data" / "irc" / "2004-11-15_03.log"
_SAID = re.compile(r"\[\d\d:\d\d\] <([^>]+)> (.*)")


class Line(NamedTuple):
    """What one person said."""

    nick: str
    text: str


def said(log: Path = LOG) -> Iterator[Line]:
    """The spoken lines of a log, in order; those that are empty say nothing."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (match := _SAID.match(line)) and match[2].strip():
                yield Line(match[1], match[2].rstrip("\n"))
