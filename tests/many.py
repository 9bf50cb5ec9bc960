"""Makes many chats of Ada and Ben's in a data folder, and prints their ids as JSON: `python -m tests.many COUNT`."""

import json
import sys

import django

A_LEASE = 100  # chats: who writes without a pause on a busy machine keeps its own lease from being written on


def main(count: int) -> None:
    """The chats, which the relay has yet to tell of."""
    django.setup()
    from chat.commands import chats  # noqa: PLC0415 - needs django.setup
    from chatsite.accounts.models import User  # noqa: PLC0415
    from chatsite.kernel import clock  # noqa: PLC0415

    ada, ben = User.objects.get(username="ada"), User.objects.get(username="ben")
    made = []
    for start in range(0, count, A_LEASE):
        with clock.leased():
            names = range(start, min(start + A_LEASE, count))
            made += [chats.create(creator=ada, name=f"{name}", people=[ben.id])[0] for name in names]
    sys.stdout.write(json.dumps([str(chat.id) for chat in made]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
