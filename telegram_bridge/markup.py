"""Telegram's formatted text in our marks. Pure.

What formats comes as parts that do not overlap, as an export has them. The result says the
same words in every case: a text that our marks would show otherwise is left without any.
"""

import re
from collections.abc import Callable, Sequence
from html import unescape

import msgspec

from chat.markdown import html_of
from chatsite.gateway.protocol import MAX_CONTENT

_AROUND = {"bold": "**", "italic": "*", "strikethrough": "~~", "spoiler": "||"}
_BLOCKS = {"pre", "blockquote"}
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s<>\\]+", re.IGNORECASE)
_BARE = re.compile(r"""(https?://[^\s<>"]+)""", re.IGNORECASE)  # within one nothing is a mark, and no backslash escapes
_MARK = re.compile(r"[\\`*_~|\[\]<>]")
_LIST = re.compile(r"^( {0,3}(?:\d{1,9}(?=[.)])|(?=[-+])))(.)(?=[ \t])", re.MULTILINE)
_TAG = re.compile(r"<[^>]*>")
_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")


class Part(msgspec.Struct, frozen=True):
    """A stretch of text that is formatted alike."""

    type: str = "plain"
    text: str = ""
    href: str = ""
    language: str = ""


def content_of(parts: Sequence[Part]) -> tuple[str, str | None]:
    """What a message of some parts says here, and what the marks in that mean, as HTML.

    What looks like a mark and was none is escaped, where anything has to be.
    """
    plain = "".join(map(_said, parts))
    is_formatted = any(map(_is_formatted, parts))
    for words in (str, _escaped):
        content = _marked(parts, words)
        html = html_of(content) if len(content) <= MAX_CONTENT else None
        if html is None and not is_formatted:
            break  # Nothing looks like a mark, as in most messages.
        if html is not None and _letters(unescape(_TAG.sub("", html))) == _letters(plain):
            return content, html
    return plain, None


def _is_formatted(part: Part) -> bool:
    return part.type in _AROUND or part.type in _BLOCKS or part.type == "code" or _is_link(part)


def _is_link(part: Part) -> bool:
    return part.type == "text_link" and _ADDRESS.fullmatch(part.href) is not None


def _said(part: Part) -> str:
    """The words of a part, and the address where it leads to one that is no link here."""
    return f"{part.text} ({part.href})" if part.type == "text_link" and not _is_link(part) else part.text


def _marked(parts: Sequence[Part], words: Callable[[str], str]) -> str:
    content, gap = "", ""
    for part in parts:
        if not part.text:
            continue
        is_block = part.type in _BLOCKS or (part.type == "code" and "\n" in part.text)
        if is_block and content and not gap:
            gap = "" if content.endswith("\n") else "\n"
        one = _block(part, words) if is_block else _inline(part, words)
        content += gap + (one.lstrip("\n") if gap else one)
        gap = ("\n\n" if part.type == "blockquote" else "\n") if is_block else ""
    return content


def _block(part: Part, words: Callable[[str], str]) -> str:
    if part.type == "blockquote":
        return "\n".join(f"> {line}" for line in words(part.text.strip("\n")).split("\n"))
    fence = "`" * max(3, _longest_ticks(part.text) + 1)
    language = part.language if _LANGUAGE.fullmatch(part.language) else ""
    return f"{fence}{language}\n{part.text.strip(chr(10))}\n{fence}"


def _inline(part: Part, words: Callable[[str], str]) -> str:
    if part.type == "code":
        ticks = "`" * (_longest_ticks(part.text) + 1)
        space = " " if "`" in part.text else ""
        return f"{ticks}{space}{part.text}{space}{ticks}"
    if _is_link(part):
        return f"[{_escaped(part.text)}](<{part.href}>)"
    if mark := _AROUND.get(part.type):
        return "\n".join(_around(line, mark, words) for line in part.text.split("\n"))
    return words(_said(part))


def _around(line: str, mark: str, words: Callable[[str], str]) -> str:
    """A line between marks, which stand beside letters and not beside spaces."""
    core = line.strip()
    if not core:
        return line
    start = line.index(core)
    return f"{line[:start]}{mark}{words(core)}{mark}{line[start + len(core) :]}"


def _escaped(text: str) -> str:
    pieces = _BARE.split(text)
    pieces[::2] = [_LIST.sub(r"\1\\\2", _MARK.sub(r"\\\g<0>", one)) for one in pieces[::2]]
    return "".join(pieces)


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _letters(text: str) -> str:
    return "".join(text.split())
