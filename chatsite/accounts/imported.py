"""People known from elsewhere: they have a name and a place, and cannot sign in."""

import re
from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import transaction

from chatsite.accounts.models import Company, CompanyMember, User

MAX_NAME = 100
_NAMESPACE = UUID("3d0f2f5c-58a5-5a4b-9d1e-6a3f1f7f8c21")  # of all ids made here, for ever
_UNSAFE = re.compile(r"[^a-z0-9_.-]+")


@transaction.atomic
def imported_people(names: Mapping[str, str], *, network: str, company: Company | None) -> dict[str, User]:
    """The people of another system by their keys there, made with their names where they are not yet.

    A key, which may be the name, means the same person in whatever case, within one company.
    A new person is inactive and has no password.
    """
    wanted = ids_of(names, network=network, company=company)
    found = User.objects.in_bulk(set(wanted.values()))
    missing = {person: names[key] for key, person in reversed(wanted.items()) if person not in found}
    usernames = _usernames(missing, network=network)
    made = [
        User(id=person, username=usernames[person], name=name[:MAX_NAME], password=make_password(None), is_active=False)
        for person, name in missing.items()
    ]
    User.objects.bulk_create(made)
    if company:
        CompanyMember.objects.bulk_create(CompanyMember(company=company, user=user) for user in made)
    found |= {user.id: user for user in made}
    return {key: found[person] for key, person in wanted.items()}


def ids_of(keys: Iterable[str], *, network: str, company: Company | None) -> dict[str, UUID]:
    """The ids that people of another system have here by their keys there, made already or not."""
    namespace = company.id if company else _NAMESPACE
    return {key: uuid5(namespace, f"{network}:{key.casefold()}") for key in keys}


def _usernames(people: dict[UUID, str], *, network: str) -> dict[UUID, str]:
    """A free username each; the network before it keeps plain names free for those who come themselves."""
    plain = {person: f"{network}-{_UNSAFE.sub('', name.lower())}"[:50] for person, name in people.items()}
    taken = set(User.objects.filter(username__in=set(plain.values())).values_list("username", flat=True))
    taken.add(f"{network}-")  # nothing of the name was left
    usernames: dict[UUID, str] = {}
    for person, username in plain.items():
        usernames[person] = f"{username}-{person.hex[:12]}" if username in taken else username
        taken.add(username)
    return usernames
