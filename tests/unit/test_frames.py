"""The frame parser: every text is a frame or one clear error."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol import MessageFrame, SendMessage, message_body, message_event
from chatsite.gateway.protocol import ClientFrame, Frames, Heartbeat, Subscribe, address_of, error_frame, stamp
from chatsite.kernel.errors import CODES, DomainError, Invalid
from chatsite.kernel.events import Payload, Record, new_record
from tests.unit.events import CHAT, MESSAGE, SENDER, deleted, edited, placed, sent


@pytest.fixture(scope="module")
def frames() -> Frames:
    """A server's frame types."""
    known = Frames()
    for type_ in (SendMessage, Subscribe, Heartbeat):
        known.add(type_)
    return known


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["type", "ref", "roomId", "content", "nonce", "rooms", "replyToId", "mentions", "active"])
almost_frames = st.dictionaries(
    names, json_values | st.sampled_from(["SEND_MESSAGE", "SUBSCRIBE", "HEARTBEAT"]), max_size=6
)


@given(st.one_of(st.text(), json_values.map(json.dumps), almost_frames.map(json.dumps)))
def test_every_text_is_a_frame_or_one_clear_error(frames: Frames, text: str) -> None:
    try:
        frame = frames.parse(text)
    except Invalid as error:
        assert error.code in ("bad_frame", "unknown_type", "invalid_field")
        ref, nonce = address_of(text)
        json.loads(error_frame(error, ref=ref, nonce=nonce))
    else:
        assert isinstance(frame, ClientFrame)


@pytest.mark.parametrize(
    ("text", "code", "ref"),
    [
        ("{", "bad_frame", None),
        ("[]", "bad_frame", None),
        ("7", "bad_frame", None),
        ("", "bad_frame", None),
        ('{"ref":"a"}', "bad_frame", "a"),
        ('{"type":7,"ref":"a"}', "bad_frame", "a"),
        ('{"type":"NOPE","ref":"a"}', "unknown_type", "a"),
        ('{"type":"SEND_MESSAGE","ref":"a"}', "invalid_field", "a"),
        ('{"type":"SEND_MESSAGE","ref":"a","roomId":1,"content":"x"}', "invalid_field", "a"),
        ('{"type":"SEND_MESSAGE","ref":"a","roomId":"r","content":["x"]}', "invalid_field", "a"),
        ('{"type":"SEND_MESSAGE","ref":"a","roomId":"r","content":"\\ud800"}', "invalid_field", "a"),
        ('{"type":"SEND_MESSAGE","ref":"a","roomId":"r","content":"x","nonce":"a\\u0000b"}', "invalid_field", "a"),
        ('{"type":"SUBSCRIBE","ref":"a","rooms":{"r\\u0000":null}}', "invalid_field", "a"),
        ('{"type":"SUBSCRIBE","ref":"a","rooms":{"r":{"epoch":"e","pos":"1"}}}', "invalid_field", "a"),
        ('{"type":"SUBSCRIBE","ref":"a","rooms":{"r":{"epoch":"e","pos":1.5}}}', "invalid_field", "a"),
        ('{"type":"SUBSCRIBE","ref":"a","rooms":["r"]}', "invalid_field", "a"),
    ],
)
def test_bad_frames_name_their_fault_and_ref(frames: Frames, text: str, code: str, ref: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        frames.parse(text)
    assert refused.value.code == code
    assert address_of(text)[0] == ref


def test_unknown_fields_are_ignored(frames: Frames) -> None:
    frame = frames.parse('{"type":"SEND_MESSAGE","roomId":"r","content":"x","later":[1]}')
    assert frame == SendMessage(room_id="r", content="x")


def test_a_strict_server_names_unknown_fields() -> None:
    strict = Frames(strict=True)
    strict.add(SendMessage)
    assert strict.parse('{"type":"SEND_MESSAGE","roomId":"r","content":"x","replyToId":"1"}')
    with pytest.raises(Invalid, match="latter"):
        strict.parse('{"type":"SEND_MESSAGE","roomId":"r","content":"x","latter":1}')


def test_a_stamped_body_is_the_frame_of_the_contract() -> None:
    happened = sent()
    record = _record(happened.event, happened.version)
    body = message_body(record)
    assert body is not None
    frame = json.loads(stamp(body.bytes, epoch="e-1", pos=7, prev=3))
    assert {
        "type": "MESSAGE",
        "roomId": CHAT,
        "messageId": str(MESSAGE),
        "senderId": SENDER,
        "content": "first",
        "attachments": [],
        "mentions": [],
        "messageType": "text",
        "epoch": "e-1",
        "pos": 7,
        "prev": 3,
        "version": happened.version,
    }.items() <= frame.items()


def test_a_body_tells_the_event_that_it_was_made_of() -> None:
    for happened in (sent(), edited(1_000, "second"), deleted(2_000)):
        body = message_body(_record(happened.event, happened.version))
        assert body is not None
        assert message_event(body.bytes, pos=happened.pos) == happened
    assert message_event(b'{"type":"MEMBER"}', pos=1) is None
    assert MessageFrame.__struct_config__.tag == "MESSAGE"


def test_every_code_of_an_error_class_is_in_the_table() -> None:
    def all_of(kind: type[DomainError]) -> set[str]:
        return set(kind.codes).union(*(all_of(sub) for sub in kind.__subclasses__()))

    assert all_of(DomainError) == set(CODES)


def _record(event: Payload, version: int) -> Record:
    new = new_record(
        event, event_id=uuid.UUID(int=1), key=uuid.UUID(CHAT), version=version, occurred_ms=0, actor=None, region="here"
    )  # fmt: skip
    return placed(new)
