"""Which links of a text are previewed, and what is read of a page: strangers' words, whatever they are."""

import time

import pytest

from chat.link_previews import Page, links_to_preview, page_of

HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("no link, but example.org and ftp://example.org/", []),
        ("see https://example.org/a, please (http://example.org/b).", ["https://example.org/a", "http://example.org/b"]),
        ("https://example.org/ https://example.org/", ["https://example.org/"]),
        ("http://a/1 http://a/2 http://a/3 http://a/4", ["http://a/1", "http://a/2", "http://a/3"]),
        ("**see** [this](https://example.org/x) and <http://example.org/y>", ["https://example.org/x", "http://example.org/y"]),
        ("a spoiler: ||https://example.org/|| and ||[so](http://a/)|| *is* hidden, http://b/ is not", ["http://b/"]),
        ("`http://a/` is code\n```\nhttp://b/\n```", []),
        ("[write](mailto:a@example.org) *me*", []),
        ("http:// https://. xhttp://a/", []),
        ("http://[::1 and http://[x/y", []),
        ("https://example.org/" + "a" * 2_000, []),
        ("https://b\u00fccher.example/", ["https://b\u00fccher.example/"]),
    ],
)  # fmt: skip
def test_the_first_links_that_are_shown_are_previewed(text: str, links: list[str]) -> None:
    assert links_to_preview(text) == links


@pytest.mark.parametrize(
    ("html", "page"),
    [
        ("<title>Tea</title>", Page("Tea", None, None)),
        (
            "<title>\n Tea &amp;\tmilk </title><meta name=description content='Hot &lt;b&gt;'>",
            Page("Tea & milk", "Hot <b>", None),
        ),
        (
            "<title>Old</title><meta property=og:title content=New><meta property='OG:Site_Name' content='The site'>"
            "<meta property=og:description content=Why><meta name=description content=because>",
            Page("New", "Why", "The site"),
        ),
        ("<meta name=twitter:title content=Bird><meta property=og:title content=''>", Page("Bird", None, None)),
        ("<meta property=og:title content=First><meta property=og:title content=Second>", Page("First", None, None)),
        ("<script>'<title>no</title>'</script><!-- <title>no</title> --><title>Yes</title>", Page("Yes", None, None)),
        ("<head><title>Head</title></head><meta property=og:title content=Later>", Page("Head", None, None)),
        ("<title>Head</title><body><meta property=og:title content=Later>", Page("Head", None, None)),
        ("<title>Once</title><title>Twice</title>", Page("Once", None, None)),
        ("<title>a\u202egnp.exe\u2066\x00\x07\u200b!</title>", Page("agnp.exe!", None, None)),
        ("<title>Kept</title><![nonsense[ x ]>", Page("Kept", None, None)),
        ("<meta property=og:title><title></title>", None),
        ("<p>no title</p>", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_page_says_what_it_is(html: str, page: Page | None) -> None:
    assert page_of(HTML, html.encode()) == page


def test_what_is_long_is_cut() -> None:
    long = "<title>" + "t" * 5_000 + "</title><meta name=description content='" + "d " * 5_000 + "'>"
    page = page_of(HTML, long.encode())
    assert page is not None
    assert page.description is not None
    assert (len(page.title), len(page.description)) == (300, 500)
    assert page.title.endswith("t…")
    assert page.description.endswith("d…")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (HTML, "<title>Grüße</title>".encode()),
        ("text/html", "<title>Grüße</title>".encode()),
        ("text/html", b"\xef\xbb\xbf" + "<title>Grüße</title>".encode()),
        ("text/html;charset=ISO-8859-1", "<title>Grüße</title>".encode("latin-1")),
        ("text/html", "<meta charset=windows-1252><title>Grüße</title>".encode("cp1252")),
        ("text/html", "<title>Grüße</title>".encode("utf-16")),
        ("text/html; charset='utf-16le'", "<title>Grüße</title>".encode("utf-16-le")),
        ("text/html; charset=punycode", "<title>Grüße</title>".encode()),  # Python's; hours for some texts.
        ("text/html; charset=iso-8859-99", "<title>Grüße</title>".encode()),
    ],
)
def test_it_is_read_in_its_charset(content_type: str, body: bytes) -> None:
    assert page_of(content_type, body) == Page("Grüße", None, None)


def test_what_is_cut_in_the_middle_of_a_letter_is_read_up_to_there() -> None:
    page = page_of(HTML, "<title>Grüße</title><meta name=description content='ü".encode()[:-1])
    assert page == Page("Grüße", None, None)


@pytest.mark.parametrize(
    "piece",
    [
        "<", "<!--", "<a ", "<a a='", "&", "<![CDATA[", "<!", "<!>", "<script>", "</", "<meta a=b>", " ", "<title>",
        "<a\t=", "?>",
    ],
)  # fmt: skip
def test_no_page_takes_long(piece: str) -> None:
    body = b"<title>x" + piece.encode() * (512 * 1_024 // len(piece))
    began = time.process_time()
    page_of(HTML, body)
    # In step with its size: what is quadratic takes minutes here. Twice what it takes where two cores are busy.
    assert time.process_time() - began < 8
