"""Makes one chat of a thousand people in a data folder, and prints whom to connect as JSON."""

import sys

import msgspec

from chat.commands import chats
from chatsite.kernel import clock
from tests.bench.client import Socket
from tests.bench.rooms import access_token, people

MEMBERS = 1_000


def main() -> None:
    """Make the chat."""
    everybody = people(MEMBERS)
    with clock.leased():
        room, _ = chats.create(creator=everybody[0], name="Hall", people=[person.id for person in everybody])
    sockets = [Socket(access_token(person), str(room.id)) for person in everybody]
    sys.stdout.write(msgspec.json.encode(sockets).decode())


if __name__ == "__main__":
    main()
