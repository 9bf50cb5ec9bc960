"""Enough people for a chat that is large: `make_template(folder, CROWD)`, and who they are."""

from tests.world import World

CROWD = [f"crowd{number:02}" for number in range(60)]


async def crowd(world: World) -> list[str]:
    """The ids of those who fill a chat."""
    found: list[str] = []
    for ten in sorted({name[:-1] for name in CROWD}):
        people = (await world.rest("ada", "GET", f"/api/users?q={ten}")).body["users"]
        found += [one["id"] for one in people]
    assert len(found) == len(CROWD)
    return found
