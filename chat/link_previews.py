"""What a message's links lead to, in a few words: which links that are, and what a page says of itself. Pure.

Pages are strangers' words: as much of them is read as is shown, and nothing of it is a mark.
"""

import codecs
import re
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlsplit

from chat.markdown import links_of
from chat.words import has_link

MOST = 3  # links of a message
LONGEST_URL = 2_000
LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_SITE = 300, 500, 100  # characters
TYPES = ("text/html", "application/xhtml+xml")  # what can be read
_SNIFFED = 1_024  # bytes in which a page says its charset, as browsers look for it
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# What browsers know. Of Python's others some are no charsets of pages, and some take hours for what is made for that.
_CHARSETS = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|latin-?1|iso-?8859-?\d{1,2}|windows-?(?:125\d|874)|cp125\d|koi8-[ru]|ibm866"
    r"|shift[_-]jis|sjis|euc-jp|iso-2022-jp|euc-kr|gb2312|gbk|gb18030|big5",
    re.IGNORECASE,
)
_TITLES = ("og:title", "twitter:title", "title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description")
_SITES = ("og:site_name", "application-name")
_NAMES = frozenset((*_TITLES[:2], *_DESCRIPTIONS, *_SITES))


class Page(NamedTuple):
    """What a page says of itself."""

    title: str
    description: str | None
    site: str | None


def links_to_preview(text: str) -> list[str]:
    """The first links of a text, each once."""
    if not has_link(text):
        return []
    found = dict.fromkeys(link for link in links_of(text) if len(link) <= LONGEST_URL and host_of(link))
    return list(found)[:MOST]


def host_of(link: str) -> str:
    """The host of an http or https address, empty where it has none."""
    try:
        return urlsplit(link).hostname or "" if has_link(link) else ""
    except ValueError:
        return ""


def page_of(content_type: str, body: bytes) -> Page | None:
    """What the beginning of a page says of itself; None where it has no title."""
    head = _Head()
    try:
        head.feed(_decoded(content_type, body))  # Never closed: what is cut off in the middle is no part of it.
    except (_Enough, AssertionError):  # The parser asserts that what looks like SGML is some.
        pass
    title = head.first(_TITLES, LONGEST_TITLE)
    if title is None:
        return None
    return Page(title, head.first(_DESCRIPTIONS, LONGEST_DESCRIPTION), head.first(_SITES, LONGEST_SITE))


class _Enough(Exception):
    """What a page says of itself is over."""


class _Head(HTMLParser):
    """Keeps what the first of each kind says."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, str] = {}
        self._in_title = False

    def first(self, names: tuple[str, ...], longest: int) -> str | None:
        """What the first of some names says that says anything."""
        texts = (_clean(self._said.get(name, ""), longest) for name in names)
        return next((text for text in texts if text), None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a `meta` says; in the body nothing more is to be found."""
        match tag:
            case "body":
                raise _Enough
            case "title":
                self._in_title = "title" not in self._said
            case "meta":
                given = dict(attrs)
                name = (given.get("property") or given.get("name") or "").strip().lower()
                if name in _NAMES:
                    self._said.setdefault(name, given.get("content") or "")

    def handle_endtag(self, tag: str) -> None:
        """Leave the title, or the head."""
        self._in_title = self._in_title and tag != "title"
        if tag == "head":
            raise _Enough

    def handle_data(self, data: str) -> None:
        """Keep the title, which may come in pieces."""
        if self._in_title and len(before := self._said.get("title", "")) < LONGEST_TITLE:
            self._said["title"] = before + data


def _decoded(content_type: str, body: bytes) -> str:
    """A page as text: in the charset of its byte order mark, its header or itself, or else UTF-8."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", errors="replace")
    named = _CHARSET.search(content_type) or _CHARSET.search(body[:_SNIFFED].decode("ascii", errors="replace"))
    charset = named[1] if named and _CHARSETS.fullmatch(named[1]) else "utf-8"
    try:
        return body.decode(charset, errors="replace").removeprefix("\ufeff")
    except LookupError:  # A number that there is no charset of.
        return body.decode("utf-8", errors="replace")


def _clean(text: str, longest: int) -> str:
    """One line without what is not seen or turns the direction of writing, cut where it is too long."""
    folded = " ".join(text[: longest * 4].split())  # Spaces fold: a little more is looked at than is kept.
    shown = "".join(letter for letter in folded if letter.isprintable())
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"
