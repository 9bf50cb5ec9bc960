"""What waits while Kafka is away: bounds, order, and when nothing may wait any more."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from chatsite.kernel.eventlog.kafka.outage import Breaker, OutageBuffer

COUNT, OCTETS, SECONDS, WINDOW = 20, 500, 5.0, 4


@dataclass(eq=False)
class Sent:
    """A record that means nothing."""

    number: int
    key: str
    size: int
    since: float


def buffer() -> OutageBuffer[Sent]:
    """An empty one with narrow bounds."""
    return OutageBuffer(count=COUNT, octets=OCTETS, seconds=SECONDS, window=WINDOW)


keys = st.sampled_from("abcd")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, st.integers(1, 120)),
        st.tuples(st.just("take"), keys, st.just(0)),
        st.tuples(st.just("land"), keys, st.just(0)),
        st.tuples(st.just("fail"), keys, st.just(0)),
        st.tuples(st.just("look"), keys, st.just(0)),
    ),
    max_size=200,
)


@given(steps)
def test_nothing_of_a_key_overtakes_what_was_refused(steps: list[tuple[str, str, int]]) -> None:
    """Whatever happens: bounds hold, nothing vanishes, and what leaves by the front leaves in order."""
    line, waiting, taken, now = buffer(), list[Sent](), list[Sent](), 0.0
    for number, (step, key, size) in enumerate(steps):
        now += 0.5
        gone: list[Sent] = []
        match step:
            case "put" if line.passes():
                assert not waiting
            case "put":
                waiting.append(Sent(number, key, size, now))
                gone = line.put(waiting[-1])
            case "take":
                for sent in line.take():
                    assert sent is waiting.pop(0)
                    taken.append(sent)
            case "land" if line.flying:
                line.landed()
            case "fail":
                gone = line.behind({key})
                assert gone == [sent for sent in waiting if sent.key == key]
            case "look":
                gone = line.expired(now=now)
        left = [sent for sent in waiting if sent not in gone]
        for sent in gone:
            assert not [later for later in left if later.key == sent.key and later.number > sent.number]
        if step != "fail" and gone:
            assert gone[0] is waiting[0]  # oldest first
        waiting = left
        assert len(line) == len(waiting) <= COUNT
        assert sum(sent.size for sent in waiting) <= OCTETS
        assert line.flying <= WINDOW
        if step == "look":
            assert all(now - sent.since < SECONDS for sent in waiting)


def test_a_full_buffer_lets_go_of_the_oldest_and_what_is_behind_them() -> None:
    line = buffer()
    for number in range(COUNT):
        assert line.put(Sent(number, "old" if number in (0, 7) else str(number), 1, 0.0)) == []
    assert [sent.number for sent in line.put(Sent(99, "new", 1, 0.0))] == [0, 1, 7]


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try() -> None:
    breaker = Breaker(failures=3, pause=1.0)
    breaker.failed(now=0.0)
    breaker.failed(now=0.1)
    breaker.worked()
    for moment in (1.0, 1.1, 1.2):
        assert breaker.lets(now=moment)
        breaker.failed(now=moment)
    assert [breaker.lets(now=moment) for moment in (1.3, 2.1, 2.2, 2.3, 3.1, 3.3)] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
    breaker.worked()
    assert all(breaker.lets(now=3.3) for _ in range(9))
