"""Makes 50 chats of 10 people in a data folder, and prints whom to connect as JSON."""

import sys
import time
import uuid

import msgspec

from chat.commands import chats
from chatsite.accounts import tokens
from chatsite.accounts.models import Company, CompanyMember, SignIn, User
from chatsite.kernel import clock
from tests.bench.client import Socket

ROOMS, MEMBERS = 50, 10


def people(count: int, *, name: str = "bench") -> list[User]:
    """New people of one company, who have no password; each is called so, and by a number."""
    company = Company.objects.create(name="Bench")
    people = User.objects.bulk_create(User(username=f"{name}{number}", password="!") for number in range(count))
    CompanyMember.objects.bulk_create(CompanyMember(company=company, user=person) for person in people)
    return people


def access_token(person: User) -> str:
    """An access token of a new sign-in."""
    sign_in = SignIn.objects.create(user=person, refresh_id=uuid.uuid4().hex)
    return tokens.issue("access", user_id=person.id, sign_in_id=sign_in.id, token_id=uuid.uuid4().hex, now=time.time())


def main() -> None:
    """Make the chats; the first members of all come first, then the second ones."""
    everybody = people(ROOMS * MEMBERS)
    rows = [everybody[start : start + MEMBERS] for start in range(0, len(everybody), MEMBERS)]
    with clock.leased():
        rooms = [
            chats.create(creator=row[0], name=f"Bench {number}", people=[person.id for person in row])[0]
            for number, row in enumerate(rows)
        ]
    sockets = [
        Socket(access_token(row[seat]), str(room.id))
        for seat in range(MEMBERS)
        for room, row in zip(rooms, rows, strict=True)
    ]
    sys.stdout.write(msgspec.json.encode(sockets).decode())


if __name__ == "__main__":
    main()
