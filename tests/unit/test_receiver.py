"""The receiver rule, in Python and in JavaScript, over one table of cases."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsite.gateway.protocol import Cursor, Verdict, judge, payloads, prepare

TESTS = Path(__file__).parents[1]
TABLE = TESTS / "receiver_cases.json"
CASES: list[dict[str, Any]] = json.loads(TABLE.read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_table(case: dict[str, Any]) -> None:
    cursor = Cursor(**case["cursor"]) if case["cursor"] else None
    outcomes = []
    for frame in case["frames"]:
        verdict = judge(cursor, **frame)
        outcomes.append(verdict.value)
        if verdict is Verdict.APPLY:
            cursor = Cursor(frame["epoch"], frame["pos"])
    assert outcomes == case["outcomes"]
    assert cursor == (Cursor(**case["end"]) if case["end"] else None)


def test_the_javascript_twin_gives_the_same() -> None:
    if (node := shutil.which("node")) is None:
        pytest.fail("node is needed to test the page's modules: apt-get install nodejs")
    module = TESTS.parent / "chat" / "web" / "static" / "chat-client" / "receiver.js"
    done = subprocess.run(
        [node, str(TESTS / "js" / "receiver_cases.mjs"), str(module), str(TABLE)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@given(st.data())
def test_a_receiver_never_skips_repeats_or_reorders(data: st.DataObject) -> None:
    """Over any loss, duplication and reordering, with holes filled from a store of all."""
    places = sorted(data.draw(st.sets(st.integers(1, 60), min_size=1, max_size=12)))
    stream: list[dict[str, Any]] = [{"epoch": "e", "pos": pos, "prev": prev} for prev, pos in pairwise([0, *places])]
    network = data.draw(st.lists(st.sampled_from(stream), max_size=40))
    cursor, applied = Cursor("e", 0), []
    for frame in [*network, stream[-1]]:
        verdict = judge(cursor, **frame)
        filled = (
            [one for one in stream if cursor.pos < one["pos"] <= frame["pos"]] if verdict is Verdict.HOLE else [frame]
        )
        for one in filled:
            if judge(cursor, **one) is Verdict.APPLY:
                cursor = Cursor("e", one["pos"])
                applied.append(one["pos"])
    assert applied == places


@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(65_530, 65_540).map(bytes)), max_size=4))
def test_prepared_frames_are_found_again(bodies: list[bytes]) -> None:
    assert list(payloads(b"".join(map(prepare, bodies)))) == bodies
