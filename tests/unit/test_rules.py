"""Rules over what is said: what each finds, what becomes of a text, and what is no rule."""

import time
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.markdown import html_of
from chat.rules import MOST_MASKED, NO_RULES, Deed, Kind, Rule, Rules, allowed, finder_of, flagging
from chatsite.kernel.errors import ContentRefused, Invalid


def rule(kind: Kind, *lines: str, deed: Deed = Deed.MASK, notice: str = "") -> Rule:
    """A rule over some lines."""
    return Rule(uuid4(), "a rule", deed, notice, 0, finder_of(kind, "\n".join(lines)))


def masked(text: str, kind: Kind, *lines: str) -> str:
    """A text as one rule lets it be said."""
    return allowed(text, [rule(kind, *lines)])


WORDS = {
    "Darn it, DARN!": "**** it, ****!",
    "darned and undarn": "darned and undarn",
    "a pot of gold, a pot of tea": "a *** ** ****, a pot of tea",
    "pot\nof   gold": "***\n**   ****",
    "STRASSE, straße": "*******, ******",
    "ДУРАК! дураки": "*****! дураки",
    "ｄａｒｎ and da\u00adrn": "**** and *****",
    "cafe\u0301, café": "*****, ****",
    "这是赌博吗": "这是**吗",
    "_darn_ (darn) darn's": "_****_ (****) ****'s",
}


@pytest.mark.parametrize("text", WORDS)
def test_words_are_found_whole_in_any_case_and_script(text: str) -> None:
    assert masked(text, Kind.WORD, "darn", "pot of gold", "straße", "дурак", "café", "赌博") == WORDS[text]


LINKS = {
    "see https://evil.example/a?b#c now": "https://evil.example/a?b#c",
    "HTTP://WWW.Evil.Example": "HTTP://WWW.Evil.Example",
    "www.evil.example, fine": "www.evil.example",
    "at evil.example.": "evil.example.",
    "sub.evil.example/x": "sub.evil.example",
    "http://good.org@evil.example/": "http://good.org@evil.example/",
    "http://evil%2eexample/": "http://evil%2eexample/",
    "http://evil\u3002example": "http://evil\u3002example",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "notevil.example evil.example.org": None,
    "https://good.org/evil.html https://good.org/@ada": None,
    "[here](https://evil.example)": "https://evil.example)",
}


@pytest.mark.parametrize("text", LINKS)
def test_links_are_found_by_their_domain_however_they_are_written(text: str) -> None:
    spans = finder_of(Kind.LINK, "Evil.Example\n*.bücher.example\nbücher.example")(text)
    assert (text[slice(*spans[0])] if spans else None) == LINKS[text]


def test_links_to_any_other_domain_are_those_that_are_written_as_links() -> None:
    text = "https://ours.org/x www.ours.org https://sub.ours.org e.g. file.txt 3.14 https://theirs.org"
    assert masked(text, Kind.OTHER_LINK, "ours.org") == text.replace("https://theirs.org", "*" * 18)


DISGUISED = (
    r"[x](http://evil\.example)",
    "[x](http://evil&#46;example)",
    "http://evil\u200b.example",
    "http://ev\u00adil.example/path",
    "[x](https:/evil.example)",
    "[x](https:evil.example)",
    "<http://sub.evil.example>",
)


@pytest.mark.parametrize("text", DISGUISED)
def test_a_link_is_what_it_leads_to(text: str) -> None:
    assert masked(text, Kind.LINK, "evil.example") != text
    assert masked(text, Kind.OTHER_LINK, "good.example") != text


@pytest.mark.parametrize("text", ["a b**a**d word", "b*a*d", "**ba**d"])
def test_a_word_is_what_is_shown(text: str) -> None:
    assert "a" not in masked(text, Kind.WORD, "bad").replace("a b", "")
    assert masked("**a** b~~c~~", Kind.WORD, "bad") == "**a** b~~c~~"


def test_patterns_are_those_of_re2() -> None:
    assert masked("call +49 170 1234567 now", Kind.REGEX, r"\+\d[\d ]{6,}\d", "(?i)never") == "call *** *** ******* now"
    assert masked("é 12 é", Kind.REGEX, r"\d+") == "é ** é"
    assert masked("one two", Kind.REGEX, r"\b") == "one two", "what is empty is nothing"


