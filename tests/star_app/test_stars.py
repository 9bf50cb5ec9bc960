"""A third-party app lives in a server of its own, with none of our files touched."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import Device, Frame, Server, World, manage

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.star_app.settings"}


@pytest.fixture(scope="module")
def server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the app; its table is made as an operator would."""
    server = Server(template, tmp_path_factory.mktemp("stars"), environment=SETTINGS)
    manage(server.folder, "migrate_all", "-v", "0", environment=SETTINGS)
    server.start()
    yield server
    server.stop()


def starred(device: Device, message: str) -> list[bool]:
    """What a device was told of a message's star."""
    return [frame["starred"] for frame in device.told if frame.get("messageId") == message]


async def test_a_star_reaches_ones_own_devices_alone(server: Server) -> None:
    async with World(server) as world:
        chat = await world.chat(["ada", "ben"])
        message = (await world.rest("ben", "POST", f"/api/chats/{chat}/messages", {"content": "hi"})).body["id"]
        async with world.connect("ada") as phone, world.connect("ada") as laptop, world.connect("ben", chat) as ben:
            assert (await phone.ask("STAR_APP_STAR", roomId=chat, messageId=message)).body["type"] == "ACK"
            told = await laptop.expect("ME", kind="star_app.star", messageId=message)
            assert told["starred"] is True
            star = f"/api/star-app/chats/{chat}/messages/{message}/star"
            assert (await world.rest("ada", "DELETE", star)).status == 204
            assert (await world.rest("ada", "PUT", star)).status == 204
            await laptop.until(lambda frame: len(starred(laptop, message)) == 3)
            assert starred(laptop, message) == [True, False, True]
            await ben.ask("HEARTBEAT")
            assert not [frame for frame in ben.frames if frame.get("kind") == "star_app.star"]
        listed = await world.until("ada", "/api/star-app/stars", lambda body: body["stars"])
        assert listed["stars"] == [{"chat_id": chat, "message_id": message}]
        assert (await world.rest("ben", "GET", "/api/star-app/stars")).body == {"stars": []}


async def test_nobody_stars_what_is_not_theirs(server: Server) -> None:
    async with World(server) as world:
        chat = await world.chat(["ada"])
        message = (await world.rest("ada", "POST", f"/api/chats/{chat}/messages", {"content": "hi"})).body["id"]
        async with world.connect("eve") as eve:
            assert (await eve.ask("STAR_APP_STAR", roomId=chat, messageId=message)).code == "not_found"
            assert (await eve.ask("STAR_APP_STAR", roomId=chat, messageId="x")).code == "invalid_field"
        stars = f"/api/star-app/chats/{chat}/messages"
        for name, address, status in (
            ("eve", f"{stars}/{message}/star", 404),
            ("ada", f"{stars}/12/star", 404),
            (None, f"{stars}/{message}/star", 401),
        ):
            assert (await world.rest(name, "PUT", address)).status == status


async def test_stars_survive_a_kill_and_a_replay(server: Server) -> None:
    async with World(server) as world:
        chat = await world.chat(["cyd"])
        path, stars = f"/api/chats/{chat}/messages", f"/api/star-app/chats/{chat}/messages"
        said = [(await world.rest("cyd", "POST", path, {"content": f"{n}"})).body["id"] for n in range(3)]
        for message in said:
            await world.rest("cyd", "PUT", f"{stars}/{message}/star")
        await world.rest("cyd", "DELETE", f"{stars}/{said[1]}/star")

        def both(body: Frame) -> bool:
            return {star["message_id"] for star in body["stars"]} == {said[0], said[2]}

        await world.restart()
        before = await world.until("cyd", "/api/star-app/stars", both)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(manage, server.folder, "project", "--replay", "stars", environment=SETTINGS)
        await asyncio.to_thread(server.start)
        assert await world.until("cyd", "/api/star-app/stars", both) == before
