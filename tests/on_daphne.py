"""Serves the embedded shape on daphne instead of our own server: `python -m tests.on_daphne serve --all --port PORT`.

It offers no outlet of its own, so sessions send through ASGI. What `manage.py serve` bounds in its server, and how it
stops, daphne has in its own way.
"""

import asyncio
import os
import sys

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server  # It installs Twisted's reactor, on asyncio, before anything else does.


async def _work() -> None:
    """What `serve` runs beside its server."""
    from chatsite.accounts.revocation import watch_sign_ins  # noqa: PLC0415 - needs Django
    from chatsite.gateway.admission import hold_places  # noqa: PLC0415
    from chatsite.gateway.consumer import watch_expiry  # noqa: PLC0415
    from chatsite.gateway.hub import hub  # noqa: PLC0415
    from chatsite.kernel.groups import groups, run_groups  # noqa: PLC0415

    try:
        async with asyncio.TaskGroup() as tasks:
            for one in (hub.run(), hold_places(), watch_expiry(), watch_sign_ins(), run_groups(groups())):
                tasks.create_task(one)
    except BaseException as error:
        os.write(sys.stderr.fileno(), f"{error!r}\n".encode())
        raise


def main(port: int) -> None:
    """Serve until SIGTERM."""
    from chatsite.asgi import application  # noqa: PLC0415 - it sets Django up
    from chatsite.kernel import clock  # noqa: PLC0415
    from chatsite.management import running  # noqa: PLC0415

    def ready() -> None:
        # The reactor runs this loop once it is told to; it is not yet the running one.
        server.work = asyncio.get_event_loop().create_task(_work())
        found = server.listening_addresses[0][1]
        os.write(sys.stdout.fileno(), f"Chat is at http://127.0.0.1:{found}/\n".encode())

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=port)
    with running.groups_lock(), clock.leased():
        server = Server(application, endpoints=endpoints, ready_callable=ready)
        server.run()


if __name__ == "__main__":
    main(int(sys.argv[sys.argv.index("--port") + 1]))
