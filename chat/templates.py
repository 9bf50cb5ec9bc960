"""Texts with places that are filled in when they are said: `Hello {name}`. Pure.

A place is a word in braces; two braces are one brace.
"""

import re
from collections.abc import Mapping

from chatsite.kernel.errors import Invalid

MAX_PLACES = 20
MAX_VALUE = 1_000  # characters
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[^\W\d]\w{0,39}")


def places(content: str) -> list[str]:
    """The places of a text in their order, each once; Invalid where a brace stands alone or a name is none."""
    found: dict[str, None] = {}
    for part in _PART.finditer(content):
        if part[0] in ("{{", "}}"):
            continue
        if part[1] is None or not _NAME.fullmatch(part[1]):
            raise Invalid("a place is a word in braces, like {name}; write {{ and }} for braces.", field="content")
        found[part[1]] = None
    if len(found) > MAX_PLACES:
        raise Invalid(f"at most {MAX_PLACES} places.", field="content")
    return list(found)


def filled(content: str, values: Mapping[str, object]) -> str:
    """The text with its places filled in; Invalid names those without a value, and values that are none."""
    wanted = places(content)
    if missing := [name for name in wanted if name not in values]:
        raise Invalid(f"there is no value for {', '.join(missing)}.", field="values")
    for name in wanted:
        if not isinstance(value := values[name], str) or len(value) > MAX_VALUE:
            raise Invalid(f"{name} is to be a string of at most {MAX_VALUE} characters.", field="values")

    def put(part: re.Match[str]) -> str:
        return str(values[part[1]]) if part[1] is not None else part[0][0]

    return _PART.sub(put, content)
