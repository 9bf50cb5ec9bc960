"""Exports of Telegram Desktop: what each message says here, and what is refused."""

import json
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.imports import Line
from chat.markdown import html_of
from chatsite.kernel.errors import Invalid
from telegram_bridge import exports
from telegram_bridge.markup import _TAG, Part, content_of

DATA = Path(__file__).resolve().parents[1] / "data" / "telegram"
TEA = (DATA / "tea.json").read_bytes()
CHAT = {"name": "Tea", "type": "private_supergroup", "id": 5}


def read(export: bytes, *, is_shared: bool = True) -> list[Line]:
    return list(exports.read(BytesIO(export), exports.scan(BytesIO(export), is_shared=is_shared)))


def export_of(*messages: dict[str, Any], **chat: Any) -> bytes:
    said = [
        {"type": "message", "date_unixtime": "1700000000", "from": "Ada", "from_id": "user1"} | one for one in messages
    ]
    return json.dumps(CHAT | chat | {"messages": said}).encode()


def test_the_chat_is_named_with_whether_its_ids_are_everybodys() -> None:
    assert exports.read_chat(BytesIO(TEA)) == (1234567890, "private_supergroup", "Tea & friends", True)
    assert exports.read_chat(BytesIO((DATA / "personal.json").read_bytes())) == (12, "personal_chat", "Ben", False)
    assert exports.read_chat(BytesIO(export_of(name=None))).title == "Telegram chat 5"
    assert exports.read_chat(BytesIO(export_of(name="T\u202eea\n"))).title == "Tea"


def test_each_kind_of_message_says_what_it_said() -> None:
    lines = {line.number: line for line in read(TEA)}
    assert {number: (line.author, line.content) for number, line in lines.items()} == {
        -999999998: ("Ben the tall", "from the group that this was before"),
        1: ("Ada", "Ada made it a supergroup: Tea (old)"),
        2: ("Ada", "Ada added: Ben, somebody"),
        3: ("Ada", r"Who wants tea? \*not bold\* \_nor this\_ 1 \< 2"),
        4: ("Ben the tall", "I do, **strong** or *weak* or ~~none~~, ||with rum||."),
        5: ("Ada", "Run `` kettle --boil `now` `` as in\n```python\nwhile cold:\n    boil()\n```\nor so"),
        6: (
            "Ada",
            "> Tea is water\n> that learned\n\nsays [a \\[book\\]](<https://tea.example/a_b>), @ben_tall #tea truly",
        ),
        7: ("Ben the tall", "[photo]\nmy cup"),
        8: ("Ben the tall", "[sticker \U0001fad6]"),
        9: ("Deleted account", "[forwarded from Cyd]\nI was here"),
        10: ("Ada", "[poll: Milk?]"),
        11: ("Ada", "[location: The kettle]"),
        12: ("Ada", "[file: menu.pdf]\nthe menu"),
        13: (None, "[a message that this export cannot show]"),
        14: ("Ben the tall", "Ben the tall pinned a message"),
        15: ("Ada", "[contact: Dan Leaf]"),
    }
    assert {number for number, line in lines.items() if line.message_type == "notice"} == {1, 2, 13, 14}
    assert {number for number, line in lines.items() if line.html} == {3, 4, 5, 6}
    assert lines[4].author_id == lines[7].author_id == "user12"
    assert (lines[12].second, lines[13].second, lines[14].second) == (1700000012, 1700000012, 1700000014)
    assert exports.scan(BytesIO(TEA), is_shared=True).replies == {4: 3, 7: 6}  # 12 answers a message of another chat


def test_what_has_no_time_has_that_of_the_message_before_or_of_the_first() -> None:
    unknown = {"type": "unsupported", "date_unixtime": None}
    lines = read(export_of({"id": 1, **unknown}, {"id": 2, "text": "a"}, {"id": 3, **unknown}))
    assert {line.second for line in lines} == {1700000000}


def test_what_neither_a_time_nor_a_number_tells_again_is_left_out() -> None:
    unknown = {"type": "unsupported", "date_unixtime": None}
    export = export_of({"id": -9}, {"id": -8, **unknown}, {"id": 1}, {"id": 2, **unknown})
    for is_shared, numbers in ((True, [-9, 1, 2]), (False, [-9, 1])):
        assert [line.number for line in read(export, is_shared=is_shared)] == numbers
        assert exports.scan(BytesIO(export), is_shared=is_shared).left_out == 4 - len(numbers)


@pytest.mark.parametrize(
    ("export", "why"),
    [
        (b"", "cut short"),
        (TEA[: len(TEA) // 2], "cut short"),
        (b"<html><body>", "no JSON"),
        (b"[]", "names no messages"),
        (b'{"about": "Here is the data you requested", "chats": {"list": []}}', "whole account"),
        (export_of(type="verify_codes"), "'verify_codes' are not brought in"),
        (export_of(id="5"), "no number of a chat"),
        (export_of(id=True), "no number of a chat"),
        (export_of({"text": "hm"}), "has no id"),
        (export_of({"id": 1 << 40}), "has no id"),
        (export_of({"id": 2}, {"id": 2}), "message 2 stands after message 2"),
        (export_of({"id": 2, "date_unixtime": None}), "message 2 has no date_unixtime"),
        (export_of({"id": 2, "date_unixtime": "-5"}), "message 2 has no date_unixtime"),
        (export_of({"id": 2, "text": 7}), "message 2: Expected"),
        (export_of({"id": 2, "text": "x" * 8_001}), "message 2 has 8001 characters"),
        (export_of({"id": 2, "junk": "x" * (2 << 20)}), "a message has more than"),
    ],
)  # fmt: skip
def test_what_is_no_export_of_a_chat_is_named(export: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        exports.read_chat(BytesIO(export))
        read(export)


FORMATS = ("plain", "bold", "italic", "strikethrough", "spoiler", "code", "pre", "blockquote", "text_link", "underline")
WORDS = st.text(st.sampled_from("ab *_~|`[]()<>\\#-+.1\n:/h") | st.characters(codec="utf-8"), max_size=12)
PARTS = st.builds(Part, st.sampled_from(FORMATS), WORDS, st.sampled_from(["https://a.example/b_c", "tg://x"]))


@given(st.lists(PARTS, max_size=5))
def test_no_word_is_lost_or_added_whatever_the_marks(parts: list[Part]) -> None:
    content, html = content_of(parts)
    assert html in (None, html_of(content))
    shown = unescape(_TAG.sub("", html)) if html else content
    said = "".join(
        f"{part.text} ({part.href})" if (part.type, part.href) == ("text_link", "tg://x") else part.text
        for part in parts
    )
    assert "".join(shown.split()) == "".join(said.split())


@pytest.mark.parametrize("text", ["snake_case_name", "2 * 3 * 4", "a > b", "#1 https://a.example/x_y_z"])
def test_what_marks_nothing_is_not_escaped(text: str) -> None:
    assert content_of([Part(text=text)]) == (text, None)
