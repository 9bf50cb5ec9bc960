"""Makes demo people and chats, where DEBUG is on."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.commands import chats, messages
from chat.models import Chat
from chatsite.accounts.models import Company, CompanyMember, User
from chatsite.demo import CHATS, COMPANY, PASSWORD, PEOPLE
from chatsite.kernel import clock
from chatsite.kernel.eventlog import log
from chatsite.kernel.ids import ChatId, UserId


class Command(BaseCommand):
    """`manage.py seed_demo`: one company, five people, staff user admin, three chats with history."""

    help = "Makes demo people (demo1 .. demo5, password demo), staff user admin and three chats. Only with DEBUG on."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument("--if-debug", action="store_true", help="do nothing, instead of refusing, with DEBUG off")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing; a second run changes nothing."""
        if not settings.DEBUG and options["if_debug"]:
            return
        if not settings.DEBUG:
            raise CommandError("Demo people have known passwords: they are made only where CHAT_DEBUG is on.")
        company, _ = Company.objects.get_or_create(name=COMPANY)
        people = {name: self._person(name, shown, company) for name, shown in PEOPLE.items()}
        admin = User.objects.filter(username="admin").first()
        if admin is None:
            admin = User.objects.create_superuser("admin", "admin", name="Administrator")
        # Of the company too: what staff make for it, a bot or a user group, is of the company of who makes it.
        CompanyMember.objects.get_or_create(company=company, user=admin)
        with clock.leased():
            for name, lines in CHATS.items():
                if not Chat.objects.filter(name=name, company=company).exists():
                    self._chat(name, lines, people)

    def _person(self, username: str, name: str, company: Company) -> User:
        user = User.objects.filter(username=username).first()
        if user is None:
            user = User.objects.create_user(username, PASSWORD, name=name)
        CompanyMember.objects.get_or_create(company=company, user=user)
        return user

    def _chat(self, name: str, lines: list[tuple[str, str]], people: dict[str, User]) -> None:
        creator = people[lines[0][0]]
        chat, _ = chats.create(creator=creator, name=name, people=[user.id for user in people.values()])
        asyncio.run(_say(ChatId(chat.id), [(UserId(people[who].id), text) for who, text in lines]))


async def _say(chat: ChatId, lines: list[tuple[UserId, str]]) -> None:
    for number, (sender, content) in enumerate(lines):
        await messages.send(chat, messages.Draft(content, nonce=f"demo-{number}"), sender=sender)
    await log().close()
