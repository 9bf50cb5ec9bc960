"""The promises under faults, and the proof that their checks can fail."""

from collections.abc import Awaitable, Callable

import pytest

from tests.faults import checks

pytestmark = pytest.mark.faults
Check = Callable[..., Awaitable[None]]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.stack)])
async def test_kill_under_load_loses_and_doubles_nothing(make_server: checks.MakeServer, seed: int) -> None:
    await checks.survives_kill(make_server, seed=seed)


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (checks.projects_what_it_finished, None),
        (checks.keeps_a_nonce_over_a_restart, None),
        (checks.delivers_no_hole, "lossy_layer"),
        (checks.silences_the_removed, None),
    ],
)
async def test_a_promise_holds(make_server: checks.MakeServer, check: Check, fault: str | None) -> None:
    await check(make_server, bug=fault)


@pytest.mark.stack
@pytest.mark.parametrize(
    ("bug", "check"),
    [
        ("ack_before_commit", checks.survives_kill),
        ("offset_before_write", checks.projects_what_it_finished),
        ("no_nonce", checks.keeps_a_nonce_over_a_restart),
        ("no_hole_check", checks.delivers_no_hole),
        ("no_membership_check", checks.silences_the_removed),
    ],
)
async def test_a_planted_bug_is_noticed(make_server: checks.MakeServer, bug: str, check: Check) -> None:
    with pytest.raises(AssertionError):
        await check(make_server, bug=bug)
