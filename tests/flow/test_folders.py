"""Folders of one's own list of chats."""

import asyncio

from tests.world import World


async def test_folders_are_ones_own_affair(world: World) -> None:
    chat = await world.chat(["ada", "ben"])
    path = f"/api/chats/{chat}/folder"
    async with world.connect("ben") as ben:
        made = await world.rest("ben", "POST", "/api/me/folders", {"name": " Tea\u0007 and milk "})
        assert (made.status, made.body["name"]) == (201, "Tea and milk")
        folder = made.body["id"]
        await ben.expect("ME", kind="folders", state={"folders": [made.body]})
        put = (await world.rest("ben", "PUT", path, {"folder_id": folder})).body
        assert put["folder_id"] == folder
        told = await ben.expect("ME", kind="folder", state={"roomId": chat, "folderId": folder})
        assert told["version"] == put["version"]
        assert (await world.rest("ben", "PUT", path, {"folder_id": folder})).body["version"] == put["version"]
        renamed = await world.rest("ben", "PATCH", f"/api/me/folders/{folder}", {"name": "Coffee"})
        assert renamed.body == {"id": folder, "name": "Coffee"}
        await ben.expect("ME", kind="folders", state={"folders": [renamed.body]})
        assert (await world.rest("ada", "GET", f"/api/chats/{chat}")).body["folder_id"] is None
        # Nobody else's folder is there for others.
        for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
            assert (await world.rest("ada", method, f"/api/me/folders/{folder}", body)).code == "not_found"
        assert (await world.rest("ada", "PUT", path, {"folder_id": folder})).code == "not_found"
        assert (await world.rest("ada", "GET", "/api/me/folders")).body == {"folders": []}
        assert (await world.rest("ben", "DELETE", f"/api/me/folders/{folder}")).status == 204
        await ben.expect("ME", kind="folders", state={"folders": []})
        shown = (await world.rest("ben", "GET", f"/api/chats/{chat}")).body
        assert shown["folder_id"] is None
        assert shown["version"] > put["version"], "a device that missed it finds it by changed_since"
    assert (await world.rest("eve", "PUT", path, {"folder_id": None})).code == "not_found"


async def test_a_name_is_given_once_and_there_are_a_hundred(world: World) -> None:
    assert (await world.rest("dan", "GET", "/api/me/folders")).body == {"folders": []}
    for start in range(0, 98, 49):  # A client waits no longer for the last of a line than it is patient.
        made = [world.rest("dan", "POST", "/api/me/folders", {"name": f"{n:03}"}) for n in range(start, start + 49)]
        assert {one.status for one in await asyncio.gather(*made)} == {201}
    twice = await asyncio.gather(*[world.rest("dan", "POST", "/api/me/folders", {"name": "twice"}) for _ in range(2)])
    assert sorted(answer.status for answer in twice) == [201, 409]
    (kept,) = [answer.body["id"] for answer in twice if answer.status == 201]
    again = {"body": {"name": "099"}, "headers": {"Idempotency-Key": "one"}}
    ids = {(await world.rest("dan", "POST", "/api/me/folders", **again)).body["id"] for _ in range(2)}
    assert len(ids) == 1
    assert (await world.rest("dan", "POST", "/api/me/folders", {"name": "one more"})).code == "conflict"
    assert (await world.rest("dan", "PATCH", f"/api/me/folders/{kept}", {"name": "000"})).code == "conflict"
    names = [one["name"] for one in (await world.rest("dan", "GET", "/api/me/folders")).body["folders"]]
    assert names == [*(f"{n:03}" for n in range(98)), "099", "twice"]
    for name in ("", "\u202e", "x" * 61, 5):
        assert (await world.rest("dan", "POST", "/api/me/folders", {"name": name})).code == "invalid_field"
