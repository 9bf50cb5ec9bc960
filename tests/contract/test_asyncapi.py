"""The AsyncAPI document is whole, and says what the code does."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from chatsite.asyncapi import document
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


async def test_it_is_read_without_signing_in(world: World) -> None:
    served = await world.rest(None, "GET", "/api/schema/ws/")
    assert (served.status, served.body["asyncapi"]) == (200, "3.0.0")
    page = await world.rest(None, "GET", "/api/docs/ws/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in str(page.body)
    for name in [*frames.types, *payloads("server.")]:
        assert f"</b> {name}" in str(page.body)
