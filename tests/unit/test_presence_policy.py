"""What others see of a person, over any story that time and people can make."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence import policy
from presence.pacing import LAST_HOLD, Pace
from presence.policy import GRACE_MS, IDLE_MS, STALL_MS, TTL_MS, Choice, Person, Shown, Status

START = 1_700_000_000_000


def settled(person: Person, now: int) -> Person:
    """A person as others see them at a moment."""
    return policy.settle(person, now=now, version=now * 1_000)


def there(now: int = START, choice: Choice = Choice()) -> Person:  # noqa: B008 - it is a constant
    """A person who came with one device."""
    return settled(policy.arrive(Person(), "a", choice, now=now), now)


def gone(person: Person, now: int) -> Person:
    """A person whose deadlines were looked at."""
    return settled(policy.expire(person, now=now), now)


def test_who_comes_is_online_and_who_says_nothing_is_gone_after_a_ttl() -> None:
    ada = there()
    assert ada.shown == Shown(Status.ONLINE, "", START, START * 1_000)
    assert gone(ada, START + TTL_MS - 1).shown == ada.shown
    assert gone(ada, START + TTL_MS).shown == Shown(Status.OFFLINE, "", START, (START + TTL_MS) * 1_000)


def test_several_devices_are_one_person() -> None:
    ada = settled(policy.arrive(there(), "b", Choice(), now=START + 1), START + 1)
    assert ada.shown.version == START * 1_000
    ada = policy.beat(ada, "b", active=False, now=START + TTL_MS - 1)
    ada = gone(ada, START + TTL_MS + 1)
    assert (list(ada.devices), ada.shown.status) == (["b"], Status.ONLINE)


def test_a_goodbye_counts_after_a_grace_and_a_page_that_comes_back_is_not_noticed() -> None:
    ada = there()
    left = policy.leave(ada, "a", now=START + 5)
    assert settled(left, START + 5 + GRACE_MS - 1).shown == ada.shown
    assert settled(left, START + 5 + GRACE_MS).shown == Shown(
        Status.OFFLINE, "", START + 5, (START + 5 + GRACE_MS) * 1_000
    )
    back = settled(policy.arrive(left, "b", Choice(), now=START + 9), START + 9)
    assert settled(back, START + 2 * GRACE_MS).shown == ada.shown
    assert policy.leave(back, "a", now=START + 10) == back  # It has gone already.


def test_who_does_nothing_is_away_and_another_device_alone_does_not_change_that() -> None:
    ada = policy.beat(there(), "a", active=False, now=START + IDLE_MS)
    ada = settled(ada, START + IDLE_MS)
    assert ada.shown.status is Status.AWAY
    ada = settled(policy.arrive(ada, "b", Choice(), now=START + IDLE_MS + 1), START + IDLE_MS + 1)
    assert ada.shown.status is Status.AWAY
    ada = settled(policy.beat(ada, "b", active=True, now=START + IDLE_MS + 2), START + IDLE_MS + 2)
    assert ada.shown.status is Status.ONLINE


@pytest.mark.parametrize(
    ("chosen", "seen"),
    [(Status.ONLINE, Status.ONLINE), (Status.AWAY, Status.AWAY), (Status.DND, Status.DND)],
)
def test_what_was_chosen_holds_until_its_moment(chosen: Status, seen: Status) -> None:
    until = START + 60_000
    ada = there(choice=Choice(chosen, "in a meeting", until_ms=until))
    assert ada.shown[:2] == (seen, "in a meeting")
    assert settled(ada, until).shown[:2] == (Status.ONLINE, "")
    assert policy.next_look(ada, now=START) == until


def test_an_older_choice_does_not_come_back() -> None:
    ada = there(choice=Choice(Status.DND, version=2))
    ada = policy.choose(ada, Choice(Status.ONLINE, version=1))
    ada = settled(policy.arrive(ada, "b", Choice(Status.ONLINE, version=1), now=START), START)
    assert ada.shown.status is Status.DND


def test_who_is_invisible_looks_like_who_has_left() -> None:
    hidden = there(choice=Choice(Status.INVISIBLE))
    assert hidden.shown == Person().shown
    ada = settled(policy.choose(there(), Choice(Status.INVISIBLE, "psst", version=1)), START + 1_000)
    assert ada.shown == Shown(Status.OFFLINE, "", START + 1_000, (START + 1_000) * 1_000)
    steps: list[Callable[[Person], Person]] = [
        lambda one: policy.beat(one, "a", active=True, now=START + 2_000),
        lambda one: policy.arrive(one, "b", Choice(version=-1), now=START + 2_000),
        lambda one: policy.choose(one, Choice(Status.INVISIBLE, "other", shows_last_seen=False, version=2)),
        lambda one: policy.leave(one, "a", now=START + 2_000),
    ]
    for step in steps:
        ada = settled(step(ada), START + 2_000)
        assert ada.shown.version == (START + 1_000) * 1_000
    assert not policy.is_fresh(ada.shown, now=START + 1_000 + TTL_MS)


def test_last_seen_is_not_told_of_who_does_not_want_it() -> None:
    assert there(choice=Choice(shows_last_seen=False)).shown.last_seen_ms == 0
    ada = settled(policy.choose(there(), Choice(shows_last_seen=False, version=1)), START + 1)
    assert (ada.shown.last_seen_ms, ada.shown.status) == (0, Status.ONLINE)
    assert gone(ada, START + TTL_MS).shown.last_seen_ms == 0


def test_after_a_stall_nobody_is_found_gone_for_a_ttl() -> None:
    sweeping, is_frozen = policy.sweeping(None, now=START)
    assert not is_frozen
    sweeping, is_frozen = policy.sweeping(sweeping, now=START + STALL_MS)
    assert not is_frozen
    late = START + 2 * STALL_MS + 1
    for now in range(late, late + TTL_MS, 1_000):
        sweeping, is_frozen = policy.sweeping(sweeping, now=now)
        assert is_frozen
    assert policy.sweeping(sweeping, now=late + TTL_MS) == (policy.Sweeping(late + TTL_MS, late), False)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "expected"),
    [
        (("22:00", "07:00"), "UTC", "2026-03-01 23:00", ("2026-03-01 22:00", "2026-03-02 07:00")),
        (("22:00", "07:00"), "UTC", "2026-03-02 06:59", ("2026-03-01 22:00", "2026-03-02 07:00")),
        (("22:00", "07:00"), "UTC", "2026-03-02 07:00", ("2026-03-02 22:00", "2026-03-03 07:00")),
        (("12:00", "13:00"), "Europe/Berlin", "2026-07-01 12:30", ("2026-07-02 10:00", "2026-07-02 11:00")),
        (("22:00", "07:00"), "Europe/Berlin", "2026-03-29 00:00", ("2026-03-28 21:00", "2026-03-29 05:00")),
        (("00:00", "00:00"), "Asia/Kolkata", "2026-03-01 00:00", ("2026-02-28 18:30", "2026-03-01 18:30")),
    ],
)
def test_quiet_hours_are_those_of_a_time_zone(
    hours: tuple[str, str], zone: str, now: str, expected: tuple[str, str]
) -> None:
    start, end = map(time.fromisoformat, hours)
    assert policy.quiet_hours(start, end, ZoneInfo(zone), now=_ms(now)) == tuple(map(_ms, expected))


def test_quiet_hours_look_like_do_not_disturb() -> None:
    ada = there(choice=Choice(quiet_from_ms=START + 10, quiet_until_ms=START + 20))
    seen = [settled(ada, START + after).shown.status for after in (0, 10, 19, 20)]
    assert seen == [Status.ONLINE, Status.DND, Status.DND, Status.ONLINE]
    assert [policy.next_look(ada, now=START + after) for after in (0, 10)] == [START + 10, START + 20]


moments = st.integers(0, 200_000)
choices = st.builds(
    Choice,
    st.sampled_from([Status.ONLINE, Status.AWAY, Status.DND, Status.INVISIBLE]),
    st.sampled_from(["", "busy"]),
    until_ms=st.one_of(st.just(0), moments.map(START.__add__)),
    shows_last_seen=st.booleans(),
)
steps = st.one_of(
    st.tuples(st.just("arrive"), st.sampled_from("abc"), choices),
    st.tuples(st.just("beat"), st.sampled_from("abc"), st.booleans()),
    st.tuples(st.just("leave"), st.sampled_from("abc"), st.none()),
    st.tuples(st.just("choose"), st.none(), choices),
    st.tuples(st.just("wait"), st.none(), st.none()),
)


@given(st.lists(st.tuples(moments, steps), max_size=40))
def test_any_story_is_told_in_rising_versions_and_comes_to_the_right_end(story: list[tuple[int, tuple]]) -> None:  # type: ignore[type-arg]
    """With a sweep a second: nobody is gone while a device beats, everybody is gone in time, and no more is told."""
    person, now, version = Person(), START, 0
    heard: dict[str, int] = {}  # the last sign of life of each device that is open
    left_ms = 0
    for pause, (what, device, detail) in [*story, (TTL_MS + 1_000, ("wait", None, None))]:
        end = now + pause
        while now < end:
            now = min(now + 1_000, end)
            before = person.shown
            person = gone(person, now)
            heard = {one: at for one, at in heard.items() if now - at < TTL_MS}
            if heard and not (person.choice.status is Status.INVISIBLE and person.choice.holds(now)):
                assert person.shown.status is not Status.OFFLINE
            assert (person.shown == before) or person.shown.version > before.version
        version = person.shown.version
        match what:
            case "arrive" if device not in heard:
                version_of_choice = person.choice.version + 1
                person = policy.arrive(person, device, detail._replace(version=version_of_choice), now=now)
                heard[device] = now
            case "beat" if device in person.devices:
                person = policy.beat(person, device, active=detail, now=now)
                heard[device] = now
            case "leave" if device in heard:
                person = policy.leave(person, device, now=now)
                del heard[device]
                left_ms = now
            case "choose":
                person = policy.choose(person, detail._replace(version=person.choice.version + 1))
        was_hidden = person.shown.status is Status.OFFLINE
        person = settled(person, now)
        assert person.shown.version >= version
        if person.choice.status is Status.INVISIBLE and person.choice.holds(now) and was_hidden:
            assert person.shown.version == version, "an invisible person was told of"
    if now - left_ms >= GRACE_MS:
        assert person.shown.status is Status.OFFLINE
        assert not person.devices


def test_who_flaps_is_told_of_ever_less() -> None:
    pace, told = Pace(), []
    for tenth in range(600):
        now = tenth / 10
        status = Status.DND if tenth % 2 else Status.ONLINE
        pace.note("ada", Shown(status, "", 1, tenth + 1))
        told += [now for _ in pace.take(now=now)]
    assert told[:3] == [0.0, pytest.approx(1.1, abs=0.2), pytest.approx(3.1, abs=0.4)]
    assert len(told) <= 8
    assert pace.take(now=60 + LAST_HOLD) or pace.told("ada") is not None


def test_who_ends_as_they_began_is_not_told_of_and_older_news_neither() -> None:
    pace = Pace()
    pace.note("ada", Shown(Status.ONLINE, "", 1, 1))
    assert len(pace.take(now=0)) == 1
    pace.note("ada", Shown(Status.DND, "", 2, 2))
    pace.note("ada", Shown(Status.ONLINE, "", 3, 3))
    pace.note("ada", Shown(Status.OFFLINE, "", 2, 2))
    assert pace.take(now=5) == []
    pace.note("ada", Shown(Status.OFFLINE, "", 2, 2))
    assert pace.take(now=50) == []
    assert pace.present() == ["ada"]
    pace.forget("ada")
    pace.note("ada", Shown(Status.ONLINE, "", 3, 3))
    assert len(pace.take(now=91)) == 1


def test_what_one_was_told_who_asked_is_told_to_the_others_all_the_same() -> None:
    pace, busy = Pace(), Shown(Status.DND, "", 2, 2)
    pace.note("ada", Shown(Status.ONLINE, "", 1, 1))
    assert len(pace.take(now=0)) == 1
    pace.note("ada", busy)
    pace.meet("ada", busy, now=0.1)
    assert pace.take(now=2) == [("ada", busy)]
    pace.meet("ben", Shown(Status.OFFLINE, "", 0, 0), now=2)
    assert (pace.take(now=3), pace.told("ben")) == ([], Shown(Status.OFFLINE, "", 0, 0))
