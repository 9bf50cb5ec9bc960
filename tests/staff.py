"""A member of staff at work in the admin, over real HTTP."""

import re
import sqlite3
from contextlib import closing

import httpx

from tests.world import ANSWER_SECONDS, PASSWORD, World

PEOPLE = "/admin/accounts/user/"


class Staff:
    """A member of staff with a browser."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.browser = httpx.AsyncClient(
            base_url=world.server.url,
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

    def entries(self, subject: str) -> list[tuple[str, bool]]:
        """The audit entries about a subject: their kind, and whether somebody is named who did it."""
        with closing(sqlite3.connect(self.world.server.folder / "site.sqlite3")) as database:
            rows = database.execute("SELECT kind, actor FROM audit_log WHERE subject = ? ORDER BY number", [subject])
            return [(kind, actor is not None) for kind, actor in rows]

    def company(self, name: str) -> str:
        """The id of a company."""
        with closing(sqlite3.connect(self.world.server.folder / "site.sqlite3")) as database:
            (company,) = database.execute("SELECT id FROM companies WHERE name = ?", [name]).fetchone()
            return str(company)
