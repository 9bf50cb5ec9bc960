"""What the marks in a text mean: the subset, its bounds, and that nothing else ever gets out."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.markdown import ATTRIBUTES, MAX_MARKS, MAX_NESTING, REL, TAGS, html_of

END = f'target="_blank" rel="{REL}"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** *i* _i_ ~~s~~", "<p><strong>b</strong> <em>i</em> <em>i</em> <s>s</s></p>"),
        ("it was ||the cat||", '<p>it was <span class="spoiler">the cat</span></p>'),
        ("||a||||b||", '<p><span class="spoiler">a</span><span class="spoiler">b</span></p>'),
        ("`a < b` **&copy;** <b>", "<p><code>a &lt; b</code> <strong>&amp;copy;</strong> &lt;b&gt;</p>"),
        ("```python\nif a:\n    *b*\n```", '<pre><code class="language-python">if a:\n    *b*\n</code></pre>'),
        ("```<x>\n1\n```", "<pre><code>1\n</code></pre>"),
        ("> one\n> two", "<blockquote>\n<p>one<br>\ntwo</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("7. a\n8. b", '<ol start="7">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("[x](<https://a.b> 'tip')", f'<p><a href="https://a.b" {END}>x</a></p>'),
        ("<me@a.b>", f'<p><a href="mailto:me@a.b" {END}>me@a.b</a></p>'),
        (
            "*see* (https://a.b/x_y_z).",
            f'<p><em>see</em> (<a href="https://a.b/x_y_z" {END}>https://a.b/x_y_z</a>).</p>',
        ),
        ("*[x](javascript:1)* [y](/z)", "<p><em>[x](javascript:1)</em> [y](/z)</p>"),
        ("# *no* heading", "<p># <em>no</em> heading</p>"),
        (r"\*no\* \_x\_", "<p>*no* _x_</p>"),
    ],
)
def test_marks_become_html(text: str, html: str) -> None:
    assert html_of(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "Good morning.\nIt is 2.30 - or 3.",
        "see https://a.b/x_y_z, or https://a.b/*",
        "snake_case and 5 * 3, a || b || c, ~5, x [1], C:\\dir",
        "# heading\n\nrule\n---\n<b>html</b> &amp; ![](",
        "*", "-", "1.", "> ", "```", "`" * 90, "-\n-",
        "two spaces  \nat the end",
    ],
)  # fmt: skip
def test_a_text_without_marks_has_no_html(text: str) -> None:
    assert html_of(text) is None


def test_too_many_marks_stay_as_they_are() -> None:
    assert html_of("*a* " * (MAX_MARKS // 2)) is not None
    assert html_of("*a* " * (MAX_MARKS // 2) + "*") is None
    assert html_of("*a*" + "\n" * MAX_MARKS) is None
    for bomb in ("[", "*", "_ ", "||a", "a**b", "[a](", "<http://", "*://", "`a", "- a\n", "> a\n", "~~a"):
        assert html_of((bomb * 8_000)[:8_000]) is None


def test_marks_within_a_fence_are_none() -> None:
    code = "\n".join(f"rows[{number}] *= a_[b] < c" for number in range(300))
    assert (html_of(f"Look:\n```c\n{code}\n```") or "").count("rows") == 300
    assert (html_of(f"~~~~\n{code}") or "").count("rows") == 300
    assert html_of("```\n```\n" * 1_000) is None


def test_what_is_nested_too_deep_stays_as_it_is() -> None:
    assert (html_of("> " * MAX_NESTING + "x") or "").count("<blockquote>") == MAX_NESTING
    assert html_of("> " * (MAX_NESTING + 1) + "x") is None
    assert html_of("- " * MAX_NESTING + "x") is None


class Seen(HTMLParser):
    """The tags, attributes and text of some HTML; what is not closed in order fails."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


PIECES = st.sampled_from(
    [
        *("*", "**", "_", "~~", "||", "|", "`", "```", "~~~", "\n", "\n\n", " ", "> ", "- ", "1. ", "\\", "    ", "\t"),
        *("[", "](", "]", ")", "(", "<", ">", "/>", "!", "&", ";", "&#106;", "&lt;", '"', "'", "=", "\r", "\u2028"),
        *("javascript:", "JaVaScRiPt:", "data:text/html,", "vbscript:", "https://a.b", "http://", "mailto:a@b.c"),
        *("<script>", "</script>", "<img src=x onerror=alert(1)>", "<svg/onload=x>", "<!--", "-->", "<![CDATA["),
        *("python", " onclick=", "style=", "x", "é", "日本", "👍", "\u202e", "word ", "<a href=", "//a.b", "\ufeff"),
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@settings(max_examples=500)
@given(TEXTS)
@example("[x](javascript&#58;alert(1)) *x*")
@example("[x](\x01javascript:alert(1)) *x*")
@example('*x* https://a.b/"onmouseover="alert(1)')
@example('```x"onclick="y\n1\n```')
@example("||[](https://a.b\"' onclick=x)||")
def test_whatever_the_text_nothing_else_gets_out(text: str) -> None:
    html = html_of(text)
    if html is None:
        return
    seen = Seen(html)
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        if tag == "a":
            assert (attributes.get("href") or "http:").lower().startswith(("http:", "https:", "mailto:"))
            assert (attributes["rel"], attributes["target"]) == (REL, "_blank")
    assert seen.text.strip()
