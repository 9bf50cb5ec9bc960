"""Makes the people of the tests' world in a data folder: `python -m tests.people [NAME ...]`."""

import sys

import django


def main(names: list[str]) -> None:
    """The people of `tests.world`, and colleagues of any other names."""
    django.setup()
    from chatsite.accounts.models import Company, CompanyMember, User  # noqa: PLC0415 - needs django.setup
    from tests.world import COLLEAGUES, PASSWORD  # noqa: PLC0415

    ours, theirs = Company.objects.create(name="Ours"), Company.objects.create(name="Theirs")
    sample = User(username="sample")
    sample.set_password(PASSWORD)
    everybody = [(name, ours) for name in (*COLLEAGUES, *names)] + [("zoe", theirs)]
    people = [User(username=name, name=name.title(), password=sample.password) for name, _ in everybody]
    User.objects.bulk_create(people)
    CompanyMember.objects.bulk_create(
        CompanyMember(company=company, user=user) for user, (_, company) in zip(people, everybody, strict=True)
    )
    User.objects.create_superuser("sam", PASSWORD)


if __name__ == "__main__":
    main(sys.argv[1:])
