"""MessageSearch over SQLite's FTS5.

Words come already folded and apart: the tokenizer `ascii` splits at the spaces between
them and nowhere else. Matches come in falling place without being sorted, so that a common
word costs no more than a page of it.
"""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from chat.indexes.sql import Change, SqlSearch, hex_of
from chat.search import Query
from chat.words import Phrase, has_link, is_character, pairs_of, words_of
from chatsite.kernel.database import plain_cursor

_PUT = """INSERT INTO messages_search (place, chat_id, message_id, version, sender_id, is_gone)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (place) DO UPDATE SET version = excluded.version, is_gone = excluded.is_gone"""
_PUT_TEXT = "INSERT INTO messages_search_text (rowid, words, pairs, facets) VALUES (%s, %s, %s, %s)"
_FORGET_TEXT = "DELETE FROM messages_search_text WHERE rowid = %s"
FIND = """SELECT one.chat_id, one.message_id, one.place
FROM messages_search_text AS text JOIN messages_search AS one ON one.place = text.rowid
WHERE messages_search_text MATCH %s AND text.rowid >= %s AND text.rowid < %s ORDER BY text.rowid DESC LIMIT %s"""
LINK = "haslink"
GAP = "0"  # a word that is no pair, between pairs that do not follow each other


class Fts5Search(SqlSearch):
    """MessageSearch over the tables `messages_search` and `messages_search_text` of an SQLite file."""

    def _write(self, cursor: CursorWrapper, changes: Sequence[Change]) -> None:
        cursor.executemany(_PUT, [one.row for one in changes])
        if old := [(one.row.place,) for one in changes if not one.is_new]:
            cursor.executemany(_FORGET_TEXT, old)
        texts = [(one.row, one.text) for one in changes if one.text is not None]
        cursor.executemany(_PUT_TEXT, [(row.place, *_columns(row.chat, row.sender, text)) for row, text in texts])

    def _forget(self, cursor: CursorWrapper, places: Sequence[int]) -> None:
        cursor.executemany(_FORGET_TEXT, [(place,) for place in places])
        cursor.executemany("DELETE FROM messages_search WHERE place = %s", [(place,) for place in places])

    def _find(self, query: Query, chats: Sequence[str], below: int, limit: int) -> list[tuple[str, int, int]]:
        with plain_cursor(self.alias) as cursor:
            cursor.execute(FIND, [expression(query, chats), query.low, below, limit])
            return list(cursor.fetchall())


def expression(query: Query, chats: Sequence[str]) -> str:
    """What FTS5 is asked: always one of the chats, so that nothing is only negative."""
    wanted = [f"facets : ({' OR '.join(f'c{hex_of(chat)}' for chat in chats)})"]
    wanted += [_phrase(one) for one in query.phrases]
    if query.senders is not None:
        wanted.append(f"facets : ({' OR '.join(f'u{hex_of(one)}' for one in sorted(query.senders))})")
    unwanted = [_phrase(one) for one in query.not_phrases]
    unwanted += [f"facets : u{hex_of(one)}" for one in sorted(query.not_senders)]
    if query.link is not None:
        (wanted if query.link else unwanted).append(f"facets : {LINK}")
    positive = " AND ".join(f"({one})" for one in wanted)
    return f"({positive}) NOT ({' OR '.join(f'({one})' for one in unwanted)})" if unwanted else positive


def _phrase(phrase: Phrase) -> str:
    if len(phrase.words) > 1 and all(map(is_character, phrase.words)):
        pairs = " ".join(pair for _, pair in pairs_of(phrase.words))
        return f'pairs : "{pairs}"'
    return f'words : "{" ".join(phrase.words)}"{" *" if phrase.prefix else ""}'


def _columns(chat: str, sender: str, text: str) -> tuple[str, str, str]:
    words = words_of(text)
    facets = f"c{hex_of(chat)} u{hex_of(sender)}" + (f" {LINK}" if has_link(text) else "")
    return " ".join(words), _pairs(words), facets


def _pairs(words: Sequence[str]) -> str:
    """The pairs of a text; between those that do not follow each other stands what is no pair."""
    parts: list[str] = []
    expected = 0
    for place, pair in pairs_of(words):
        if parts and place != expected:
            parts.append(GAP)
        parts.append(pair)
        expected = place + 1
    return " ".join(parts)
