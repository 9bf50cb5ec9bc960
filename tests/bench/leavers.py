"""Makes the chats of tests.bench.rooms, and 5,000 people who share chats of 50 with theirs; prints both as JSON."""

import sys

import msgspec

from tests.bench.client import Socket

LEAVERS, TOGETHER = 5_000, 48  # of each chat, beside two who stay


class People(msgspec.Struct, frozen=True):
    """Who stays and talks, as sockets; the ids of those who will be gone."""

    staying: list[Socket]
    leaving: list[str]


def main() -> None:
    """Make them."""
    # What follows needs the apps; the bench itself has none.
    from chat.commands import chats  # noqa: PLC0415
    from chatsite.kernel import clock  # noqa: PLC0415
    from tests.bench.rooms import MEMBERS, ROOMS, access_token, people  # noqa: PLC0415

    everybody = people(ROOMS * MEMBERS + LEAVERS)
    talkers, leavers = everybody[: ROOMS * MEMBERS], everybody[ROOMS * MEMBERS :]
    sockets = []
    with clock.leased():
        for start in range(0, len(talkers), MEMBERS):
            row = talkers[start : start + MEMBERS]
            room, _ = chats.create(creator=row[0], name=f"Bench {start}", people=[one.id for one in row])
            sockets += [Socket(access_token(one), str(room.id)) for one in row]
        for number, start in enumerate(range(0, len(leavers), TOGETHER)):
            near = [talkers[2 * number], talkers[2 * number + 1], *leavers[start : start + TOGETHER]]
            chats.create(creator=near[0], name=f"Near {number}", people=[one.id for one in near])
    # The first members of all rooms first: those send.
    seats = [socket for seat in range(MEMBERS) for socket in sockets[seat::MEMBERS]]
    sys.stdout.buffer.write(msgspec.json.encode(People(seats, [str(one.id) for one in leavers])))


if __name__ == "__main__":
    main()
