"""MessageSearch over PostgreSQL's full text search.

Words, pairs of characters, chat, sender and links stand in one `tsvector`, under a GIN
index. That index answers in no order, so the newest rows of each chat are looked through
first: a common word is among them. What is not is rare, and the index finds it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from chat.indexes.sql import Change, SqlSearch, hex_of
from chat.search import Query
from chat.words import Phrase, has_link, is_character, pairs_of, words_of
from chatsite.kernel.database import plain_cursor

_PUT = """INSERT INTO messages_search (place, chat_id, message_id, version, sender_id, is_gone, words)
VALUES {rows}
ON CONFLICT (place) DO UPDATE SET version = excluded.version, is_gone = excluded.is_gone, words = excluded.words"""
NEWEST = """WITH newest AS MATERIALIZED (
  SELECT one.* FROM unnest(%s::text[]) AS mine(chat_id) CROSS JOIN LATERAL (
    SELECT chat_id, message_id, place, words FROM messages_search
    WHERE chat_id = mine.chat_id AND place >= %s AND place < %s ORDER BY place DESC LIMIT %s) AS one),
cut AS (SELECT max(lowest) AS floor FROM (
  SELECT min(place) AS lowest FROM newest GROUP BY chat_id HAVING count(*) >= %s) AS full_ones)
SELECT newest.chat_id, newest.message_id, newest.place, cut.floor FROM cut LEFT JOIN newest
ON newest.words @@ %s::tsquery AND newest.place >= coalesce(cut.floor, newest.place)
ORDER BY newest.place DESC LIMIT %s"""
INDEXED = """WITH found AS MATERIALIZED (
  SELECT chat_id, message_id, place FROM messages_search
  WHERE words @@ %s::tsquery AND place >= %s AND place < %s)
SELECT chat_id, message_id, place FROM found ORDER BY place DESC LIMIT %s"""
# Statistics may be of a time when all of it was little enough to be read whole.
NO_WALK = "SET LOCAL enable_seqscan = off"
LOOKED_THROUGH = 1_000  # rows of all chats together, some 5 ms
LEAST_OF_A_CHAT = 8
LAST_POSITION = 16_383  # of a tsvector; what lies beyond is found, though not as a phrase
LINK, ALL = "has:link", "is:said"  # no word of a text holds a colon


class PostgresSearch(SqlSearch):
    """MessageSearch over the table `messages_search` of a PostgreSQL database."""

    def _write(self, cursor: CursorWrapper, changes: Sequence[Change]) -> None:
        if changes:
            marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s::tsvector)"] * len(changes))
            values = [value for one in changes for value in (*one.row, _vector(one))]
            cursor.execute(_PUT.format(rows=marks), values)

    def _forget(self, cursor: CursorWrapper, places: Sequence[int]) -> None:
        cursor.execute("DELETE FROM messages_search WHERE place = ANY(%s)", [list(places)])

    def _find(self, query: Query, chats: Sequence[str], below: int, limit: int) -> list[tuple[str, int, int]]:
        newest, indexed = statements(query, chats, below=below, limit=limit)
        with transaction.atomic(using=self.alias), plain_cursor(self.alias) as cursor:
            cursor.execute(NO_WALK)
            cursor.execute(*newest)
            rows = cursor.fetchall()
            found = [row[:3] for row in rows if row[0] is not None]
            if len(found) >= limit or rows[0][3] is None:
                return found
            cursor.execute(*indexed)
            return list(cursor.fetchall())


def statements(
    query: Query, chats: Sequence[str], *, below: int, limit: int
) -> tuple[tuple[str, list[Any]], tuple[str, list[Any]]]:
    """The look through the newest rows, and the one into the index, each with what it asks."""
    each = max(LEAST_OF_A_CHAT, LOOKED_THROUGH // len(chats))
    newest = [list(chats), query.low, below, each, each, expression(query, ()), limit]
    return (NEWEST, newest), (INDEXED, [expression(query, chats), query.low, below, limit])


def expression(query: Query, chats: Sequence[str]) -> str:
    """What PostgreSQL is asked, as a `tsquery`; without chats where those are chosen already."""
    wanted = [" | ".join(_quoted(f"in:{hex_of(chat)}") for chat in chats)] if chats else []
    wanted += [_phrase(one) for one in query.phrases]
    if query.senders is not None:
        wanted.append(" | ".join(_quoted(f"from:{hex_of(one)}") for one in sorted(query.senders)))
    unwanted = [_phrase(one) for one in query.not_phrases]
    unwanted += [_quoted(f"from:{hex_of(one)}") for one in sorted(query.not_senders)]
    if query.link is not None:
        (wanted if query.link else unwanted).append(_quoted(LINK))
    return " & ".join([f"({one})" for one in wanted] + [f"!({one})" for one in unwanted]) or _quoted(ALL)


def _phrase(phrase: Phrase) -> str:
    words = phrase.words
    if len(words) > 1 and all(map(is_character, words)):
        words = tuple(pair for _, pair in pairs_of(words))
    return " <-> ".join(map(_quoted, words)) + (":*" if phrase.prefix else "")


def _vector(change: Change) -> str | None:
    """What is looked for in a message, as the text of a `tsvector`; None of a deleted one."""
    if change.text is None:
        return None
    words = words_of(change.text)
    facets = [f"in:{hex_of(change.row.chat)}", f"from:{hex_of(change.row.sender)}", ALL]
    if has_link(change.text):
        facets.append(LINK)
    placed = [*enumerate(words), *pairs_of(words)]
    return " ".join(
        [_quoted(one) for one in facets]
        + [f"{_quoted(word)}:{place + 1}" for place, word in placed if place < LAST_POSITION]
    )


def _quoted(word: str) -> str:
    # No word holds a quote or a backslash.
    return f"'{word}'"
