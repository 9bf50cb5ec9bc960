"""How people name a message of Telegram."""

import pytest

from chat.search import parse, restrict
from chatsite.kernel.errors import Invalid
from telegram_bridge.ids import Named, read_named

CHAT = -1001234567890


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("42", Named(None, 42)),
        ("2147483647", Named(None, 2147483647)),
        ("1234567890/42", Named(CHAT, 42)),
        ("-1001234567890/42", Named(CHAT, 42)),
        ("https://t.me/c/1234567890/42", Named(CHAT, 42)),
        ("T.me/c/1234567890/42/?single", Named(CHAT, 42)),
        ("https://t.me/c/1234567890/7/42?thread=7", Named(CHAT, 42)),
    ],
)
def test_ids_and_links_are_read(text: str, meant: Named) -> None:
    assert read_named(text) == meant
    assert parse(f"telegram:{text}").named == {"telegram": [meant]}


@pytest.mark.parametrize(
    "text",
    [
        "hello", "0", "-5", "2147483648", "1" * 20, "٤٢", "1/", "/1", "1/2/3", "0/5", "-7/5", "9999999999999/5", "5/0",
        "https://evil.example/c/1234567890/42", "https://t.me.evil.example/c/1/2", "https://t.me/c/1234567890",
        "https://t.me/c/1234567890/0", "t.me/c/x/1",
    ],
)  # fmt: skip
def test_what_names_no_message_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_named(text)


def test_a_link_with_a_name_says_what_to_paste() -> None:
    with pytest.raises(Invalid, match="carry no id of a chat"):
        read_named("https://t.me/durov/42")


def test_the_filter_takes_no_minus_and_blames_the_field_it_came_in() -> None:
    with pytest.raises(Invalid, match="telegram: takes no minus") as refused:
        parse("-telegram:5")
    assert refused.value.field == "q"
    asked = parse("")
    with pytest.raises(Invalid, match="telegram: takes an id") as refused:
        restrict(asked, "telegram", "tea", field="telegram")
    assert refused.value.field == "telegram"
    for query, given, field in (("telegram:5", (), "q"), ("", "5", "telegram"), ("telegram:5", "6", "telegram")):
        both = parse(query)
        for text in given:
            restrict(both, "telegram", text, field="telegram")
        assert both.given_as["telegram"] == field
    for number in range(1, 21):
        restrict(asked, "telegram", str(number), field="telegram")
    with pytest.raises(Invalid, match="at most 20"):
        restrict(asked, "telegram", "21", field="telegram")
