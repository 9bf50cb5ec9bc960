"""Invites somebody to a company."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsite.accounts import links
from chatsite.accounts.commands import invites
from chatsite.accounts.models import Company
from chatsite.kernel.errors import DomainError


class Command(BaseCommand):
    """`manage.py invite_person`."""

    help = "Mails somebody a link to join a company, and prints it. The link is good once, for a week."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom, and where to."""
        parser.add_argument("email")
        parser.add_argument("--company", required=True, metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        """Invite."""
        found = Company.objects.filter(name=options["company"])[:2]
        if len(found) != 1:
            raise CommandError(f"There is {'no' if not found else 'more than one'} company named {options['company']}.")
        try:
            link = invites.invite(options["email"], company_id=found[0].id, by=None)
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(links.address_of(link))
