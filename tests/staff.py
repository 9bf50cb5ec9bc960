"""A member of staff at work in the admin, over real HTTP."""

import re
from typing import Any
from uuid import uuid4

import httpx

from tests.installations import SHARED, site
from tests.world import ANSWER_SECONDS, NO_TLS, PASSWORD, World, in_time

PEOPLE, RULES = "/admin/accounts/user/", "/admin/chat/moderationrule/"
PROBE = "Probe"  # a rule that nobody asks for: whoever judges by it has all that were made before


class Staff:
    """A member of staff with a browser."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.browser = httpx.AsyncClient(
            base_url=world.server.url,
            verify=NO_TLS,
            timeout=ANSWER_SECONDS,
            follow_redirects=True,
            headers={"Origin": world.server.url},
        )

    async def fill(self, path: str, **fields: str) -> str:
        """Fill in the form of a page; answers the page that follows."""
        page = (await self.browser.get(path)).text
        (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        answer = await self.browser.post(path, data={"csrfmiddlewaretoken": token, **fields})
        assert answer.status_code == 200, answer.text
        return answer.text

    async def log_in(self, name: str = "sam", password: str = PASSWORD) -> str:
        """Log in to the admin."""
        return await self.fill("/admin/login/?next=/admin/", username=name, password=password)

    async def act(self, action: str, row: str, *, path: str = PEOPLE, **fields: str) -> str:
        """Tick a row and do something with it; answers what is told then."""
        page = await self.fill(path, action=action, _selected_action=row, index="0", **fields)
        (told,) = re.findall(r'<li class="(?:success|warning|error)">(.*?)</li>', page)
        return str(told)

    def site(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database of the site answers."""
        return site(self.world.server.folder, statement, *values)

    def entries(self, subject: str) -> list[tuple[str, bool]]:
        """The audit entries about a subject: their kind, and whether somebody is named who did it."""
        rows = self.site("SELECT kind, actor FROM audit_log WHERE subject = %s ORDER BY number", subject)
        return [(kind, actor is not None) for kind, actor in rows]

    def company(self, name: str) -> str:
        """The id of a company."""
        [(company,)] = self.site("SELECT id FROM companies WHERE name = %s", name)
        return str(company)

    async def rule(self, kind: str, deed: str, *lines: str, waits: bool = True, **more: str) -> str:
        """Make a rule by the form of the admin, and wait until it holds; answers the page that follows."""
        fields = {"name": "A rule", "kind": kind, "deed": deed, "patterns": "\n".join(lines), "is_active": "on"}
        page = await self.fill(f"{RULES}add/", **fields | more)
        if waits:
            await self.rules_hold()
        return page

    async def rules_hold(self) -> None:
        """Wait until every process judges by the rules of now: each looks for them every two seconds."""
        if not SHARED:
            return
        word, chat = f"w{uuid4().hex}", await self.world.chat(["ada"])
        await self.rule("word", "refuse", word, waits=False, name=PROBE, chat=chat)
        path, in_a_row = f"/api/chats/{chat}/messages", 0
        async with in_time("rules hold everywhere"):
            while in_a_row < len(self.world.server.urls):
                said = await self.world.rest("ada", "POST", path, {"content": word})  # Of each process in its turn.
                in_a_row = in_a_row + 1 if said.code == "content_refused" else 0
