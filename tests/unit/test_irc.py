"""IRC logs: who said what, and when, line by line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.imports import Line, irc
from chatsite.kernel.errors import Invalid
from chatsite.kernel.ids import EPOCH_MS, SourceIds, bucket_of, unix_ms_of

LOGS = sorted((Path(__file__).resolve().parents[1] / "data" / "irc").glob("*.log"))


def read(text: str, *, name: str = "2010-05-04_10.log") -> list[Line]:
    return list(irc.read(text.encode().splitlines(keepends=True), name=name))


def moments(lines: list[Line]) -> list[str]:
    return [f"{datetime.fromtimestamp(line.second, UTC):%d %H:%M}" for line in lines]


def said(*clocks: str) -> str:
    return "".join(f"[{clock}] <ada> hm\n" for clock in clocks)


def test_each_kind_of_line_keeps_its_author() -> None:
    lines = read(
        "[10:00] <ada> hello <b> \n[10:01]  * ben waves\n=== cyd  has joined #ubuntu\n[10:02] <@dan> \n"
        "=== mode/#ubuntu  by eve\n--- a gap\n\n[10:03] <eve[] > * no action\n"
    )
    assert [(line.author, line.content, line.message_type) for line in lines] == [
        ("ada", "hello <b> ", "text"),
        ("ben", "ben waves", "notice"),
        ("cyd", "cyd  has joined #ubuntu", "notice"),
        ("dan", "", "text"),
        ("eve", "mode/#ubuntu  by eve", "notice"),
        (None, "--- a gap", "notice"),
        ("eve[]", "* no action", "text"),
    ]
    assert [line.number for line in lines] == [0, 1, 2, 3, 4, 5, 7]  # an empty line says nothing, and is counted
    assert moments(lines) == [f"04 10:0{minute}" for minute in (0, 1, 1, 2, 2, 2, 3)]


def test_a_short_log_begins_on_its_date_and_goes_on_over_midnight() -> None:
    assert moments(read("=== ada  has joined #x\n" + said("23:58", "23:59", "00:00", "00:01", "00:00"))) == [
        "04 23:58", "04 23:58", "04 23:59", "05 00:00", "05 00:01", "05 00:00",
    ]  # fmt: skip


def test_a_long_log_is_dated_by_its_line_1000() -> None:
    lines = read(said(*["23:59"] * 900, *["00:00"] * 200))
    assert (moments(lines)[0], moments(lines)[1_000], moments(lines)[-1]) == ("03 23:59", "04 00:00", "04 00:00")


def test_a_clock_of_twelve_hours_goes_from_12_to_1() -> None:
    assert moments(read(said("11:59", "12:00", "12:59", "01:00"))) == ["04 11:59", "04 12:00", "04 12:59", "04 13:00"]
    assert moments(read(said("13:00", "12:59", "01:00"))) == ["04 13:00", "04 12:59", "05 01:00"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[10:00] <ada> hm\n[10:01] <ada> cut of", "line 2 has no end"),
        (b"[10:00] <ada> \x00\n", "line 1 holds NUL"),
        (b"[10:00] <ada> " + b"x" * irc.MAX_LINE + b"\n", "line 1 is longer than 8000 bytes"),
        (b"Dear ada,\nhow are you?\n", "carry no time"),
        (b"", "carry no time"),
    ],
)
def test_what_is_no_whole_log_is_named(text: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        list(irc.read(text.splitlines(keepends=True), name="2010-05-04_10.log"))


@pytest.mark.parametrize("name", ["ubuntu.log", "2010-02-30_10.log", "20100504.log"])
def test_a_name_without_a_date_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="begin with its date"):
        read(said("10:00"), name=name)


def test_what_is_no_utf_8_is_replaced() -> None:
    (line,) = irc.read([b"[10:00] <ada> caf\xe9\r\n"], name="2010-05-04.log")
    assert line.content == "caf\ufffd"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        lines = list(irc.read([b"[10:00] <ada> hm\n", *raw.splitlines(keepends=True)], name="2010-05-04.log"))
    except Invalid:
        return
    assert all(line.author is None or 0 < len(line.author) <= 64 for line in lines)


def test_of_several_parents_the_nearest_earlier_one_is_answered() -> None:
    assert irc.read_replies([b"1 5 -\n", b"3 5 -\n", b"7 5 -\n", b"6 6 -\n", b"\n", b"0 2 -\n"]) == {5: 3, 2: 0}
    for bad in (b"1 x -\n", b"1\n", b"-1 4 -\n", b"\x00\xff\n"):
        with pytest.raises(Invalid, match="line 1 is no link"):
            irc.read_replies([bad])


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_a_real_log_is_read_whole_and_in_order(log: Path) -> None:
    with log.open("rb") as file:
        lines = list(irc.read(file, name=log.name))
    assert [line.number for line in lines] == list(range(1_250))
    assert f"{datetime.fromtimestamp(lines[1_000].second, UTC):%Y-%m-%d_%H}" == log.stem
    assert all(0 <= later.second - earlier.second < 5 * 3_600 for earlier, later in pairwise(lines))
    assert sum(line.message_type == "text" for line in lines) > 1_000


steps = st.lists(st.tuples(st.integers(1, 5_000_000), st.integers(-90, 90)), min_size=2, max_size=20)


@given(st.text(max_size=20), steps)
def test_ids_of_a_source_rise_with_its_numbers_and_never_change(source: str, steps: list[tuple[int, int]]) -> None:
    def ids() -> Iterator[int]:
        mint, number, second = SourceIds(source), 0, 1_100_000_000
        for more, later in steps:
            number, second = number + more, second + later
            yield mint.id_of(number, second=second)

    made = list(ids())
    assert made == sorted(set(made)) == list(ids())
    assert all(960 <= (one >> 12) % 1024 < 1024 for one in made)


def test_an_id_of_2004_is_negative_and_holds_its_moment() -> None:
    one = SourceIds("2004-11-15_03").id_of(4_097, second=1_100_000_000)
    assert unix_ms_of(one) == 1_100_000_000_001
    assert one & 4_095 == 1
    assert bucket_of(one) == (1_100_000_000_001 - EPOCH_MS) // 864_000_000 < 0
