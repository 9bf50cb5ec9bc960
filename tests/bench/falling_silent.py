"""Another system, in a process of its own: says once that people are there, and when those it watches are found gone.

Reads a plan as JSON, prints a line when the server has heard of all, and a line of moments when all of those it
watches are gone. Moments are the machine's monotonic clock, which the bench reads too.
"""

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import msgspec

from presence.v1 import presence_pb2 as messages
from presence.v1.presence_pb2_grpc import PresenceStub


class Plan(msgspec.Struct, frozen=True):
    """Whom to speak of, on which port, with which token."""

    port: int
    token: str
    people: list[str]
    watched: list[str]


def main() -> None:
    """Speak, and listen."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    metadata = [("authorization", f"Bearer {plan.token}")]
    were_there: set[str] = set()
    gone_at: dict[str, float] = {}
    with grpc.insecure_channel(f"127.0.0.1:{plan.port}") as channel:
        stub: Any = PresenceStub(channel)
        asked = messages.WatchRequest(user_ids=plan.watched)
        watching = stub.Watch(asked, metadata=metadata, wait_for_ready=True)
        next(watching)

        def beats() -> Iterator[messages.BeatRequest]:
            yield from (messages.BeatRequest(user_id=user) for user in plan.people)

        def speak() -> None:
            stub.Beat(beats(), metadata=metadata, timeout=60)
            sys.stdout.write(f"{time.monotonic()}\n")
            sys.stdout.flush()

        speaking = threading.Thread(target=speak)
        speaking.start()
        for told in watching:
            for one in told.presences:
                if one.status != messages.STATUS_OFFLINE:
                    were_there.add(one.user_id)
                elif one.user_id in were_there:
                    gone_at.setdefault(one.user_id, time.monotonic())
            if len(gone_at) == len(plan.watched):
                break
        speaking.join()
    sys.stdout.write(msgspec.json.encode(list(gone_at.values())).decode() + "\n")


if __name__ == "__main__":
    main()
