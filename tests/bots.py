"""Bots for stories: `python -m tests.bots NAME` makes one of the company of the tests, and prints its id."""

import sys
from dataclasses import dataclass

import django

from tests.world import Answer, World, manage


@dataclass(frozen=True)
class Bot:
    """A bot, and the token that it acts with."""

    world: World
    id: str
    token: str

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """The answer to what it asks of REST."""
        return await self.world.rest(None, method, path, body, headers={"Authorization": f"Bearer {self.token}"})


async def bot(world: World, name: str, *scopes: str, chat: str | None = None) -> Bot:
    """A new bot with a token, in a chat of ada's where one is named."""
    made = manage(world.server.folder, name, module="tests.bots").split()[-1]
    wanted = {"name": "CI", "scopes": list(scopes or ("connect", "messages:read", "messages:write"))}
    answer = await world.rest("sam", "POST", f"/api/bots/{made}/tokens", wanted)
    assert answer.status == 201, answer.body
    if chat is not None:
        await world.rest("ada", "POST", f"/api/chats/{chat}/participants", {"user_id": made})
    return Bot(world, made, answer.body["token"])


def main(name: str) -> None:
    """Make a bot of the company of the tests, and print its id."""
    django.setup()
    from chatsite.accounts.models import Company, CompanyMember, User  # noqa: PLC0415 - needs django.setup

    made = User(username=name, name=name.title(), is_bot=True)
    made.set_unusable_password()
    made.save()
    CompanyMember.objects.create(company=Company.objects.get(name="Ours"), user=made)
    sys.stdout.write(f"{made.id}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
