"""The AsyncAPI document is whole, and says what the code does."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any, get_args

import jsonschema
import pytest

from chatsite.accounts.events import StateKind
from chatsite.asyncapi import CLOSINGS, TRANSCRIPT, document
from chatsite.gateway.protocol import CloseCode, Frames
from chatsite.gateway.registry import frames
from tests.flow.test_contract_session import ACKS, ME, SERVER, Shape
from tests.world import World

UNANSWERED = {"SUBSCRIBE", "TYPING", "PRESENCE_WATCH"}  # what answers them is told to whoever hears it


def refs(part: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from refs(value)


def payloads(prefix: str) -> dict[str, list[dict[str, Any]]]:
    """The schemas of frames, or of their kinds, by what the document calls them."""
    found = {}
    for name, message in document()["components"]["messages"].items():
        if name.startswith(prefix):
            payload = message["payload"]
            found[name.removeprefix(prefix)] = payload.get("anyOf", [payload])
    return found


def fields(shape: Shape) -> tuple[set[str], set[str]]:
    """All fields of a shape, and those that are always there."""
    return {name.removesuffix("?") for name in shape}, {name for name in shape if not name.endswith("?")}


def test_every_reference_leads_somewhere() -> None:
    for ref in set(refs(document())):
        at = document()
        for step in ref.removeprefix("#/").split("/"):
            assert step in at, ref
            at = at[step]


def test_every_payload_is_a_schema() -> None:
    for message in document()["components"]["messages"].values():
        jsonschema.Draft202012Validator.check_schema(message["payload"])


def test_every_frame_of_a_client_is_an_operation_with_its_answer() -> None:
    asked = {name: one for name, one in document()["operations"].items() if one["action"] == "receive"}
    assert set(asked) == set(frames.types)
    assert {name for name, one in asked.items() if "reply" not in one} == UNANSWERED
    for name, kinds in payloads("client.").items():
        assert set(kinds[0]["properties"]) == {"type", *frames.types[name].__struct_encode_fields__}


def test_it_tells_of_every_frame_of_the_server_and_its_fields() -> None:
    told = payloads("server.")
    answers = {"ACK", "OK", "HEARTBEAT_ACK"}
    assert set(told) == set(SERVER) - answers
    for type_, kinds in told.items():
        properties = {name for kind in kinds for name in kind["properties"]}
        always = set.intersection(*({*kind["required"]} for kind in kinds))
        shape = SERVER[type_]
        if type_ == "ME":
            shape = {
                **shape,
                **{f"{name.removesuffix('?')}?": one for kind in ME.values() for name, one in kind.items()},
            }
        known, needed = fields(shape)
        assert properties == known | {"type"}, type_
        # What a struct leaves out by default may be there always: the shape of the contract knows better.
        assert always - {"type"} <= needed | ({"roomId", "change", "chat"} if type_ == "ROOM" else set()), type_


@pytest.mark.parametrize("type_", sorted(ACKS))
def test_each_ack_holds_what_the_contract_says(type_: str) -> None:
    (answer,) = payloads("answer.")[type_]
    known, needed = fields(ACKS[type_])
    assert set(answer["properties"]) == known | {"type", "ref"}
    assert {*answer["required"]} <= needed | {"type", "ref"}


def require_sendable(frame: dict[str, Any]) -> None:
    """Fail where a frame is none that a client may send, or has a field that nobody knows."""
    reader = Frames(strict=True)
    for struct in frames.types.values():
        reader.add(struct)
    reader.parse(json.dumps(frame))


@pytest.mark.parametrize("type_", sorted(frames.types))
def test_a_frame_of_each_type_is_shown(type_: str) -> None:
    (example,) = document()["components"]["messages"][f"client.{type_}"]["examples"]
    assert example["payload"]["type"] == type_
    require_sendable(example["payload"])


def test_the_session_that_is_shown_is_one() -> None:
    sent: dict[str, str] = {}
    for line in TRANSCRIPT:
        frame = line.said
        if line.way == "→":
            require_sendable(frame)
            sent[frame["ref"]] = frame["type"]
            continue
        name = f"answer.{sent[frame['ref']]}" if frame["type"] == "ACK" else f"server.{frame['type']}"
        payload = document()["components"]["messages"][name]["payload"]
        whole = {**payload, "components": document()["components"]}
        jsonschema.Draft202012Validator(whole).validate(frame)


async def test_what_is_shown_can_be_copied(world: World) -> None:
    page = str((await world.rest(None, "GET", "/api/docs/ws/")).body)
    examples = [unescape(text) for text in re.findall(r'<pre class="frame">(.*?)</pre>', page)]
    for text in examples:
        require_sendable(json.loads(text))
    assert {json.loads(text)["type"] for text in examples} == set(frames.types)
    assert "ws://" in page
    for name in document()["components"]["schemas"]:
        assert f'<section id="{name}">' in page
    (transcript,) = re.findall(r'<pre class="frames">(.*?)</pre>', page, re.DOTALL)
    lines = [unescape(line)[2:] for line in transcript.strip().split("\n")]
    assert [json.loads(line) for line in lines] == [line.said for line in TRANSCRIPT]


def test_every_kind_of_what_concerns_oneself_is_told_with_its_fields() -> None:
    told = {}
    for payload in payloads("server.")["ME"]:
        properties = payload["properties"]
        kind = properties["kind"].get("const") or properties["kind"]["enum"][0]
        own = {name for name in properties if name not in {"type", "kind", "version", "state", "epoch", "pos", "prev"}}
        told[kind] = {*properties["state"].get("properties", {})} if "state" in properties else own
    shapes = {kind: shape.get("state", shape) for kind, shape in ME.items()}
    assert told == {kind: set() if shape is dict else fields(shape)[0] for kind, shape in shapes.items()}
    assert set(get_args(StateKind)) <= set(told)


def test_every_close_code_is_explained() -> None:
    ours = {code for name, code in vars(CloseCode).items() if not name.startswith("_")}
    assert {one.code for one in CLOSINGS} == ours | {1011}


async def test_it_is_read_without_signing_in(world: World) -> None:
    served = await world.rest(None, "GET", "/api/schema/ws/")
    assert (served.status, served.body["asyncapi"]) == (200, "3.0.0")
    page = await world.rest(None, "GET", "/api/docs/ws/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in str(page.body)
    for name in [*frames.types, *payloads("server.")]:
        assert f"</b> {name}" in str(page.body)
