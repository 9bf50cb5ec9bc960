"""What happened to a message: any order, any repetition, one state."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from chat.events import ReactionAdded, ReactionRemoved
from chat.fold import MessageState, Stamped, Tallies, Tally, apply, react
from tests.unit.events import CHAT, MESSAGE, SENDER, deleted, edited, imported, lives, sent


def fold(events: Iterable[Stamped]) -> MessageState:
    state: MessageState | None = None
    for happened in events:
        state = apply(state, happened)
    assert state is not None
    return state


@given(lives, st.data())
def test_order_and_repetition_make_no_difference(life: list[Stamped], data: st.DataObject) -> None:
    disorder = data.draw(st.permutations(life)) + data.draw(st.lists(st.sampled_from(life), max_size=6))
    assert fold(disorder) == fold(life)


def test_the_newest_edit_stands() -> None:
    state = fold([sent(), edited(2_000, "second"), edited(1_000, "older")])
    assert (state.content, state.is_edited, state.is_deleted) == ("second", True, False)


def test_a_delete_is_final_even_against_a_later_edit() -> None:
    state = fold([sent(), deleted(1_000), edited(9_000, "back again")])
    assert (state.content, state.is_deleted, state.deleted_by, state.is_visible) == ("", True, SENDER, True)


def test_an_edit_that_overtakes_its_message_stays_hidden_until_then() -> None:
    early = fold([edited(1_000, "second")])
    assert not early.is_visible
    assert apply(early, sent()).content == "second"


def test_a_retry_never_overwrites_an_edit_and_keeps_the_first_place() -> None:
    state = fold([sent(pos=4), edited(1_000, "second"), sent(pos=9)])
    assert (state.content, state.pos) == ("second", 4)


def test_what_is_imported_has_no_place_in_the_stream_and_can_be_changed() -> None:
    state = fold([imported(pos=4), edited(1_000, "second"), imported(pos=9)])
    assert (state.content, state.pos, state.is_visible) == ("second", None, True)
    assert fold([imported(), deleted(1_000)]).is_deleted


def reacted(tallies: Tallies, user: str, *, told: int = 0, back: bool = False) -> Tallies:
    event = (ReactionRemoved if back else ReactionAdded)(
        message_id=str(MESSAGE), room_id=CHAT, user_id=user, emoji="👍", count=told
    )
    return react(tallies, event)


def test_reactions_of_few_are_a_set_whatever_count_they_came_with() -> None:
    tallies = reacted(reacted(reacted({}, "ben", told=1), "ada", told=1), "ada", told=9)
    assert tallies == {"👍": Tally(2, ("ada", "ben"))}
    assert reacted(reacted(tallies, "ada", back=True), "eve", back=True) == {"👍": Tally(1, ("ben",))}
    assert reacted({}, "ada", back=True) == {"👍": Tally(0, ())}


def test_of_many_the_count_that_came_with_a_strangers_change_stands() -> None:
    many = {"👍": Tally(30, ("ada", "ben"))}
    assert reacted(many, "ada") == many
    assert reacted(many, "ada", back=True) == {"👍": Tally(29, ("ben",))}
    assert reacted(many, "eve", told=31) == {"👍": Tally(31, ("ada", "ben", "eve"))}
    assert reacted(many, "eve", told=29, back=True) == {"👍": Tally(29, ("ada", "ben"))}
    assert reacted(many, "eve", told=0) == {"👍": Tally(3, ("ada", "ben", "eve"))}, "never fewer than are known"