NO_RULE = {
    (Kind.WORD, ""): "say what it looks for",
    (Kind.WORD, "fine\n???"): r'"\?\?\?" has no word',
    (Kind.REGEX, "(a"): r'"\(a" is no pattern: missing \)',
    (Kind.REGEX, r"(a)\1"): "invalid escape",
    (Kind.REGEX, "a*"): "finds something in every text",
    (Kind.REGEX, "\n".join(f"x{n}" for n in range(101))): "at most 100 patterns",
    (Kind.LINK, "no domain"): "is no domain",
    (Kind.LINK, "localhost"): "is no domain",
    (Kind.WORD, "\n".join(f"x{n}" for n in range(5_001))): "at most 5,000 lines",
}


@pytest.mark.parametrize(("kind", "patterns"), NO_RULE)
def test_what_is_no_rule_is_refused_with_the_line_at_fault(kind: Kind, patterns: str) -> None:
    with pytest.raises(Invalid, match=NO_RULE[kind, patterns]) as refused:
        finder_of(kind, patterns)
    assert refused.value.field == "patterns"


def test_a_refusal_comes_before_a_mask_and_says_why() -> None:
    rules = [rule(Kind.WORD, "darn"), rule(Kind.WORD, "darn", deed=Deed.REFUSE, notice="Mind your words.")]
    with pytest.raises(ContentRefused, match="Mind your words") as refused:
        allowed("darn", rules)
    assert (refused.value.code, refused.value.status) == ("content_refused", 422)
    assert allowed("fine", rules) == "fine"


def test_what_staff_are_told_of_is_said() -> None:
    rules = [rule(Kind.WORD, "darn", deed=Deed.FLAG), rule(Kind.WORD, "other", deed=Deed.FLAG)]
    assert allowed("darn", rules) == "darn"
    assert flagging("darn", rules) == rules[:1]


def test_rules_are_for_everybody_a_company_or_a_chat() -> None:
    chat, company = UUID(int=1), UUID(int=2)
    one, two, three = (rule(Kind.WORD, "x") for _ in range(3))
    rules = Rules([one], {company: [two]}, {chat: [three]})
    assert rules.for_chat(chat, company) == [one, two, three]
    assert rules.for_chat(chat, None) == [one, three]
    assert rules.for_chat(UUID(int=3), UUID(int=4)) == [one]
    assert Rules().for_chat(chat, company) is NO_RULES


def test_no_text_makes_a_pattern_slow() -> None:
    patterns = [rule(Kind.REGEX, line) for line in ("(a+)+$", "a.*?b|a", "(x|xx)*y")]
    words = rule(Kind.WORD, "darn")
    for text in ("a" * 10_000, "a b" * 3_333, "x" * 10_000, "я" * 10_000, "http://" * 1_400, "a." * 5_000):
        for one in (*patterns, words, rule(Kind.LINK, "evil.example"), rule(Kind.OTHER_LINK, "ours.org")):
            before = time.thread_time()
            allowed(text, [one])
            assert time.thread_time() - before < 0.5, (text[:5], one)


def test_no_list_of_words_with_one_beginning_makes_a_text_slow() -> None:
    many = rule(Kind.WORD, *[f"buy x{number}" for number in range(4_999)], "buy buy sell")
    began = time.process_time()
    assert allowed("buy " * 2_000, [many]) == "buy " * 2_000
    assert time.process_time() - began < 0.5, "it took 3.7 s to try each phrase at each place"


def test_of_very_many_places_all_that_follows_is_covered() -> None:
    assert masked("a-" * (MOST_MASKED + 1), Kind.REGEX, "a") == "*-" * MOST_MASKED + "**"


@given(st.text(max_size=200))
def test_a_masked_text_is_as_long_and_other_rules_see_no_more_of_it(text: str) -> None:
    rules = [rule(Kind.WORD, "a", "я"), rule(Kind.REGEX, "[0-9]+"), rule(Kind.LINK, "b.co")]
    once = allowed(text, rules)
    assert len(once) == len(text)
    assert all(after in (before, "*") for before, after in zip(text, once, strict=True))
    assert not set("0123456789") & set(once)


@pytest.mark.parametrize("text", ["darn", "a darn b darn c", "**darn**", "darn darn", "- darn\n- darn", "x *darn* y"])
def test_asterisks_are_shown_as_asterisks(text: str) -> None:
    said = masked(text, Kind.WORD, "darn")
    assert html_of(said) is None or "****" in (html_of(said) or ""), (said, html_of(said))
