"""What the log may not hold."""

import re
from collections.abc import Callable

from tests.world import PASSWORD, Server, World


async def test_no_token_of_a_link_is_logged(make_server: Callable[..., Server]) -> None:
    async with World(server := make_server(environment={"CHAT_LIMIT_RULES": "address_requests=0.001/20"})) as world:
        chat = await world.chat(["ada"])
        code = (await world.rest("ada", "POST", f"/api/chats/{chat}/invites")).body["code"]
        hook = (await world.rest("ada", "POST", f"/api/chats/{chat}/webhooks", {"name": "Build"})).body
        await world.rest("ada", "DELETE", f"/api/chats/{chat}")
        assert (await world.rest(None, "POST", hook["path"], {"text": "hi"})).code == "archived"
        assert (await world.rest("ben", "POST", f"/api/invites/{code}")).status == 409
        await world.rest("ada", "PATCH", "/api/me", {"email": "ada@example.org", "password": PASSWORD})
        await world.rest(None, "POST", "/api/auth/password/reset", {"username": "ada"})
        (token,) = re.findall(r"/reset/(\w+)", await world.mail("ada@example.org"))
        assert (await world.page(f"/reset/{token}", {"password": "one", "again": "another"})).status == 400
        assert (await world.page(f"/join/{token}")).status == 404
        while (await world.rest("ben", "POST", f"/api/invites/{code}")).status != 429:
            pass
        for line in (
            "Bad Request: /reset/...",
            "Not Found: /join/...",
            "Conflict: /api/invites/...",
            f"/api/hooks/{hook['id']}/...",
        ):
            assert f"{line}\n" in server.log()
        assert token not in server.log()
        assert code not in server.log()
        assert hook["path"].rpartition("/")[2] not in server.log()
