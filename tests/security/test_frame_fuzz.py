"""Frames that nobody thought of: each type of the contract, its fields of every sort.

What is sent is made from the frames' own types, by a generator with a fixed seed, so
that a new frame is here without a line of test. Whatever comes, a frame is answered
under its ref and never as a bug of ours; who sends it and what was said stay as they were.
"""

import json
import random
from collections.abc import Callable
from typing import Any

import msgspec

from chatsite.gateway.protocol import ClientFrame, CloseCode
from chatsite.gateway.registry import frames
from chatsite.kernel.errors import CODES
from tests.security.conftest import make_scene
from tests.world import Device, Frame, Server, World

EACH = 60  # frames of a type
SILENT = {"TYPING", "PRESENCE_WATCH"}  # nothing comes back under their ref, but where they are refused
ENDS = {CloseCode.UNAUTHENTICATED, CloseCode.FORBIDDEN}  # what AUTH may end a session with
LONG = "x" * 9_000
TEXTS = [
    "", " ", "a", "all", "here", "group:", "0", "-1", "1", str(2**63), str(-(2**63) - 1), "9" * 400, "1e5", "\u202e",
    "\x00", "\ud83d", "👍", "👩‍👩‍👧", "é" * 64, LONG, "null", "../..", "%00", "ONLINE", "2027-01-01T00:00:00Z", "24:61",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "00000000-0000-0000-0000-000000000000", "<b>**x**</b>", "{}", "[" * 2_000, "*" * 2_000,
]  # fmt: skip
NUMBERS = [0, -1, 1, 2**31, 2**53, 2**63, -(2**70), 1.5, 1e308, -0.0]
ODD: list[Any] = [None, True, False, [], {}, [None], [[]], {"a": 1}, {"": {}}, [1, "a", {}], "text", 7]


class Maker:
    """Makes frames of a type: mostly as they should be, with one field or another that is not."""

    def __init__(self, seed: str, names: dict[str, str]) -> None:
        self._chance = random.Random(seed)
        self._known = list(names.values())
        # Fields by what their names hold: most of what may break lies behind a look-up that finds something.
        self._fitting = {
            "room": names["chat"],
            "to": names["chat"],
            "message": names["message"],
            "reply": names["first"],
            "thread": names["first"],
            "user": names["ben"],
            "mentions": names["ben"],
            "emoji": "👍",
            "status": "DND",
            "closes": "2030-01-01T00:00:00Z",
            "content": "well",
        }

    def frame(self, frame_type: type[ClientFrame]) -> Frame:
        """A frame, whose ref is for the caller to set."""
        made: Frame = {"type": str(frame_type.__struct_config__.tag)}
        for field in msgspec.structs.fields(frame_type):
            if field.name == "ref" or (not field.required and self._chance.random() < 0.5):
                continue
            fitting = next((known for part, known in self._fitting.items() if part in field.name), None)
            made[field.encode_name] = self._value(msgspec.inspect.type_info(field.type), fitting)
        if self._chance.random() < 0.1 and len(made) > 1:
            made.pop(self._chance.choice(list(made)[1:]))
        return made

    def _value(self, wanted: msgspec.inspect.Type, fitting: str | None) -> Any:
        if self._chance.random() < 0.08:
            return self._chance.choice([*ODD, *TEXTS, *NUMBERS])
        match wanted:
            case msgspec.inspect.StrType():
                if fitting is not None and self._chance.random() < 0.8:
                    return fitting
                return self._chance.choice(self._known if self._chance.random() < 0.5 else TEXTS)
            case msgspec.inspect.BoolType():
                return self._chance.random() < 0.5
            case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
                return self._chance.choice(NUMBERS)
            case msgspec.inspect.ListType(item_type=item):
                return [self._value(item, fitting) for _ in range(self._chance.choice((0, 1, 1, 2, 60)))]
            case msgspec.inspect.DictType(key_type=key, value_type=value):
                return {
                    str(self._value(key, fitting)): self._value(value, None)
                    for _ in range(self._chance.choice((0, 1, 3, 600)))
                }
            case msgspec.inspect.UnionType(types=types):
                return self._value(self._chance.choice(types), fitting)
            case msgspec.inspect.LiteralType(values=values):
                return self._chance.choice(values)
            case msgspec.inspect.StructType(fields=fields):
                return {field.encode_name: self._value(field.type, None) for field in fields}
        return None


async def sent(device: Device, frame: Frame, ref: str) -> Frame | None:
    """The answer to a frame; None where its session ended, or where none is owed to it."""
    await device.send(json.dumps(frame | {"ref": ref}))
    # One good frame after each: who sends nothing but nonsense is closed, and that is tested elsewhere.
    probe = f"{ref}-probe"
    await device.send({"type": "HEARTBEAT", "ref": probe})
    wanted = probe if frame["type"] in SILENT else ref
    try:
        await device.until(lambda one: one.get("ref") == probe)
        await device.until(lambda one: one.get("ref") == wanted)
    except AssertionError as vain:
        raise AssertionError(f"no answer to {json.dumps(frame)[:500]}") from vain
    except ConnectionError:
        assert frame["type"] == "AUTH" and device.closed_with in ENDS, f"{frame} closed with {device.closed_with}"
        await device.open()
        return None
    return next((one for one in device.frames if one.get("ref") == ref), None)


async def test_whatever_a_frame_says_it_is_answered_and_breaks_nothing(make_server: Callable[..., Server]) -> None:
    async with World(make_server(environment={"CHAT_LIMITS": "off"})) as world:
        names = await make_scene(world)
        path = f"/api/chats/{names['chat']}/messages"
        async with world.connect("ada") as ada:
            for name, frame_type in sorted(frames.types.items()):
                said = await world.rest("ada", "POST", path, {"content": f"before {name}"})
                maker = Maker(name, names | {"message": str(said.body["id"]), "first": names["message"]})
                for number in range(EACH):
                    frame = maker.frame(frame_type)
                    answer = await sent(ada, frame, f"{name}-{number}")
                    if answer is not None and answer["type"] == "ERROR":
                        assert answer["code"] in CODES, frame
                        assert answer["code"] != "internal", frame
                ada.frames.clear()
        # Nobody is the worse for it.
        async with world.connect("ada", names["chat"]) as ada, world.connect("hal", names["chat"]) as hal:
            assert (await ada.say(names["chat"], "still here")).code is None
            await hal.expect("MESSAGE", content="still here")
        assert "Traceback" not in world.server.log()
