"""Makes 100 chats of 50 people in a data folder, ten of each person, and prints whom to connect as JSON."""

import sys

import msgspec

from tests.bench.client import Socket

CIRCLES, MEMBERS, ROOMS = 10, 50, 10


def main() -> None:
    """Make the chats; each of the people stands once."""
    # What follows needs the apps; the bench itself has none.
    from chat.commands import chats  # noqa: PLC0415
    from chatsite.kernel import clock  # noqa: PLC0415
    from tests.bench.rooms import access_token, people  # noqa: PLC0415

    everybody = people(CIRCLES * MEMBERS, name="circle")
    sockets = []
    with clock.leased():
        for start in range(0, len(everybody), MEMBERS):
            circle = everybody[start : start + MEMBERS]
            ids = [person.id for person in circle]
            made = [chats.create(creator=circle[0], name=f"Circle {room}", people=ids)[0] for room in range(ROOMS)]
            first, *others = [str(room.id) for room in made]
            sockets += [Socket(access_token(person), first, tuple(others)) for person in circle]
    sys.stdout.write(msgspec.json.encode(sockets).decode())


if __name__ == "__main__":
    main()
